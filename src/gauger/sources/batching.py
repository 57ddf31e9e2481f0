"""From rows of a source to batches of `EDGE_SCHEMA`, bounded by rows and by text, with every fault on record."""

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from operator import attrgetter
from typing import Any, Final, NamedTuple

import msgspec
import pyarrow as pa

from gauger.exchanges.schema import EDGE_SCHEMA, TEXTS
from gauger.sources.batches import SourceBatch
from gauger.sources.faults import MISSING, Fault, fault_table
from gauger.sources.values import CONVERTERS, converted_column

#: Columns that a source fills; the reader adds the two that say where a row came from.
FILLED: Final = tuple(CONVERTERS)
#: Columns without which a record is left out.
REQUIRED: Final = tuple(field.name for field in EDGE_SCHEMA if not field.nullable and field.name in CONVERTERS)
_TYPES: Final = {column: EDGE_SCHEMA.field(column).type for column in FILLED}


class Place(msgspec.Struct, frozen=True, gc=False):
    """Where a record lies: its number in the log, and its bytes in the uncompressed log where the format has any."""

    row: int
    offset: int | None = None
    length: int | None = None

    def fault(self, reason: str, *, column: str | None = None) -> Fault:
        """Return the quarantine row for this place."""
        return Fault(self.row, self.offset, self.length, column, reason)


class Converted(NamedTuple):
    """Neighbouring records as they go into a batch.

    Attributes
    ----------
    columns
        The rows by column, in the order of `FILLED`.
    numbers
        Number of each row's record in the log.
    faults
        Of the rows and of the records that are left out, in the order of the log.
    text_bytes
        Of all their texts, in UTF-8.
    """

    columns: list[pa.Array]
    numbers: list[int]
    faults: list[Fault]
    text_bytes: int


def filled(row: Mapping[str, object]) -> tuple[object, ...]:
    """Values of a source's row (`empty_row`): in the order of `FILLED`."""
    return tuple(row.values())


def converted(
    rows: Sequence[tuple[object, ...]], places: Sequence[Place], zone: tzinfo, *, refused: Sequence[Fault] = ()
) -> Converted:
    """Rows (`filled`) as the columns want them, and the faults of theirs and of the records it refused.

    A bad value in an optional column leaves it empty, with a fault; in a required one it costs the record.
    """
    given = map(list, zip(*rows, strict=True)) if rows else ([] for _ in FILLED)
    found = {column: converted_column(column, values, zone) for column, values in zip(FILLED, given, strict=True)}
    lost: dict[int, Fault] = {}
    for column in REQUIRED:
        values, bad = found[column]
        for at in (at for at, value in enumerate(values) if value is None):
            lost.setdefault(at, places[at].fault(bad.get(at, MISSING).reason, column=column))
    faults = [
        places[at].fault(reason.reason, column=column)
        for column, (_, bad) in found.items()
        for at, reason in bad.items()
        if at not in lost
    ]
    columns = {column: values for column, (values, _) in found.items()}
    if lost:
        kept = [at for at in range(len(rows)) if at not in lost]
        columns = {column: [values[at] for at in kept] for column, values in columns.items()}
        places = [places[at] for at in kept]
    return Converted(
        # At once, not with the batch: values that were just made are still in the processor's cache.
        columns=[pa.array(values, _TYPES[column]) for column, values in columns.items()],
        numbers=[place.row for place in places],
        faults=sorted([*refused, *lost.values(), *faults], key=attrgetter("row")),
        text_bytes=sum(_text_bytes(columns[column]) for column in TEXTS),
    )


def _text_bytes(column: list[Any]) -> int:
    """Bytes of texts in UTF-8."""
    texts = list(filter(None, column))
    return sum(map(len, texts if all(map(str.isascii, texts)) else map(str.encode, texts)))


class Batcher:
    """Collects converted records of one log into batches.

    Parameters
    ----------
    source_file
        Name of the log as it stands in every row.
    max_rows, max_text_bytes
        A batch holds no more, except that a single record may be longer than `max_text_bytes`.
    """

    def __init__(self, source_file: str, *, max_rows: int, max_text_bytes: int) -> None:
        self._source_file = source_file
        self._max_rows = max_rows
        self._max_text_bytes = max_text_bytes
        self._clear()

    def _clear(self) -> None:
        self._columns: list[list[pa.Array]] = [[] for _ in FILLED]
        self._numbers: list[int] = []
        self._faults: list[Fault] = []
        self._text_bytes = 0

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits for the next batch."""
        return not self._numbers and not self._faults

    def has_room(self, records: Converted) -> bool:
        """Whether the records fit, all of them."""
        n_held = len(self._numbers) + len(self._faults)
        is_short = n_held + len(records.numbers) + len(records.faults) <= self._max_rows
        return is_short and self._text_bytes + records.text_bytes <= self._max_text_bytes

    def add(self, records: Converted) -> None:
        """Take records in."""
        for column, rows in zip(self._columns, records.columns, strict=True):
            column.append(rows)
        self._numbers.extend(records.numbers)
        self._faults.extend(records.faults)
        self._text_bytes += records.text_bytes

    def report(self, fault: Fault) -> None:
        """Take in a fault that is no record's."""
        self._faults.append(fault)

    def cut(self, *, end_offset: int, end_row: int, bytes_read: int, columns_absent: frozenset[str]) -> SourceBatch:
        """Batch of all that was taken in; the next one begins empty."""
        batch = SourceBatch(
            exchanges=self._table(),
            quarantined=fault_table(self._faults, self._source_file),
            end_offset=end_offset,
            end_row=end_row,
            bytes_read=bytes_read,
            columns_absent=columns_absent,
        )
        self._clear()
        return batch

    def _table(self) -> pa.Table:
        found = {
            column: pa.chunked_array(parts, _TYPES[column]) for column, parts in zip(FILLED, self._columns, strict=True)
        }
        found["source_file"] = pa.repeat(pa.scalar(self._source_file, pa.string()), len(self._numbers))
        found["source_row"] = pa.array(self._numbers, pa.int64())
        return pa.Table.from_arrays([found[name] for name in EDGE_SCHEMA.names], schema=EDGE_SCHEMA).combine_chunks()
