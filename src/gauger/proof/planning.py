"""How many answers a proof needs, and what they cost: before anybody asks a suspect anything.

z grows with the square root of the positions scored, z = effect x sqrt(positions), as long as what a suspect does of
its own accord is small beside the noise of its sampling; later it grows more slowly, for its own habits do not average
out. So a plan is the least that it takes. The effect depends on scheme, task and the marked share of what was read.

The test is a rank, so the power is that of a rank: the key must stand above all but so many of K others, each a
standard normal under the null. The effect comes from a test of a student of one's own (its z over the square root of
its positions), scaled to the share one expects; that it is in proportion to the share is an assumption
(`benchmarks/radioactivity.py` measures it), and the plan says so.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import optimize, stats

from gauger.errors import UsageError

#: Points of the quadrature over the null's uniforms: exact to the digits that a plan has.
_POINTS: Final = 20_001
#: Beyond this nobody asks: something is wrong with the numbers given.
MAX_POSITIONS: Final = 10**12


@dataclass(frozen=True, slots=True)
class Goal:
    """What is to be shown.

    Attributes
    ----------
    alpha
        Level of the verdict.
    n_tests
        Suspects x keys x methods, corrected for.
    null_keys
        Other keys.
    power
        Chance to reach the level if the mark is there as expected.
    """

    alpha: float
    n_tests: int
    null_keys: int
    power: float

    def __post_init__(self) -> None:
        if not 0 < self.power < 1:
            raise UsageError(f"the power is {self.power:g}", where="--power", todo="give a share between 0 and 1")


@dataclass(frozen=True, slots=True)
class Expected:
    """What is expected of the suspect.

    Attributes
    ----------
    effect
        z for each square root of a position, at the share below.
    share, expected_share
        Marked share of what the measured student read, and of what the suspect is thought to have read.
    positions_per_answer
        Tokens of an answer that are scored.
    """

    effect: float
    share: float
    expected_share: float
    positions_per_answer: float

    def __post_init__(self) -> None:
        given = (self.effect, self.share, self.expected_share, self.positions_per_answer)
        if not all(0 < one < math.inf for one in given) or max(self.share, self.expected_share) > 1:
            raise UsageError(
                "effect, shares and length must be greater than 0, and shares at most 1",
                todo="a student that shows no mark allows no plan; test it with more answers or more of the mark",
            )

    @property
    def scaled(self) -> float:
        """The effect at the share that is expected."""
        return self.effect * self.expected_share / self.share


@dataclass(frozen=True, slots=True)
class QueryPlan:
    """What it takes: the mean z that gives the power, and the positions and answers behind it."""

    z_score: float
    positions: int
    answers: int


def query_plan(goal: Goal, expected: Expected) -> QueryPlan:
    """Return what it takes.

    Raises
    ------
    UsageError
        It takes more than anybody can ask.
    """
    z_score = needed_z(goal)
    if z_score > math.sqrt(MAX_POSITIONS) * expected.scaled:
        raise UsageError(
            f"a mark this weak would take more than {MAX_POSITIONS:.0g} positions",
            where="--effect",
            todo="check effect and shares",
        )
    positions = math.ceil((z_score / expected.scaled) ** 2)
    return QueryPlan(z_score, positions, math.ceil(positions / expected.positions_per_answer))


def needed_z(goal: Goal) -> float:
    """Return the mean z at which the rank reaches the level with the power asked for."""
    found = optimize.brentq(lambda mean: rank_power(mean, goal) - goal.power, -40.0, 80.0, xtol=1e-6)
    return float(found)


def rank_power(mean: float, goal: Goal) -> float:
    """Return the chance that the rank among other keys reaches the level, for a key whose z is normal about `mean`.

    (1 + others above) / (K + 1) must be at most alpha / n_tests, which is Holm's bar for the smallest p-value.
    """
    most_above = math.floor(goal.alpha / goal.n_tests * (goal.null_keys + 1) * (1 + 1e-12)) - 1
    if most_above < 0:
        return 0.0
    z = mean + stats.norm.ppf((np.arange(_POINTS) + 0.5) / _POINTS)
    return float(stats.binom.cdf(most_above, goal.null_keys, stats.norm.sf(z)).mean())
