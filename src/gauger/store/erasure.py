"""Deleting by age and by account. Each step is whole or not done at all; a killed run is simply run again."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import ColumnElement, delete, exists, func, select, update
from sqlalchemy.orm import Session

from gauger.errors import UsageError
from gauger.store.durable import read_parquet
from gauger.store.models import AlarmAccount, AlarmRecord, Fact, FindingAccount, FindingRecord, ScanRecord
from gauger.store.sketch_files import KEPT_FROM
from gauger.store.staging import StagedFile
from gauger.store.state import State
from gauger.store.stored_files import NamedFile, StoredFiles


@dataclass(frozen=True, slots=True)
class Erased:
    """What was deleted.

    Attributes
    ----------
    n_days
        Days that have no sketches any more.
    n_exchanges
        Sketches.
    n_parts
        Sketches of system prompts and tool schemas that no exchange uses any more.
    n_table_rows
        Rows of the account table and of the events.
    n_members
        Times that the account was remembered as a member of a finding, or named by a live alarm.
    """

    n_days: int
    n_exchanges: int
    n_parts: int
    n_table_rows: int = 0
    n_members: int = 0


def retain(state: State, files: StoredFiles, *, days: int, now: datetime) -> Erased:
    """Delete the days that ended more than `days` days before `now`, and what earlier scans found. They stay deleted.

    Live alarms of those days keep their time and lose their accounts.

    What a person decided stays, without the accounts it was about once no later scan found them. The account table and
    the events stay: the operator replaces them.

    The manifest keeps the logs they came from, so the same log brings nothing back. An exchange of a deleted day that
    comes with another log is counted and dropped (`SketchWriter`).

    Raises
    ------
    UsageError
        `days` is negative: that would delete days to come.
    """
    if days < 0:
        raise UsageError(f"{days} days cannot be kept", where="retain", todo="give 0 or more")
    kept_from = (now.astimezone(UTC) - timedelta(days=days)).date()
    before = state.fact(KEPT_FROM)
    if before is not None:  # what was deleted stays deleted, also when more is kept from now on
        kept_from = max(kept_from, date.fromisoformat(before))
    old = files.named("sketch", last=kept_from - timedelta(days=1))
    with state.transaction() as session:
        session.merge(Fact(name=KEPT_FROM, value=kept_from.isoformat()))
        first = datetime(kept_from.year, kept_from.month, kept_from.day, tzinfo=UTC)
        _drop_scans(session, before=first)
        _empty_alarms(session, before_us=int(first.timestamp()) * 1_000_000)
        files.drop(session, old)
    files.remove(old)
    n_parts = _drop_unused_parts(state, files)
    state.compact()
    return Erased(n_days=len({file.day for file in old}), n_exchanges=sum(file.n_rows for file in old), n_parts=n_parts)


def forget(state: State, files: StoredFiles, account_id: str) -> Erased:
    """Delete everything kept about an account, and rewrite the state so that nothing of it is left in there.

    The account's id is not kept to keep it out: the same logs bring nothing back, new ones that name it do.
    """
    days_before = {file.day for file in files.named("sketch")}
    rewritten = list(_without_account(files, account_id))
    try:
        with state.transaction() as session:
            members = FindingAccount.account_id == account_id
            n_members = session.scalar(select(func.count()).select_from(FindingAccount).where(members)) or 0
            session.execute(delete(FindingAccount).where(members))
            session.execute(delete(FindingRecord).where(~_has_members()))
            alarmed = AlarmAccount.account_id == account_id
            n_members += session.scalar(select(func.count()).select_from(AlarmAccount).where(alarmed)) or 0
            session.execute(delete(AlarmAccount).where(alarmed))
            for old, new in rewritten:
                files.replace(session, old, new)
    finally:
        files.discard(new for _, new in rewritten if new is not None)
    files.remove(old for old, _ in rewritten)
    n_parts = _drop_unused_parts(state, files)
    state.compact()
    return Erased(
        n_days=len(days_before - {file.day for file in files.named("sketch")}),
        n_exchanges=sum(_n_lost(old, new) for old, new in rewritten if old.kind == "sketch"),
        n_parts=n_parts,
        n_table_rows=sum(_n_lost(old, new) for old, new in rewritten if old.kind != "sketch"),
        n_members=n_members,
    )


def _has_members() -> ColumnElement[bool]:
    return exists().where(
        FindingAccount.scan_id == FindingRecord.scan_id, FindingAccount.finding_id == FindingRecord.finding_id
    )


def _drop_scans(session: Session, *, before: datetime) -> None:
    """Delete what scans before this time found: the accounts and the template hashes of their findings."""
    old = select(ScanRecord.id).where(ScanRecord.scanned_at < before)
    session.execute(delete(FindingAccount).where(FindingAccount.scan_id.in_(old)))
    session.execute(delete(FindingRecord).where(FindingRecord.scan_id.in_(old)))
    session.execute(delete(ScanRecord).where(ScanRecord.scanned_at < before))


def _empty_alarms(session: Session, *, before_us: int) -> None:
    """Delete the accounts and template hashes of live alarms before this time."""
    old = AlarmRecord.start_us < before_us
    session.execute(delete(AlarmAccount).where(AlarmAccount.alarm_number.in_(select(AlarmRecord.id).where(old))))
    session.execute(update(AlarmRecord).where(old).values(shingles=b""))


def _without_account(files: StoredFiles, account_id: str) -> Iterable[tuple[NamedFile, StagedFile | None]]:
    """Yield every file that names the account, with its rewritten form; None where nothing is left of it."""
    for file in files.named("sketch", "accounts", "events"):
        accounts = read_parquet(file.path, ["account_id"])["account_id"]
        is_kept = pc.fill_null(pc.not_equal(accounts, account_id), fill_value=True)
        n_kept = pc.sum(is_kept).as_py() or 0
        if n_kept == file.n_rows:
            continue
        is_empty = n_kept == 0 and file.kind == "sketch"
        yield (
            file,
            None if is_empty else files.stage(read_parquet(file.path).filter(is_kept), kind=file.kind, day=file.day),
        )


def _drop_unused_parts(state: State, files: StoredFiles) -> int:
    """Delete the parts that no sketch points to and return how many they were."""
    used = _used_parts(files)
    rewritten: list[tuple[NamedFile, StagedFile | None]] = []
    dropped: set[int] = set()
    for file in files.named("part"):
        parts = read_parquet(file.path)
        numbers = parts["part"].to_numpy()
        is_used = np.isin(numbers, used)
        if is_used.all():
            continue
        dropped.update(numbers[~is_used].tolist())
        kept = parts.filter(pa.array(is_used))
        rewritten.append((file, files.stage(kept, kind="part") if kept.num_rows else None))
    if rewritten:
        with state.transaction() as session:
            for old, new in rewritten:
                files.replace(session, old, new)
        files.remove(old for old, _ in rewritten)
    return len(dropped)


def _used_parts(files: StoredFiles) -> npt.NDArray[np.int64]:
    columns = ["system_part", "tool_part"]
    used = [
        np.unique(table[column].to_numpy())
        for table in (read_parquet(file.path, columns) for file in files.named("sketch"))
        for column in columns
    ]
    return np.unique(np.concatenate(used)) if used else np.empty(0, dtype=np.int64)


def _n_lost(old: NamedFile, new: StagedFile | None) -> int:
    return old.n_rows - (new.n_rows if new is not None else 0)
