"""Records that become columns together: the rows and faults are those of one record and one value at a time."""

import json
from datetime import UTC

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gauger.exchanges.schema import EDGE_SCHEMA
from gauger.sources import ReadOptions, load_mapping, read_log
from gauger.sources.batching import REQUIRED
from gauger.sources.detection import SOURCES
from gauger.sources.faults import MISSING, Bad
from gauger.sources.layout import Layout
from gauger.sources.records import Record, records
from gauger.sources.source import Refused
from gauger.sources.streams import opened_file, uncompressed
from gauger.sources.values import CONVERTERS, converted_column

LOGS = {
    "litellm_payloads.jsonl": "litellm",
    "openai_pairs.jsonl": "openai",
    "anthropic_pairs.jsonl": "anthropic",
    "canonical.jsonl": "gauger-parquet",
    "mapped.jsonl": "mapping",
}
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([2**15, 2**31, 2**63, -(2**63), 10**30, 0, 1, 200])
    | st.floats()
    | st.sampled_from(["", "sk-secret", "None", "5", "nan", "2026-01-01T00:00:00Z", "1.2.3.4, 5.6.7.8", "[", "\x00é"])
    | st.text(max_size=5)
    | st.sampled_from(["x" * 70_000, "é" * 40_000])
)
ODD = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)
LITERALS = st.sampled_from(
    [b"NaN", b"-Infinity", b"1e999", b"1" * 50, b'"\\ud800"', b'"\xff"', b'"\x01"', b"[" * 2000 + b"]" * 2000, b"01"]
)
FUZZ = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def one_by_one(path, name, options):
    """Rows and faults by the definition: every record alone, every value by its own converter."""
    rows, faults = [], []
    with opened_file(path) as raw:
        stream = uncompressed(raw, path=path)
        found = records(stream, Layout("json_lines"), max_record_bytes=options.max_record_bytes)
        for number, record in enumerate(item for item in found if isinstance(item, Record)):
            row, flaws = by_definition(record.value, SOURCES[name], options)
            if row is not None:
                rows.append({**row, "source_file": path, "source_row": number})
            faults += [(number, record.offset, record.length, *flaw) for flaw in flaws]
    return pa.Table.from_pylist(rows, schema=EDGE_SCHEMA).to_pylist(), faults


def by_definition(value, source, options):
    if isinstance(value, Bad):
        return None, [(None, value.reason)]
    if not isinstance(value, dict):
        return None, [(None, "not_an_object")]
    try:
        row = source.row(value, options)
    except Refused as verdict:
        return None, [(verdict.column, verdict.fault.reason)]
    except RecursionError:
        return None, [(None, "nested_too_deeply")]
    assert list(row) == list(CONVERTERS)
    found = {column: convert(row.get(column), UTC) for column, convert in CONVERTERS.items()}
    found |= {column: bad for column, bad in row.items() if isinstance(bad, Bad)}
    for column in REQUIRED:
        if found[column] is None or isinstance(found[column], Bad):
            return None, [(column, (found[column] or MISSING).reason)]
    flaws = [(column, found[column].reason) for column in CONVERTERS if isinstance(found[column], Bad)]
    return {column: None if isinstance(item, Bad) else item for column, item in found.items()}, flaws


def together(path, options, **bounds):
    """Rows, faults and the end of a log as it is read."""
    batches = list(read_log(path, options=options, **bounds))
    rows = [row for batch in batches for row in batch.exchanges.to_pylist()]
    faults = [fault for batch in batches for fault in batch.quarantined.to_pylist()]
    keys = ("row", "byte_offset", "byte_length", "column", "reason")
    ends = [(batch.end_offset, batch.end_row) for batch in batches]
    return rows, [tuple(fault[key] for key in keys) for fault in faults], ends[-1:]


@pytest.fixture
def written(tmp_path):
    def write(data):
        path = tmp_path / "log.jsonl"
        path.write_bytes(data)
        return str(path)

    return write


def places(value):
    """Every place inside a record where a value stands."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield value, key
        yield from places(inner)


def spoilt(data, line):
    """Return a line with something odd in it, or as it was."""
    kind = data.draw(st.sampled_from(["good", "good", "value", "literal", "bytes", "twice", "cut"]))
    if kind == "good":
        return line
    if kind == "bytes":
        at = data.draw(st.integers(0, len(line)))
        return line[:at] + data.draw(st.binary(max_size=3)).replace(b"\n", b"") + line[at + 1 :]
    if kind == "cut":
        return line[: data.draw(st.integers(0, len(line)))]
    record = json.loads(line)
    holder, key = data.draw(st.sampled_from(list(places(record))))
    if kind == "value":
        holder[key] = data.draw(ODD)
        return json.dumps(record).encode()
    if kind == "literal":
        holder[key] = "@here@"
        return json.dumps(record).encode().replace(b'"@here@"', data.draw(LITERALS), 1)
    again = data.draw(st.sampled_from(list(record)))
    return line.rstrip()[:-1] + b"," + json.dumps({again: data.draw(ODD)}).encode()[1:]


@FUZZ
@given(data=st.data(), log=st.sampled_from(sorted(LOGS)), max_rows=st.integers(1, 5))
def test_records_together_are_records_one_by_one(written, log_folder, data, log, max_rows):
    name = LOGS[log]
    mapping = load_mapping(log_folder / "mapping.toml") if name == "mapping" else None
    options = ReadOptions(format=name, mapping=mapping)
    lines = (log_folder / log).read_bytes().splitlines()
    lines = [spoilt(data, data.draw(st.sampled_from(lines))) for _ in range(data.draw(st.integers(1, 12)))]
    path = written(b"\n".join(lines) + data.draw(st.sampled_from([b"", b"\n"])))
    rows, faults, end = together(path, options)
    expected_rows, expected_faults = one_by_one(path, name, options)
    assert faults == expected_faults
    assert rows == expected_rows
    assert (rows, faults, end) == together(path, options, max_rows=max_rows)


@given(
    values=st.lists(ODD, max_size=6) | SCALARS.flatmap(lambda value: st.lists(st.just(value) | st.none(), max_size=4)),
    column=st.sampled_from(sorted(CONVERTERS)),
)
def test_column_is_converted_like_its_values(values, column):
    found, bad = converted_column(column, values, UTC)
    alone = [CONVERTERS[column](value, UTC) for value in values]
    assert bad == {at: value for at, value in enumerate(alone) if isinstance(value, Bad)}
    assert repr(found) == repr([None if isinstance(value, Bad) else value for value in alone])


def test_run_of_records_ends_where_the_source_changes(written, log_folder):
    lines = [line for log in list(LOGS)[:4] for line in (log_folder / log).read_bytes().splitlines()]
    path = written(b"\n".join([*lines, b"{", *lines]) + b"\n")
    rows, faults, end = together(path, ReadOptions())
    assert together(path, ReadOptions(), max_rows=1) == (rows, faults, end)
    assert [fault[4] for fault in faults].count("not_json") == 1
