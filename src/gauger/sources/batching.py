"""From rows of a source to batches of `EDGE_SCHEMA`, bounded by rows and by text, with every fault on record."""

from collections.abc import Mapping
from datetime import tzinfo
from typing import Final, NamedTuple

import pyarrow as pa

from gauger.exchanges.schema import EDGE_SCHEMA, TEXTS
from gauger.sources.batches import SourceBatch
from gauger.sources.faults import MISSING, Bad, Fault, fault_table
from gauger.sources.values import CONVERTERS

#: Columns that a source fills; the reader adds the two that say where a row came from.
FILLED: Final = tuple(CONVERTERS)
#: Columns without which a record is left out.
REQUIRED: Final = tuple(field.name for field in EDGE_SCHEMA if not field.nullable and field.name in CONVERTERS)

#: The texts are the last columns that a source fills.
_TEXTS_FROM: Final = len(FILLED) - len(TEXTS)


class Place(NamedTuple):
    """Where a record lies: its number in the log, and its bytes in the uncompressed log where the format has any."""

    row: int
    offset: int | None = None
    length: int | None = None

    def fault(self, reason: str, *, column: str | None = None) -> Fault:
        """Return the quarantine row for this place."""
        return Fault(self.row, self.offset, self.length, column, reason)


class Converted(NamedTuple):
    """A record as it goes into a batch: its values in the order of `FILLED` (None when it was left out), its faults."""

    values: list[object] | None
    faults: tuple[Fault, ...]
    row: int
    text_bytes: int


def refused(place: Place, reason: str, *, column: str | None = None) -> Converted:
    """Leave a record out, with the reason."""
    return Converted(None, (place.fault(reason, column=column),), place.row, 0)


def converted(row: Mapping[str, object], place: Place, zone: tzinfo) -> Converted:
    """Values of a source's row as the columns want them.

    A bad value in an optional column leaves it empty, with a fault; in a required one it costs the record.
    """
    for column in REQUIRED:
        value = CONVERTERS[column](row.get(column), zone)
        if value is None or isinstance(value, Bad):
            return refused(place, (value or MISSING).reason, column=column)
    values: list[object] = []
    faults: list[Fault] = []
    for column, converter in CONVERTERS.items():
        value = row.get(column)
        if value is not None:
            value = value if type(value) is Bad else converter(value, zone)
            if type(value) is Bad:
                faults.append(place.fault(value.reason, column=column))
                value = None
        values.append(value)
    return Converted(values, tuple(faults), place.row, sum(map(_size, values[_TEXTS_FROM:])))


def _size(text: object) -> int:
    """Bytes of a text in UTF-8."""
    if not isinstance(text, str):
        return 0
    return len(text) if text.isascii() else len(text.encode())


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
        self._rows: list[list[object]] = []
        self._numbers: list[int] = []
        self._faults: list[Fault] = []
        self._text_bytes = 0

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits for the next batch."""
        return not self._rows and not self._faults

    def has_room(self, record: Converted) -> bool:
        """Whether the record still fits."""
        if self.is_empty:
            return True
        is_short = len(self._rows) + len(self._faults) < self._max_rows
        return is_short and self._text_bytes + record.text_bytes <= self._max_text_bytes

    def add(self, record: Converted) -> None:
        """Take a record in."""
        if record.values is not None:
            self._rows.append(record.values)
            self._numbers.append(record.row)
            self._text_bytes += record.text_bytes
        self._faults.extend(record.faults)

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
        columns = zip(*self._rows, strict=True) if self._rows else ([] for _ in FILLED)
        found = dict(zip(FILLED, columns, strict=True))
        found["source_file"] = [self._source_file] * len(self._rows)
        found["source_row"] = self._numbers
        return pa.Table.from_arrays(
            [pa.array(found[field.name], field.type) for field in EDGE_SCHEMA], schema=EDGE_SCHEMA
        )
