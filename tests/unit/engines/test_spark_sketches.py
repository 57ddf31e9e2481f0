"""What a worker of Spark returns of a log: where it wrote the sketches, and no text."""

import json
from datetime import UTC, datetime

import pyarrow as pa
import pytest

from gauger.errors import InputError
from gauger.exchanges.networks import NetworkTable
from gauger.exchanges.pseudonyms import derive_keys
from gauger.pipeline import ingest, ingest_apart
from gauger.settings import Settings
from gauger.sources import ReadOptions
from gauger.store.durable import read_parquet
from gauger.store.filling import Sketching
from gauger.store.keys import create_master_key
from gauger.store.workspace import Workspace

pytestmark = pytest.mark.slow  # quick, but they need pyspark, which `make test-slow` installs

PROMPT = "Please compare the ledger of the Lisbon branch with the one we keep in Porto."
NOW = datetime(2026, 2, 1, tzinfo=UTC)
EMPTY = pa.RecordBatch.from_pydict({"log": pa.array([], pa.int64()), "report": pa.array([], pa.binary())})


@pytest.fixture
def recipe(spark_installed, tmp_path):
    from gauger.engines.spark_sketches import Recipe

    workspace = tmp_path / "workspace"
    create_master_key(_made(workspace) / "keys" / "master.key", random_bytes=bytes)
    (workspace / "tmp").mkdir()
    return Recipe(
        workspace=workspace, networks={}, folder=tmp_path, settings=Settings(), options=ReadOptions(), kept_from=None
    )


def _made(folder):
    folder.mkdir()
    return folder


def worked(recipe, *names):
    """Return what a worker sends back for these logs, and what the driver makes of it."""
    from gauger.engines.spark_sketches import _Given, _of_log, _task

    numbers = pa.RecordBatch.from_arrays([pa.array(range(len(names)), pa.int64())], names=["id"])
    given = [_Given(name, offset=0, row=0) for name in names]
    sent = pa.Table.from_batches(list(_task(given, recipe)(iter([numbers]))))
    return sent, [_of_log(sent, number) for number in range(len(names))]


def write_log(folder, name, n_rows):
    row = {"account_id": "a", "occurred_at": "2026-01-05T00:00:00Z", "user_prompt": PROMPT}
    (folder / name).write_text("".join(json.dumps({**row, "request_id": f"{name}-{n}"}) + "\n" for n in range(n_rows)))


def test_the_sketches_lie_in_the_workspace_and_the_text_nowhere(recipe, tmp_path):
    write_log(tmp_path, "log.jsonl", 3)
    sent, [log] = worked(recipe, "log.jsonl")
    [stretch] = log.stretches
    assert log.error is None
    assert (stretch.written.n_exchanges, stretch.end_row) == (3, 3)
    assert {file.kind for file in stretch.files} == {"sketch"}
    for file in stretch.files:
        assert file.temporary.parent == recipe.workspace / "tmp"
        assert set(read_parquet(file.temporary, ["source_file"])["source_file"].to_pylist()) == {"log.jsonl"}
    assert not any(word in repr(sent.to_pylist()) for word in ("Lisbon", "Porto", "ledger"))


def test_each_log_has_its_own_report_also_one_that_cannot_be_read(recipe, tmp_path):
    write_log(tmp_path, "one.jsonl", 1)
    write_log(tmp_path, "two.jsonl", 2)
    (tmp_path / "odd.jsonl").write_text(json.dumps({"ledger": "Lisbon"}) + "\n")
    _, logs = worked(recipe, "one.jsonl", "odd.jsonl", "two.jsonl")
    assert [sum(one.written.n_exchanges for one in log.stretches) for log in logs] == [1, 0, 2]
    assert isinstance(logs[1].error, InputError)
    assert "odd.jsonl" in logs[1].error.where


def test_a_task_that_runs_twice_writes_under_two_names(recipe, tmp_path):
    write_log(tmp_path, "log.jsonl", 1)
    first, second = (worked(recipe, "log.jsonl")[1][0] for _ in range(2))
    assert not {file.temporary for file in first.stretches[0].files} & {
        file.temporary for file in second.stretches[0].files
    }


def test_a_fault_is_told_by_its_kind_alone(recipe, tmp_path, monkeypatch):
    def fault(*_args, **_kwargs):
        raise ValueError(PROMPT)

    monkeypatch.setattr("gauger.engines.spark_sketches.read_log", fault)
    write_log(tmp_path, "log.jsonl", 1)
    with pytest.raises(RuntimeError, match=r"^ValueError while a log was sketched$"):
        worked(recipe, "log.jsonl")


def opened(path):
    return Workspace.open(path, create=True, now=NOW, random_bytes=bytes)


def how_of(workspace):
    return Sketching(derive_keys(workspace.key.secret), NetworkTable(), Settings(), threads=1)


def nothing(_step, _done, _all):
    pass


def read_here(workspace, logs):
    """Read logs one after another."""
    for log in logs:
        ingest(workspace, log, options=ReadOptions(), how=how_of(workspace), now=NOW, progress=nothing)


def read_apart(workspace, logs, *, folder):
    """Read logs as the workers of a cluster would, all of them before any counts."""
    from gauger.engines.spark_sketches import Recipe, _Given, _of_log, _task

    def worked_off(plans, options):
        recipe = Recipe(workspace.path, {}, folder, Settings(), options, workspace.sketches.kept_from)
        given = [_Given(plan.name, plan.offset, plan.row) for plan in plans]
        numbers = pa.RecordBatch.from_arrays([pa.array(range(len(given)), pa.int64())], names=["id"])
        sent = pa.Table.from_batches(list(_task(given, recipe)(iter([numbers]))) or [EMPTY])
        return [_of_log(sent, number) for number in range(len(given))]

    how = how_of(workspace)
    ingest_apart(workspace, logs, read_apart=worked_off, options=ReadOptions(), how=how, now=NOW, progress=nothing)


def contents(workspace):
    """Return every stored file by its name, and what the manifest says of each log."""
    paths = [*workspace.sketches.sketch_paths(), *workspace.sketches.part_paths()]
    files = {path.relative_to(workspace.path): read_parquet(path).to_pylist() for path in paths}
    return files, workspace.manifest.sources(), workspace.sketches.quarantined().to_pylist()


def test_logs_that_are_read_side_by_side_count_as_those_read_one_after_another(spark_installed, tmp_path):
    """Also a copy, a log that goes on where another ends, a record that is not whole yet, and one that is no record."""
    write_log(tmp_path, "a.jsonl", 3)
    whole = (tmp_path / "a.jsonl").read_text()
    (tmp_path / "b.jsonl").write_text(whole)
    (tmp_path / "c.jsonl").write_text(whole + whole.replace("a.jsonl-", "c-"))
    (tmp_path / "d.jsonl").write_text("[1]\n" + whole.replace("a.jsonl-", "d-") + '{"account_id": "a", "occ')
    logs = [str(tmp_path / f"{name}.jsonl") for name in "abcd"]
    with opened(tmp_path / "here") as here, opened(tmp_path / "apart") as apart:
        for _ in range(2):
            read_here(here, logs)
            read_apart(apart, logs, folder=tmp_path)
            assert contents(apart) == contents(here)
            with (tmp_path / "d.jsonl").open("a") as grown:
                grown.write('urred_at": "2026-01-05T00:00:00Z", "user_prompt": "more"}\n')
        assert sum(source.n_exchanges for source in here.manifest.sources()) == 10
