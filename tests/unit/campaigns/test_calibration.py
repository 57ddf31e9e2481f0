"""Adjusted p-values agree with their slow definitions, conformal ones are valid, and the target is never overspent."""

import inspect

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from gauger.campaigns.calibration import benjamini_hochberg, conformal_p_value, holm, split_target

P_VALUES = st.lists(st.floats(0, 1), max_size=12)


def _slow_holm(p_values):
    """Largest over i <= rank of p_(i) x (m - i + 1), at most 1 (Holm 1979)."""
    m = len(p_values)
    order = sorted(range(m), key=lambda i: p_values[i])
    adjusted = [0.0] * m
    for rank, i in enumerate(order):
        adjusted[i] = min(1.0, max(p_values[order[j]] * (m - j) for j in range(rank + 1)))
    return adjusted


def _slow_benjamini_hochberg(p_values):
    """Smallest over i >= rank of p_(i) x m / i, at most 1 (Benjamini and Hochberg 1995)."""
    m = len(p_values)
    order = sorted(range(m), key=lambda i: p_values[i])
    adjusted = [0.0] * m
    for rank, i in enumerate(order):
        adjusted[i] = min(1.0, *(p_values[order[j]] * m / (j + 1) for j in range(rank, m)))
    return adjusted


@given(P_VALUES)
def test_holm_agrees_with_its_slow_definition(p_values):
    assert np.allclose(holm(p_values), _slow_holm(p_values))


@given(P_VALUES)
def test_benjamini_hochberg_agrees_with_its_slow_definition(p_values):
    assert np.allclose(benjamini_hochberg(p_values, len(p_values)), _slow_benjamini_hochberg(p_values))


@given(st.lists(st.floats(0, 0.01), min_size=1, max_size=9), st.integers(0, 9))
def test_tests_that_are_not_shown_count_as_if_they_had_said_nothing(p_values, n_more):
    beside = [*p_values, *[1.0] * n_more]
    alone = benjamini_hochberg(p_values, len(beside))
    assert np.allclose(alone, benjamini_hochberg(beside, len(beside))[: len(p_values)])


@given(P_VALUES)
def test_adjusting_keeps_the_order_and_never_lowers_a_p_value(p_values):
    order = np.argsort(p_values, kind="stable")
    for adjusted in (holm(p_values), benjamini_hochberg(p_values, len(p_values))):
        assert len(adjusted) == len(p_values)
        assert (np.diff(adjusted[order]) >= 0).all()
        assert (adjusted >= np.array(p_values) - 1e-15).all()
        assert (adjusted <= 1).all()


@given(P_VALUES, st.integers(0, 11), st.floats(0, 1))
def test_a_smaller_p_value_never_raises_any_adjusted_one(p_values, at, smaller):
    if not p_values:
        return
    lowered = list(p_values)
    lowered[at % len(p_values)] = min(smaller, lowered[at % len(p_values)])
    assert (holm(lowered) <= holm(p_values) + 1e-12).all()
    assert (benjamini_hochberg(lowered, len(lowered)) <= benjamini_hochberg(p_values, len(p_values)) + 1e-12).all()


def test_holm_keeps_the_family_wise_rate_under_dependence():
    rng = np.random.default_rng(61)
    rejected = 0
    for _ in range(2_000):
        shared = rng.normal()
        z = 0.8 * shared + 0.6 * rng.normal(size=10)
        rank = np.argsort(np.argsort(-z))
        p_values = (1 + rank) / 11 if rng.random() < 0.5 else rng.random(10)
        rejected += holm(p_values).min() <= 0.05
    assert binom.sf(rejected - 1, 2_000, 0.05) > 1e-4


def test_conformal_p_values_are_valid_with_ties_and_exact_without():
    rng = np.random.default_rng(62)
    tied = np.array([conformal_p_value(s[0], s[1:]) for s in rng.poisson(2, (4_000, 20)).astype(float)])
    smooth = np.array([conformal_p_value(s[0], s[1:]) for s in rng.normal(size=(4_000, 20))])
    for level in (0.05, 0.1, 0.25, 0.5):
        assert binom.sf((tied <= level).sum() - 1, 4_000, level) > 1e-4
        assert 1e-4 < binom.cdf((smooth <= level).sum(), 4_000, level) < 1 - 1e-4


def test_n_history_windows_certify_nothing_below_one_in_n_plus_one():
    assert conformal_p_value(9.0, [1.0] * 19) == 1 / 20
    assert conformal_p_value(0.0, [1.0] * 19) == 1.0
    assert conformal_p_value(1.0, [1.0] * 19) == 1.0, "a tie counts against the candidate"
    assert conformal_p_value(0.1 + 0.2, [0.3] * 19) == 1.0, "and so does one to the last digit"


@given(st.floats(1e-4, 0.5), st.integers(0, 100_000))
def test_the_routes_together_never_spend_more_than_the_target(target, n_windows):
    split = split_target(target, n_windows)
    assert split.conditional > 0
    assert split.conditional + split.window <= target
    if split.window_certifies:
        assert 1 / (n_windows + 1) <= split.window * (1 + 1e-12)


@given(st.floats(1e-4, 0.5), st.integers(0, 1_000))
def test_a_longer_history_only_ever_opens_the_window_route(target, n_windows):
    assert split_target(target, n_windows + 1).window >= split_target(target, n_windows).window


def test_the_split_sees_nothing_but_target_and_length_of_history():
    assert list(inspect.signature(split_target).parameters) == ["target", "n_windows"]
    assert not split_target(0.05, 38).window_certifies
    assert split_target(0.05, 39).window_certifies
