"""Parquet logs: row groups one after another, so that a damaged one costs no other.

Parquet has no byte offsets that a reader could go on from, and a Parquet file cannot grow. Reading goes on from a row;
the offsets given are the share of the file that lies behind, for progress.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from gauger.exchanges.schema import EDGE_SCHEMA, TEXTS, TIMESTAMP
from gauger.sources.batching import FILLED, REQUIRED, Place
from gauger.sources.faults import BAD_TIME, MISSING, Bad, Fault
from gauger.sources.times import Instant
from gauger.sources.values import CONVERTERS

#: Rows taken from a row group at a time: a column of few, long texts is small on disk and large in memory.
_STEP_ROWS: Final = 512

#: What a damaged Parquet file can surface as.
DAMAGE: Final = (pa.ArrowException, OSError, UnicodeDecodeError)

_NAIVE_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - stands for a local time in a zone named elsewhere

_TEXT_COLUMNS: Final = frozenset(
    field.name
    for field in EDGE_SCHEMA
    if field.name in CONVERTERS and (pa.types.is_string(field.type) or pa.types.is_large_string(field.type))
)


class Stretch(NamedTuple):
    """Rows of one row group, from `row` on; no table where the rest of the group is damaged."""

    row: int
    end_row: int
    table: pa.Table | None


def stretches(
    file: pq.ParquetFile, *, start_row: int, max_rows: int, max_bytes: int, columns: list[str] | None
) -> Iterator[Stretch]:
    """Rows from `start_row` on, at most `max_rows` and about `max_bytes` at a time."""
    begin = 0
    for group in range(file.num_row_groups):
        end = begin + file.metadata.row_group(group).num_rows
        if end > start_row:
            steps = file.iter_batches(
                batch_size=min(_STEP_ROWS, max_rows), row_groups=[group], columns=columns, use_threads=False
            )
            yield from _of_group(
                steps, first=begin, end=end, start_row=start_row, max_rows=max_rows, max_bytes=max_bytes
            )
        begin = end


def _of_group(
    steps: Iterator[pa.RecordBatch], *, first: int, end: int, start_row: int, max_rows: int, max_bytes: int
) -> Iterator[Stretch]:
    row, n_held, held, held_bytes = first, 0, list[pa.RecordBatch](), 0
    is_damaged = False
    while row < end and not is_damaged:
        try:
            step = _decoded(next(steps))
        except (StopIteration, *DAMAGE):  # StopIteration: fewer rows than the file says
            is_damaged = True
        else:
            row += step.num_rows
            held.append(step.slice(min(max(0, start_row - row + step.num_rows), step.num_rows)))
            n_held += held[-1].num_rows
            held_bytes += step.nbytes
        if n_held and (is_damaged or row == end or n_held + _STEP_ROWS > max_rows or held_bytes >= max_bytes):
            yield Stretch(row - n_held, row, pa.Table.from_batches(held).combine_chunks())
            n_held, held, held_bytes = 0, [], 0
    if is_damaged:
        yield Stretch(max(row, start_row), end, None)


def _decoded(step: pa.RecordBatch) -> pa.RecordBatch:
    """Write dictionaries out, so that a text weighs on each of its rows; of two columns of a name take the last."""
    names = step.schema.names
    if len(set(names)) == len(names) and not any(pa.types.is_dictionary(kind) for kind in step.schema.types):
        return step
    columns = {
        name: column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
        for name, column in zip(names, step.columns, strict=True)
    }
    return pa.RecordBatch.from_pydict(columns)


def dictionaries(table: pa.Table) -> list[dict[str, object]]:
    """Rows of a table as records."""
    columns = {name: _values(table.column(name)) for name in table.column_names}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _values(column: pa.ChunkedArray) -> list[object]:
    if pa.types.is_timestamp(column.type):
        return (
            [_moment(value, column.type.tz) for value in column.cast(pa.int64()).to_pylist()]
            if (column.type.unit == "us")
            else _values(column.cast(pa.timestamp("us", column.type.tz), safe=False))
        )
    try:
        found: list[object] = column.to_pylist(maps_as_pydicts="lossy")
    except UnicodeDecodeError:
        if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
            raise
        found = column.cast(pa.large_binary()).to_pylist()
    return found


def _moment(value: int | None, zone: str | None) -> object:
    if value is None:
        return None
    if zone is not None:
        return Instant(value)
    try:
        return _NAIVE_EPOCH + timedelta(microseconds=value)
    except OverflowError:
        return BAD_TIME


class Edge(NamedTuple):
    """Canonical rows of a stretch: the kept ones as columns, the rest as faults."""

    table: pa.Table
    faults: list[Fault]


def edge(stretch: pa.Table, *, first_row: int, source_file: str, zone: tzinfo) -> Edge:
    """Table of `EDGE_SCHEMA` from canonical columns; taken column by column, with the same outcome as by rows."""
    columns: dict[str, pa.Array] = {}
    bad: dict[str, dict[int, Bad]] = {}
    for name in FILLED:
        columns[name], bad[name] = _column(stretch, name, zone)
    faults: dict[int, list[Fault]] = {}
    for name in REQUIRED:
        for at in pc.indices_nonzero(columns[name].is_null()).to_pylist():
            reason = bad[name].get(at, MISSING).reason
            faults.setdefault(at, [Place(first_row + at).fault(reason, column=name)])
    left_out = frozenset(faults)
    for name in FILLED:
        for at, fault in bad[name].items():
            if name not in REQUIRED and at not in left_out:
                faults.setdefault(at, []).append(Place(first_row + at).fault(fault.reason, column=name))
    columns["source_file"] = pa.repeat(pa.scalar(source_file, pa.string()), stretch.num_rows)
    columns["source_row"] = pa.array(np.arange(first_row, first_row + stretch.num_rows))
    if left_out:
        kept = pa.array([at for at in range(stretch.num_rows) if at not in left_out], pa.int64())
        columns = {name: column.take(kept) for name, column in columns.items()}
    table = pa.Table.from_arrays([columns[field.name] for field in EDGE_SCHEMA], schema=EDGE_SCHEMA)
    return Edge(table, [fault for at in sorted(faults) for fault in faults[at]])


def _column(stretch: pa.Table, name: str, zone: tzinfo) -> tuple[pa.Array, dict[int, Bad]]:
    target = EDGE_SCHEMA.field(name).type
    if name not in stretch.column_names:
        return pa.nulls(stretch.num_rows, target), {}
    given = stretch.column(name)
    whole = _cast_whole(given, name, target, zone)
    if whole is not None:
        return whole, {}
    converter = CONVERTERS[name]
    if _is_text(given.type):  # the same text gives the same value: each is read once
        distinct = _flat(given).dictionary_encode()
        known = [converter(value, zone) for value in _values(pa.chunked_array([distinct.dictionary]))]
        nothing = len(known)
        known.append(converter(None, zone))
        found = [known[place] for place in distinct.indices.fill_null(nothing).to_pylist()]
    else:
        found = [value if isinstance(value, Bad) else converter(value, zone) for value in _values(given)]
    bad = {at: value for at, value in enumerate(found) if isinstance(value, Bad)}
    return pa.array([None if isinstance(value, Bad) else value for value in found], target), bad


def _cast_whole(given: pa.ChunkedArray, name: str, target: pa.DataType, zone: tzinfo) -> pa.Array | None:
    """Cast a column in one go, where that is sure to be the same as value by value; else None."""
    kind = given.type
    try:
        if name in _TEXT_COLUMNS and name != "client_address" and _is_text(kind):
            given.validate(full=True)
            filled = pc.if_else(pc.equal(given, pa.scalar("", kind)), pa.scalar(None, kind), given)
            has_secret = name in {"account_id", "api_key_id"} and pc.any(pc.starts_with(given, "sk-")).as_py()
            return None if has_secret else _flat(filled.cast(target))
        if name == "tool_names" and pa.types.is_list(kind) and pa.types.is_string(kind.value_type):
            given.validate(full=True)
            has_blank = pc.any(pc.fill_null(pc.equal(pc.list_flatten(given), ""), fill_value=True)).as_py()
            return None if has_blank else _flat(given.cast(target))
        if pa.types.is_integer(target) and pa.types.is_integer(kind):
            return _flat(given.cast(target))
        if pa.types.is_floating(target) and pa.types.is_floating(kind):
            finite = pc.all(pc.is_finite(given)).as_py()
            return None if finite is False else _flat(given.cast(target))
        if target == TIMESTAMP and pa.types.is_timestamp(kind) and (kind.tz is not None or zone is UTC):
            moments = _flat(given.cast(TIMESTAMP, safe=False))
            return moments if _are_shown(moments) else None
    except pa.ArrowException:
        return None  # a value that does not fit: value by value tells which
    return None


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _flat(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)


def _are_shown(moments: pa.Array) -> bool:
    """Whether all times lie in the years that `microseconds` takes."""
    bounds = pc.min_max(moments.cast(pa.int64())).as_py()
    known = [value for value in bounds.values() if value is not None]
    return all(not isinstance(CONVERTERS["occurred_at"](Instant(value), UTC), Bad) for value in known)


def text_cuts(table: pa.Table, max_text_bytes: int) -> list[int]:
    """Rows at which to cut a table so that no part holds more text, except a single row that does."""
    ends = np.zeros(table.num_rows, np.int64)
    for name in TEXTS:
        ends += pc.fill_null(pc.binary_length(table.column(name)), 0).to_numpy()
    ends = np.cumsum(ends)
    cuts, at, behind = list[int](), 0, 0
    while at < len(ends):
        at = max(at + 1, int(np.searchsorted(ends, behind + max_text_bytes, side="right")))
        if at < len(ends):
            cuts.append(at)
            behind = int(ends[at - 1])
    return cuts
