"""Do the members of a group share rare tokens more than accounts of their kind do?

One test serves payment, network and reasoning blocks. The statistic is the sum over tokens of the pairs of members
that share it, each token weighted by 1/(holders - 1): a card of two accounts weighs one, a network of 500 strangers
1/499 a pair. The null: which principals are members is independent of the tokens, given the stratum (plan, model,
activity, number of tokens). It is exact, holds the group fixed and needs no history. Independence is not innocence: a
class behind one campus network shares both, so a rejection alone convicts nobody.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numba as nb
import numpy as np
from numpy.typing import NDArray

from gauger.evidence.permutation import sequential_p_value
from gauger.evidence.strata import cells

Codes = NDArray[np.int32]
Ints = NDArray[np.int64]

MIN_MEMBERS = 4
#: Two that share a card are a couple.
MIN_RING = 3
#: Principals are drawn with as many tokens as the members hold: exact to 3, then by doublings.
SIZE_BINS = 32


@dataclass(frozen=True, slots=True)
class Holdings:
    """Which principal holds which token: distinct pairs, sorted by principal.

    Attributes
    ----------
    offsets
        int64[n_principals + 1] into `token`.
    token
        int32[m], token codes; tokens held by one principal alone are left out, they share nothing.
    degree
        int64[n_tokens], principals that hold the token.
    known
        bool[n_principals], whether any token of the principal is known at all.
    n_tokens
        int64[n_principals], distinct tokens of each principal, shared or not.
    """

    offsets: Ints
    token: Codes
    degree: Ints
    known: NDArray[np.bool_]
    n_tokens: Ints


@dataclass(frozen=True, slots=True)
class Concentration:
    """Outcome of the test; `p_value` is None below four members with a known token.

    `largest` is the number of members on the most shared token, `linked` the number of members that share a token with
    another member, `ringed` the number in a ring: three members or more that the group's own tokens link (`Links`),
    `component` the size of the largest set of members linked by shared tokens.
    """

    p_value: float | None
    n_known: int
    n_pairs: int
    largest: int
    largest_degree: int
    linked: int
    ringed: int
    component: int


@dataclass(frozen=True, slots=True)
class Links:
    """How shared tokens link the members of a group whose tokens are known.

    A token is the group's own when at least half of its holders are members: a card that a few members have with many
    strangers says nothing of the group.

    Attributes
    ----------
    members
        int64[n], the members with a known token, ascending.
    per_token
        int64[n_tokens], members on each token.
    by_any, by_own
        int64[n], for each member the size of the set of members that any shared token, or one of the group's own,
        links it to, itself included.
    """

    members: Ints
    per_token: Ints
    by_any: Ints
    by_own: Ints


def holdings(principal: Codes, token: Codes, n_principals: int) -> Holdings:
    """Return the holdings of (principal, token) rows; repeated rows count once, negative tokens are unknown."""
    stated = token >= 0
    known = np.zeros(n_principals, np.bool_)
    known[principal[stated]] = True
    span = np.int64(token.max(initial=0)) + 1
    pairs = np.unique(principal[stated].astype(np.int64) * span + token[stated])
    owner, held = np.divmod(pairs, span)
    n_tokens = np.bincount(owner, minlength=n_principals)
    degree = np.bincount(held, minlength=span)
    shared = degree[held] >= 2
    owner, held = owner[shared], held[shared]
    offsets = np.concatenate(([0], np.cumsum(np.bincount(owner, minlength=n_principals)))).astype(np.int64)
    return Holdings(
        offsets=offsets, token=held.astype(np.int32), degree=degree.astype(np.int64), known=known, n_tokens=n_tokens
    )


@nb.njit(cache=True, nogil=True)
def _statistic(members, n_members, offsets, token, weight, counts):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
    total = 0.0
    for i in range(n_members):
        for k in range(offsets[members[i]], offsets[members[i] + 1]):
            held = token[k]
            total += counts[held] * weight[held]
            counts[held] += 1
    for i in range(n_members):
        for k in range(offsets[members[i]], offsets[members[i] + 1]):
            counts[token[k]] = 0
    return total


@nb.njit(cache=True, nogil=True)
def _draws(uniforms, pool, bounds, sizes, offsets, token, weight):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
    """Statistic of random groups with `sizes[s]` members of stratum s, by partial shuffles of `pool`."""
    n_draws, n_members = uniforms.shape
    counts = np.zeros(len(weight), np.int64)
    chosen = np.empty(n_members, np.int64)
    out = np.empty(n_draws, np.float64)
    for d in range(n_draws):
        filled = 0
        for s in range(len(sizes)):
            for i in range(sizes[s]):
                start = bounds[s] + i
                pick = start + np.int64(uniforms[d, filled] * (bounds[s + 1] - start))
                pool[start], pool[pick] = pool[pick], pool[start]
                chosen[filled] = pool[start]
                filled += 1
        out[d] = _statistic(chosen, n_members, offsets, token, weight, counts)
    return out


@nb.njit(cache=True, nogil=True)
def _components(offsets, token, n_tokens):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
    n = len(offsets) - 1
    parent = np.arange(n)
    first = np.full(n_tokens, -1, np.int64)
    for i in range(n):
        for k in range(offsets[i], offsets[i + 1]):
            held = token[k]
            if first[held] < 0:
                first[held] = i
            a, b = i, first[held]
            while parent[a] != a:
                a = parent[a]
            while parent[b] != b:
                b = parent[b]
            parent[max(a, b)] = min(a, b)
    for i in range(n):
        root = i
        while parent[root] != root:
            root = parent[root]
        parent[i] = root
    return parent


def _linked(tokens: Sequence[Codes], n_tokens: int) -> Ints:
    """Return, for each member, the size of the set of members that these tokens link it to, itself included."""
    offsets = np.concatenate(([0], np.cumsum([len(mine) for mine in tokens]))).astype(np.int64)
    label = _components(offsets, np.concatenate([np.empty(0, np.int32), *tokens]), n_tokens)
    return np.bincount(label, minlength=max(len(label), 1))[label]


def holders_among(held: Holdings, members: Codes | Ints) -> Ints:
    """Return int64[n_tokens], how many of these distinct principals hold each token."""
    chosen = np.zeros(len(held.known), np.bool_)
    chosen[members] = True
    rows = np.repeat(chosen & held.known, np.diff(held.offsets))
    return np.bincount(held.token[rows], minlength=len(held.degree))


def links(held: Holdings, members: Codes) -> Links:
    """Return how shared tokens link the members of a group."""
    inside = np.sort(members[held.known[members]]).astype(np.int64)
    tokens = [held.token[held.offsets[member] : held.offsets[member + 1]] for member in inside]
    per_token = holders_among(held, inside)
    own = 2 * per_token >= held.degree
    return Links(
        members=inside,
        per_token=per_token,
        by_any=_linked(tokens, len(held.degree)),
        by_own=_linked([mine[own[mine]] for mine in tokens], len(held.degree)),
    )


def concentration_test(
    held: Holdings, members: Codes, *, stratum: Codes, permutations: int, rng: np.random.Generator
) -> Concentration:
    """Test whether `members` share tokens beyond chance.

    Parameters
    ----------
    held
        Tokens of every principal active in the tested stretch.
    members
        Distinct principals of the group.
    stratum
        int32[n_principals] or int32[n_principals, k], k covariates of each principal, the weightiest first. Groups are
        drawn with the same number of principals of each stratum, and of each number of tokens within it; where such a
        cell holds fewer than `strata.MIN_CELL` principals, it is joined to its neighbour.
    permutations
        Most random groups to draw.
    rng
        Source of chance.
    """
    found = links(held, members)
    inside, per_token = found.members, found.per_token
    weight = 1.0 / np.maximum(held.degree - 1, 1)
    counts = np.zeros(len(weight), np.int64)
    top = int(per_token.argmax())
    observed = _statistic(inside, len(inside), held.offsets, held.token, weight, counts)
    p_value = None
    if len(inside) >= MIN_MEMBERS:
        pool, bounds, wanted = strata(held, stratum, held.known, inside)
        p_value = sequential_p_value(
            float(observed),
            lambda size: _draws(
                rng.random((size, len(inside))), pool, bounds, wanted, held.offsets, held.token, weight
            ),
            permutations=permutations,
        )
    return Concentration(
        p_value=p_value,
        n_known=len(inside),
        n_pairs=int((per_token * (per_token - 1) // 2).sum()),
        largest=int(per_token[top]),
        largest_degree=int(held.degree[top]),
        linked=int((found.by_any > 1).sum()),
        ringed=int((found.by_own >= MIN_RING).sum()),
        component=int(found.by_any.max(initial=0)),
    )


def _size_bin(held: Holdings) -> Ints:
    """Return a bin for the number of tokens of each principal: a busy customer comes from more networks by itself."""
    return np.minimum(
        np.where(held.n_tokens <= 3, held.n_tokens, 2 + np.log2(np.maximum(held.n_tokens, 1))), SIZE_BINS - 1
    ).astype(np.int64)


def strata(held: Holdings, stratum: Codes, eligible: NDArray[np.bool_], members: Ints) -> tuple[Ints, Ints, Ints]:
    """Return the eligible principals ordered by cell of the strata, each cell's bounds, and members wanted from each.

    Cells are those of the number of tokens and the covariates; members are eligible.
    """
    cell = cells(np.column_stack([_size_bin(held), stratum]), eligible)
    rows = np.flatnonzero(eligible)
    order = rows[np.argsort(cell[rows], kind="stable")].astype(np.int64)
    labels, starts = np.unique(cell[order], return_index=True)
    bounds = np.append(starts, len(order)).astype(np.int64)
    wanted = np.array([(cell[members] == label).sum() for label in labels], dtype=np.int64)
    return order, bounds, wanted
