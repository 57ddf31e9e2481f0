"""The tables of the state, the same on SQLite and PostgreSQL."""

from datetime import UTC, date, datetime
from typing import Any, Final

from sqlalchemy import JSON, BigInteger, DateTime, ForeignKey, Index, Integer, LargeBinary, String
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

#: Version of the folder's layout and of these tables. Another version is refused, never guessed at.
FORMAT: Final = "2"

# SQLite counts rows up by itself only in INTEGER columns.
_Id = BigInteger().with_variant(Integer(), "sqlite")


class UtcTime(TypeDecorator[datetime]):
    """A time with its zone, always UTC. SQLite keeps no zone, so it is taken off on the way in and put back."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Return the time in UTC; a naive one is a mistake of the caller."""
        if value is None:
            return None
        if value.tzinfo is None:
            message = "a stored time needs a zone"
            raise ValueError(message)
        return value.astimezone(UTC)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Return the stored time with its zone."""
        if value is None:
            return None
        stored: datetime = value
        return stored.replace(tzinfo=UTC) if stored.tzinfo is None else stored.astimezone(UTC)


class Base(DeclarativeBase):
    """Root of the models."""


class Fact(Base):
    """A fact about the workspace itself: its format, its key's id, what it was pinned to."""

    __tablename__ = "workspace_fact"

    name: Mapped[str] = mapped_column(String, primary_key=True)
    value: Mapped[str] = mapped_column(String)


class SourceFile(Base):
    """A log that was read, whole or in part. Its content is known by its prefixes, not by its name."""

    __tablename__ = "source_file"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012 - SQLAlchemy's own protocol

    id: Mapped[int] = mapped_column(_Id, primary_key=True)
    name: Mapped[str] = mapped_column(String)
    reading: Mapped[str] = mapped_column(String)
    is_complete: Mapped[bool]
    n_stretches: Mapped[int] = mapped_column(BigInteger)
    n_exchanges: Mapped[int] = mapped_column(BigInteger)
    n_quarantined: Mapped[int] = mapped_column(BigInteger)
    n_before_retention: Mapped[int] = mapped_column(BigInteger)
    columns_absent: Mapped[list[str]] = mapped_column(JSON)
    committed_at: Mapped[datetime] = mapped_column(UtcTime)


class SourcePrefix(Base):
    """The first `n_bytes` of a log were read: their hash, and where reading goes on."""

    __tablename__ = "source_prefix"
    __table_args__ = (Index("source_prefix_by_head", "head_bytes", "head_digest"),)

    source_id: Mapped[int] = mapped_column(_Id, ForeignKey("source_file.id", ondelete="CASCADE"), primary_key=True)
    end_row: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    n_bytes: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    end_offset: Mapped[int] = mapped_column(BigInteger)
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    head_bytes: Mapped[int] = mapped_column(BigInteger)
    head_digest: Mapped[bytes] = mapped_column(LargeBinary)


class StoredFile(Base):
    """A Parquet file that counts. What lies in the folder without a row here is left over from a crash."""

    __tablename__ = "stored_file"

    path: Mapped[str] = mapped_column(String, primary_key=True)
    kind: Mapped[str] = mapped_column(String, index=True)
    day: Mapped[date | None] = mapped_column(index=True)
    source_id: Mapped[int | None] = mapped_column(_Id, ForeignKey("source_file.id", ondelete="CASCADE"))
    n_rows: Mapped[int] = mapped_column(BigInteger)


class DecisionRecord(Base):
    """A person dismissed or confirmed a finding, or took that back. Rows are only ever added."""

    __tablename__ = "decision"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012

    id: Mapped[int] = mapped_column(_Id, primary_key=True)
    finding_id: Mapped[str] = mapped_column(String, index=True)
    kind: Mapped[str] = mapped_column(String)
    reason: Mapped[str] = mapped_column(String)
    decided_by: Mapped[str] = mapped_column(String)
    decided_at: Mapped[datetime] = mapped_column(UtcTime)


class ScanRecord(Base):
    """A scan whose findings are remembered."""

    __tablename__ = "scan"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012

    id: Mapped[int] = mapped_column(_Id, primary_key=True)
    scanned_at: Mapped[datetime] = mapped_column(UtcTime)


class FindingRecord(Base):
    """A finding as one scan saw it."""

    __tablename__ = "known_finding"

    scan_id: Mapped[int] = mapped_column(_Id, ForeignKey("scan.id", ondelete="CASCADE"), primary_key=True)
    finding_id: Mapped[str] = mapped_column(String, primary_key=True)
    first_seen: Mapped[datetime] = mapped_column(UtcTime)
    shingles: Mapped[bytes] = mapped_column(LargeBinary)


class FindingAccount(Base):
    """An account of a finding as one scan saw it."""

    __tablename__ = "known_finding_account"

    scan_id: Mapped[int] = mapped_column(_Id, ForeignKey("scan.id", ondelete="CASCADE"), primary_key=True)
    finding_id: Mapped[str] = mapped_column(String, primary_key=True)
    account_id: Mapped[str] = mapped_column(String, primary_key=True, index=True)


class WatchedStretch(Base):
    """A stretch of a log (`SourceFile.n_stretches`) whose sketches the live path has taken in; `id` is the order."""

    __tablename__ = "watch_taken"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012

    id: Mapped[int] = mapped_column(_Id, primary_key=True)
    source_id: Mapped[int] = mapped_column(_Id, ForeignKey("source_file.id", ondelete="CASCADE"))
    stretch: Mapped[int] = mapped_column(BigInteger)


class StretchRecord(Base):
    """A stretch that `gauger watch` closed and scored."""

    __tablename__ = "watch_stretch"
    __table_args__ = (
        Index("watch_stretch_by_place", "hours", "start_us", unique=True),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(_Id, primary_key=True)
    hours: Mapped[int] = mapped_column(BigInteger)
    start_us: Mapped[int] = mapped_column(BigInteger)
    n_items: Mapped[int] = mapped_column(BigInteger)
    n_candidates: Mapped[int] = mapped_column(BigInteger)
    score: Mapped[float]
    p_value: Mapped[float | None]
    n_bets: Mapped[int] = mapped_column(BigInteger)
    running: Mapped[float]
    value: Mapped[float]
    is_alarm: Mapped[bool]


class AlarmRecord(Base):
    """A live alarm: the stretch that raised it, and a sample of its template's hashes."""

    __tablename__ = "live_alarm"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012

    id: Mapped[int] = mapped_column(_Id, primary_key=True)
    alarm_id: Mapped[str] = mapped_column(String, index=True)
    hours: Mapped[int] = mapped_column(BigInteger)
    start_us: Mapped[int] = mapped_column(BigInteger)
    shingles: Mapped[bytes] = mapped_column(LargeBinary)


class AlarmAccount(Base):
    """An account that a live alarm names."""

    __tablename__ = "live_alarm_account"

    alarm_number: Mapped[int] = mapped_column(_Id, ForeignKey("live_alarm.id", ondelete="CASCADE"), primary_key=True)
    account_id: Mapped[str] = mapped_column(String, primary_key=True, index=True)


class AlarmFate(Base):
    """What a scan said of a live alarm. Rows are only ever added."""

    __tablename__ = "live_alarm_fate"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012

    id: Mapped[int] = mapped_column(_Id, primary_key=True)
    alarm_number: Mapped[int] = mapped_column(_Id, ForeignKey("live_alarm.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String)
    finding_id: Mapped[str | None] = mapped_column(String)
    verdict: Mapped[str | None] = mapped_column(String)
    n_more: Mapped[int] = mapped_column(BigInteger)
    said_at: Mapped[datetime] = mapped_column(UtcTime)
