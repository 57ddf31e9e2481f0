"""Measures of groupings and of rankings against the truth: the mathematics of a score."""

from collections import Counter
from collections.abc import Mapping
from math import fsum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def bcubed(group_of: Mapping[str, object], campaign_of: Mapping[str, object]) -> tuple[float | None, float | None]:
    """Return BCubed precision and recall (Bagga & Baldwin 1998), each None where no account bears on it.

    Precision is averaged over the accounts that are in a group, recall over those of a campaign: the innocent whom
    nobody named are clusters of one on both sides and would lift both to nearly 1.

    Parameters
    ----------
    group_of
        Group of each account that is in one; every other account is a group by itself.
    campaign_of
        Campaign of each account that is in one; every other account is innocent, a cluster by itself.
    """
    groups, campaigns = Counter(group_of.values()), Counter(campaign_of.values())
    both = Counter((group, campaign_of[account]) for account, group in group_of.items() if account in campaign_of)
    precise = [n * n / groups[group] for (group, _), n in both.items()]
    precise += [1 / groups[group_of[account]] for account in group_of.keys() - campaign_of.keys()]
    recalled = [n * n / campaigns[campaign] for (_, campaign), n in both.items()]
    recalled += [1 / campaigns[campaign_of[account]] for account in campaign_of.keys() - group_of.keys()]
    # Exact sums, because sets come in another order in every process.
    return (
        fsum(precise) / len(group_of) if group_of else None,
        fsum(recalled) / len(campaign_of) if campaign_of else None,
    )


def adjusted_rand_index(group_of: Mapping[str, object], campaign_of: Mapping[str, object], n: int) -> float | None:
    """Return the adjusted Rand index of two partitions of `n` accounts (Hubert & Arabie 1985).

    Accounts that a mapping lacks are clusters of one. None where neither partition puts two accounts together.
    """
    both = Counter((group, campaign_of[account]) for account, group in group_of.items() if account in campaign_of)
    grouped, true, shared = (
        sum(k * (k - 1) / 2 for k in counts.values())
        for counts in (Counter(group_of.values()), Counter(campaign_of.values()), both)
    )
    if not grouped and not true:
        return None
    expected = grouped * true / (n * (n - 1) / 2)
    best = (grouped + true) / 2
    return 1.0 if best == expected else (shared - expected) / (best - expected)


def _ranking(hits: Bools, scores: Floats) -> tuple[Floats, Floats]:
    """Return (hits so far, exchanges so far) at every distinct score from the highest on."""
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(scores[order]) != 0, [True] * (len(order) > 0)))
    return np.cumsum(hits[order])[ends].astype(np.float64), (ends + 1).astype(np.float64)


def average_precision(hits: Bools, scores: Floats, n_positive: int) -> float:
    """Return the average precision of a ranking: sum of (recall gained) x (precision there) over distinct scores.

    Positives that have no score are never retrieved and add nothing.

    Parameters
    ----------
    hits, scores
        bool[n] and float64[n]: whether each scored exchange is hostile, and its score.
    n_positive
        Hostile exchanges in all, 1 or more.
    """
    right, taken = _ranking(hits, scores)
    return float(np.sum(np.diff(right, prepend=0.0) * right / taken) / n_positive)


def recall_at_precision(hits: Bools, scores: Floats, n_positive: int, *, precision: float) -> float:
    """Return the largest recall at which the precision is at least `precision`; 0 where it never is."""
    right, taken = _ranking(hits, scores)
    good = right >= precision * taken
    return float(right[good].max(initial=0.0) / n_positive)
