"""What a source says of its progress is what the manifest needs to go on."""

import csv
import gzip
import io
import json
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gauger.errors import InputError
from gauger.sketches.schema import PART_SCHEMA, SKETCH_SCHEMA
from gauger.sources.batches import ReadOptions
from gauger.sources.reading import read_log
from gauger.store.workspace import Workspace

RECORDS = [
    {"occurred_at": f"2026-11-10T00:{i:02}:00Z", "account_id": f"a{i % 3}", "user_prompt": f"say {i}\nplease"}
    for i in range(50)
]


def json_lines(records) -> bytes:
    return "".join(json.dumps(record) + "\n" for record in records).encode()


def csv_lines(records) -> bytes:
    target = io.StringIO(newline="")
    writer = csv.DictWriter(target, list(RECORDS[0]))
    writer.writeheader()
    writer.writerows(records)
    return target.getvalue().encode()


FORMATS = {
    "lines": json_lines,
    "lines after a byte order mark": lambda records: b"\xef\xbb\xbf" + json_lines(records),
    "gzip": lambda records: gzip.compress(json_lines(records)),
    "csv": csv_lines,
}


@pytest.fixture
def workspace(loop, tmp_path):
    with Workspace.open(tmp_path / "w", create=True, now=loop.NOW, random_bytes=os.urandom) as opened:
        yield opened


@pytest.fixture
def ingest(workspace, loop):
    """Read a log with its source as far as the manifest asks; return what was planned and the rows that came."""

    def run(path: Path, max_rows: int = 7):
        plan = workspace.manifest.plan(str(path))
        rows = []
        if plan.action != "skip":
            with workspace.sketches.writer(plan, now=loop.NOW, commit_batches=2) as writer:
                for batch in read_log(
                    str(path), options=ReadOptions(), start_offset=plan.offset, start_row=plan.row, max_rows=max_rows
                ):
                    rows += batch.exchanges["source_row"].to_pylist()
                    writer.add(
                        SKETCH_SCHEMA.empty_table(),
                        PART_SCHEMA.empty_table(),
                        quarantined=batch.quarantined,
                        end_offset=batch.end_offset,
                        end_row=batch.end_row,
                        columns_absent=batch.columns_absent,
                        content=batch.content,
                    )
                writer.finish()
        return plan.action, rows

    return run


@pytest.mark.parametrize("form", FORMATS)
def test_a_log_is_read_once_and_read_on_when_it_grows(form, ingest, tmp_path):
    written = FORMATS[form]
    (tmp_path / "log").write_bytes(written(RECORDS[:20]))
    assert ingest(tmp_path / "log") == ("read", list(range(20)))
    assert ingest(tmp_path / "log") == ("skip", [])
    (tmp_path / "grown").write_bytes(written(RECORDS))
    assert ingest(tmp_path / "grown") == ("continue", list(range(20, 50)))
    assert ingest(tmp_path / "log") == ("skip", [])


def test_a_record_that_is_still_being_written_is_read_when_it_is_whole(ingest, tmp_path):
    whole = json_lines(RECORDS[:3])
    (tmp_path / "log").write_bytes(whole[:-20])
    assert ingest(tmp_path / "log") == ("read", [0, 1])
    assert ingest(tmp_path / "log")[1] == []
    (tmp_path / "log").write_bytes(whole)
    assert ingest(tmp_path / "log") == ("continue", [2])
    assert ingest(tmp_path / "log") == ("skip", [])


def test_an_archive_that_was_cut_is_read_on_when_it_is_whole(ingest, tmp_path):
    whole = gzip.compress(json_lines(RECORDS), compresslevel=0)
    (tmp_path / "log.gz").write_bytes(whole[: len(whole) // 2])
    _, first = ingest(tmp_path / "log.gz")
    assert 0 < len(first) < 50
    (tmp_path / "log.gz").write_bytes(whole)
    action, rest = ingest(tmp_path / "log.gz")
    assert action == "continue"
    assert first + rest == list(range(50))


def test_an_array_of_records_brings_nothing_twice(ingest, tmp_path):
    (tmp_path / "log").write_bytes(json.dumps(RECORDS).encode() + b"\n")
    assert ingest(tmp_path / "log") == ("read", list(range(50)))
    assert ingest(tmp_path / "log")[1] == []


def test_a_parquet_log_is_read_once(ingest, tmp_path):
    pq.write_table(pa.Table.from_pylist(RECORDS), tmp_path / "log.parquet")
    assert ingest(tmp_path / "log.parquet") == ("read", list(range(50)))
    assert ingest(tmp_path / "log.parquet") == ("skip", [])


def test_a_parquet_log_that_is_replaced_before_it_is_read_does_not_count_as_what_it_was(
    workspace, loop, ingest, tmp_path
):
    log, old = tmp_path / "log.parquet", tmp_path / "old.parquet"
    pq.write_table(pa.Table.from_pylist(RECORDS[:20]), log)
    plan = workspace.manifest.plan(str(log))
    log.rename(old)
    pq.write_table(pa.Table.from_pylist(RECORDS[20:]), log)
    with workspace.sketches.writer(plan, now=loop.NOW) as writer, pytest.raises(InputError, match="changed"):
        writer.finish()
    assert ingest(log) == ("read", list(range(30)))
    assert ingest(old) == ("read", list(range(20)))
