"""Marginal Mahalanobis distance: how far a window's mean lies from the benign mean, each direction by its variance.

One of the baselines of arXiv 2606.05725. That description leaves open whether distances of queries are averaged or the
distance of the average is taken; this is the latter.
"""

from dataclasses import dataclass

import numpy as np

from gauger.lab.pools import Floats


@dataclass(frozen=True)
class Mahalanobis:
    """Score: n times the squared, diagonally scaled distance between the means."""

    def score(self, reference: Floats, window: Floats) -> float:
        shift = window.mean(axis=0) - reference.mean(axis=0)
        return float(len(window) * np.sum(shift**2 / np.maximum(reference.var(axis=0), 1e-12)))
