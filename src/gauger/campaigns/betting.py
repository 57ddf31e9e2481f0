"""A bet against "this stretch is like those before it", and the capital that such bets leave: a test martingale.

The null: the maxima of stretches that compare (one length, alike traffic) are exchangeable. Then the rank of each among
those before it, ties broken at random, is uniform and independent of all earlier ranks (Vovk, Gammerman and Shafer,
*Algorithmic Learning in a Random World*, 8.1; by category: 4.6). A bet on a rank has the mean 1, and a product of bets
too. The capital is a mixture over the stretch from which one begins to bet, so that quiet months before a campaign
do not eat it up. It starts at 1 and by Ville's inequality ever reaches 1/a with probability a at most: one may look
after every stretch.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gauger.evidence.permutation import TIE

#: Two stretches compare when the logarithms of their items, to this base, have the same whole part.
TRAFFIC_BASE: Final = 2.0


def traffic_class(n_items: int) -> int:
    """Return the class of a stretch by its number of items: only stretches of one class compare."""
    return math.floor(math.log(max(n_items, 1), TRAFFIC_BASE) + 1e-9)


def online_p_value(score: float, earlier: Sequence[float], *, tie: float) -> float:
    """Return the rank of a stretch's maximum among those before it, as a p-value.

    Parameters
    ----------
    score
        The maximum, 0 without any candidate.
    earlier
        The maxima of the stretches before it that compare.
    tie
        Uniform on (0, 1): the place among equals.
    """
    margin = TIE * max(1.0, score)
    above = sum(other > score + margin for other in earlier)
    equal = 1 + sum(abs(other - score) <= margin for other in earlier)
    return (above + tie * equal) / (1 + len(earlier))


def bet(p_value: float) -> float:
    """Return what a bet of 1 on small p-values pays: the mean of k p^(k-1) over k in (0, 1), which integrates to 1.

    Vovk and Wang, "E-values: calibration, combination and applications" (2021), equation 2.
    """
    if p_value >= 1:
        return 0.5
    log = math.log(p_value)
    if log > -1e-4:  # where the difference of the terms cancels
        return 0.5 - log / 6
    return (1 - p_value + p_value * log) / (p_value * log * log)


@dataclass(frozen=True, slots=True)
class Capital:
    """The capital of one length of stretch since it last began at 1.

    Attributes
    ----------
    n_bets
        Stretches that were bet on.
    running
        What those that began to bet at one of them have. After s stretches 1 / (1 + ln(1 + s)) of the first capital has
        not begun yet: a campaign that begins at the s-th costs about s (1 + ln s)^2.
    """

    n_bets: int = 0
    running: float = 0.0

    @property
    def value(self) -> float:
        """All of it, with what has not begun to bet."""
        return self.running + _waiting(self.n_bets)

    def after(self, p_value: float) -> "Capital":
        """Return the capital after a bet on a stretch."""
        begins = _waiting(self.n_bets) - _waiting(self.n_bets + 1)
        return Capital(self.n_bets + 1, (self.running + begins) * bet(p_value))


def _waiting(n_bets: int) -> float:
    """Return the share of the capital that has not begun to bet after so many stretches."""
    return 1 / (1 + math.log1p(n_bets))
