"""The window detector of arXiv 2606.05725: maximum mean discrepancy (Gretton et al. 2012) of embedded queries.

Kernel: the mean of four Gaussians with 0.5, 1, 2 and 4 times the median distance. A window's score is the mean unbiased
squared discrepancy from twenty random references of its own size. As published the threshold is the 95th percentile of
a thousand discrepancies of single pairs of benign windows: a statistic with more variance than the score's, so that far
fewer benign windows than 5 % alarm. Re-calibrated, the threshold comes from scores of benign windows.

Deviation: whatever embedding the caller has stands in for BAAI/bge-small-en-v1.5. The paper's code has no licence and
was not used.
"""

from dataclasses import dataclass

import numpy as np

from gauger.lab.pools import Floats, Ints

N_REFERENCES = 20
N_NULL_PAIRS = 1_000
#: The widest of the four widths in median distances; each other is half the one before.
WIDEST = 4.0


def median_distance(places: Floats, rng: np.random.Generator) -> float:
    """Return the median distance among 2,000 of the places."""
    some = places[rng.permutation(len(places))[:2_000]]
    return float(np.sqrt(np.median(_squared_distances(some, some)[np.triu_indices(len(some), 1)])))


def kernel(left: Floats, right: Floats, *, median: float) -> np.ndarray:
    """Return the kernel between rows: float32[n, m]. One exponential serves all widths: halving one is a 4th power."""
    widest = np.exp(_squared_distances(left, right) * np.float32(-0.5 / (WIDEST * median) ** 2))
    total, power = widest.copy(), widest
    for _ in range(3):
        power = np.square(np.square(power))
        total += power
    return total / np.float32(4)


def _squared_distances(left: Floats, right: Floats) -> np.ndarray:
    left, right = left.astype(np.float32), right.astype(np.float32)
    squares = (left**2).sum(axis=1)[:, None] + (right**2).sum(axis=1) - 2 * left @ right.T
    return np.maximum(squares, 0)


def indicators(windows: Ints, n: int) -> np.ndarray:
    """Return float32[w, n]: 1 where a window holds the text."""
    chosen = np.zeros((len(windows), n), dtype=np.float32)
    np.put_along_axis(chosen, windows, np.float32(1), axis=1)
    return chosen


def within(gram: np.ndarray, chosen: np.ndarray) -> Floats:
    """Return the mean kernel between different texts of each window."""
    n = chosen.sum(axis=1, dtype=np.float64)
    total = np.einsum("wk,wk->w", chosen @ gram, chosen, dtype=np.float64)
    return (total - chosen @ np.diag(gram).astype(np.float64)) / (n * (n - 1))


def between(gram: np.ndarray, left: np.ndarray, right: np.ndarray) -> Floats:
    """Return the mean kernel between the texts of every window on the left and every one on the right."""
    n = left.sum(axis=1, dtype=np.float64)[:, None] * right.sum(axis=1, dtype=np.float64)
    return (left @ (gram @ right.T)).astype(np.float64) / n


@dataclass(frozen=True)
class MmdWindow:
    """Score: the mean squared discrepancy from random references."""

    n_references: int = N_REFERENCES
    seed: int = 1

    def score(self, reference: Floats, window: Floats) -> float:
        rng = np.random.default_rng(self.seed)
        n = min(len(window), len(reference))
        median = median_distance(reference, rng)
        own = kernel(window, window, median=median)
        others = indicators(_draw(len(reference), n, self.n_references, rng), len(reference))
        used = np.flatnonzero(others.any(axis=0))
        among = kernel(reference[used], reference[used], median=median)
        cross = kernel(window, reference[used], median=median)
        everything = np.ones((1, len(window)), dtype=np.float32)
        discrepancy = (
            within(own, everything)
            + within(among, others[:, used])
            - 2 * between(cross, everything, others[:, used])[0]
        )
        return float(discrepancy.mean())


def null_pairs(gram: np.ndarray, size: int, *, rng: np.random.Generator, n_pairs: int = N_NULL_PAIRS) -> Floats:
    """Return squared discrepancies of pairs of windows: disjoint, or drawn apart where the texts are too few."""
    n = len(gram)
    if n >= 2 * size:
        both = _draw(n, 2 * size, n_pairs, rng)
        left, right = indicators(both[:, :size], n), indicators(both[:, size:], n)
    else:
        left, right = (indicators(_draw(n, size, n_pairs, rng), n) for _ in range(2))
    left_sums, right_sums = left @ gram, right @ gram
    diagonal = np.diag(gram)
    pairs = size * (size - 1)
    inside = [
        (np.einsum("wk,wk->w", sums, chosen, dtype=np.float64) - chosen @ diagonal) / pairs
        for sums, chosen in ((left_sums, left), (right_sums, right))
    ]
    cross = np.einsum("wk,wk->w", left_sums, right, dtype=np.float64) / size**2
    return inside[0] + inside[1] - 2 * cross


def _draw(n: int, size: int, times: int, rng: np.random.Generator) -> Ints:
    return np.array([rng.choice(n, min(size, n), replace=False) for _ in range(times)])
