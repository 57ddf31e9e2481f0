"""Template cores: sets of shingles that stand on almost the same items (reference: detection.md §5, "template core").

The kernel is greedy and local: it starts from the most shared shingle and lets others join that stand on nearly the
same items. There is no transitive closure, so a popular phrase cannot chain strangers together.
"""

from dataclasses import dataclass
from functools import cached_property

import numba as nb
import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Codes = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Standing:
    """Where each shingle stands: postings by shingle.

    Attributes
    ----------
    item
        int32[m], the items of one code after those of another, ascending within a code.
    offsets
        int64[k + 1], where each code's items begin.
    """

    item: Codes
    offsets: Ints

    def of(self, code: int) -> Codes:
        """Return the items on which a shingle stands, ascending."""
        return self.item[self.offsets[code] : self.offsets[code + 1]]


@dataclass(frozen=True)  # no slots: the postings by shingle are made once, when they are asked for
class Postings:
    """Which shared shingle stands on which item.

    Attributes
    ----------
    item, code
        int32[m], one entry a distinct (item, shingle) pair, sorted by item, then code.
    shingles
        int64[k], the shingle of each code, ascending.
    principal
        int32[n_items], the principal of each item.
    """

    item: Codes
    code: Codes
    shingles: Ints
    principal: Codes

    @property
    def n_items(self) -> int:
        """Number of items, with and without a shared shingle."""
        return len(self.principal)

    @cached_property
    def standing(self) -> Standing:
        """The same postings by shingle."""
        offsets = _offsets(self.code, len(self.shingles))
        return Standing(_by_key(self.code, self.item, offsets), offsets)


@dataclass(frozen=True, slots=True)
class Core:
    """Shingles that go together and the items that hold at least half of them.

    Attributes
    ----------
    part
        "user_prompt", "system_prompt" or "tool_schema".
    shingles
        int64[k], sorted.
    items
        int32[n], ascending.
    """

    part: str
    shingles: Ints
    items: Codes


def postings_in_order(item: Codes, code: Codes, *, shingles: Ints, principal: Codes) -> Postings:
    """Return postings of distinct (item, code) pairs that come in any order: two counting sorts, code then item."""
    by_code = _offsets(code, len(shingles))
    held_by = _by_key(code, item, by_code)
    codes = np.repeat(np.arange(len(shingles), dtype=np.int32), np.diff(by_code))
    by_item = _offsets(held_by, len(principal))
    items = np.repeat(np.arange(len(principal), dtype=np.int32), np.diff(by_item))
    return Postings(item=items, code=_by_key(held_by, codes, by_item), shingles=shingles, principal=principal)


def _offsets(keys: Codes, size: int) -> Ints:
    """Return int64[size + 1], where the entries of each key begin when they are sorted by key."""
    counts = np.bincount(keys, minlength=size)
    return np.concatenate(([0], np.cumsum(counts))).astype(np.int64)


@nb.njit(cache=True, nogil=True)
def _by_key(key, value, offsets):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
    """Values in the order of their keys; values of one key keep their order."""
    at = offsets[:-1].copy()
    out = np.empty(len(value), np.int32)
    for k in range(len(key)):
        out[at[key[k]]] = value[k]
        at[key[k]] += 1
    return out


@nb.njit(cache=True, nogil=True)
def _principals_per_code(code_offsets, item_by_code, principal):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
    n_codes = len(code_offsets) - 1
    counts = np.zeros(n_codes, np.int64)
    last_seen = np.full(principal.max() + 1 if len(principal) else 1, -1, np.int64)
    for code in range(n_codes):
        for k in range(code_offsets[code], code_offsets[code + 1]):
            owner = principal[item_by_code[k]]
            if last_seen[owner] != code:
                last_seen[owner] = code
                counts[code] += 1
    return counts


@nb.njit(cache=True, nogil=True)
def _greedy(order, code_offsets, item_by_code, item_offsets, code_by_item, jaccard):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
    """Group of each code: the seed's position in `order`, or the code's own group of one."""
    n_codes = len(order)
    group = np.full(n_codes, -1, np.int64)
    overlap = np.zeros(n_codes, np.int64)
    touched = np.empty(n_codes, np.int64)
    for rank in range(n_codes):
        seed = order[rank]
        if group[seed] >= 0:
            continue
        n_touched = 0
        for k in range(code_offsets[seed], code_offsets[seed + 1]):
            item = item_by_code[k]
            for j in range(item_offsets[item], item_offsets[item + 1]):
                other = code_by_item[j]
                if overlap[other] == 0:
                    touched[n_touched] = other
                    n_touched += 1
                overlap[other] += 1
        size = code_offsets[seed + 1] - code_offsets[seed]
        for t in range(n_touched):
            other = touched[t]
            shared = overlap[other]
            union = size + code_offsets[other + 1] - code_offsets[other] - shared
            if group[other] < 0 and shared >= jaccard * union:
                group[other] = rank
            overlap[other] = 0
    return group


def mine_cores(postings: Postings, *, part: str, min_shingles: int, min_principals: int, jaccard: float) -> list[Core]:
    """Return the cores of a window, the most shared first.

    Parameters
    ----------
    postings
        Shingles shared by at least `min_principals` principals, and where they stand.
    part
        Which text they were taken from.
    min_shingles
        A core holds at least this many shingles.
    min_principals
        A core's items belong to at least this many principals.
    jaccard
        A shingle joins when its items and the seed's overlap by this much.

    Notes
    -----
    Seeds are taken by principals, then items, then first item, then hash: the hash decides only between shingles that
    stand on equally many items of equally many principals from the same first item, mostly the very same items.
    """
    n_codes = len(postings.shingles)
    if n_codes == 0:
        return []
    item_by_code, code_offsets = postings.standing.item, postings.standing.offsets
    item_offsets = _offsets(postings.item, postings.n_items)
    n_principals = _principals_per_code(code_offsets, item_by_code, postings.principal)
    n_items = np.diff(code_offsets)
    first_item = item_by_code[code_offsets[:-1]]
    order = np.lexsort((postings.shingles, first_item, -n_items, -n_principals))
    group = _greedy(order, code_offsets, item_by_code, item_offsets, postings.code, jaccard)
    return _collect(postings, group, part=part, min_shingles=min_shingles, min_principals=min_principals)


def _collect(postings: Postings, group: Ints, *, part: str, min_shingles: int, min_principals: int) -> list[Core]:
    sizes = np.bincount(group)
    kept = np.flatnonzero(sizes >= min_shingles)
    if len(kept) == 0:
        return []
    code_order = np.argsort(group, kind="stable")
    code_bounds = np.searchsorted(group[code_order], np.stack([kept, kept + 1]))
    cores = []
    for begin, end in code_bounds.T.tolist():
        codes = code_order[begin:end]
        items = holding(postings, codes, at_least=(len(codes) + 1) // 2)
        if len(np.unique(postings.principal[items])) >= min_principals:
            cores.append(Core(part=part, shingles=np.sort(postings.shingles[codes]), items=items))
    return cores


def held_counts(postings: Postings, codes: Ints) -> Ints:
    """Return int64[n_items], how many of some shingles each item holds."""
    standing = postings.standing
    found = [standing.of(code) for code in codes.tolist()]
    return np.bincount(np.concatenate([np.empty(0, np.int32), *found]), minlength=postings.n_items)


def holding(postings: Postings, codes: Ints, *, at_least: int) -> Codes:
    """Return the items that hold so many of some shingles, ascending."""
    standing = postings.standing
    found, held = np.unique(np.concatenate([standing.of(code) for code in codes.tolist()]), return_counts=True)
    return found[held >= at_least]
