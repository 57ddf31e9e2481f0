"""Which exchange goes on from which, and which one speaks for a conversation.

A conversation is one item, or an agent that calls its tools fifty times would weigh as much as fifty persons. It speaks
through its first turn of some length, so that no greeting hides what follows. And only a request that stands in the log
can be gone on from, so that nothing hides behind one that was made up.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.int32]
Ints = NDArray[np.int64]

#: Words from which on a turn speaks for its conversation: no core of four shingles of four words stands on fewer.
MIN_WORDS: Final = 7
#: A request is a retry of another where both extend the same and their projections are so alike (cosine). Persons
#: retry a few times; a list dealt out as "retries" is told by there being more.
RETRY_COSINE: Final = 0.92
MAX_RETRIES: Final = 2


def beginnings(account: Codes, thread: Ints, extends: Ints, projection: NDArray[np.int8]) -> Codes:
    """Return for each exchange the first one of its conversation.

    An exchange goes on from an earlier one whose `thread` it `extends`, of its own account if there is one, or else of
    any: relays move conversations from account to account. One exchange is gone on from once. Of several that extend it
    the first continues, with up to `MAX_RETRIES` retries of it by the same account; each other begins a conversation of
    its own, and so does one that extends what is not there.

    Parameters
    ----------
    account
        int32[n].
    thread, extends
        int64[n] (`gauger.sketches.threads`), in the order of time.
    projection
        int8[n, 64], what each is about.

    Returns
    -------
    int32[n], places; that of the exchange itself where it begins one.
    """
    first = np.arange(len(account), dtype=np.int32)
    later, parents = np.flatnonzero(extends != 0), np.arange(len(account))
    for owner in (account, np.zeros_like(account)):
        parent = _parents(owner, thread, extends, later, parents)
        found = parent >= 0
        first[later[found]] = parent[found]
        later, parents = later[~found], np.setdiff1d(parents, parent[found], assume_unique=True)
    original = _retried(account, extends, projection, later, np.flatnonzero(first != np.arange(len(first))))
    first[later[original >= 0]] = first[original[original >= 0]]
    while not np.array_equal(further := first[first], first):
        first = further
    return first


def _parents(owner: Codes, thread: Ints, extends: Ints, later: Ints, parents: Ints) -> Ints:
    """Return for each of `later` the one of `parents` that it goes on from, -1 where there is none.

    The k-th that extends a thread goes on from the k-th that is one, of the same owner, if that came before it.
    """
    said = np.concatenate([thread[parents], extends[later]])
    owners = np.concatenate([owner[parents], owner[later]])
    order = np.lexsort((said, owners))
    is_new = np.ones(len(order), np.bool_)
    is_new[1:] = (owners[order][1:] != owners[order][:-1]) | (said[order][1:] != said[order][:-1])
    code = np.empty(len(order), np.int64)
    code[order] = np.cumsum(is_new) - 1
    sent, told = (_with_rank(part, len(order)) for part in (code[: len(parents)], code[len(parents) :]))
    by_key = np.argsort(sent)
    place = np.searchsorted(sent[by_key], told).clip(max=max(len(sent) - 1, 0))
    parent = by_key[place] if len(sent) else np.zeros(0, np.int64)
    found = (sent[parent] == told) & (parents[parent] < later)
    return np.where(found, parents[parent], -1)


def _retried(account: Codes, extends: Ints, projection: NDArray[np.int8], later: Ints, goes_on: Ints) -> Ints:
    """Return for each of `later` the one of `goes_on` that it retries, -1 where it is no retry."""
    rows = np.concatenate([goes_on, later])
    order = np.lexsort((rows, np.arange(len(rows)) >= len(goes_on), extends[rows], account[rows]))
    sibling = rows[order]
    is_new = np.ones(len(order), np.bool_)
    is_new[1:] = (extends[sibling][1:] != extends[sibling][:-1]) | (account[sibling][1:] != account[sibling][:-1])
    start = np.flatnonzero(is_new)[np.cumsum(is_new) - 1] if len(order) else np.zeros(0, np.int64)
    head = sibling[start]
    vectors = projection[sibling].astype(np.float64), projection[head].astype(np.float64)
    product = np.linalg.norm(vectors[0], axis=1) * np.linalg.norm(vectors[1], axis=1)
    alike = (vectors[0] * vectors[1]).sum(axis=1) >= RETRY_COSINE * np.maximum(product, 1.0)
    retry = alike & (order[start] < len(goes_on)) & (order >= len(goes_on)) & (head < sibling)
    before = np.cumsum(retry) - retry
    retry &= before - before[start] < MAX_RETRIES
    found = np.full(len(rows), -1, np.int64)
    found[order[retry]] = head[retry]
    return found[len(goes_on) :]


def _with_rank(code: Ints, size: int) -> Ints:
    """Return each code joined with its place among equal ones."""
    order = np.argsort(code, kind="stable")
    starts = np.flatnonzero(np.r_[True, code[order][1:] != code[order][:-1]])[: len(code)]
    rank = np.empty(len(code), np.int64)
    rank[order] = np.arange(len(code)) - np.repeat(starts, np.diff(np.append(starts, len(code))))
    return code * (size + 1) + rank


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


def descendants(account: Codes, thread: Ints, extends: Ints, chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the chosen exchanges and all of their account that go on from one of them, directly or not: bool[n]."""
    _, code = np.unique(np.concatenate([thread, extends]), return_inverse=True)
    owned = account.astype(np.int64) * (len(code) + 1)
    sent, told = owned + code[: len(thread)], owned + code[len(thread) :]
    reached = fresh = chosen
    while fresh.any():
        fresh = np.isin(told, np.unique(sent[fresh])) & (extends != 0) & ~reached
        reached = reached | fresh
    return reached
