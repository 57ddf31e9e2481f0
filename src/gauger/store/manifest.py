"""The manifest: which logs were read, how far, and what reading them gave."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from gauger.errors import InputError, WorkspaceError
from gauger.sources.content_hash import ContentHash, ContentMark
from gauger.sources.places import Stamp, place_of
from gauger.store.content import ContentReader
from gauger.store.models import SourceFile, SourcePrefix
from gauger.store.state import State


@dataclass(frozen=True, slots=True)
class FilePlan:
    """What to do with a log.

    Attributes
    ----------
    name
        The log as the operator named it.
    action
        "skip": all of it was read before, under this name or another. "continue": its beginning was read, go on
        from `offset` and `row`. "read": read all of it.
    offset
        Uncompressed bytes to pass over.
    row
        Records to pass over.
    is_stream
        It is read once and cannot be read on.
    is_one_piece
        The format cannot grow (Parquet): known by the hash of all its bytes.
    stamp
        Of a log that must not change while it is read, what tells it at the time of the plan; else None.
    """

    name: str
    action: Literal["skip", "continue", "read"]
    offset: int = 0
    row: int = 0
    is_stream: bool = False
    is_one_piece: bool = False
    reading: str = ""
    source_id: int | None = None
    content: ContentHash = field(default_factory=ContentHash, repr=False, compare=False)
    stamp: Stamp | None = field(default=None, repr=False, compare=False)

    def require_unchanged(self) -> None:
        """Refuse what was read of a log that was replaced since: it may be of two versions.

        Raises
        ------
        InputError
            It was.
        """
        if self.stamp is not None and place_of(self.name).stamp() != self.stamp:
            raise InputError(
                "the log changed while it was read",
                where=self.name,
                todo="run the same command again: what counts already is known by its content",
            )

    def committed_as(self, source_id: int) -> "FilePlan":
        """Return the plan of a log that now has a number in the manifest."""
        return replace(self, source_id=source_id)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a log has been read, and what the last stretch of it gave.

    Attributes
    ----------
    end_offset
        Uncompressed bytes that were read so far.
    end_row
        Records that were read so far.
    n_exchanges, n_quarantined, n_before_retention
        Rows of the last stretch: stored, quarantined, and dropped because their day had been deleted already.
    columns_absent
        Canonical columns that the log's format cannot fill.
    is_complete
        The end of the log was reached.
    """

    end_offset: int
    end_row: int
    n_exchanges: int
    n_quarantined: int
    n_before_retention: int
    columns_absent: Collection[str]
    is_complete: bool


@dataclass(frozen=True, slots=True)
class ReadSource:
    """A log in the manifest."""

    name: str
    is_complete: bool
    n_exchanges: int
    n_quarantined: int
    n_before_retention: int
    columns_absent: frozenset[str]
    committed_at: datetime


class Manifest:
    """Knows logs by their content.

    Every commit records the hash of the bytes read so far. A log whose first bytes have a recorded hash is the same
    log, whatever its name: it is skipped where it ends there, and read on where it goes on. A log that was changed
    matches nothing and is read as new. Nothing here is removed when days are deleted (`retain`), so a log read once
    is never read again.
    """

    def __init__(self, state: State) -> None:
        self._state = state

    def plan(self, log: str, *, reading: str = "") -> FilePlan:
        """Return what to do with a log; ask right before reading it.

        Parameters
        ----------
        log
            A path or an address.
        reading
            A fingerprint of the options that decide what its records mean (format, mapping, time zone, accounts).

        Raises
        ------
        InputError
            The log cannot be read, or not one byte of what it compresses.
        WorkspaceError
            It was read before under other options.
        """
        place = place_of(log)
        stamp = place.stamp()
        with ContentReader(log) as reader:
            if not reader.is_one_piece:
                stays = None if place.may_grow else stamp
                return self._plan_log(FilePlan(log, "read", reading=reading, stamp=stays), reader)
            reader.advance_to_end()
        return self._plan_one_piece(
            FilePlan(log, "read", is_one_piece=True, reading=reading, content=reader.content, stamp=stamp)
        )

    def plan_again(self, plan: FilePlan) -> FilePlan:
        """Return what to do with a log that did not change since, now that others count (errors: `plan`)."""
        return self._plan_one_piece(plan) if plan.is_one_piece else self.plan(plan.name, reading=plan.reading)

    def plan_stream(self, name: str = "-", *, reading: str = "") -> FilePlan:
        """Return the plan of a stream: what it holds is known only once it has been read."""
        return FilePlan(name, "read", is_stream=True, reading=reading)

    def sources(self) -> list[ReadSource]:
        """Return the logs that were read, oldest first."""
        with self._state.transaction() as session:
            rows = session.scalars(select(SourceFile).order_by(SourceFile.id)).all()
        return [
            ReadSource(
                row.name,
                row.is_complete,
                row.n_exchanges,
                row.n_quarantined,
                row.n_before_retention,
                frozenset(row.columns_absent),
                row.committed_at,
            )
            for row in rows
        ]

    def n_stretches(self) -> dict[int, int]:
        """Return the number of stretches in which each log was read, by its number here."""
        with self._state.transaction() as session:
            return {row.id: row.n_stretches for row in session.scalars(select(SourceFile))}

    def names(self) -> dict[int, str]:
        """Return the name of each log as it was first given, by its number here."""
        with self._state.transaction() as session:
            return {row.id: row.name for row in session.scalars(select(SourceFile))}

    def plan_partition(self, name: str, *, reading: str = "") -> FilePlan:
        """Return where to go on in a partition that numbers its records by itself: it is known by its name.

        Raises
        ------
        WorkspaceError
            It was read before under other options.
        """
        latest = (
            select(SourceFile.id, SourceFile.reading, func.max(SourcePrefix.end_row))
            .join(SourcePrefix, SourcePrefix.source_id == SourceFile.id)
            .where(SourceFile.name == name)
            .group_by(SourceFile.id)
        )
        with self._state.transaction() as session:
            found = session.execute(latest).one_or_none()
        fresh = FilePlan(name, "read", reading=reading, is_one_piece=True)
        if found is None:
            return fresh
        source_id, read_as, row = found
        if read_as != reading:
            raise _read_otherwise(name)
        return replace(fresh, action="continue", offset=row, row=row, source_id=source_id)

    def commit(
        self, session: Session, plan: FilePlan, *, content: ContentMark, progress: Progress, now: datetime
    ) -> tuple[int, int]:
        """Record how far a log was read, within the transaction that makes its sketches count.

        Parameters
        ----------
        content
            What was read so far: the first `end_offset` bytes or some more, or all bytes of a log in one piece.

        Returns
        -------
        The log's number in the manifest and the number of this stretch of it.
        """
        source = _source(session, plan)
        source.n_exchanges += progress.n_exchanges
        source.n_quarantined += progress.n_quarantined
        source.n_before_retention += progress.n_before_retention
        source.columns_absent = sorted({*source.columns_absent, *progress.columns_absent})
        source.is_complete = progress.is_complete
        source.committed_at = now
        source.n_stretches += 1
        session.flush()
        key = (source.id, progress.end_row, content.n_bytes)
        if session.get(SourcePrefix, key) is None:
            session.add(
                SourcePrefix(
                    source_id=source.id,
                    end_row=progress.end_row,
                    n_bytes=content.n_bytes,
                    end_offset=progress.end_offset,
                    digest=content.digest,
                    head_bytes=content.head_bytes,
                    head_digest=content.head,
                )
            )
        return source.id, source.n_stretches

    def is_known(self, content: ContentMark) -> bool:
        """Whether exactly these bytes were read before, as a stream or as a log."""
        query = select(SourcePrefix.source_id).where(
            SourcePrefix.head_digest == content.head,
            SourcePrefix.n_bytes == content.n_bytes,
            SourcePrefix.digest == content.digest,
        )
        with self._state.transaction() as session:
            return session.scalar(query.limit(1)) is not None

    def _plan_log(self, plan: FilePlan, reader: ContentReader) -> FilePlan:
        if reader.is_at_end():
            reader.require_bytes()
            return replace(plan, action="skip")
        heads = self._heads(reader)
        for prefix in self._prefixes_with(heads.values()):
            if not reader.advance(prefix.n_bytes):
                break
            content = heads.get(prefix.n_bytes, reader.content)  # the reader may be past a short one
            if content.digest() == prefix.digest:
                is_whole = content.n_bytes == reader.content.n_bytes and reader.is_at_end()
                plan = prefix.plan(plan, content.copy(), is_whole=is_whole)
        return plan

    def _plan_one_piece(self, plan: FilePlan) -> FilePlan:
        content = plan.content
        query = _known_prefixes().where(
            SourcePrefix.digest == content.digest(), SourcePrefix.n_bytes == content.n_bytes
        )
        with self._state.transaction() as session:
            known = [_KnownPrefix(*row) for row in session.execute(query)]
        return known[-1].plan(plan, content, is_whole=True) if known else plan

    def _heads(self, reader: ContentReader) -> dict[int, ContentHash]:
        """Return the hash of the log's first bytes, by their number: of as many as any log's head has.

        A prefix is as long as one of these, or longer than all of them.
        """
        with self._state.transaction() as session:
            sizes = session.scalars(select(SourcePrefix.head_bytes).distinct().order_by(SourcePrefix.head_bytes)).all()
        return {size: reader.content.copy() for size in sizes if reader.advance(size)}

    def _prefixes_with(self, heads: Iterable[ContentHash]) -> "list[_KnownPrefix]":
        """Return recorded prefixes that begin so, shortest first."""
        query = _known_prefixes().where(SourcePrefix.head_digest.in_([head.digest() for head in heads]))
        with self._state.transaction() as session:
            return [_KnownPrefix(*row) for row in session.execute(query)]


@dataclass(frozen=True, slots=True)
class _KnownPrefix:
    """A recorded prefix, with what is known of its log."""

    source_id: int
    end_row: int
    end_offset: int
    n_bytes: int
    digest: bytes
    latest_row: int
    reading: str
    is_complete: bool

    def plan(self, fresh: FilePlan, content: ContentHash, *, is_whole: bool) -> FilePlan:
        """Return the plan of a log that begins with these bytes, or is no more than they.

        Where a run was killed between reading the last of it and saying so, it is read on from its end.
        """
        is_latest = self.end_row == self.latest_row
        if self.reading != fresh.reading:
            raise _read_otherwise(fresh.name)
        return replace(
            fresh,
            action="skip" if is_whole and (self.is_complete or not is_latest) else "continue",
            offset=self.end_offset,
            row=self.end_row,
            # A log that leaves the known one halfway goes on as a log of its own.
            source_id=self.source_id if is_latest else None,
            content=content,
        )


def _read_otherwise(name: str) -> WorkspaceError:
    return WorkspaceError(
        "this log was read before under other options (format, mapping, time zone or account fields)",
        where=name,
        todo="give the options it was read with, or ingest it into a new workspace",
    )


def _known_prefixes() -> "Select[int, int, int, int, bytes, int, str, bool]":
    latest = (
        select(SourcePrefix.source_id, func.max(SourcePrefix.end_row).label("end_row"))
        .group_by(SourcePrefix.source_id)
        .subquery()
    )
    return (
        select(
            SourcePrefix.source_id,
            SourcePrefix.end_row,
            SourcePrefix.end_offset,
            SourcePrefix.n_bytes,
            SourcePrefix.digest,
            latest.c.end_row,
            SourceFile.reading,
            SourceFile.is_complete,
        )
        .join(SourceFile, SourceFile.id == SourcePrefix.source_id)
        .join(latest, latest.c.source_id == SourcePrefix.source_id)
        .order_by(SourcePrefix.n_bytes, SourcePrefix.end_row, SourcePrefix.source_id)
    )


def _source(session: Session, plan: FilePlan) -> SourceFile:
    found = session.get(SourceFile, plan.source_id) if plan.source_id is not None else None
    if found is None:
        found = SourceFile(
            name=plan.name,
            reading=plan.reading,
            n_stretches=0,
            n_exchanges=0,
            n_quarantined=0,
            n_before_retention=0,
            columns_absent=[],
        )
        session.add(found)
    return found
