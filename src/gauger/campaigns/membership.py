"""Who belongs, and which part of their exchanges does: two numbers, each with its interval.

**Membership** is the posterior probability of two readings of an account's k matches among n items. Innocent: matches
come by chance, Binomial(n, q), at a rate q estimated from near misses (items that hold a quarter to a half of a core).
Member: Beta-binomial, fitted by moments to the group's own accounts. The prior odds are the group's size among all
accounts. One less the membership is a local false-inclusion rate (Efron, "Large-scale inference", 2010, ch. 5). Its
interval is that of q (Jeffreys). With one item per account nothing but that rate is known of an account.

**Share** is estimated on items not used to form the core: an account's items are split in two by turns, the core's
shingles are chosen anew from each half and matched against the other. With one item there is no other half, hence no
share.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from scipy.stats import beta, betabinom, binom

from gauger.evidence.items import Items
from gauger.evidence.mining import Core, Postings, held_counts

Codes = NDArray[np.int32]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

INTERVAL = (0.025, 0.975)
#: Bounds on a + b of the share's Beta distribution: from "anything goes" to nearly the same share for all.
MIN_SIZE, MAX_SIZE = 2.0, 500.0
#: Near misses of one principal that count.
MAX_NEAR_MISSES = 3


@dataclass(frozen=True, slots=True)
class ChanceRate:
    """Rate at which an innocent item matches by chance, with its 95 % interval."""

    rate: float
    low: float
    high: float


def jeffreys(hits: Floats, trials: Floats) -> tuple[Floats, Floats]:
    """Return the 95 % Jeffreys interval of a binomial rate; closed at 0 and 1 when all or none hit."""
    low = np.where(hits == 0, 0.0, beta.ppf(INTERVAL[0], hits + 0.5, trials - hits + 0.5))
    high = np.where(hits == trials, 1.0, beta.ppf(INTERVAL[1], hits + 0.5, trials - hits + 0.5))
    return low, high


def chance_rate(near_misses: int, n_items: int) -> ChanceRate:
    """Return the rate of chance matches from the near misses among `n_items` items outside the group."""
    low, high = beta.ppf(INTERVAL, near_misses + 0.5, n_items - near_misses + 0.5)
    return ChanceRate(rate=(near_misses + 0.5) / (n_items + 1), low=float(low), high=float(high))


def held_share(postings: Postings, shingles: Ints) -> Floats:
    """Return float64[n_items], the share of `shingles` that each item holds."""
    return held_counts(postings, _codes(postings, shingles)) / max(len(shingles), 1)


def _codes(postings: Postings, shingles: Ints) -> Ints:
    """Return the codes of those of `shingles` that stand anywhere, ascending."""
    at = np.searchsorted(postings.shingles, shingles)
    inside = at < len(postings.shingles)
    return np.unique(at[inside][postings.shingles[at[inside]] == shingles[inside]])


def count_near_misses(cores: Sequence[Core], postings: Postings, members: Codes) -> int:
    """Return how many items of other principals hold a quarter to a half of a user-turn core.

    Each principal counts `MAX_NEAR_MISSES` times at most: near misses come in clusters, and a stranger who repeats one
    all day says little of the others.
    """
    outside = ~np.isin(postings.principal, members)
    near = np.zeros(postings.n_items, np.bool_)
    for core in cores:
        if core.part == "user_prompt":
            share = held_share(postings, core.shingles)
            near |= (share >= 0.25) & (share < 0.5)
    _, each = np.unique(postings.principal[near & outside], return_counts=True)
    return int(np.minimum(each, MAX_NEAR_MISSES).sum())


def memberships(matched: Ints, trials: Ints, n_accounts: int, chance: ChanceRate) -> tuple[Floats, Floats, Floats]:
    """Return membership, low and high of each account of a group.

    Parameters
    ----------
    matched, trials
        int64[m], matched items and all items of each account that has a match.
    n_accounts
        Accounts active in the same stretch.
    chance
        Rate of chance matches.
    """
    a, b = _fitted_beta(matched, trials)
    as_member = betabinom.logpmf(matched, trials, a, b) + np.log(len(matched) / n_accounts)
    rest = np.log(max(n_accounts - len(matched), 1) / n_accounts)

    def posterior(rate: float | Floats) -> Floats:
        return expit(as_member - binom.logpmf(matched, trials, rate) - rest)

    # An innocent explains k matches best at the rate k / n: where the interval of the rate holds it, so does the end.
    worst = np.clip(matched / trials, chance.low, chance.high)
    ends = np.stack([posterior(chance.rate), posterior(chance.low), posterior(chance.high), posterior(worst)])
    return ends[0], ends.min(axis=0), ends.max(axis=0)


def _fitted_beta(matched: Ints, trials: Ints) -> tuple[float, float]:
    """Return the parameters of the share among members, by moments; as narrow or as wide as the group itself."""
    shares = matched / trials
    mean = float(np.clip(shares.mean(), 1e-6, 1 - 1e-6))
    between = float(shares.var() - (mean * (1 - mean) / trials).mean())
    size = mean * (1 - mean) / between - 1 if between > 0 else MAX_SIZE
    size = float(np.clip(size, MIN_SIZE, MAX_SIZE))
    return mean * size, (1 - mean) * size


def cross_fitted_matches(cores: Sequence[Core], postings: Postings, items: Items, rows: Codes) -> NDArray[np.bool_]:
    """Return bool[n_items]: items of the group's accounts that match a core formed on the other half.

    Parameters
    ----------
    cores
        The group's cores.
    postings
        Shared shingles of the user turns.
    items
        The window's items.
    rows
        The group's items; cores of system prompts and tool schemas match whole parts and need no other half.
    """
    parity = _alternation(items.account)
    matched = np.zeros(len(items), np.bool_)
    for core in cores:
        if core.part != "user_prompt":
            matched[core.items] = True
            continue
        for half in (0, 1):
            seen = core.items[parity[core.items] == half]
            fitted = _fitted_shingles(postings, core.shingles, seen)
            if len(fitted):
                matched |= (parity != half) & (held_share(postings, fitted) >= 0.5)
    matched &= np.isin(items.account, np.unique(items.account[rows]))
    return matched


def _alternation(account: Codes) -> Ints:
    """Return 0 or 1 for each item: its turn within its account."""
    order = np.argsort(account, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(account[order]) != 0])
    sizes = np.diff(np.r_[starts, len(order)])
    rank = np.empty(len(account), np.int64)
    rank[order] = np.arange(len(order)) - np.repeat(starts, sizes)
    return rank % 2


def _fitted_shingles(postings: Postings, shingles: Ints, seen: Codes) -> Ints:
    """Return those of `shingles` that stand on at least half of the items `seen`."""
    is_seen = np.zeros(postings.n_items, np.bool_)
    is_seen[seen] = True
    codes = _codes(postings, shingles)
    counts = np.array([is_seen[postings.standing.of(code)].sum() for code in codes.tolist()], np.int64)
    return postings.shingles[codes[2 * counts >= max(len(seen), 1)]]
