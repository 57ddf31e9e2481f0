"""The exact test of canaries: other secret choices that could have been drawn.

The picks are uniform and independent, and an innocent suspect is independent of them. So whatever it prefers, the score
of our picks is a draw from the scores of all picks that there could have been, and that distribution is computed, not
approximated. People say "Alice" more often: that is in the scores, which are fixed before the picks are looked at.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]
Scores = NDArray[np.int64]
Floats = NDArray[np.float64]

#: Scores are whole hundredths: their sums are exact and their distribution is a short table.
UNIT: Final = 100
#: One canary counts so many standard deviations of the other models at most: none carries the verdict.
MOST: Final = 1.5
#: Added to the variance, so that options nobody else shows do not count without bound.
LEAST_VARIANCE: Final = 0.02
WRONG_PICKS: Final = 5


@dataclass(frozen=True, slots=True)
class ChoiceTest:
    """What the test found.

    Attributes
    ----------
    p_value
        Exact: the chance of as high a score under picks that were not ours.
    z_score
        The score in standard deviations of that distribution; NaN where it has none. For the reader.
    n_matches
        Canaries whose most shown option, alone at the top, is ours.
    expected_matches
        How many of those chance would give.
    n_shown
        Canaries of which any option was shown.
    smallest_p
        The p-value where each canary that counts agrees and nothing ties: no answers to these could do better. Beside
        other models a canary counts where some of them show an option too.
    wrong_picks
        p-values of picks that nobody made; they should look like chance.
    """

    p_value: float
    z_score: float
    n_matches: int
    expected_matches: float
    n_shown: int
    smallest_p: float
    wrong_picks: tuple[float, ...]


def choice_test(
    counts: Counts, sizes: Counts, picks: Counts, others: Sequence[Counts] = (), *, rng: np.random.Generator
) -> ChoiceTest:
    """Return the test of one model's answers.

    Parameters
    ----------
    counts
        int64[k, m], how often each option was shown.
    sizes
        int64[k], options of each canary; columns beyond are empty.
    picks
        int64[k], ours.
    others
        The counts of unrelated models: what is ordinary. The model itself is not among them.
    rng
        For the wrong picks.
    """
    scores = option_scores(counts, others)
    chances = distribution(scores, sizes)
    shown = counts.sum(axis=1) > 0
    rows = np.arange(len(counts))
    mean, variance = _moments(scores, sizes)
    observed = int(scores[rows, picks].sum())
    top = counts.max(axis=1)
    alone = shown & ((counts == top[:, None]).sum(axis=1) == 1)
    return ChoiceTest(
        p_value=tail(chances, observed),
        z_score=(observed - mean) / np.sqrt(variance) if variance > 0 else float("nan"),
        n_matches=int((alone & (counts[rows, picks] == top)).sum()),
        expected_matches=float((1 / sizes[alone]).sum()),
        n_shown=int(shown.sum()),
        smallest_p=float(np.prod(1 / sizes[_counting(counts, others)])),
        wrong_picks=tuple(tail(chances, int(scores[rows, rng.integers(0, sizes)].sum())) for _ in range(WRONG_PICKS)),
    )


def option_scores(counts: Counts, others: Sequence[Counts] = ()) -> Scores:
    """Return what each option would count: int64[k, m] in hundredths, without regard to the picks.

    Without other models the share of answers that show it; else by how much that share exceeds theirs, in standard
    deviations, from 0 to `MOST`. A canary that one of both sides never shows counts nothing in the second case.
    """
    share = _shares(counts)
    if not others:
        return np.asarray(np.rint(UNIT * share), np.int64)
    usual = _shares(np.sum([_shares(one) for one in others], axis=0))
    excess = (share - usual) / np.sqrt(usual * (1 - usual) + LEAST_VARIANCE)
    return np.asarray(np.rint(UNIT * np.clip(excess, 0, MOST)) * _counting(counts, others)[:, None], np.int64)


def distribution(scores: Scores, sizes: Counts) -> Floats:
    """Return the chance of each sum, float64[highest sum + 1], under uniform independent picks.

    It is built up canary by canary; exact but for float64 rounding (a relative 1e-13).
    """
    chances = np.ones(1)
    for row, size in zip(scores, sizes.tolist(), strict=True):
        values = row[:size]
        grown = np.zeros(len(chances) + int(values.max()))
        for value in values.tolist():
            grown[value : value + len(chances)] += chances / size
        chances = grown
    return chances


def tail(chances: Floats, observed: int) -> float:
    """Return the chance of `observed` or more; small terms are added first, so that none is lost."""
    return min(1.0, float(chances[: observed - 1 : -1].sum())) if observed > 0 else 1.0


def _counting(counts: Counts, others: Sequence[Counts]) -> NDArray[np.bool_]:
    """Return the canaries that the model shows, and some other model where there are any: bool[k]."""
    shown: NDArray[np.bool_] = counts.sum(axis=1) > 0
    return shown & (np.sum(others, axis=(0, 2)) > 0) if others else shown


def _shares(counts: NDArray[np.int64] | Floats) -> Floats:
    return np.asarray(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1e-300), np.float64)


def _moments(scores: Scores, sizes: Counts) -> tuple[float, float]:
    each = [row[:size] for row, size in zip(scores, sizes.tolist(), strict=True)]
    return float(sum(one.mean() for one in each)), float(sum(one.var() for one in each))
