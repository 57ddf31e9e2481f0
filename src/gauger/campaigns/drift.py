"""Is the past such that ranks among its windows hold? Every history window is ranked among those before it.

Where windows are exchangeable, the rank of each among those before it is uniform, and independent of all other such
ranks (Rényi 1962): so the number of windows that would have alarmed has a known law. More of them than that law allows,
and the stretch to come is not like those that were.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gauger.campaigns.calibration import Split, conformal_p_value
from gauger.campaigns.windows import DAY_US, Window

#: At or below this p-value ranks among the history certify nothing.
BROKEN = 0.01
#: Weeks begin on a Monday; so did 1969-12-29.
_WEEK_US, _MONDAY_US = 7 * DAY_US, -3 * DAY_US


@dataclass(frozen=True, slots=True)
class Week:
    """History windows that begin in one week: their number, how many alarmed, and how many were to be expected."""

    start_us: int
    windows: int
    alarms: int
    expected: float


@dataclass(frozen=True, slots=True)
class Drift:
    """How often history would have alarmed at a level, against what the level promises.

    Attributes
    ----------
    level
        Level of the alarms.
    weeks
        The weeks in which windows could have alarmed, in order of time.
    p_value
        Probability of as many alarms or more if windows are exchangeable.
    """

    level: float
    weeks: tuple[Week, ...]
    p_value: float

    @property
    def windows(self) -> int:
        """Windows that could have alarmed."""
        return sum(week.windows for week in self.weeks)

    @property
    def alarms(self) -> int:
        """Windows that did."""
        return sum(week.alarms for week in self.weeks)

    @property
    def expected(self) -> float:
        """Windows that were to be expected."""
        return sum(week.expected for week in self.weeks)

    @property
    def is_broken(self) -> bool:
        """Whether history alarmed too often for its ranks to certify anything."""
        return self.p_value <= BROKEN


def spendable(split: Split, windows: Sequence[Window], maxima: Sequence[float]) -> tuple[Split, Drift | None]:
    """Return what each route may spend once history was asked whether its ranks held, and what it said.

    A history that breaks its promise certifies nothing; what it may not spend is given to nobody. None where it is too
    short to be asked.
    """
    if not split.window_certifies:
        return split, None
    found = drift(windows, maxima, split.window)
    return (replace(split, window=0.0) if found.is_broken else split), found


def drift(windows: Sequence[Window], maxima: Sequence[float], level: float) -> Drift:
    """Return how often the windows of a history would have alarmed.

    Parameters
    ----------
    windows, maxima
        History windows and their maxima, in any one order.
    level
        Level of the alarms, in (0, 1).
    """
    in_time = sorted(zip(windows, maxima, strict=True), key=lambda pair: pair[0].start_us)
    chances = np.floor(level * (np.arange(len(in_time)) + 1) + 1e-9) / (np.arange(len(in_time)) + 1)
    by_week: dict[int, list[tuple[bool, float]]] = {}
    for place in np.flatnonzero(chances).tolist():
        window, maximum = in_time[place]
        alarmed = conformal_p_value(maximum, [earlier for _, earlier in in_time[:place]]) <= level
        monday = (window.start_us - _MONDAY_US) // _WEEK_US * _WEEK_US + _MONDAY_US
        by_week.setdefault(monday, []).append((alarmed, float(chances[place])))
    weeks = tuple(
        Week(start_us=monday, windows=len(own), alarms=sum(a for a, _ in own), expected=sum(c for _, c in own))
        for monday, own in by_week.items()
    )
    law = _sum_of_coins(chances)
    return Drift(level=level, weeks=weeks, p_value=min(1.0, float(law[sum(week.alarms for week in weeks) :].sum())))


def _sum_of_coins(chances: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return float64[n + 1], the probability of each number of heads among independent coins (Poisson binomial)."""
    law = np.ones(1)
    for chance in chances:
        law = np.convolve(law, [1 - chance, chance])
    return law
