"""Sketches written aside by whoever reads a log; they count once a transaction names them."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Final, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gauger.errors import GaugerError
from gauger.exchanges.schema import QUARANTINE_SCHEMA
from gauger.sketches.schema import PART_SCHEMA, SKETCH_SCHEMA
from gauger.sources.content_hash import ContentHash, ContentMark
from gauger.store.durable import storage_errors, write_parquet

#: Batches that are committed together; until then they are held, about 100 MB for 65,536 rows of 90 shingles.
COMMIT_BATCHES: Final = 4

_EPOCH: Final = date(1970, 1, 1)
_DAY_US: Final = 86_400_000_000

Kind = Literal["sketch", "part", "quarantine", "accounts", "events"]


@dataclass(frozen=True, slots=True)
class StagedFile:
    """A file written and flushed in `tmp/`, waiting for the transaction that makes it count."""

    temporary: Path
    kind: Kind
    day: date | None
    n_rows: int


class Aside:
    """Writes tables aside in a scratch folder, under names that begin alike and are used once."""

    def __init__(self, scratch: Path, *, prefix: str = "staged") -> None:
        self._scratch = scratch
        self._prefix = prefix
        self._numbers = count(1)

    def write(self, table: pa.Table, *, kind: Kind, day: date | None = None) -> StagedFile:
        """Write a table and flush it to the disk.

        Raises
        ------
        WorkspaceError
            The disk is full or refuses.
        """
        temporary = self._scratch / f"{self._prefix}-{next(self._numbers)}.parquet"
        with storage_errors(self._scratch):
            try:
                write_parquet(table, temporary)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
        return StagedFile(temporary, kind, day, table.num_rows)


@dataclass(frozen=True, slots=True)
class Written:
    """What one log brought into the workspace.

    Attributes
    ----------
    n_exchanges, n_quarantined
        Rows stored.
    n_before_retention
        Rows dropped, because `retain` had already deleted their day.
    is_new
        False for a stream that was read before: nothing of it was stored.
    """

    n_exchanges: int
    n_quarantined: int
    n_before_retention: int
    is_new: bool

    def __add__(self, other: "Written") -> "Written":
        return Written(
            self.n_exchanges + other.n_exchanges,
            self.n_quarantined + other.n_quarantined,
            self.n_before_retention + other.n_before_retention,
            is_new=self.is_new and other.is_new,
        )


@dataclass(frozen=True, slots=True)
class StagedStretch:
    """A stretch of a log, written aside.

    Attributes
    ----------
    files
        Its sketches by day, its parts, its quarantined rows.
    written
        How many there are.
    end_offset, end_row
        Uncompressed bytes and records of the log that it and all before it cover.
    columns_absent
        Canonical columns that the log's format cannot fill.
    content
        What is known of the bytes before `end_offset`; None where no batch said it.
    """

    files: tuple[StagedFile, ...]
    written: Written
    end_offset: int
    end_row: int
    columns_absent: frozenset[str]
    content: ContentMark | None = None


@dataclass(frozen=True, slots=True)
class StagedLog:
    """A log that was read elsewhere: its stretches, and the error that ended it, if one did."""

    stretches: Sequence[StagedStretch]
    error: GaugerError | None


@dataclass(slots=True)
class _Held:
    """Batches of a log that will be committed together."""

    rows: list[pa.Table] = field(default_factory=list)
    parts: list[pa.Table] = field(default_factory=list)
    quarantined: list[pa.Table] = field(default_factory=list)
    n_before_retention: int = 0
    n_batches: int = 0


class Stager:
    """Takes the batches of one log in order, and writes them aside a stretch at a time.

    Parameters
    ----------
    aside
        Where to.
    kept_from
        The first day `retain` left; rows of days before it are dropped.
    end_offset, end_row
        Where the log is read from.
    """

    def __init__(
        self, aside: Aside, *, kept_from: date | None, end_offset: int, end_row: int, batches: int = COMMIT_BATCHES
    ) -> None:
        self._aside = aside
        self._kept_from = kept_from
        self._batches = batches
        self._held = _Held()
        self._end = (end_offset, end_row)
        self._columns_absent: frozenset[str] = frozenset()
        self._content: ContentMark | None = None

    @property
    def is_full(self) -> bool:
        """Whether a stretch is held."""
        return self._held.n_batches >= self._batches

    def add(
        self,
        rows: pa.Table,
        parts: pa.Table,
        *,
        quarantined: pa.Table,
        end_offset: int,
        end_row: int,
        columns_absent: Collection[str] = (),
        content: ContentHash | None = None,
    ) -> None:
        """Take the next batch (`gauger.store.sketch_files.SketchWriter.add`)."""
        _require_schema(rows, SKETCH_SCHEMA)
        _require_schema(parts, PART_SCHEMA)
        _require_schema(quarantined, QUARANTINE_SCHEMA)
        kept = _rows_from(rows, self._kept_from)
        held = self._held
        held.rows.append(kept)
        held.parts.append(parts if kept.num_rows == rows.num_rows else _parts_of(kept, parts))
        held.quarantined.append(quarantined)
        held.n_before_retention += rows.num_rows - kept.num_rows
        held.n_batches += 1
        self._end = (end_offset, end_row)
        self._columns_absent |= frozenset(columns_absent)
        self._content = None if content is None else content.mark()

    def quarantine(self, entries: pa.Table) -> None:
        """Take entries that belong to no batch (QUARANTINE_SCHEMA)."""
        _require_schema(entries, QUARANTINE_SCHEMA)
        self._held.quarantined.append(entries)

    def write(self) -> StagedStretch:
        """Write what is held aside, and hold nothing."""
        held, self._held = self._held, _Held()
        rows = concatenated(held.rows, SKETCH_SCHEMA)
        quarantined = concatenated(held.quarantined, QUARANTINE_SCHEMA)
        files = [self._aside.write(table, kind="sketch", day=day) for day, table in split_by_day(rows)]
        if (parts := distinct_parts(held.parts)).num_rows:
            files.append(self._aside.write(parts, kind="part"))
        if quarantined.num_rows:
            files.append(self._aside.write(quarantined, kind="quarantine"))
        written = Written(rows.num_rows, quarantined.num_rows, held.n_before_retention, is_new=True)
        return StagedStretch(tuple(files), written, *self._end, self._columns_absent, self._content)


def split_by_day(rows: pa.Table) -> Iterator[tuple[date, pa.Table]]:
    """Yield the rows of each day (UTC), oldest day first, in the order they came."""
    if rows.num_rows == 0:
        return
    days = pc.cast(rows["occurred_at"], pa.int64()).to_numpy() // _DAY_US
    if (days[1:] < days[:-1]).any():
        order = np.argsort(days, kind="stable")
        days, rows = days[order], rows.take(order)
    starts = np.flatnonzero(np.diff(days, prepend=days[0] - 1))
    for start, end in zip(starts, [*starts[1:], len(days)], strict=True):
        yield _EPOCH + timedelta(days=int(days[start])), rows.slice(start, end - start)


def distinct_parts(tables: list[pa.Table]) -> pa.Table:
    """Return every part of these tables once, in the order of kind and number."""
    parts = concatenated(tables, PART_SCHEMA).sort_by([("kind", "ascending"), ("part", "ascending")])
    if parts.num_rows == 0:
        return parts
    number, kind = parts["part"].to_numpy(), parts["kind"].combine_chunks().dictionary_encode().indices.to_numpy()
    is_first = np.ones(parts.num_rows, dtype=bool)
    is_first[1:] = (number[1:] != number[:-1]) | (kind[1:] != kind[:-1])
    return parts.filter(pa.array(is_first))


def _rows_from(rows: pa.Table, first: date | None) -> pa.Table:
    if first is None:
        return rows
    start = pa.scalar(datetime(first.year, first.month, first.day, tzinfo=UTC), rows["occurred_at"].type)
    return rows.filter(pc.greater_equal(rows["occurred_at"], start))


def _parts_of(rows: pa.Table, parts: pa.Table) -> pa.Table:
    """Return the parts that these rows point to."""
    used = np.union1d(rows["system_part"].to_numpy(), rows["tool_part"].to_numpy())
    return parts.filter(pa.array(np.isin(parts["part"].to_numpy(), used)))


def concatenated(tables: list[pa.Table], schema: pa.Schema) -> pa.Table:
    """Return the rows of tables of one schema, of which there may be none."""
    return pa.concat_tables(tables) if tables else schema.empty_table()


def _require_schema(table: pa.Table, schema: pa.Schema) -> None:
    if not table.schema.equals(schema):
        message = f"the table has other columns than its schema: {table.schema.names}"
        raise TypeError(message)
