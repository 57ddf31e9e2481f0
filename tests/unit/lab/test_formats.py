"""Every log format of the lab is read back by `gauger.sources` as what was written."""

import gzip
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from gauger.lab import simulate, write_world
from gauger.lab.writing import CHUNK_ROWS, WRITERS
from gauger.sources import SOURCES, ReadOptions, load_mapping, read_log

#: Where a row lies is the reader's to say.
ORIGIN = {"source_file", "source_row"}

#: What a format has no place for. LiteLLM logs no status of a success, and times as floats;
#: Anthropic's API demands a limit that the simulated client did not have.
NOT_CARRIED = {
    "litellm": {"http_status", "latency_ms", "finish_reason", "error_code", "occurred_at"},
    "openai": set(),
    "anthropic": {"max_tokens"},
    "parquet": set(),
    "mapped-json": set(),
    "mapped-csv": set(),
}

#: The source that reads a format, which is found without being named unless it needs a mapping.
READ_BY = {"parquet": "gauger-parquet", "mapped-json": "mapping", "mapped-csv": "mapping"}


@pytest.fixture(scope="module")
def world(small, pools):
    scenario = replace(small, history_weeks=1, weekly_exchanges=15.0, reasoning_share=0.5)
    return simulate(scenario, seed=3, pools=pools)


@pytest.fixture(scope="module", params=WRITERS)
def written(request, world, tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    return request.param, folder, write_world(world, folder, format=request.param)


def read_back(name, folder, paths):
    mapping = load_mapping(folder / "mapping.toml") if name.startswith("mapped") else None
    batches = [batch for path in paths for batch in read_log(str(path), options=ReadOptions(mapping=mapping))]
    assert sum(len(batch.quarantined) for batch in batches) == 0
    return pa.concat_tables([batch.exchanges for batch in batches])


def test_every_source_has_a_format():
    assert {READ_BY.get(name, name) for name in WRITERS} == set(SOURCES)


def test_what_is_written_is_read_back_equal(written, world):
    name, folder, paths = written
    found = read_back(name, folder, paths).sort_by("request_id")
    expected = world.exchanges.sort_by("request_id")
    differing = [
        column
        for column in expected.column_names
        if column not in ORIGIN | NOT_CARRIED[name] and found[column].to_pylist() != expected[column].to_pylist()
    ]
    assert differing == []
    assert len(found) == len(expected)


def test_the_same_world_gives_the_same_bytes(written, world, tmp_path):
    name, folder, _ = written
    write_world(world, tmp_path, format=name)
    assert all((tmp_path / path.name).read_bytes() == path.read_bytes() for path in folder.iterdir())


def test_a_day_that_is_longer_than_a_chunk_is_written_whole(world, tmp_path, monkeypatch):
    monkeypatch.setattr("gauger.lab.writing.CHUNK_ROWS", 7)
    monkeypatch.setattr("gauger.lab.writing.GROUP_ROWS", 100)
    assert CHUNK_ROWS != 7
    paths = write_world(world, tmp_path, format="mapped-csv")
    found = read_back("mapped-csv", tmp_path, paths)
    assert found["user_prompt"].to_pylist() == world.exchanges["user_prompt"].to_pylist()
    (path,) = write_world(world, tmp_path, format="parquet")
    assert pyarrow.parquet.ParquetFile(path).num_row_groups == -(-len(world.exchanges) // 100)
    assert len((tmp_path / "truth_exchanges.csv").read_text().splitlines()) == len(world.exchanges) + 1


def test_no_format_tells_the_truth(written):
    name, _, paths = written
    if name != "parquet":
        data = b"".join(gzip.decompress(path.read_bytes()) for path in paths)
        assert b"list_item" not in data
        assert b'"campaign"' not in data
    else:
        assert not {"campaign", "list_item"} & set(pyarrow.parquet.read_schema(paths[0]).names)


def test_failures_and_tools_are_among_what_was_compared(world):
    assert set(np.unique(world.exchanges["http_status"])) >= {200, 429}
    for name in (
        "reasoning_block",
        "tool_schema",
        "system_prompt",
        "conversation_prefix",
        "temperature",
        "organisation_id",
    ):
        assert 0 < world.exchanges[name].null_count < len(world.exchanges)
