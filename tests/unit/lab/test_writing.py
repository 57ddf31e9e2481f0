import gzip
import json

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

from gauger.errors import UsageError
from gauger.lab import ChatPersons, Scenario, simulate, simulate_to, write_world
from gauger.sources import ReadOptions, read_log
from gauger.sources.accounts import read_accounts
from gauger.sources.events import read_events

#: What a standard logging payload has no place for, or says otherwise: LiteLLM logs no status of a success.
NOT_CARRIED = {"source_file", "source_row", "http_status", "latency_ms", "finish_reason", "error_code", "occurred_at"}


@pytest.fixture(scope="module")
def written(world, tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    return folder, write_world(world, folder)


def payloads(path):
    return [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]


def read_back(paths):
    return pa.concat_tables(
        [batch.exchanges for path in paths for batch in read_log(str(path), options=ReadOptions(format="litellm"))]
    )


def test_there_is_one_file_for_each_day(written, world):
    folder, paths = written
    assert len(paths) == 35
    assert paths == sorted(folder.glob("litellm-*.jsonl.gz"))
    for path in paths[:3]:
        day = path.name.removeprefix("litellm-").removesuffix(".jsonl.gz")
        starts = [payload["startTime"] for payload in payloads(path)]
        assert {str(pa.scalar(int(start), pa.timestamp("s")).as_py().date()) for start in starts} == {day}


def test_the_logs_round_trip_through_the_litellm_source(written, world):
    _, paths = written
    found = read_back(paths).sort_by("request_id")
    expected = world.exchanges.sort_by("request_id")
    differing = [
        name
        for name in expected.column_names
        if name not in NOT_CARRIED and found[name].to_pylist() != expected[name].to_pylist()
    ]
    assert differing == []


def test_times_and_outcomes_survive_to_their_precision(written, world):
    _, paths = written
    found, expected = read_back(paths).sort_by("request_id"), world.exchanges.sort_by("request_id")
    for name, allowed in (("occurred_at", 1), ("latency_ms", 1)):
        pairs = zip(found[name].cast(pa.int64()).to_pylist(), expected[name].cast(pa.int64()).to_pylist(), strict=True)
        assert max(abs(one - other) for one, other in pairs) <= allowed
    for row, truth in zip(found.to_pylist(), expected.to_pylist(), strict=True):
        if truth["http_status"] != 200:
            assert (row["http_status"], row["error_code"]) == (truth["http_status"], truth["error_code"])
        else:
            assert row["finish_reason"] == truth["finish_reason"]


def test_the_side_tables_hold_what_the_world_holds(written, world):
    folder, _ = written
    for name, table in (
        ("accounts", world.accounts),
        ("events", world.events),
        ("truth", world.truth_accounts),
        ("truth_exchanges", world.truth_exchanges),
    ):
        found = pyarrow.csv.read_csv(folder / f"{name}.csv")
        assert found.column_names == table.column_names
        assert len(found) == len(table)


def test_the_side_tables_are_read_as_an_operators_own(written, world):
    folder, _ = written
    accounts, bad = read_accounts(folder / "accounts.csv")
    assert accounts.equals(world.accounts)
    assert len(bad) == 0
    events, bad = read_events(folder / "events.csv")
    assert events.equals(world.events)
    assert len(bad) == 0


def test_the_truth_is_not_in_the_logs(written):
    _, paths = written
    assert not any("campaign" in json.dumps(payload["metadata"]) for payload in payloads(paths[-1]))


def test_the_same_world_gives_the_same_files(written, world, tmp_path):
    folder, paths = written
    again = write_world(world, tmp_path)
    assert [path.name for path in again] == [path.name for path in paths]
    assert all((tmp_path / path.name).read_bytes() == path.read_bytes() for path in folder.iterdir())


def test_parquet_holds_the_canonical_columns(world, tmp_path):
    (path,) = write_world(world, tmp_path, format="parquet")
    assert pyarrow.parquet.read_table(path).equals(world.exchanges)


def test_an_unknown_format_is_refused(world, tmp_path):
    with pytest.raises(UsageError, match="choose one of litellm, openai"):
        write_world(world, tmp_path, format="xml")


def test_an_unknown_scenario_is_refused(tmp_path):
    with pytest.raises(UsageError, match="gauger lab scenarios"):
        simulate_to("peace", seed=1, out=tmp_path)


def test_an_empty_failure_has_no_response(pools, tmp_path):
    world = simulate(Scenario(name="one", parts=(ChatPersons(n=30),)), seed=2, pools=pools)
    lines = [payload for path in write_world(world, tmp_path) for payload in payloads(path)]
    failed = [line for line in lines if line["status"] == "failure"]
    assert failed
    assert all(
        line["response"] is None and line["error_information"]["error_code"] in {"429", "500"} for line in failed
    )
