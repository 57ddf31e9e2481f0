"""Timing: members used a newly released model within two days, when others of their kind had not.

A campaign moves its traffic within hours of a release; a population takes weeks. The null: which customers are in the
group is independent of who moved, given the client, the model used before, plan and activity. It is exact and needs no
history but the look-back. Customers are compared with others that use the same client, for the new default of a
program is no decision of theirs; those whose client is not known are left out. A program whose users look like those of
a common client moves its own all the same, and a group chosen by a template is often a program's users: so this channel
alone never makes a *campaign*.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import hypergeom

from gauger.evidence.changes import Moves
from gauger.evidence.channel import Group, Population, word
from gauger.evidence.records import SMALLEST_P, Evidence, Fact

MIN_KNOWN = 4


@dataclass(frozen=True, slots=True)
class Migration:
    """Outcome of the test; `p_value` is None below four members about whom it is known.

    `expected` is how many of the members would have moved, had they moved as the others of their stratum did.
    """

    p_value: float | None
    n_known: int
    n_moved: int
    expected: float


def migration_test(moves: Moves, members: NDArray[np.int32]) -> Migration:
    """Test whether members moved beyond chance.

    The number of members that moved is a sum of independent hypergeometric numbers, one a stratum: exact.

    Parameters
    ----------
    moves
        Who moved, of everybody.
    members
        Distinct principals of the group.
    """
    inside = members[moves.known[members]]
    cell = np.full(len(moves.known), -1, np.int64)
    cell[moves.known] = np.unique(moves.stratum[moves.known], axis=0, return_inverse=True)[1].ravel()
    tail = np.ones(1)
    expected = 0.0
    for code, n in zip(*np.unique(cell[inside], return_counts=True), strict=True):
        everybody = cell == code
        n_all, n_moved = int(everybody.sum()), int(moves.moved[everybody].sum())
        mine = int(moves.moved[inside[cell[inside] == code]].sum())
        tail = np.convolve(tail, hypergeom.pmf(np.arange(n + 1), n_all, n_moved, n))
        # With nobody to compare with, members moved as their kind does: they are their kind.
        expected += float(n * (n_moved - mine) / (n_all - n)) if n_all > n else mine
    n_moved = int(moves.moved[inside].sum())
    p_value = None
    if len(inside) >= MIN_KNOWN:
        p_value = float(np.clip(tail[n_moved:].sum(), SMALLEST_P, 1.0)) if n_moved else 1.0
    return Migration(p_value=p_value, n_known=len(inside), n_moved=n_moved, expected=expected)


@dataclass(frozen=True, slots=True)
class PivotChannel:
    """The channel; it draws no chance."""

    name: str = "pivot"
    family: str = "timing"
    draws: bool = False

    @property
    def null(self) -> str:
        """The hypothesis that is tested, in words."""
        return (
            "which accounts are in the group is independent of which moved to a new model within two days of its first"
            " appearance, given the client, the model used before, plan and activity"
        )

    def evaluate(self, group: Group, population: Population, *, rng: np.random.Generator) -> Evidence:  # noqa: ARG002
        """Return the channel's word on the group."""
        moves = population.moves
        outcome = None if moves is None else migration_test(moves, group.principals)
        if moves is None or outcome is None:
            facts = [Fact(code="pivot.absent", text="No model newly appeared in these logs in time.", values={})]
        else:
            facts = self._facts(outcome, moves.model, len(group.principals))
        return word(self, None if outcome is None else outcome.p_value, facts)

    def _facts(self, outcome: Migration, model: str, n_members: int) -> list[Fact]:
        facts = [
            Fact(
                code="pivot.moved",
                text=f"{outcome.n_moved} of {n_members} customers used {model} within two days of its first appearance"
                f" (known for {outcome.n_known}); of others of their kind {outcome.expected:.1f} would have.",
                values={
                    "model": model,
                    "moved": outcome.n_moved,
                    "expected": round(outcome.expected, 6),
                    "excess": round(outcome.n_moved - outcome.expected, 6),
                    "members": n_members,
                    "known": outcome.n_known,
                },
            )
        ]
        if outcome.p_value is None:
            facts.append(
                Fact(code="pivot.no_power", text="No power: fewer than four members about whom it is known.", values={})
            )
        return facts


PIVOT: Final = PivotChannel()
