"""Synchrony: independent persons are not accused, a dispatcher that fires accounts in the same minute is found."""

import numpy as np
import pytest

from gauger.evidence.items import DAY_US, HOUR_US
from gauger.evidence.synchrony import MAX_ITEMS, SYNCHRONY

MINUTE_US = 60_000_000
MONDAY_US = 4 * DAY_US


def _persons(rng, *, n=20, sessions=8, burst=3, gap_us=40_000_000, hours=(9, 18)):
    """Working hours of a week; a session is a burst of requests a few seconds or minutes apart."""
    owner = np.repeat(np.arange(n), sessions)
    start = MONDAY_US + rng.integers(0, 5, len(owner)) * DAY_US
    start += rng.integers(*hours, len(owner)) * HOUR_US + rng.integers(0, HOUR_US, len(owner))
    gaps = rng.exponential(gap_us, (len(owner), burst)).astype(np.int64)
    gaps[:, 0] = 0
    return np.repeat(owner, burst), (start[:, None] + np.cumsum(gaps, axis=1)).ravel()


def _p_values(draw, group_at, population, *, n_trials, seed):
    rng = np.random.default_rng(seed)
    return [SYNCHRONY.evaluate(group_at(*draw(rng)), population, rng=rng).p_value for _ in range(n_trials)]


@pytest.mark.parametrize("burst", [1, 3, 10])
def test_p_values_are_valid_for_independent_persons_with_working_hours_and_bursts(
    burst, group_at, week, assert_super_uniform
):
    p_values = _p_values(
        lambda rng: _persons(rng, burst=burst, sessions=24 // burst), group_at, week(), n_trials=250, seed=41
    )
    stated = [1.0 if p is None else p for p in p_values]
    assert_super_uniform(stated, levels=(0.05, 0.1, 0.2))
    assert np.mean(np.array(stated) <= 0.5) > 0.3


def test_stated_p_values_are_valid_when_pairs_are_rare(group_at, week, assert_super_uniform):
    stated = [
        p
        for p in _p_values(
            lambda rng: _persons(rng, n=12, sessions=10, burst=1), group_at, week(), n_trials=400, seed=42
        )
        if p is not None
    ]
    assert stated
    assert_super_uniform(stated, levels=(0.05,))


@pytest.mark.xfail(
    strict=True,
    reason="the null takes activity as flat inside an hour, which a morning of long sessions is not",
)
def test_p_values_are_valid_when_activity_ramps_up_within_the_hour(group_at, week, assert_super_uniform):
    def morning(rng):
        return _persons(rng, sessions=1, burst=20, gap_us=180_000_000, hours=(9, 10))

    assert_super_uniform(_p_values(morning, group_at, week(), n_trials=250, seed=43), levels=(0.05, 0.1))


@pytest.mark.xfail(
    strict=True,
    reason="independent jobs that a clock starts at the full hour look dispatched",
)
def test_independent_jobs_on_the_full_hour_are_not_synchrony(group_at, week, assert_super_uniform):
    def timers(rng):
        owner = np.repeat(np.arange(20), 10)
        hour = rng.integers(0, 7 * 24, len(owner))
        return owner, MONDAY_US + hour * HOUR_US + rng.integers(0, 20_000_000, len(owner))

    assert_super_uniform(_p_values(timers, group_at, week(), n_trials=20, seed=44), levels=(0.05,))


def test_a_dispatcher_that_fires_accounts_within_one_minute_is_found(group_at, week):
    rng = np.random.default_rng(45)

    def dispatched():
        fired = [rng.choice(30, 6, replace=False) for _ in range(20)]
        start = MONDAY_US + rng.integers(0, 7 * DAY_US, 20)
        times = np.repeat(start, 6) + rng.integers(0, MINUTE_US, 120)
        return np.concatenate(fired), times

    p_values = [SYNCHRONY.evaluate(group_at(*dispatched()), week(), rng=rng).p_value for _ in range(20)]
    assert max(p_values) <= 0.01


def test_a_dispatcher_is_found_amid_cover_traffic_of_the_same_accounts(group_at, week):
    rng = np.random.default_rng(46)
    owner, times = _persons(rng, n=30, sessions=6, burst=2)
    start = MONDAY_US + rng.integers(0, 7 * DAY_US, 25)
    owner = np.r_[owner, np.concatenate([rng.choice(30, 5, replace=False) for _ in range(25)])]
    times = np.r_[times, np.repeat(start, 5) + rng.integers(0, MINUTE_US, 125)]
    assert SYNCHRONY.evaluate(group_at(owner, times), week(permutations=999), rng=rng).p_value <= 0.002


def test_a_burst_of_one_customer_alone_is_no_pair(group_at, week):
    owner = np.r_[np.zeros(100, int), 1, 2, 3]
    times = MONDAY_US + np.r_[np.arange(100) * 100_000, 2 * HOUR_US, 4 * HOUR_US, 6 * HOUR_US]
    said = SYNCHRONY.evaluate(group_at(owner, times), week(), rng=np.random.default_rng(0))
    assert said.facts[0].values == {"pairs": 0}


@pytest.mark.parametrize(("gap_us", "pairs"), [(MINUTE_US, 1), (MINUTE_US + 1, 0)])
def test_pairs_stand_at_most_sixty_seconds_apart_across_the_hours_border(group_at, week, gap_us, pairs):
    times = MONDAY_US + HOUR_US - 10 + np.array([0, gap_us])
    said = SYNCHRONY.evaluate(group_at([0, 1], times), week(), rng=np.random.default_rng(0))
    assert said.facts[0].values == {"pairs": pairs}


def test_fewer_than_four_customers_give_no_p_value(group_at, week):
    times = MONDAY_US + np.arange(60) * 1_000_000
    said = SYNCHRONY.evaluate(group_at(np.arange(60) % 3, times), week(), rng=np.random.default_rng(0))
    assert not said.applicable
    assert said.p_value is None
    assert said.facts[-1].code == "synchrony.no_power"


def test_same_rng_gives_the_same_word_and_no_input_changes(group_at, week):
    group = group_at(*_persons(np.random.default_rng(47)))
    times, owner = group.items.occurred_at.copy(), group.items.principal.copy()
    first, again = (SYNCHRONY.evaluate(group, week(), rng=np.random.default_rng(1)) for _ in range(2))
    assert first == again
    assert np.array_equal(group.items.occurred_at, times)
    assert np.array_equal(group.items.principal, owner)


def test_a_group_beyond_the_bound_is_still_evaluated(group_at, week):
    rng = np.random.default_rng(48)
    n = MAX_ITEMS + 500
    group = group_at(rng.integers(0, 40, n), MONDAY_US + rng.integers(0, 7 * DAY_US, n))
    said = SYNCHRONY.evaluate(group, week(permutations=99), rng=rng)
    assert said.applicable
    assert said.p_value is not None
