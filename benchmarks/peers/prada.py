"""PRADA (Juuti et al. 2019): are the distances between a client's queries normally distributed?

Each query's distance to the nearest earlier query of its window; the Shapiro-Wilk statistic of these says how normal
they are. Score: one minus the statistic. Deviations: no classes (a language model has none), so one growing set; the
outermost three standard deviations are cut off, as in the paper.
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import shapiro

from gauger.lab.pools import Floats


def nearest_earlier(window: Floats) -> Floats:
    """Return each query's distance to the nearest query before it, of unit rows: float64[n - 1]."""
    cosine = window @ window.T
    cosine[np.triu_indices(len(window))] = -np.inf
    return np.sqrt(np.maximum(2 - 2 * cosine[1:].max(axis=1), 0))


def without_outliers(distances: Floats) -> Floats:
    """Return the distances within three standard deviations of their mean."""
    return distances[np.abs(distances - distances.mean()) <= 3 * distances.std()]


@dataclass(frozen=True)
class Prada:
    """Score: one minus Shapiro and Wilk's W of distances to the nearest earlier query."""

    def score(self, reference: Floats, window: Floats) -> float:  # noqa: ARG002 - needs no reference
        distances = without_outliers(nearest_earlier(window))
        if len(distances) < 3 or np.ptp(distances) == 0:
            return 1.0
        return float(1 - shapiro(distances).statistic)
