"""Sketches on disk: appended stretch by stretch, read by day."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gauger.errors import InputError
from gauger.exchanges.schema import QUARANTINE_SCHEMA, REQUIRED_COLUMNS
from gauger.sketches.schema import PART_SCHEMA, SKETCH_SCHEMA
from gauger.sources.faults import INCOMPLETE
from gauger.store.content import ContentHash, ContentReader
from gauger.store.durable import read_parquet
from gauger.store.manifest import FilePlan, Manifest, Progress
from gauger.store.state import State
from gauger.store.stored_files import StagedFile, StoredFiles

#: Batches that are committed together; until then they are held, about 100 MB for 65,536 rows of 90 shingles.
COMMIT_BATCHES: Final = 4

#: Name of the fact that holds the first day `retain` left.
KEPT_FROM: Final = "kept_from"

_EPOCH: Final = date(1970, 1, 1)
_DAY_US: Final = 86_400_000_000


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


@dataclass(slots=True)
class _Stretch:
    """Rows of a log that will be committed together."""

    rows: list[pa.Table] = field(default_factory=list)
    parts: list[pa.Table] = field(default_factory=list)
    quarantined: list[pa.Table] = field(default_factory=list)
    n_before_retention: int = 0
    n_batches: int = 0


class SketchFiles:
    """The sketches, parts and quarantined rows of a workspace."""

    def __init__(self, state: State, files: StoredFiles, manifest: Manifest) -> None:
        self._state = state
        self._files = files
        self._manifest = manifest

    def sketch_paths(self, *, first: date | None = None, last: date | None = None) -> list[Path]:
        """Return the sketch files of the days from `first` to `last`, both included, in a fixed order."""
        return [file.path for file in self._files.named("sketch", first=first, last=last)]

    def part_paths(self) -> list[Path]:
        """Return the files of parts. The same part, with the same row, may lie in several: read them as a set."""
        return [file.path for file in self._files.named("part")]

    def parts(self) -> pa.Table:
        """Return every part once, in the order of kind and number."""
        return distinct_parts([read_parquet(path) for path in self.part_paths()])

    def quarantined(self) -> pa.Table:
        """Return the rows that could not be read, in the order of file, row and offset.

        A record whose end was missing, and that came with a later reading of its log, is not among them.
        """
        n_stretches = self._manifest.n_stretches()
        paths = [file.path for file in self._files.named("quarantine")]
        tables = [_without_completed(read_parquet(path), path, n_stretches) for path in paths]
        keys = ["source_file", "row", "byte_offset", "column", "reason"]
        return _concatenated(tables, QUARANTINE_SCHEMA).sort_by([(key, "ascending") for key in keys])

    def count_lost(self) -> int:
        """Return the rows that were lost: not those that only lost a value, nor those that are not whole yet."""
        lost: dict[int, set[int | None]] = {}
        n_nameless = 0
        for file in self._files.named("quarantine"):
            entries = read_parquet(file.path)
            is_row = pc.or_(pc.is_null(entries["column"]), pc.is_in(entries["column"], pa.array(REQUIRED_COLUMNS)))
            entries = entries.filter(pc.and_(is_row, pc.not_equal(entries["reason"], INCOMPLETE.reason)))
            n_nameless += entries["row"].null_count
            lost.setdefault(file.source_id or 0, set()).update(entries["row"].drop_null().to_pylist())
        return n_nameless + sum(map(len, lost.values()))

    @contextmanager
    def writer(
        self, plan: FilePlan, *, now: datetime, commit_batches: int = COMMIT_BATCHES
    ) -> Iterator["SketchWriter"]:
        """Open the way in for one log.

        Leaving the block without `finish` keeps what was committed and drops the rest: the next run goes on there. A
        stream, which cannot be read on, is committed as a whole by `finish` or leaves nothing.
        """
        kept_from = self._state.fact(KEPT_FROM)
        writer = SketchWriter(
            plan,
            self._state,
            files=self._files,
            manifest=self._manifest,
            kept_from=date.fromisoformat(kept_from) if kept_from else None,
            now=now,
            commit_batches=commit_batches,
        )
        try:
            yield writer
        finally:
            writer.close()


class SketchWriter:
    """Takes the batches of one log in order and commits them, with how far the log was read, a stretch at a time."""

    def __init__(
        self,
        plan: FilePlan,
        state: State,
        *,
        files: StoredFiles,
        manifest: Manifest,
        kept_from: date | None,
        now: datetime,
        commit_batches: int,
    ) -> None:
        self._plan = plan
        self._state = state
        self._files = files
        self._manifest = manifest
        self._kept_from = kept_from
        self._now = now
        self._commit_batches = commit_batches
        self._reader: ContentReader | None = None
        self._stretch = _Stretch()
        self._staged: list[tuple[int, StagedFile]] = []
        self._n_staged = 0
        self._columns_absent: frozenset[str] = frozenset()
        self._end = (plan.offset, plan.row)
        self._uncommitted = Written(0, 0, 0, is_new=True)
        self._total = Written(0, 0, 0, is_new=True)

    def add(
        self,
        rows: pa.Table,
        parts: pa.Table,
        *,
        quarantined: pa.Table,
        end_offset: int,
        end_row: int,
        columns_absent: Collection[str] = (),
    ) -> None:
        """Take the next batch; every few batches they are committed.

        Parameters
        ----------
        rows, parts, quarantined
            Tables of SKETCH_SCHEMA, PART_SCHEMA and QUARANTINE_SCHEMA.
        end_offset, end_row
            Uncompressed bytes and records of the log that this batch and all before it cover. A record that is not
            whole yet is not covered; everything else up to the end is.

        Raises
        ------
        WorkspaceError
            The disk is full or refuses.
        InputError
            The log became shorter while it was read.
        """
        _require_schema(rows, SKETCH_SCHEMA)
        _require_schema(parts, PART_SCHEMA)
        _require_schema(quarantined, QUARANTINE_SCHEMA)
        kept = _rows_from(rows, self._kept_from)
        stretch = self._stretch
        stretch.rows.append(kept)
        stretch.parts.append(parts if kept.num_rows == rows.num_rows else _parts_of(kept, parts))
        stretch.quarantined.append(quarantined)
        stretch.n_before_retention += rows.num_rows - kept.num_rows
        stretch.n_batches += 1
        self._end = (end_offset, end_row)
        self._columns_absent |= frozenset(columns_absent)
        if stretch.n_batches >= self._commit_batches:
            self.commit()

    def quarantine(self, entries: pa.Table) -> None:
        """Take entries that belong to no batch (QUARANTINE_SCHEMA)."""
        _require_schema(entries, QUARANTINE_SCHEMA)
        self._stretch.quarantined.append(entries)

    def commit(self) -> None:
        """Make what was added so far count. Of a stream, only write it aside."""
        self._stage()
        if not self._plan.is_stream:
            self._commit_file(is_complete=False)

    def finish(self, stream: ContentHash | None = None) -> Written:
        """Commit the rest: the end of the log was reached.

        Parameters
        ----------
        stream
            For a stream, the hash that was fed with all its bytes, after decompression.
        """
        self._stage()
        if not self._plan.is_stream:
            self._commit_file(is_complete=True)
        elif stream is None:
            message = "a stream is finished with the hash of its bytes"
            raise TypeError(message)
        else:
            self._commit_stream(stream)
        return self._total

    def close(self) -> None:
        """Drop what was not committed."""
        self._files.discard(staged for _, staged in self._staged)
        self._staged = []
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def _stage(self) -> None:
        """Write the current stretch aside and start the next."""
        stretch, self._stretch = self._stretch, _Stretch()
        rows = _concatenated(stretch.rows, SKETCH_SCHEMA)
        quarantined = _concatenated(stretch.quarantined, QUARANTINE_SCHEMA)
        self._n_staged += 1
        for day, table in split_by_day(rows):
            self._staged.append((self._n_staged, self._files.stage(table, kind="sketch", day=day)))
        if (parts := distinct_parts(stretch.parts)).num_rows:
            self._staged.append((self._n_staged, self._files.stage(parts, kind="part")))
        if quarantined.num_rows:
            self._staged.append((self._n_staged, self._files.stage(quarantined, kind="quarantine")))
        self._uncommitted = _sum(
            self._uncommitted,
            Written(rows.num_rows, quarantined.num_rows, stretch.n_before_retention, is_new=True),
        )

    def _commit_file(self, *, is_complete: bool) -> None:
        content = self._content()
        if content.n_bytes:  # of an empty log there is nothing to recognise
            self._commit(content, is_complete=is_complete)

    def _commit_stream(self, content: ContentHash) -> None:
        if self._manifest.is_known(content):
            self._total = Written(0, 0, 0, is_new=False)
        elif content.n_bytes:
            self._end = (content.n_bytes, self._end[1])
            self._commit(content, is_complete=True)

    def _commit(self, content: ContentHash, *, is_complete: bool) -> None:
        written = self._uncommitted
        progress = Progress(
            end_offset=self._end[0],
            end_row=self._end[1],
            n_exchanges=written.n_exchanges,
            n_quarantined=written.n_quarantined,
            n_before_retention=written.n_before_retention,
            columns_absent=self._columns_absent,
            is_complete=is_complete,
        )
        with self._state.transaction() as session:
            source_id, stretch = self._manifest.commit(
                session, self._plan, content=content, progress=progress, now=self._now
            )
            for number, staged in self._staged:
                self._files.put(session, staged, stem=_stem(source_id, stretch, number), source_id=source_id)
        self._plan = self._plan.committed_as(source_id)
        self._staged = []
        self._total = _sum(self._total, written)
        self._uncommitted = Written(0, 0, 0, is_new=True)

    def _content(self) -> ContentHash:
        """Return the hash of what was read so far."""
        if self._plan.is_one_piece:
            return self._plan.content
        if self._reader is None:
            self._reader = ContentReader(Path(self._plan.name), self._plan.content.copy())
        if not self._reader.advance(self._end[0]):
            raise InputError(
                "the log became shorter while it was read",
                where=self._plan.name,
                todo="ingest it again when nothing writes to it any more",
            )
        return self._reader.content


def _stem(source_id: int, stretch: int, number: int) -> str:
    """Return the name of a file: its log, the stretch of the log, and its place in the stretch."""
    return f"{source_id:08d}-{stretch:06d}-{number:06d}"


def _without_completed(quarantined: pa.Table, path: Path, n_stretches: Mapping[int, int]) -> pa.Table:
    """Return the table without incomplete records, unless it is of the last stretch of its log: others were read on."""
    source_id, stretch, _ = map(int, path.stem.partition("~")[0].split("-"))
    if stretch == n_stretches[source_id]:
        return quarantined
    return quarantined.filter(pc.not_equal(quarantined["reason"], INCOMPLETE.reason))


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
    parts = _concatenated(tables, PART_SCHEMA).sort_by([("kind", "ascending"), ("part", "ascending")])
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


def _concatenated(tables: list[pa.Table], schema: pa.Schema) -> pa.Table:
    return pa.concat_tables(tables) if tables else schema.empty_table()


def _require_schema(table: pa.Table, schema: pa.Schema) -> None:
    if not table.schema.equals(schema):
        message = f"the table has other columns than its schema: {table.schema.names}"
        raise TypeError(message)


def _sum(one: Written, other: Written) -> Written:
    return Written(
        one.n_exchanges + other.n_exchanges,
        one.n_quarantined + other.n_quarantined,
        one.n_before_retention + other.n_before_retention,
        is_new=one.is_new and other.is_new,
    )
