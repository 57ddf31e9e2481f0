"""What every source promises, whatever its format: checked over a log of each."""

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gauger.exchanges.schema import EDGE_SCHEMA, QUARANTINE_SCHEMA
from gauger.sources import SOURCES, ReadOptions, detect_format, load_mapping, read_log

FIXTURES = Path(__file__).parents[1] / "fixtures" / "logs"
LOGS = {
    "litellm spend logs": ("litellm_spend_logs.json", "litellm"),
    "litellm spend logs, csv": ("litellm_spend_logs.csv", "litellm"),
    "litellm payloads": ("litellm_payloads.jsonl", "litellm"),
    "openai": ("openai_pairs.jsonl", "openai"),
    "anthropic": ("anthropic_pairs.jsonl", "anthropic"),
    "gauger": ("canonical.jsonl", "gauger-parquet"),
    "gauger, parquet": ("canonical.parquet", "gauger-parquet"),
    "mapping": ("mapped.jsonl", "mapping"),
    "mapping, parquet": ("mapped.parquet", "mapping"),
}
#: How the last column of the CSV dump, the request, begins in every row.
LAST_FIELD = b'"{""model""'

BROKEN = {".jsonl": b'{"broken": \n[1]\n{"shape": "unknown"}\n', ".csv": b'one,field,"too few\n'}


@pytest.fixture(params=LOGS)
def log(request, tmp_path):
    """A log of every source: path, options and name. A text log that holds lines ends in some that are broken."""
    name, source = LOGS[request.param]
    path = tmp_path / name
    if path.suffix == ".parquet":
        _write_parquet(FIXTURES / f"{path.stem}.jsonl", path)
    else:
        path.write_bytes((FIXTURES / name).read_bytes() + BROKEN.get(path.suffix, b""))
    mapping = load_mapping(FIXTURES / "mapping.toml") if source == "mapping" else None
    return str(path), ReadOptions(mapping=mapping), source


def _write_parquet(source, path):
    table = pa.Table.from_pylist([json.loads(line) for line in source.read_text().splitlines()])
    pq.write_table(table, path, row_group_size=2)


def read(path, options, **bounds):
    return list(read_log(path, options=options, **bounds))


def rows(batches):
    return [row for batch in batches for row in batch.exchanges.to_pylist()]


def faults(batches):
    return [fault for batch in batches for fault in batch.quarantined.to_pylist()]


def test_every_source_is_under_contract():
    assert {source for _, source in LOGS.values()} == set(SOURCES)


def test_format_is_found_out(log):
    path, options, source = log
    assert detect_format(path, options) == source


def test_schema_is_the_edge_schema_to_the_letter(log):
    path, options, _ = log
    for batch in read(path, options, max_rows=2):
        assert batch.exchanges.schema.equals(EDGE_SCHEMA, check_metadata=True)
        assert batch.quarantined.schema.equals(QUARANTINE_SCHEMA, check_metadata=True)
        batch.exchanges.validate(full=True)
        assert all(batch.exchanges[field.name].null_count == 0 for field in EDGE_SCHEMA if not field.nullable)


def test_reading_twice_is_the_same(log):
    path, options, _ = log
    first, second = read(path, options), read(path, options)
    assert all(a.exchanges.equals(b.exchanges) for a, b in zip(first, second, strict=True))
    assert faults(first) == faults(second)


@pytest.mark.parametrize("bounds", [{"max_rows": 1}, {"max_rows": 3}, {"max_text_bytes": 1}, {"max_text_bytes": 300}])
def test_where_batches_are_cut_changes_nothing(log, bounds):
    path, options, _ = log
    whole, cut = read(path, options), read(path, options, **bounds)
    assert len(cut) >= len(whole)
    assert rows(cut) == rows(whole)
    assert faults(cut) == faults(whole)
    assert (cut[-1].end_offset, cut[-1].end_row) == (whole[-1].end_offset, whole[-1].end_row)


def test_reading_goes_on_after_any_batch(log):
    path, options, _ = log
    whole = read(path, options, max_rows=1)
    for at, batch in enumerate(whole):
        rest = read(path, options, start_offset=batch.end_offset, start_row=batch.end_row)
        assert rows(rest) == rows(whole[at + 1 :])
        assert faults(rest) == faults(whole[at + 1 :])


def test_every_record_comes_out_once(log):
    path, options, _ = log
    batches = read(path, options)
    kept = [row["source_row"] for row in rows(batches)]
    left_out = {fault["row"] for fault in faults(batches)} - set(kept)
    assert sorted([*kept, *left_out]) == list(range(batches[-1].end_row))


def test_progress_never_goes_back_and_ends_at_the_end(log):
    path, options, _ = log
    batches = read(path, options, max_rows=1)
    for name in ("end_offset", "end_row", "bytes_read"):
        values = [getattr(batch, name) for batch in batches]
        assert values == sorted(values)
    assert batches[-1].bytes_read == Path(path).stat().st_size


def test_absent_columns_are_empty(log):
    path, options, _ = log
    for batch in read(path, options):
        assert all(batch.exchanges[name].null_count == len(batch.exchanges) for name in batch.columns_absent)


def test_rows_say_where_they_come_from(log):
    path, options, _ = log
    assert {row["source_file"] for row in rows(read(path, options))} == {path}


def test_file_that_grows_is_read_as_if_it_had_been_whole(log):
    path, options, _ = log
    if path.endswith(".parquet"):
        return  # Parquet does not grow: its last bytes are its table of contents
    data = Path(path).read_bytes()
    whole = read(path, options)
    for cut in range(len(data) // 3, len(data), max(1, len(data) // 60)):
        if path.endswith(".csv") and _is_in_last_field(data, cut):
            continue  # the one cut that shows nowhere: the row has all its fields, and is taken
        Path(path).write_bytes(data[:cut])
        before = read(path, options)
        offset, row = (before[-1].end_offset, before[-1].end_row) if before else (0, 0)
        Path(path).write_bytes(data)
        after = read(path, options, start_offset=offset, start_row=row)
        assert rows(before) + rows(after) == rows(whole)
        told = [fault for fault in faults(before) if fault["reason"] != "incomplete_last_record"]
        assert told + faults(after) == faults(whole)


def _is_in_last_field(data, cut):
    begin = data.rindex(b"\n", 0, cut) + 1
    return cut > data.index(LAST_FIELD, begin) if LAST_FIELD in data[begin:] else True


def test_compressed_log_gives_the_same_rows_and_offsets(log):
    path, options, _ = log
    if path.endswith(".parquet"):
        return  # Parquet compresses its own pages
    whole = read(path, options)
    Path(path).write_bytes(gzip.compress(Path(path).read_bytes()))
    packed = read(path, options)
    assert rows(packed) == rows(whole)
    assert faults(packed) == faults(whole)
    assert packed[-1].end_offset == whole[-1].end_offset


def test_forced_format_reads_what_it_would_have_found(log):
    path, options, source = log
    forced = ReadOptions(format=source, mapping=options.mapping)
    assert rows(read(path, forced)) == rows(read(path, options))
