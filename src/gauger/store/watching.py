"""What `gauger watch` keeps: the stretches it closed, the alarms it raised, and what scans said of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from sqlalchemy import inspect, select

from gauger.campaigns.alarms import Alarm, Fate, FateKind
from gauger.campaigns.betting import Capital
from gauger.campaigns.live import Stretch
from gauger.store.models import AlarmAccount, AlarmFate, AlarmRecord, StretchRecord, WatchedStretch
from gauger.store.state import State

#: A piece of a log as it was committed: the log's number in the manifest, and the number of the piece.
Taken = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Settled:
    """An alarm with what the latest scan that tested its stretch said; None: no scan has."""

    alarm: Alarm
    fate: Fate | None
    at: datetime | None


class Watching:
    """The live path's record. Stretches are only ever added, in the transaction that adds what they were made of."""

    def __init__(self, state: State) -> None:
        self._state = state

    def taken(self) -> list[Taken]:
        """Return the pieces of logs that were taken in, in their order."""
        with self._state.transaction() as session:
            return [(row.source_id, row.stretch) for row in session.scalars(select(WatchedStretch).order_by("id"))]

    def add(self, piece: Taken, stretches: Iterable[Stretch], alarms: Iterable[Alarm]) -> None:
        """Record that a piece was taken in, with the stretches that it closed and their alarms: all or nothing."""
        with self._state.transaction() as session:
            session.add(WatchedStretch(source_id=piece[0], stretch=piece[1]))
            session.add_all(_stretch_record(one) for one in stretches)
            for alarm in alarms:
                record = _alarm_record(alarm)
                session.add(record)
                session.flush()
                accounts = sorted(alarm.stretch.accounts)
                session.add_all(AlarmAccount(alarm_number=record.id, account_id=one) for one in accounts)

    def stretches(self) -> list[Stretch]:
        """Return every stretch, in the order they closed; those that raised an alarm without its accounts."""
        if not self._has_tables():
            return []
        with self._state.transaction() as session:
            return [_stretch(one) for one in session.scalars(select(StretchRecord).order_by(StretchRecord.id))]

    def alarms(self) -> list[Settled]:
        """Return every alarm in the order they were raised."""
        if not self._has_tables():
            return []
        with self._state.transaction() as session:
            accounts: dict[int, set[str]] = {}
            for row in session.scalars(select(AlarmAccount)):
                accounts.setdefault(row.alarm_number, set()).add(row.account_id)
            fates = {row.alarm_number: row for row in session.scalars(select(AlarmFate).order_by(AlarmFate.id))}
            of_stretch = {
                (row.hours, row.start_us): row
                for row in session.scalars(select(StretchRecord).where(StretchRecord.is_alarm))
            }
            return [
                _settled(row, of_stretch[row.hours, row.start_us], accounts.get(row.id, set()), fates.get(row.id))
                for row in session.scalars(select(AlarmRecord).order_by(AlarmRecord.id))
            ]

    def settle(self, fates: Sequence[tuple[Alarm, Fate]], *, now: datetime) -> None:
        """Record what a scan says of alarms."""
        with self._state.transaction() as session:
            numbers = {(row.hours, row.start_us): row.id for row in session.scalars(select(AlarmRecord))}
            session.add_all(
                AlarmFate(
                    alarm_number=numbers[alarm.stretch.hours, alarm.stretch.start_us],
                    kind=fate.kind,
                    finding_id=fate.finding_id,
                    verdict=fate.verdict,
                    n_more=fate.n_more,
                    said_at=now,
                )
                for alarm, fate in fates
            )

    def _has_tables(self) -> bool:
        """Whether the workspace has these tables: one that was made before and is only read may lack them."""
        return inspect(self._state.engine).has_table(AlarmFate.__tablename__)


def _stretch_record(one: Stretch) -> StretchRecord:
    return StretchRecord(
        hours=one.hours,
        start_us=one.start_us,
        n_items=one.n_items,
        n_candidates=one.n_candidates,
        score=one.score,
        p_value=one.p_value,
        n_bets=one.capital.n_bets,
        running=one.capital.running,
        value=one.value,
        is_alarm=one.is_alarm,
    )


def _stretch(row: StretchRecord, accounts: Iterable[str] = (), shingles: Iterable[int] = ()) -> Stretch:
    return Stretch(
        hours=row.hours,
        start_us=row.start_us,
        n_items=row.n_items,
        n_candidates=row.n_candidates,
        score=row.score,
        p_value=row.p_value,
        capital=Capital(row.n_bets, row.running),
        value=row.value,
        is_alarm=row.is_alarm,
        accounts=frozenset(accounts),
        shingles=frozenset(shingles),
    )


def _alarm_record(alarm: Alarm) -> AlarmRecord:
    return AlarmRecord(
        alarm_id=alarm.alarm_id,
        hours=alarm.stretch.hours,
        start_us=alarm.stretch.start_us,
        shingles=np.array(sorted(alarm.stretch.shingles), dtype="<i8").tobytes(),
    )


def _settled(row: AlarmRecord, stretch: StretchRecord, accounts: Iterable[str], said: AlarmFate | None) -> Settled:
    shingles = np.frombuffer(row.shingles, dtype="<i8").tolist()
    alarm = Alarm(row.alarm_id, _stretch(stretch, accounts, shingles))
    if said is None:
        return Settled(alarm, None, None)
    return Settled(alarm, Fate(_kind(said.kind), said.finding_id, said.verdict, said.n_more), said.said_at)


def _kind(stored: str) -> FateKind:
    kinds: tuple[FateKind, ...] = ("confirmed", "widened", "observed", "withdrawn")
    return next(kind for kind in kinds if kind == stored)
