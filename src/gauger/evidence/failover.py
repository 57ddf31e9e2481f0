"""Timing: does a request that failed turn up again from another customer?

A dispatcher that meets a limit, a ban or an outage hands the item to another of its accounts. Persons try again
themselves. The statistic counts the failed tries whose fill another customer of the group sends within a day after;
retries of one customer in a row are one try, failed if any of them failed. The null: which tries failed is independent
of which another customer sends, among about ten neighbouring tries of one customer, or among those of one hour, or
among those of one fill. Then the count is a sum of hypergeometric ones, stratum by stratum, and its p-value exact: the
stratified Fisher test (Mantel and Haenszel, J. Natl. Cancer Inst. 22, 1959; here by convolution). It holds the group
fixed and needs no history.

All three strata are needed: a customer that meets limits more often may also be one whose texts others send, an
overloaded hour may be the one in which everybody asks the same, and a common example may be what makes the service
fail. The largest of the three p-values is stated, so that all would have to fail together. Independence is not
innocence: who holds many accounts undeclared, and lets them stand in for one another, rejects it too.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.stats import hypergeom

from gauger.evidence.channel import Group, Population, word
from gauger.evidence.concentration import MIN_RING
from gauger.evidence.items import Items
from gauger.evidence.records import SMALLEST_P, Evidence, Fact

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

#: Below so many failed items there is no power.
MIN_FAILED: Final = 4
HOUR_US: Final = 3_600_000_000
#: How long after a failure another customer's sending counts.
WITHIN_US: Final = 24 * HOUR_US
#: A customer's tries are cut into stretches of so many, up to twice as many. Hours are not joined: an overloaded lesson
#: in which all ask the same would be compared with what lies around it.
MIN_STRETCH: Final = 10
#: Customers count as linked where so many more tries were taken over than by chance, and this share of all that were.
MIN_EXCESS, MIN_EXCESS_SHARE = 6, 1 / 3


@dataclass(frozen=True, slots=True)
class Tries:
    """What the customers of a group tried, retries in a row counted once.

    Attributes
    ----------
    principal
        int32[n].
    occurred_at
        int64[n], the first of the retries.
    fill
        int64[n], codes.
    failed
        bool[n], whether any of the retries failed.
    follower
        int64[n], the next try of the same fill, from another principal, later and within a day; -1 where there is none.
    """

    principal: NDArray[np.int32]
    occurred_at: Ints
    fill: Ints
    failed: Bools
    follower: Ints

    @property
    def followed(self) -> Bools:
        """Whether another customer sent the same."""
        return self.follower >= 0

    @property
    def strata(self) -> tuple[Ints, Ints, Ints]:
        """Stretch of one customer, hour, and fill of each try."""
        return stretches(self.principal, self.occurred_at), self.occurred_at // HOUR_US, self.fill


def tries(items: Items) -> Tries:
    """Return the tries of a group's items, ordered by fill, then time."""
    fill = items.fill
    order = np.lexsort((items.principal, items.occurred_at, fill))
    fills, principals, times = fill[order], items.principal[order], items.occurred_at[order]
    starts = np.flatnonzero(np.r_[True, (np.diff(fills) != 0) | (np.diff(principals) != 0)][: len(order)])
    first, last = times[starts], times[np.r_[starts[1:], len(order)] - 1]
    follower = np.full(len(starts), -1, np.int64)
    gap = first[1:] - last[:-1]
    follows = (fills[starts[1:]] == fills[starts[:-1]]) & (gap > 0) & (gap <= WITHIN_US)
    follower[:-1][follows] = np.flatnonzero(follows) + 1
    failed = np.logical_or.reduceat(items.failed[order], starts) if len(starts) else np.empty(0, np.bool_)
    return Tries(principal=principals[starts], occurred_at=first, fill=fills[starts], failed=failed, follower=follower)


def stratified_p_value(failed: Bools, followed: Bools, stratum: Ints) -> tuple[float, float]:
    """Return the exact one-sided p-value of the number of failed tries that are followed, and its expectation.

    Parameters
    ----------
    failed, followed
        bool[n].
    stratum
        int64[n]; within a stratum the failures are exchangeable under the null.
    """
    _, code = np.unique(stratum, return_inverse=True)
    size = np.bincount(code)
    n_failed, n_followed = (np.bincount(code, weights=one).astype(np.int64) for one in (failed, followed))
    observed = int((failed & followed).sum())
    least = 0
    density = np.ones(1)
    for n, k, m in zip(size.tolist(), n_followed.tolist(), n_failed.tolist(), strict=True):
        low, high = max(0, k + m - n), min(k, m)
        least += low
        if high > low:
            density = np.convolve(density, hypergeom.pmf(np.arange(low, high + 1), n, k, m))
    p_value = float(np.clip(density[observed - least :].sum(), SMALLEST_P, 1.0))
    return p_value, float((n_failed * n_followed / size).sum())


def stretches(principal: NDArray[np.int32], occurred_at: Ints) -> Ints:
    """Return the stretch of each item: neighbouring items of one principal, `MIN_STRETCH` to twice as many."""
    order = np.lexsort((occurred_at, principal))
    size = np.unique(principal, return_counts=True)[1]
    whose = np.repeat(np.arange(len(size)), size)
    rank = np.arange(len(order)) - np.repeat(np.cumsum(size) - size, size)
    parts = np.maximum(size // MIN_STRETCH, 1)
    stretch = np.empty(len(order), np.int64)
    stretch[order] = (np.cumsum(parts) - parts)[whose] + rank * parts[whose] // size[whose]
    return stretch


@dataclass(frozen=True, slots=True)
class Failover:
    """A channel that asks whether other customers take over what failed."""

    name: str = "failover"
    family: str = "timing"
    draws: bool = False
    null: str = (
        "which requests failed is independent of which requests another customer sends within a day after, among"
        " neighbouring requests of one customer, those of one hour or those of one text"
    )

    def evaluate(self, group: Group, population: Population, *, rng: np.random.Generator) -> Evidence:
        """Return the channel's word on the group. The test is exact: nothing is drawn."""
        del population, rng
        found = tries(group.items)
        p_value, expected = None, 0.0
        if found.failed.sum() >= MIN_FAILED:
            said = [stratified_p_value(found.failed, found.followed, stratum) for stratum in found.strata]
            p_value = max(one for one, _ in said)
            # Among the tries of one fill: in the hour of a ban nearly all fail, and nearly all are taken over.
            _, expected = said[-1]
        facts = _facts(found, expected, n_members=len(group.principals), has_power=p_value is not None)
        return word(self, p_value, facts)


def _facts(found: Tries, expected: float, *, n_members: int, has_power: bool) -> list[Fact]:
    if not found.failed.any():
        return [Fact(code="failover.absent", text="No request of the group is known to have failed.", values={})]
    taken = np.flatnonzero(found.failed & found.followed)
    beyond = len(taken) - expected
    is_beyond = has_power and beyond >= max(MIN_EXCESS, MIN_EXCESS_SHARE * len(taken))
    linked, ringed = _linked(found.principal, taken, found.follower[taken]) if is_beyond else (0, 0)
    links = f" This links {linked} of {n_members} customers, {ringed} of them in rings of three or more."
    facts = [
        Fact(
            code="failover.taken_over",
            text=f"Of {int(found.failed.sum())} requests that failed, another customer of the group sent {len(taken)}"
            f" within a day after; {expected:.1f} would have been by chance." + (links if is_beyond else ""),
            values={
                "failed": int(found.failed.sum()),
                "taken_over": len(taken),
                "expected": round(expected, 6),
                "linked": linked,
                "ringed": ringed,
                "members": n_members,
            },
        )
    ]
    if not has_power:
        text = "No power: fewer than four requests of the group failed."
        facts.append(Fact(code="failover.no_power", text=text, values={}))
    return facts


def _linked(principal: NDArray[np.int32], taken: Ints, follower: Ints) -> tuple[int, int]:
    """Return how many principals a take-over links to another, and how many are linked in rings."""
    ends = np.stack([principal[taken], principal[follower]])
    who, place = np.unique(ends, return_inverse=True)
    if len(who) == 0:
        return 0, 0
    first, second = place.reshape(ends.shape)
    graph = coo_array((np.ones(len(taken)), (first, second)), shape=(len(who), len(who)))
    _, part = connected_components(graph, directed=False)
    return len(who), int((np.bincount(part)[part] >= MIN_RING).sum())


FAILOVER: Final = Failover()
