"""What people decided about findings: dismissed or confirmed, by whom and why. Nothing is overwritten."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, get_args

from sqlalchemy import select

from gauger.errors import UsageError
from gauger.store.models import DecisionRecord
from gauger.store.state import State

Kind = Literal["dismiss", "confirm", "undo"]

_ALL: Final = select(DecisionRecord).order_by(DecisionRecord.id)


@dataclass(frozen=True, slots=True)
class Decision:
    """One entry of the record. `reason` is the analyst's own sentence, the only free text that a workspace keeps."""

    finding_id: str
    kind: Kind
    reason: str
    by: str
    at: datetime


class Decisions:
    """An append-only record: a later decision replaces an earlier one, and "undo" takes back the one that stands."""

    def __init__(self, state: State) -> None:
        self._state = state

    def add(self, decision: Decision) -> None:
        """Record a decision.

        Raises
        ------
        UsageError
            There is nothing to undo, or the reason or the person is missing.
        """
        for name, value in (("reason", decision.reason), ("by", decision.by)):
            if not value.strip():
                raise UsageError(
                    f"a decision needs {name!r}", where=decision.finding_id, todo="say why, and who decides"
                )
        with self._state.transaction() as session:
            if decision.kind == "undo" and decision.finding_id not in _standing(session.scalars(_ALL)):
                raise UsageError(
                    "there is no decision to undo", where=decision.finding_id, todo="look at the decisions that stand"
                )
            session.add(
                DecisionRecord(
                    finding_id=decision.finding_id,
                    kind=decision.kind,
                    reason=decision.reason,
                    decided_by=decision.by,
                    decided_at=decision.at,
                )
            )

    def active(self) -> dict[str, Decision]:
        """Return the decision that stands for each finding, by finding id."""
        with self._state.transaction() as session:
            return _standing(session.scalars(_ALL))

    def history(self) -> list[Decision]:
        """Return every entry, oldest first."""
        with self._state.transaction() as session:
            return [_decision(record) for record in session.scalars(_ALL)]


def _standing(records: Iterable[DecisionRecord]) -> dict[str, Decision]:
    standing: dict[str, Decision] = {}
    for record in records:
        decision = _decision(record)
        if decision.kind == "undo":
            del standing[decision.finding_id]
        else:
            standing[decision.finding_id] = decision
    return dict(sorted(standing.items()))


def _decision(record: DecisionRecord) -> Decision:
    kind = next(kind for kind in get_args(Kind) if kind == record.kind)
    return Decision(record.finding_id, kind, record.reason, record.decided_by, record.decided_at)
