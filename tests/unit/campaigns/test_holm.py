"""Holm's correction: against its definition, and the error rate it promises."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from gauger.campaigns.calibration import holm

P_VALUES = st.lists(st.floats(0, 1, allow_nan=False), max_size=12)


def rejected(p_values, alpha):
    """Holm's procedure step by step: which tests it rejects at alpha."""
    found = set()
    for step, at in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        if p_values[at] * (len(p_values) - step) > alpha:
            break
        found.add(at)
    return found


@given(P_VALUES, st.floats(0.001, 0.999))
def test_adjusted_p_values_reject_what_the_procedure_rejects(p_values, alpha):
    assert {i for i, p in enumerate(holm(p_values)) if p <= alpha} == rejected(p_values, alpha)


@given(P_VALUES)
def test_adjusting_never_makes_smaller_and_keeps_the_order(p_values):
    adjusted = holm(p_values)
    assert all(a >= p for a, p in zip(adjusted, p_values, strict=True))
    order = np.argsort(p_values, kind="stable")
    assert np.all(np.diff(np.asarray(adjusted)[order]) >= 0)


def test_one_p_value_is_left_as_it_is():
    assert holm([0.01]) == [0.01]


@pytest.mark.parametrize("shared", [False, True])
def test_all_true_nulls_are_kept_as_often_as_promised_also_when_they_depend(shared):
    rng = np.random.default_rng(8)
    draws = rng.random((4_000, 1)).repeat(6, axis=1) if shared else rng.random((4_000, 6))
    errors = sum(min(holm(row)) <= 0.05 for row in draws)
    assert binom.sf(errors - 1, 4_000, 0.05) > 1e-4
