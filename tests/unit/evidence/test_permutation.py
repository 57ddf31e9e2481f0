"""Sequential permutation p-values are valid, exact at ties, and stop early as Besag and Clifford say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gauger.evidence.permutation import sequential_p_value


def _nulls(statistic, n_trials, *, permutations, enough=20):
    rng = np.random.default_rng(5)
    return [
        sequential_p_value(
            float(statistic(rng, 1)[0]), lambda k: statistic(rng, k), permutations=permutations, enough=enough
        )
        for _ in range(n_trials)
    ]


@pytest.mark.parametrize("permutations", [199, 999, 1_300])
def test_p_values_of_a_true_null_are_super_uniform_and_not_far_from_uniform(
    permutations, assert_super_uniform, assert_near_uniform
):
    p_values = _nulls(lambda rng, k: rng.normal(size=k), 2_000, permutations=permutations)
    assert_super_uniform(p_values)
    assert_near_uniform(p_values, at_least=0.46)


def test_p_values_stay_super_uniform_for_a_statistic_full_of_ties(assert_super_uniform):
    assert_super_uniform(_nulls(lambda rng, k: rng.poisson(0.3, size=k).astype(float), 2_000, permutations=499))


def test_a_statistic_that_never_varies_gives_one():
    assert sequential_p_value(3.0, lambda k: np.full(k, 3.0), permutations=999) == 1.0


def test_an_observation_beyond_every_draw_gives_the_smallest_p_value():
    assert sequential_p_value(9.0, np.zeros, permutations=999) == 1 / 1_000


@given(st.lists(st.booleans(), min_size=1, max_size=700), st.integers(1, 30))
def test_p_value_is_enough_over_draws_once_enough_were_reached_else_counts_all(hits, enough):
    source = iter(hits)
    p_value = sequential_p_value(
        1.0, lambda k: np.array([float(next(source)) for _ in range(k)]), permutations=len(hits), enough=enough
    )
    reached = np.cumsum(hits)
    if reached[-1] >= enough:
        assert p_value == enough / (int(np.argmax(reached >= enough)) + 1)
    else:
        assert p_value == (1 + reached[-1]) / (1 + len(hits))


def test_drawing_stops_soon_after_enough_were_reached():
    asked = []

    def draw(k):
        asked.append(k)
        return np.ones(k)

    sequential_p_value(0.0, draw, permutations=9_999)
    assert sum(asked) <= 500


def test_a_tie_that_rounding_pulls_just_below_counts_as_reached():
    observed = 1_000.0
    below = np.nextafter(observed, 0)
    assert sequential_p_value(observed, lambda k: np.full(k, below), permutations=199) == 1.0
