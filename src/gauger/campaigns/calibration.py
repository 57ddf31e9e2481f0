"""What a rejection is worth: Holm over the conditional tests, ranks among history windows, Benjamini-Hochberg.

The target is one per scan. It is split between two routes before anything is looked at, by the number of history
windows alone: where the history is too short for the window route to certify anything, the conditional tests have it
all; otherwise each route has half.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gauger.evidence.permutation import TIE

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Split:
    """The share of the target that each route may spend."""

    conditional: float
    window: float

    @property
    def window_certifies(self) -> bool:
        """Whether the history is long enough for the window route to certify."""
        return self.window > 0


def split_target(target: float, n_windows: int) -> Split:
    """Return each route's share of the target, decided by the length of the history alone."""
    if (n_windows + 1) * target / 2 >= 1:
        return Split(conditional=target / 2, window=target / 2)
    return Split(conditional=target, window=0.0)


def holm(p_values: Sequence[float]) -> Floats:
    """Return Holm-adjusted p-values in the given order (Holm 1979): valid under any dependence."""
    values = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    scaled = np.minimum(1.0, values[order] * (len(values) - np.arange(len(values))))
    adjusted = np.empty_like(values)
    adjusted[order] = np.maximum.accumulate(scaled) if len(values) else scaled
    return adjusted


def benjamini_hochberg(p_values: Sequence[float], n_tests: int) -> Floats:
    """Return q-values in the given order (Benjamini and Hochberg 1995): a false discovery rate among what is named.

    Parameters
    ----------
    p_values
        The smallest p-values of all that were tested.
    n_tests
        How many were tested.
    """
    values = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(values, kind="stable")[::-1]
    ranks = np.arange(len(values), 0, -1)
    adjusted = np.empty_like(values)
    if len(values):
        adjusted[order] = np.minimum.accumulate(np.minimum(1.0, values[order] * n_tests / ranks))
    return adjusted


def conformal_p_value(score: float, reference: Sequence[float]) -> float:
    """Return (1 + number of reference scores at or above `score`) / (1 + size of the reference).

    Scores are sums of logarithms, whose last digits depend on the order of the customers: scores this close are ties.
    """
    least = score - TIE * max(1.0, abs(score))
    return (1 + sum(other >= least for other in reference)) / (1 + len(reference))
