"""Sketches on disk: appended stretch by stretch, read by day."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from gauger.exchanges.schema import QUARANTINE_SCHEMA, REQUIRED_COLUMNS
from gauger.sketches.schema import SKETCH_SCHEMA
from gauger.sources.content_hash import ContentHash, ContentMark
from gauger.sources.faults import INCOMPLETE
from gauger.store.durable import read_parquet
from gauger.store.manifest import FilePlan, Manifest, Progress
from gauger.store.staging import (
    COMMIT_BATCHES,
    StagedFile,
    StagedStretch,
    Stager,
    Written,
    concatenated,
    distinct_parts,
)
from gauger.store.state import State
from gauger.store.stored_files import StoredFiles

#: Name of the fact that holds the first day `retain` left.
KEPT_FROM: Final = "kept_from"


class SketchFiles:
    """The sketches, parts and quarantined rows of a workspace."""

    def __init__(self, state: State, files: StoredFiles, manifest: Manifest) -> None:
        self._state = state
        self._files = files
        self._manifest = manifest

    @property
    def kept_from(self) -> date | None:
        """The first day that `retain` left."""
        fact = self._state.fact(KEPT_FROM)
        return date.fromisoformat(fact) if fact else None

    def sketch_paths(self, *, first: date | None = None, last: date | None = None) -> list[Path]:
        """Return the sketch files of the days from `first` to `last`, both included, in a fixed order."""
        return [file.path for file in self._files.named("sketch", first=first, last=last)]

    def pieces(self, *, first: date | None = None) -> dict[tuple[int, int], list[Path]]:
        """Return the sketch files from a day on by the log they are of and its piece, as each was committed."""
        return _by_piece(self.sketch_paths(first=first))

    def part_pieces(self) -> dict[tuple[int, int], list[Path]]:
        """Return the files of parts likewise; those of a piece hold every part that its rows point to."""
        return _by_piece(self.part_paths())

    def piece(self, paths: Collection[Path]) -> pa.Table:
        """Return the rows of a piece in the order of its log (SKETCH_SCHEMA)."""
        rows = pa.concat_tables([SKETCH_SCHEMA.empty_table(), *map(read_parquet, paths)])
        return rows.sort_by("source_row") if len(paths) > 1 else rows

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
        return concatenated(tables, QUARANTINE_SCHEMA).sort_by([(key, "ascending") for key in keys])

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
        stager = Stager(
            self._files.aside,
            kept_from=self.kept_from,
            end_offset=plan.offset,
            end_row=plan.row,
            batches=commit_batches,
        )
        writer = SketchWriter(plan, self._state, files=self._files, manifest=self._manifest, stager=stager, now=now)
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
        stager: Stager,
        now: datetime,
    ) -> None:
        self._plan = plan
        self._state = state
        self._files = files
        self._manifest = manifest
        self._now = now
        self._stager = stager
        self._content = plan.content
        self._mark = plan.content.mark()
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
        content: ContentHash | None = None,
    ) -> None:
        """Take the next batch; every few batches they are committed.

        Parameters
        ----------
        rows, parts, quarantined
            Tables of SKETCH_SCHEMA, PART_SCHEMA and QUARANTINE_SCHEMA.
        end_offset, end_row
            Uncompressed bytes and records of the log that this batch and all before it cover. A record that is not
            whole yet is not covered; everything else up to the end is.
        content
            Hash of these bytes, by which the log is known again. A stream and a log in one piece need none.

        Raises
        ------
        WorkspaceError
            The disk is full or refuses.
        InputError
            The log was replaced while it was read.
        """
        if content is not None:
            self._content = content
        elif not (self._plan.is_stream or self._plan.is_one_piece):
            message = "a batch of a log that may grow comes with the hash of what was read"
            raise TypeError(message)
        self._stager.add(
            rows,
            parts,
            quarantined=quarantined,
            end_offset=end_offset,
            end_row=end_row,
            columns_absent=columns_absent,
            content=content,
        )
        if self._stager.is_full:
            self.commit()

    def quarantine(self, entries: pa.Table) -> None:
        """Take entries that belong to no batch (QUARANTINE_SCHEMA)."""
        self._stager.quarantine(entries)

    def commit(self) -> None:
        """Make what was added so far count. Of a stream, only write it aside."""
        self.take(self._stager.write())

    def take(self, stretch: StagedStretch, *, is_last: bool = False) -> None:
        """Make a stretch count that was written aside, here or where the log was read. Of a stream, only hold it."""
        self._n_staged += 1
        self._staged += [(self._n_staged, file) for file in stretch.files]
        self._uncommitted += stretch.written
        self._end = (stretch.end_offset, stretch.end_row)
        self._columns_absent |= stretch.columns_absent
        self._mark = stretch.content or self._mark
        if not self._plan.is_stream:
            self._commit_file(is_complete=is_last)

    def finish(self, stream: ContentHash | None = None) -> Written:
        """Commit the rest: the end of the log was reached.

        Parameters
        ----------
        stream
            For a stream, the hash that was fed with all its bytes, after decompression.
        """
        if self._plan.is_stream and stream is None:
            message = "a stream is finished with the hash of its bytes"
            raise TypeError(message)
        self.take(self._stager.write(), is_last=True)
        if stream is not None:
            self._commit_stream(stream.mark())
        return self._total

    def rest(self) -> FilePlan:
        """Return the plan that goes on where the last commit ended."""
        offset, row = self._end
        return replace(self._plan, action="continue", offset=offset, row=row, content=self._content.copy())

    def close(self) -> None:
        """Drop what was not committed."""
        self._files.discard(staged for _, staged in self._staged)
        self._staged = []

    def _commit_file(self, *, is_complete: bool) -> None:
        self._plan.require_unchanged()
        if self._mark.n_bytes:  # of an empty log there is nothing to recognise
            self._commit(self._mark, is_complete=is_complete)

    def _commit_stream(self, content: ContentMark) -> None:
        if self._manifest.is_known(content):
            self._total = Written(0, 0, 0, is_new=False)
        elif content.n_bytes:
            self._end = (content.n_bytes, self._end[1])
            self._commit(content, is_complete=True)

    def _commit(self, content: ContentMark, *, is_complete: bool) -> None:
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
        self._total += written
        self._uncommitted = Written(0, 0, 0, is_new=True)


def _by_piece(paths: Collection[Path]) -> dict[tuple[int, int], list[Path]]:
    found: dict[tuple[int, int], list[Path]] = {}
    for path in paths:
        source_id, stretch, _ = map(int, path.stem.partition("~")[0].split("-"))
        found.setdefault((source_id, stretch), []).append(path)
    return dict(sorted(found.items()))


def _stem(source_id: int, stretch: int, number: int) -> str:
    """Return the name of a file: its log, the stretch of the log, and its place in the stretch."""
    return f"{source_id:08d}-{stretch:06d}-{number:06d}"


def _without_completed(quarantined: pa.Table, path: Path, n_stretches: Mapping[int, int]) -> pa.Table:
    """Return the table without incomplete records, unless it is of the last stretch of its log: others were read on."""
    source_id, stretch, _ = map(int, path.stem.partition("~")[0].split("-"))
    if stretch == n_stretches[source_id]:
        return quarantined
    return quarantined.filter(pc.not_equal(quarantined["reason"], INCOMPLETE.reason))
