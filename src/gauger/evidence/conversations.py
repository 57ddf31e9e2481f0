"""Which exchange goes on from which, and which one speaks for a conversation.

A conversation is one item, or an agent that calls its tools fifty times would weigh as much as fifty persons. It speaks
through its first turn of some length, so that no greeting hides what follows. And only a request that stands in the log
and was not turned away can be gone on from, so that nothing hides behind one that was made up.
"""

from dataclasses import dataclass
from typing import Final

import numba as nb
import numpy as np
from numpy.typing import NDArray

from gauger.evidence.personhood import NEAR_REPEAT

Codes = NDArray[np.int32]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

#: Words from which on a turn speaks for its conversation: no core of four shingles of four words stands on fewer.
MIN_WORDS: Final = 7
#: Persons retry a few times; a list that is dealt out as "retries" has more.
MAX_RETRIES: Final = 2


@dataclass(frozen=True, slots=True)
class Said:
    """What tells which exchange goes on from which: rows in the order of time.

    Attributes
    ----------
    account
        int32[n].
    occurred_at
        int64[n], microseconds since the epoch.
    thread, extends
        int64[n], hashes of the user's turns so far, and of those before the last one (`gauger.sketches.threads`).
    projection
        int8[n, 64], what each is about.
    failed
        bool[n], turned away: nobody goes on from an answer that did not come.
    """

    account: Codes
    occurred_at: Ints
    thread: Ints
    extends: Ints
    projection: NDArray[np.int8]
    failed: Flags


def beginnings(said: Said) -> Codes:
    """Return for each exchange the first one of its conversation: int32[n], its own place where it begins one.

    An exchange goes on from the earliest one that its account sent before, that it extends, and that was not gone on
    from yet. Relays move conversations between accounts: where its own account sent none, it may be another's, if
    nobody else in the stretch said the same. Of several that extend one, the first goes on, with up to `MAX_RETRIES`
    retries of it; each other begins a conversation of its own, and so does one that extends what is not there.
    """
    n = len(said.account)
    parent = np.arange(n)
    later = np.flatnonzero(said.extends != 0)
    extended = np.flatnonzero(np.isin(said.thread, said.extends[later]))  # few; the others need no place in an order
    _match(said, said.account, later, extended[~said.failed[extended]], parent)
    _retries(said, later, parent)
    taken = np.zeros(n, np.bool_)
    taken[parent[parent != np.arange(n)]] = True
    _, place, count = np.unique(said.thread[extended], return_inverse=True, return_counts=True)
    alone = extended[(count[place] == 1) & ~taken[extended] & ~said.failed[extended]]
    orphans = later[parent[later] == later]
    _match(said, np.zeros_like(said.account), orphans, alone, parent)
    for _ in range(n.bit_length()):
        parent = parent[parent]
    return parent.astype(np.int32)


def _match(said: Said, owner: Codes, later: Ints, earlier: Ints, parent: Ints) -> None:
    """Write down which of `later` go on from which of `earlier`: of one owner, first come, first served."""
    if len(later) == 0:
        return
    rows = np.concatenate([earlier, later])
    is_later = np.arange(len(rows)) >= len(earlier)
    key = np.where(is_later, said.extends[rows], said.thread[rows])
    order = np.lexsort((rows, is_later, said.occurred_at[rows], key, owner[rows]))
    rows = rows[order]
    _serve(rows, is_later[order], key[order], owner[rows], parent)


@nb.njit(cache=True, nogil=True)
def _serve(rows, is_later, key, owner, parent):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
    """Let each later one go on from the first that is left of its group, which come together and in order."""
    left = np.empty(len(rows), np.int64)
    n_earlier = n_taken = 0
    for k in range(len(rows)):
        if k == 0 or key[k] != key[k - 1] or owner[k] != owner[k - 1]:
            n_earlier = n_taken = 0
        if not is_later[k]:
            left[n_earlier] = rows[k]
            n_earlier += 1
        elif n_taken < n_earlier:
            parent[rows[k]] = left[n_taken]
            n_taken += 1


def _retries(said: Said, later: Ints, parent: Ints) -> None:
    """Write down the parent of retries: near-repeats of the nearest earlier one of the account that went on from it."""
    order = later[np.lexsort((later, said.extends[later], said.account[later]))]
    if len(order) == 0:
        return
    goes_on = parent[order] != order
    place = np.arange(len(order))
    is_new = np.r_[True, (np.diff(said.extends[order]) != 0) | (np.diff(said.account[order]) != 0)][: len(order)]
    start = np.maximum.accumulate(np.where(is_new, place, 0))
    head = np.maximum.accumulate(np.where(goes_on, place, -1))
    open_ = np.flatnonzero(~goes_on & (head >= start))
    alike = np.zeros(len(order), np.bool_)
    alike[open_] = _cosine(said.projection[order[open_]], said.projection[order[head[open_]]]) >= NEAR_REPEAT
    so_far = np.cumsum(alike)
    alike &= so_far - so_far[np.maximum(head, 0)] <= MAX_RETRIES
    parent[order[alike]] = parent[order[head[alike]]]


def _cosine(one: NDArray[np.int8], other: NDArray[np.int8]) -> NDArray[np.float64]:
    def product(left: NDArray[np.int8], right: NDArray[np.int8]) -> NDArray[np.float64]:
        return np.einsum("ij,ij->i", left, right, dtype=np.int64).astype(np.float64)

    return product(one, other) / np.maximum(np.sqrt(product(one, one) * product(other, other)), 1.0)


def speaking(first: Codes, n_words: Ints) -> Codes:
    """Return the exchange that speaks for each conversation: places, ascending.

    It is the first of `MIN_WORDS` words or more, or the first of all where none has so many.

    Parameters
    ----------
    first
        int32[n], where each exchange's conversation begins (`beginnings`).
    n_words
        int64[n].
    """
    order = np.lexsort((np.arange(len(first)), n_words < MIN_WORDS, first))
    is_new = np.ones(len(order), np.bool_)
    is_new[1:] = first[order][1:] != first[order][:-1]
    return np.sort(order[is_new]).astype(np.int32)


def descendants(account: Codes, thread: Ints, extends: Ints, chosen: Flags) -> Flags:
    """Return the chosen exchanges and all of their account that go on from one of them, directly or not.

    Parameters
    ----------
    account, thread, extends
        int32[n], int64[n], int64[n].
    chosen
        bool[k, n], k choices at once.

    Returns
    -------
    bool[k, n].
    """
    n = len(account)
    _, code = np.unique(np.concatenate([thread, extends, np.zeros(1, np.int64)]), return_inverse=True)
    keys = np.concatenate([account, account]).astype(np.int64) * (len(code) + 1) + code[: 2 * n]
    _, node = np.unique(keys, return_inverse=True)
    said, before = node[:n], node[n:]
    # A thread has one thread that it extends: nodes are a forest, walked up by doubling steps.
    n_nodes = int(node.max(initial=-1)) + 1
    up = np.arange(n_nodes)
    up[said[extends != 0]] = before[extends != 0]
    reached = np.zeros((len(chosen), n_nodes), np.bool_)
    for flags, row in zip(reached, chosen, strict=True):
        flags[said[row]] = True
    for _ in range(n_nodes.bit_length()):
        reached |= reached[:, up]
        up = up[up]
    return chosen | (reached[:, before] & (extends != 0))
