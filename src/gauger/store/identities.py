"""What earlier scans found, so that a finding keeps its identity from scan to scan. Matching is done elsewhere."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gauger.store.models import FindingAccount, FindingRecord, ScanRecord
from gauger.store.state import State


@dataclass(frozen=True, slots=True)
class KnownFinding:
    """A finding of an earlier scan.

    Attributes
    ----------
    finding_id
        "c-" and 12 letters and digits.
    accounts
        The operator's own ids of its accounts.
    shingles
        A sample of the keyed hashes of its core (signed 64 bits); empty where it has no core.
    first_seen
        The earliest time any scan gave.
    """

    finding_id: str
    accounts: frozenset[str]
    shingles: frozenset[int]
    first_seen: datetime


class Identities:
    """The findings of every scan that was recorded."""

    def __init__(self, state: State) -> None:
        self._state = state

    def remember(self, findings: Iterable[KnownFinding], *, now: datetime) -> None:
        """Record the findings of one scan, all or none."""
        with self._state.transaction() as session:
            scan = ScanRecord(scanned_at=now)
            session.add(scan)
            session.flush()
            for finding in findings:
                session.add_all(_records(scan.id, finding))

    def known(self) -> list[KnownFinding]:
        """Return each finding as the latest scan that saw it did, with its earliest `first_seen`, in order of id."""
        latest = (
            select(FindingRecord.finding_id, func.max(FindingRecord.scan_id).label("scan_id"))
            .group_by(FindingRecord.finding_id)
            .subquery()
        )
        with self._state.transaction() as session:
            accounts = _accounts_by_finding(session)
            first_seen = _first_seen_by_finding(session)
            records = session.scalars(
                select(FindingRecord)
                .join(
                    latest,
                    (latest.c.finding_id == FindingRecord.finding_id) & (latest.c.scan_id == FindingRecord.scan_id),
                )
                .order_by(FindingRecord.finding_id)
            )
            return [
                KnownFinding(
                    record.finding_id,
                    frozenset(accounts.get((record.scan_id, record.finding_id), ())),
                    frozenset(np.frombuffer(record.shingles, dtype="<i8").tolist()),
                    first_seen[record.finding_id],
                )
                for record in records
            ]


def _records(scan_id: int, finding: KnownFinding) -> Iterable[FindingRecord | FindingAccount]:
    yield FindingRecord(
        scan_id=scan_id,
        finding_id=finding.finding_id,
        first_seen=finding.first_seen,
        shingles=np.array(sorted(finding.shingles), dtype="<i8").tobytes(),
    )
    for account_id in sorted(finding.accounts):
        yield FindingAccount(scan_id=scan_id, finding_id=finding.finding_id, account_id=account_id)


def _accounts_by_finding(session: Session) -> dict[tuple[int, str], list[str]]:
    accounts: dict[tuple[int, str], list[str]] = {}
    for row in session.scalars(select(FindingAccount)):
        accounts.setdefault((row.scan_id, row.finding_id), []).append(row.account_id)
    return accounts


def _first_seen_by_finding(session: Session) -> dict[str, datetime]:
    query = select(FindingRecord.finding_id, func.min(FindingRecord.first_seen).label("first_seen")).group_by(
        FindingRecord.finding_id
    )
    return {row.finding_id: row.first_seen for row in session.execute(query)}
