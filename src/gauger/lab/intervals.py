"""Limits of rates over simulated worlds."""

from collections.abc import Sequence

import numpy as np
from scipy.stats import beta

DRAWS = 2_000


def clopper_pearson(hits: float, n: float, *, level: float = 0.95) -> tuple[float, float]:
    """Return the exact two-sided limits of a rate (Clopper & Pearson 1934).

    Worlds of one seed hold the same innocents and so are not independent. With `n` the number of seeds and `hits` the
    rate times it, neither of which need be whole, the limits are those of Korn & Graubard (1998) at the worst: as if
    worlds of one seed always came out alike.

    Raises
    ------
    ValueError
        Not 0 <= hits <= n with n > 0.
    """
    if not 0 <= hits <= n or n <= 0:
        raise ValueError(f"no rate: {hits} of {n}")
    tail = (1 - level) / 2
    low = float(beta.ppf(tail, hits, n - hits + 1)) if hits > 0 else 0.0
    high = float(beta.ppf(1 - tail, hits + 1, n - hits)) if hits < n else 1.0
    return low, high


def bootstrap(
    hits: Sequence[float], n: Sequence[float], *, rng: np.random.Generator, level: float = 0.95
) -> tuple[float, float] | None:
    """Return percentile limits of sum(hits) / sum(n), whole clusters redrawn (Efron & Tibshirani 1993, chapter 8).

    Parameters
    ----------
    hits, n
        A number each per cluster, in one order; `n` is above 0.
    rng
        Draws the clusters.
    level
        Of the interval.

    Returns
    -------
    tuple of float, or None
        None with fewer than two clusters, or with nothing hit: redrawing zeros says nothing.
    """
    if len(n) < 2 or not any(hits):
        return None
    drawn = rng.integers(0, len(n), (DRAWS, len(n)))
    rates = np.asarray(hits, dtype=np.float64)[drawn].sum(axis=1) / np.asarray(n, dtype=np.float64)[drawn].sum(axis=1)
    low, high = np.quantile(rates, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
