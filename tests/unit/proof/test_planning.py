"""The plan of a query: the power of a rank, and what it asks for."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from gauger.errors import UsageError
from gauger.proof.planning import Expected, Goal, needed_z, query_plan, rank_power


@pytest.mark.parametrize(("null_keys", "alpha"), [(999, 1e-3), (1_999, 1e-3), (4_999, 1e-3)])
def test_the_power_is_that_of_a_simulated_rank(null_keys, alpha):
    rng, goal = np.random.default_rng(1), Goal(alpha, 1, null_keys, 0.9)
    for mean in (2.0, 3.2, 4.5):
        above = rng.binomial(null_keys, stats.norm.sf(rng.normal(mean, size=200_000)))
        simulated = np.mean((1 + above) / (null_keys + 1) <= alpha)
        assert rank_power(mean, goal) == pytest.approx(simulated, abs=0.005)


def test_under_the_null_the_level_is_reached_as_often_as_it_says():
    assert rank_power(0.0, Goal(1e-3, 1, 999, 0.5)) == pytest.approx(1e-3, rel=0.05)
    assert rank_power(0.0, Goal(1e-3, 2, 999, 0.5)) == 0


@given(st.floats(0.05, 0.99), st.integers(1, 20))
def test_the_z_that_is_found_gives_the_power(power, n_tests):
    goal = Goal(1e-4, n_tests, n_tests * 10_000 - 1, power)
    assert rank_power(needed_z(goal), goal) == pytest.approx(power, abs=1e-4)


@given(st.floats(0.01, 1), st.floats(0.001, 1), st.floats(1, 5_000))
def test_half_the_effect_takes_four_times_the_answers(share, effect, length):
    goal = Goal(1e-3, 1, 999, 0.9)
    whole = query_plan(goal, Expected(effect, 1.0, share, length))
    half = query_plan(goal, Expected(effect / 2, 1.0, share, length))
    assert half.positions == pytest.approx(4 * whole.positions, abs=4)
    assert whole.answers == math.ceil(whole.positions / length)


def test_more_keys_than_needed_cost_no_answers():
    floor, more = Goal(1e-6, 1, 999_999, 0.9), Goal(1e-6, 1, 9_999_999, 0.9)
    assert needed_z(more) < needed_z(floor) < needed_z(more) + 0.5
    assert needed_z(floor) > stats.norm.isf(1e-6)


@pytest.mark.parametrize("expected", [(0, 1, 1, 1), (1, 0, 1, 1), (1, 1, 2, 1), (math.nan, 1, 1, 1), (-1, 1, 1, 1)])
def test_numbers_that_make_no_sense_are_refused(expected):
    with pytest.raises(UsageError):
        Expected(*expected)
    with pytest.raises(UsageError):
        Goal(1e-3, 1, 999, 1.0)
    for effect in (1e-9, 1e-300):
        with pytest.raises(UsageError, match="this weak would take more than 1e\\+12 positions"):
            query_plan(Goal(1e-3, 1, 999, 0.9), Expected(effect, 1, 1, 100))
