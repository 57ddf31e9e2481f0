"""The embedded engine reads the files it is given, and nothing else."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gauger.engines.duckdb import duck_engine


@pytest.fixture
def engine(tmp_path):
    with duck_engine(scratch=tmp_path, threads=1, memory_bytes=200_000_000) as opened:
        yield opened


def _write(folder, account):
    folder.mkdir(parents=True)
    pq.write_table(pa.table({"account_id": [account]}), folder / "rows.parquet")
    return folder / "rows.parquet"


def test_a_folder_named_like_a_column_changes_no_row(engine, tmp_path):
    path = _write(tmp_path / "account_id=evil" / "country=XX", "honest")
    assert engine.fetch(engine.read([path])).to_pydict() == {"account_id": ["honest"], "file_name": ["rows.parquet"]}


@pytest.mark.parametrize("name", ["a*b", "a?b", "a[1]b"])
def test_a_pattern_in_a_folders_name_is_read_as_it_is_written(engine, tmp_path, name):
    path = _write(tmp_path / name, "mine")
    for other in ("aXb", "a1b"):
        _write(tmp_path / other, "not mine")
    assert engine.fetch(engine.read([path]))["account_id"].to_pylist() == ["mine"]
