"""Permutation tests with early stopping: the p-values of the conditional channels.

Source: Besag and Clifford, "Sequential Monte Carlo p-values", Biometrika 78 (1991). Drawing stops once `enough` draws
reached the observed value; p is then `enough / draws`, otherwise `(1 + reached) / (1 + draws)`. Both are valid: under
the null P(p <= a) <= a.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ENOUGH = 20
#: Draws at a time.
BATCH = 250
#: Relative size of a rounding error: draws this close to the observed value are ties.
TIE = 1e-9


def sequential_p_value(
    observed: float, draw: Callable[[int], Floats], *, permutations: int, enough: int = ENOUGH
) -> float:
    """Return the one-sided p-value of a large `observed`.

    Parameters
    ----------
    observed
        The statistic on the data.
    draw
        `draw(k)` returns float64[k], the statistic on k independent permutations.
    permutations
        Most draws to make.
    enough
        Draws at or above `observed` after which drawing stops.
    """
    reached = drawn = 0
    while drawn < permutations:
        size = min(BATCH, permutations - drawn)
        hits = np.cumsum(_reaches(draw(size), observed))
        if reached + hits[-1] >= enough:
            stop = int(np.searchsorted(hits, enough - reached)) + 1
            return enough / (drawn + stop)
        reached += int(hits[-1])
        drawn += size
    return (1 + reached) / (1 + permutations)


def is_rejected(observed: float, draw: Callable[[int], Floats], *, permutations: int, alpha: float) -> bool:
    """Return whether `sequential_p_value` is at most `alpha`, drawing no more than that takes.

    `alpha` is small enough that `ENOUGH` draws at or above `observed` never reject: below `ENOUGH / permutations`.
    """
    bearable = int(np.count_nonzero((1 + np.arange(ENOUGH)) / (1 + permutations) <= alpha))
    left, drawn = bearable, 0
    while drawn < permutations and left > 0:
        size = min(bearable, permutations - drawn)
        left -= int(np.count_nonzero(_reaches(draw(size), observed)))
        drawn += size
    return left > 0


def _reaches(drawn: Floats, observed: float) -> NDArray[np.bool_]:
    return drawn >= observed - TIE * max(1.0, abs(observed))
