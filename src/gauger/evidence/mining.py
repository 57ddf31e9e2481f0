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
    """Which shared shingle stands on which item: postings by item.

    Attributes
    ----------
    code
        int32[m], the codes of one item after those of another, ascending within an item.
    offsets
        int64[n_items + 1], where each item's codes begin.
    shingles
        int64[k], the shingle of each code, ascending.
    principal
        int32[n_items], the principal of each item.
    n_principals
        int64[k], how many principals hold each shingle.
    """

    code: Codes
    offsets: Ints
    shingles: Ints
    principal: Codes
    n_principals: Ints

    @property
    def n_items(self) -> int:
        """Number of items, with and without a shared shingle."""
        return len(self.principal)

    @property
    def item(self) -> Codes:
        """The item of each posting, int32[m]; made anew each time."""
        return np.repeat(np.arange(self.n_items, dtype=np.int32), np.diff(self.offsets))

    @cached_property
    def standing(self) -> Standing:
        """The same postings by shingle."""
        offsets = _offsets(self.code, len(self.shingles))
        return Standing(_transposed(self.code, self.offsets, offsets), offsets)

    def shared_by(self, n: int) -> "Postings":
        """Return the postings of the shingles that at least n principals hold, coded anew."""
        shared = self.n_principals >= n
        if shared.all():
            return self
        anew = np.where(shared, np.cumsum(shared) - 1, -1).astype(np.int32)
        code, offsets = _recoded(self.code, self.offsets, anew)
        return Postings(
            code=code,
            offsets=offsets,
            shingles=self.shingles[shared],
            principal=self.principal,
            n_principals=self.n_principals[shared],
        )


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
    """Return postings of distinct (item, code) pairs that come in any order."""
    offsets, by_code = _offsets(item, len(principal)), _offsets(code, len(shingles))
    standing = _items_by_code(item, code, by_code)
    return Postings(
        code=_transposed(standing, by_code, offsets),
        offsets=offsets,
        shingles=shingles,
        principal=principal,
        n_principals=_principals_per_code(standing, by_code, principal),
    )


@nb.njit(cache=True, nogil=True)
def _offsets(keys, size):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
    """Where the entries of each key begin when they are sorted by key: int64[size + 1]."""
    offsets = np.zeros(size + 1, np.int64)
    for key in keys:
        offsets[key + 1] += 1
    for key in range(size):
        offsets[key + 1] += offsets[key]
    return offsets


@nb.njit(cache=True, nogil=True)
def _items_by_code(item, code, offsets):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
    """Items in the order of their codes, of one code as they come."""
    at = offsets[:-1].copy()
    out = np.empty(len(item), np.int32)
    for k in range(len(item)):
        out[at[code[k]]] = item[k]
        at[code[k]] += 1
    return out


@nb.njit(cache=True, nogil=True)
def _transposed(columns, offsets, column_offsets):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
    """Rows in the order of their columns, ascending within a column; `columns` are in the order of their rows."""
    at = column_offsets[:-1].copy()
    out = np.empty(len(columns), np.int32)
    for row in range(len(offsets) - 1):
        for k in range(offsets[row], offsets[row + 1]):
            out[at[columns[k]]] = row
            at[columns[k]] += 1
    return out


@nb.njit(cache=True, nogil=True)
def _recoded(code, offsets, anew):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
    """Codes by their new numbers, without those that have none (-1), with where those of each item begin."""
    starts = np.zeros(len(offsets), np.int64)
    for item in range(len(offsets) - 1):
        starts[item + 1] = starts[item]
        for k in range(offsets[item], offsets[item + 1]):
            starts[item + 1] += anew[code[k]] >= 0
    out = np.empty(starts[-1], np.int32)
    n = 0
    for k in range(len(code)):
        if anew[code[k]] >= 0:
            out[n] = anew[code[k]]
            n += 1
    return out, starts


@nb.njit(cache=True, nogil=True)
def _principals_per_code(item_by_code, code_offsets, principal):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
    counts = np.zeros(len(code_offsets) - 1, np.int64)
    last = np.full(principal.max() + 1 if len(principal) else 0, -1, np.int32)
    for code in range(len(counts)):
        for k in range(code_offsets[code], code_offsets[code + 1]):
            holder = principal[item_by_code[k]]
            counts[code] += last[holder] != code
            last[holder] = code
    return counts


@nb.njit(cache=True, nogil=True)
def _greedy(order, code_offsets, item_by_code, item_offsets, code_by_item, jaccard):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
    """Group of each code: the seed's position in `order`, or the code's own group of one; -1 of what is not in `order`.

    What has a group is looked at no more: its overlap is -1, and it leaves `code_by_item`, which is used up, when it is
    next met.
    """
    n_codes = len(code_offsets) - 1
    group = np.full(n_codes, -1, np.int32)
    overlap = np.full(n_codes, -1, np.int32)
    overlap[order] = 0
    touched = np.empty(n_codes, np.int32)
    ends = item_offsets[1:].copy()
    for rank in range(len(order)):
        seed = order[rank]
        if overlap[seed] < 0:
            continue
        n_touched = 0
        for k in range(code_offsets[seed], code_offsets[seed + 1]):
            item = item_by_code[k]
            j, end = item_offsets[item], ends[item]
            while j < end:
                other = code_by_item[j]
                shared = overlap[other]
                if shared < 0:
                    end -= 1
                    code_by_item[j] = code_by_item[end]
                    continue
                if shared == 0:
                    touched[n_touched] = other
                    n_touched += 1
                overlap[other] = shared + 1
                j += 1
            ends[item] = end
        size = code_offsets[seed + 1] - code_offsets[seed]
        for t in range(n_touched):
            other = touched[t]
            shared = overlap[other]
            union = size + code_offsets[other + 1] - code_offsets[other] - shared
            joins = shared >= jaccard * union
            if joins:
                group[other] = rank
            overlap[other] = -1 if joins else 0
    return group


def mine_cores(
    postings: Postings,
    chosen: NDArray[np.bool_] | None = None,
    *,
    part: str,
    min_shingles: int,
    min_principals: int,
    jaccard: float,
) -> list[Core]:
    """Return the cores of a window, the most shared first.

    Parameters
    ----------
    postings
        Shingles shared by at least `min_principals` principals, and where they stand.
    chosen
        bool[k], the shingles that cores are made of; None: all.
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
    n_items = np.diff(code_offsets)
    first_item = item_by_code[code_offsets[:-1]]
    order = np.lexsort((postings.shingles, first_item, -n_items, -postings.n_principals))
    if chosen is not None:
        order = order[chosen[order]]
    group = _greedy(order, code_offsets, item_by_code, postings.offsets, postings.code.copy(), jaccard)
    return _collect(postings, group, part=part, min_shingles=min_shingles, min_principals=min_principals)


def _collect(postings: Postings, group: Ints, *, part: str, min_shingles: int, min_principals: int) -> list[Core]:
    sizes = np.bincount(group[group >= 0])
    kept = np.flatnonzero(sizes >= min_shingles)
    if len(kept) == 0:
        return []
    code_order = np.argsort(group, kind="stable")
    code_bounds = np.searchsorted(group[code_order], np.stack([kept, kept + 1]))
    cores = []
    for begin, end in code_bounds.T.tolist():
        codes = code_order[begin:end]
        items = holding(postings, codes, at_least=(len(codes) + 1) // 2)
        if len(distinct(postings.principal[items])) >= min_principals:
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
    # From numpy, which need not write the zeros that are never read.
    held = np.zeros(postings.n_items, np.int32)
    found = _reaching(standing.item, standing.offsets, codes, held, at_least)
    found.sort()
    return found


@nb.njit(cache=True, nogil=True)
def _reaching(item_by_code, code_offsets, codes, held, at_least):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
    """Items that stand with `at_least` of some codes, as they reach it; `held` is zero for each item."""
    most = 0
    for code in codes:
        most += code_offsets[code + 1] - code_offsets[code]
    found = np.empty(most // at_least, np.int32)
    n = 0
    for code in codes:
        for k in range(code_offsets[code], code_offsets[code + 1]):
            item = item_by_code[k]
            held[item] += 1
            if held[item] == at_least:
                found[n] = item
                n += 1
    return found[:n].copy()


def distinct(codes: Codes) -> Codes:
    """Return each of some codes once, ascending; faster than sorting where there are many of few."""
    seen = np.zeros(int(codes.max(initial=-1)) + 1, np.bool_)
    seen[codes] = True
    return np.flatnonzero(seen).astype(np.int32)
