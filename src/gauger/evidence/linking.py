"""Do two groups share tokens that are mostly theirs, beyond chance? The doors of one operator do.

Each group was chosen, tested and judged by itself, and nothing here changes that. Only principals of one group alone
count, and only tokens of at least three members of both together that make up half of the token's holders: a popular
card or a campus network links nobody.

The null: which principals are in one group is independent of the tokens that the other holds, given the stratum. The
statistic is the number of pairs across the groups that share a token, each token weighted by 1/(holders - 1); it is
tested both ways round, and twice the smaller p-value counts (Bonferroni). Members of a group that share cards among
themselves come in clusters, which this null does not know: two groups with one firm among their users reject it. So a
rejection counts only where the shared tokens hold a stated share of either group.
"""

from dataclasses import dataclass

import numba as nb
import numpy as np
from numpy.typing import NDArray

from gauger.evidence.concentration import MIN_MEMBERS, MIN_RING, Holdings, holders_among, strata
from gauger.evidence.permutation import sequential_p_value

Codes = NDArray[np.int32]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Of either group at least so many members, and this share of those it does not have in common with the other, are on
#: tokens that members of the other hold too.
MIN_LINKED, MIN_LINKED_SHARE = 4, 0.2


@dataclass(frozen=True, slots=True)
class Linking:
    """Outcome for two groups; `p_value` is 1 where too few members of either are linked.

    `linked` is the number of members of each group on tokens of both groups, `n_tokens` that of those tokens, and
    `n_holders` that of all who hold one.
    """

    p_value: float
    linked: tuple[int, int]
    n_tokens: int
    n_holders: int


def linking_test(
    held: Holdings, first: Codes, second: Codes, *, stratum: Codes, permutations: int, rng: np.random.Generator
) -> Linking | None:
    """Test whether two groups share tokens that are mostly theirs, or return None without power.

    Parameters
    ----------
    held
        Tokens of every principal active in the tested stretch.
    first, second
        Distinct principals of each group. Those of both count for neither.
    stratum
        int32[n_principals, k], covariates of each principal as in `concentration_test`.
    permutations
        Most random groups to draw, each way round.
    rng
        Source of chance.
    """
    sides = (_own_members(held, first, second), _own_members(held, second, first))
    if min(map(len, sides)) < MIN_MEMBERS:
        return None
    counts = [holders_among(held, side) for side in sides]
    everybody = holders_among(held, np.union1d(first, second))
    shared = (2 * everybody >= held.degree) & (everybody >= MIN_RING) & (counts[0] > 0) & (counts[1] > 0)
    on_shared = _sums(held, shared.astype(np.float64)) > 0
    linked = (int(on_shared[sides[0]].sum()), int(on_shared[sides[1]].sum()))
    alone = (np.setdiff1d(first, second), np.setdiff1d(second, first))
    enough = all(n >= max(MIN_LINKED, MIN_LINKED_SHARE * len(side)) for n, side in zip(linked, alone, strict=True))
    p_value = 1.0
    if enough:
        weight = 1.0 / np.maximum(held.degree - 1, 1)
        others = held.known.copy()
        others[np.union1d(first, second)] = False

        def one_way(side: Ints, count: Ints) -> float:
            """Return the p-value of a group's affinity to the other, of which `count` members hold each token."""
            affinity = _sums(held, weight * count)
            eligible = others.copy()
            eligible[side] = True
            pool, bounds, wanted = strata(held, stratum, eligible, side)
            return sequential_p_value(
                float(affinity[side].sum()),
                lambda size: _draws(rng.random((size, len(side))), pool, bounds, wanted, affinity),
                permutations=permutations,
            )

        p_value = min(1.0, 2 * min(one_way(sides[0], counts[1]), one_way(sides[1], counts[0])))
    return Linking(
        p_value=p_value,
        linked=linked,
        n_tokens=int(shared.sum()),
        n_holders=int(held.degree[shared].sum()),
    )


def _own_members(held: Holdings, group: Codes, other: Codes) -> Ints:
    """Return the members of one group alone whose tokens are known, ascending."""
    return np.setdiff1d(group[held.known[group]], other).astype(np.int64)


def _sums(held: Holdings, value: Floats) -> Floats:
    """Return float64[n_principals], the sum over each principal's tokens of a value by token."""
    running = np.concatenate(([0.0], np.cumsum(value[held.token])))
    return np.asarray(running[held.offsets[1:]] - running[held.offsets[:-1]])


@nb.njit(cache=True, nogil=True)
def _draws(uniforms, pool, bounds, sizes, affinity):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
    """Affinity of random groups with `sizes[s]` members of stratum s, by partial shuffles of `pool`."""
    out = np.zeros(len(uniforms), np.float64)
    for d in range(len(uniforms)):
        filled = 0
        for s in range(len(sizes)):
            for i in range(sizes[s]):
                start = bounds[s] + i
                pick = start + np.int64(uniforms[d, filled] * (bounds[s + 1] - start))
                pool[start], pool[pick] = pool[pick], pool[start]
                out[d] += affinity[pool[start]]
                filled += 1
    return out
