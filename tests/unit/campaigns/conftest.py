"""Windows of items with the shingles they hold, as a test would write them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from gauger.evidence.items import Items
from gauger.evidence.mining import Postings, postings_in_order


def _items(principal, *, account=None, fill=None, projection=None, occurred_at=None, failed=None) -> Items:
    """Return items in the given order; every item is a fill of its own unless `fill` says otherwise."""
    owner = np.asarray(principal, dtype=np.int32)
    n = len(owner)
    turn = np.arange(n) if fill is None else np.asarray(fill)
    return Items(
        principal=owner,
        account=owner.copy() if account is None else np.asarray(account, dtype=np.int32),
        occurred_at=np.arange(n, dtype=np.int64) if occurred_at is None else np.asarray(occurred_at, np.int64),
        turn=np.stack([turn, np.zeros(n)], axis=1).astype(np.int64),
        projection=np.zeros((n, 64), np.int8) if projection is None else np.asarray(projection, np.int8),
        intents=np.zeros((n, 7), np.float32),
        system_part=np.zeros(n, np.int64),
        tool_part=np.zeros(n, np.int64),
        failed=np.zeros(n, np.bool_) if failed is None else np.asarray(failed, np.bool_),
    )


def _postings(held: Sequence[set[int]], principal) -> Postings:
    """Return the postings of items that hold the given shingles."""
    shingles = np.array(sorted(set().union(*held)), dtype=np.int64)
    code = {int(value): index for index, value in enumerate(shingles)}
    pairs = [(item, code[s]) for item, own in enumerate(held) for s in sorted(own)]
    item, codes = np.array(pairs, dtype=np.int32).reshape(-1, 2).T
    return postings_in_order(item, codes, shingles=shingles, principal=np.asarray(principal, dtype=np.int32))


@dataclass(frozen=True)
class Text:
    """Items of a window and the shingles that at least `min_principals` of them share."""

    items: Items
    postings: Postings


@pytest.fixture(scope="session")
def make_items() -> Callable[..., Items]:
    return _items


@pytest.fixture(scope="session")
def make_postings() -> Callable[..., Postings]:
    return _postings


@pytest.fixture(scope="session")
def window_text() -> Callable[..., Text]:
    """Return a window of (principal, shingles) rows, keeping only shingles of four principals or more."""

    def make(rows: Sequence[tuple[int, set[int]]], **columns) -> Text:
        principal = [owner for owner, _ in rows]
        holders: dict[int, set[int]] = {}
        for owner, own in rows:
            for shingle in own:
                holders.setdefault(shingle, set()).add(owner)
        shared = {shingle for shingle, owners in holders.items() if len(owners) >= 4}
        held = [own & shared for _, own in rows]
        return Text(items=_items(principal, **columns), postings=_postings(held, principal))

    return make
