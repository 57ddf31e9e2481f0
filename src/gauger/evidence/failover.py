"""Timing: does a request that failed turn up again from another customer?

A dispatcher that meets a limit, a ban or an outage hands the item to another of its accounts. Persons try again
themselves. The statistic counts the failed items whose fill another customer of the group sends within a day after.
The null: which items failed is independent of which another customer sends, among about ten neighbouring items of one
customer, or among those of one hour. Then the count is a sum of hypergeometric ones, stratum by stratum, and its
p-value exact: the stratified Fisher test (Mantel and Haenszel, J. Natl. Cancer Inst. 22, 1959; here by convolution). It
holds the group fixed and needs no history.

Strata are needed: a customer that meets limits more often may also be one whose texts others send, and an overloaded
hour may be the one in which everybody asks the same. The larger of the two p-values is stated, so that both would have
to fail together. Own retries, and other accounts of one principal, count for nothing. Independence is not innocence:
who holds many accounts undeclared, and lets them stand in for one another, rejects it too.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.stats import hypergeom

from gauger.evidence.channel import Group, Population
from gauger.evidence.concentration import MIN_RING
from gauger.evidence.items import Items
from gauger.evidence.records import Evidence, Fact, share_text

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

#: Below so many failed items there is no power.
MIN_FAILED: Final = 4
HOUR_US: Final = 3_600_000_000
#: How long after a failure another customer's sending counts.
WITHIN_US: Final = 24 * HOUR_US
#: A customer's items are cut into stretches of so many, up to twice as many. Hours are not joined: an overloaded lesson
#: in which all ask the same would be compared with what lies around it.
MIN_STRETCH: Final = 10
#: A p-value below says no more, and rounding would say something else.
SMALLEST: Final = 1e-12


def next_sender(items: Items) -> Ints:
    """Return int64[n], the next item of the same fill from another principal within a day; -1 where there is none."""
    _, fill = np.unique(items.turn, axis=0, return_inverse=True)
    fill = fill.ravel()
    order = np.lexsort((items.occurred_at, fill))
    fills, principals, times = fill[order], items.principal[order], items.occurred_at[order]
    starts = np.flatnonzero(np.r_[True, (np.diff(fills) != 0) | (np.diff(principals) != 0)])
    run = np.repeat(np.arange(len(starts)), np.diff(np.r_[starts, len(order)]))
    follower = np.r_[starts[1:], 0][run]  # the last run's is of another fill or later than itself by nothing
    counts = (run < len(starts) - 1) & (fills[follower] == fills) & (times[follower] - times <= WITHIN_US)
    found = np.full(len(items), -1, np.int64)
    found[order] = np.where(counts, order[follower], -1)
    return found


def stratified_p_value(failed: Bools, followed: Bools, stratum: Ints) -> float:
    """Return the exact one-sided p-value of the number of failed items that are followed.

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
    return float(np.clip(density[observed - least :].sum(), SMALLEST, 1.0))


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
    null: str = (
        "which requests failed is independent of which requests another customer sends within a day after, among"
        " neighbouring requests of one customer or among those of one hour"
    )

    def evaluate(self, group: Group, population: Population, *, rng: np.random.Generator) -> Evidence:
        """Return the channel's word on the group. The test is exact: nothing is drawn."""
        del population, rng
        items = group.items
        follower = next_sender(items)
        failed, followed = items.failed, follower >= 0
        p_value = None
        if failed.sum() >= MIN_FAILED:
            strata = (stretches(items.principal, items.occurred_at), items.occurred_at // HOUR_US)
            p_value = max(stratified_p_value(failed, followed, stratum) for stratum in strata)
        return Evidence(
            channel=self.name,
            family=self.family,
            applicable=p_value is not None,
            p_value=p_value,
            null=self.null,
            facts=_facts(group, failed, followed, follower, has_power=p_value is not None),
        )


def _facts(group: Group, failed: Bools, followed: Bools, follower: Ints, *, has_power: bool) -> list[Fact]:
    if not failed.any():
        return [Fact(code="failover.absent", text="No request of the group is known to have failed.", values={})]
    taken = np.flatnonzero(failed & followed)
    others = followed[~failed].mean() if not failed.all() else 0.0
    linked, ringed = _linked(group.items.principal, taken, follower[taken])
    facts = [
        Fact(
            code="failover.taken_over",
            text=f"Of {int(failed.sum())} requests that failed, another customer of the group sent {len(taken)} within"
            f" a day after; of those that did not fail, {share_text(float(others))}."
            f" This links {linked} of {len(group.principals)} customers, {ringed} of them in rings of three or more.",
            values={
                "failed": int(failed.sum()),
                "taken_over": len(taken),
                "share_of_others": float(others),
                "linked": linked,
                "ringed": ringed,
                "members": len(group.principals),
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
