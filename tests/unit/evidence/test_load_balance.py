"""Load balance: persons do not keep a total steady, a dispatcher at a constant rate does."""

import numpy as np
import pytest

from gauger.evidence.items import DAY_US, HOUR_US
from gauger.evidence.load_balance import LOAD_BALANCE, MIN_DAYS, MIN_ITEMS, MIN_PRINCIPALS

MONDAY_US = 4 * DAY_US


def _persons(rng, *, weight_of_day, each=40):
    """One person a row of `weight_of_day` (float[n, n_days]), most active in the afternoon."""
    owner = np.repeat(np.arange(len(weight_of_day)), each)
    day = np.concatenate([rng.choice(len(w), each, p=w / w.sum()) for w in weight_of_day])
    hour = rng.normal(14, 3, len(owner)) % 24
    return owner, MONDAY_US + day * DAY_US + (hour * HOUR_US).astype(np.int64)


def _p_values(weight_of_day, group_at, population, *, n_trials, seed):
    rng = np.random.default_rng(seed)
    return [
        LOAD_BALANCE.evaluate(group_at(*_persons(rng, weight_of_day=weight_of_day)), population, rng=rng).p_value
        for _ in range(n_trials)
    ]


def test_p_values_are_valid_and_near_uniform_for_persons_without_a_weekly_rhythm(
    group_at, week, assert_super_uniform, assert_near_uniform
):
    p_values = _p_values(np.ones((20, 7)), group_at, week(), n_trials=400, seed=51)
    assert_super_uniform(p_values)
    assert_near_uniform(p_values)


def test_p_values_are_valid_for_a_weekend_that_all_share(group_at, week, assert_super_uniform):
    shared = np.tile([1, 1, 1, 1, 1, 0.2, 0.2], (20, 1))
    assert_super_uniform(_p_values(shared, group_at, week(), n_trials=200, seed=52), levels=(0.05, 0.1))


def test_p_values_are_valid_when_some_work_on_weekdays_and_some_on_weekends(group_at, week, assert_super_uniform):
    weekday, weekend = [1, 1, 1, 1, 1, 0, 0], [0, 0, 0, 0, 0, 1, 1]
    mixed = np.array([weekday] * 15 + [weekend] * 6, dtype=float)
    assert_super_uniform(_p_values(mixed, group_at, week(), n_trials=150, seed=53), levels=(0.05,))


@pytest.mark.parametrize("per_bin", [1, 6])
def test_a_dispatcher_at_a_constant_rate_over_thirty_rotating_accounts_is_found(group_at, week, per_bin):
    """Jobs leave at a constant total rate; five accounts at a time carry them, others take over twice a day."""
    rng = np.random.default_rng(54)

    def dispatched():
        step = int(900e6 / per_bin)
        times = np.arange(0, 7 * DAY_US, step) + rng.integers(0, step)
        crew = [rng.choice(30, 5, replace=False) for _ in range(14)]
        owner = np.array([rng.choice(crew[half]) for half in times // (DAY_US // 2) % 14])
        return owner, MONDAY_US + times

    p_values = [LOAD_BALANCE.evaluate(group_at(*dispatched()), week(), rng=rng).p_value for _ in range(15)]
    assert max(p_values) <= 0.01


def test_a_paced_dispatcher_that_draws_accounts_at_random_is_found(group_at, week):
    rng = np.random.default_rng(55)
    times = np.arange(0, 7 * DAY_US, 150_000_000)
    p_value = LOAD_BALANCE.evaluate(
        group_at(rng.integers(0, 30, len(times)), MONDAY_US + times), week(), rng=rng
    ).p_value
    assert p_value == 1 / 200


@pytest.mark.parametrize(
    ("n_principals", "n_items", "n_days"),
    [
        (MIN_PRINCIPALS - 1, MIN_ITEMS, 7),
        (MIN_PRINCIPALS, MIN_ITEMS - 1, 7),
        (MIN_PRINCIPALS, MIN_ITEMS, MIN_DAYS - 1),
    ],
)
def test_below_a_minimum_of_data_there_is_no_p_value(group_at, week, n_principals, n_items, n_days):
    times = MONDAY_US + np.arange(n_items) * (n_days * DAY_US // n_items)
    group = group_at(np.arange(n_items) % n_principals, times)
    said = LOAD_BALANCE.evaluate(group, week(n_days=n_days), rng=np.random.default_rng(0))
    assert not said.applicable
    assert said.p_value is None
    assert [fact.code for fact in said.facts] == ["load_balance.no_power"]


def test_at_the_minimum_of_data_there_is_a_p_value(group_at, week):
    times = MONDAY_US + np.arange(MIN_ITEMS) * (MIN_DAYS * DAY_US // MIN_ITEMS)
    group = group_at(np.arange(MIN_ITEMS) % MIN_PRINCIPALS, times)
    said = LOAD_BALANCE.evaluate(group, week(n_days=MIN_DAYS), rng=np.random.default_rng(0))
    assert said.applicable
    assert said.p_value is not None


def test_same_rng_gives_the_same_word(group_at, week):
    group = group_at(*_persons(np.random.default_rng(56), weight_of_day=np.ones((12, 7))))
    first, again = (LOAD_BALANCE.evaluate(group, week(), rng=np.random.default_rng(1)) for _ in range(2))
    assert first == again
