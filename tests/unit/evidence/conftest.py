"""Groups, items and populations as a test would draw them."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import binom

from gauger.evidence.items import Items


def _items(principal, occurred_at=None, *, projection=None, turn=None, failed=None) -> Items:
    """Return items with their own turns and flat projections unless given; rows stay in the given order."""
    n = len(principal)
    owner = np.asarray(principal, dtype=np.int32)
    if projection is None:
        projection = np.zeros((n, 64), np.int8)
    if turn is None:
        turn = np.stack([np.arange(n), np.zeros(n)], axis=1)
    times = np.arange(n) if occurred_at is None else occurred_at
    return Items(
        principal=owner,
        account=owner.copy(),
        occurred_at=np.asarray(times, dtype=np.int64),
        turn=np.asarray(turn, dtype=np.int64),
        projection=np.asarray(projection, dtype=np.int8),
        intents=np.zeros((n, 7), np.float32),
        system_part=np.zeros(n, np.int64),
        tool_part=np.zeros(n, np.int64),
        failed=np.zeros(n, np.bool_) if failed is None else np.asarray(failed, np.bool_),
    )


@pytest.fixture(scope="session")
def make_items() -> Callable[..., Items]:
    return _items


@pytest.fixture(scope="session")
def assert_super_uniform() -> Callable[..., None]:
    """Fail where p-values of a true null fall at or below a level more often than chance explains."""

    def check(p_values, levels=(0.01, 0.05, 0.1, 0.2, 0.5)) -> None:
        p_values = np.asarray(p_values)
        for level in levels:
            hits = int((p_values <= level).sum())
            assert binom.sf(hits - 1, len(p_values), level) > 1e-4, (level, hits / len(p_values))

    return check


@pytest.fixture(scope="session")
def assert_near_uniform() -> Callable[..., None]:
    """Fail where p-values of a true null are much larger than uniform: such a test could never reject."""

    def check(p_values, *, level=0.5, at_least=0.35) -> None:
        share = float((np.asarray(p_values) <= level).mean())
        assert share >= at_least, share

    return check
