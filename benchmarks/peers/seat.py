"""SEAT (Zhang et al. 2021): how many pairs of a client's queries are more alike than benign ones are.

Deviation: the paper learns an encoder of similarity; here it is the embedding at hand, and alike is what exceeds the
99th percentile of cosines among benign queries (as in the baselines of arXiv 2606.05725).
"""

from dataclasses import dataclass

import numpy as np

from gauger.lab.pools import Floats


def alike_from(reference: Floats, *, seed: int = 1) -> float:
    """Return the 99th percentile of cosines among 2,000 benign queries."""
    some = reference[np.random.default_rng(seed).permutation(len(reference))[:2_000]]
    return float(np.quantile((some @ some.T)[np.triu_indices(len(some), 1)], 0.99))


def share_alike(window: Floats, threshold: float) -> float:
    """Return the share of pairs whose cosine is above the threshold."""
    n = len(window)
    above = np.count_nonzero(window @ window.T > threshold) - np.count_nonzero((window**2).sum(axis=1) > threshold)
    return above / (n * (n - 1))


@dataclass(frozen=True)
class Seat:
    """Score: the share of similar pairs."""

    def score(self, reference: Floats, window: Floats) -> float:
        return share_alike(window, alike_from(reference))
