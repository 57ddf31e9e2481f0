"""What a worker of Spark returns of a log: where it wrote the sketches, and no text."""

import json

import pyarrow as pa
import pytest

from gauger.errors import InputError
from gauger.settings import Settings
from gauger.sources import ReadOptions
from gauger.store.apart import Recipe, Wanted
from gauger.store.durable import read_parquet
from gauger.store.keys import create_master_key

pytestmark = pytest.mark.slow  # quick, but they need pyspark, which `make test-slow` installs

PROMPT = "Please compare the ledger of the Lisbon branch with the one we keep in Porto."


@pytest.fixture
def recipe(spark_installed, tmp_path):
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
    from gauger.engines.spark_sketches import _of_log, _task

    numbers = pa.RecordBatch.from_arrays([pa.array(range(len(names)), pa.int64())], names=["id"])
    given = [Wanted(name, offset=0, row=0) for name in names]
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

    monkeypatch.setattr("gauger.store.apart.read_log", fault)
    write_log(tmp_path, "log.jsonl", 1)
    with pytest.raises(RuntimeError, match=r"^ValueError while a log was sketched$"):
        worked(recipe, "log.jsonl")
