"""Limits of rates: exact where worlds are independent, wider where they share a seed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

from gauger.lab.intervals import bootstrap, clopper_pearson


@given(st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_limits_are_those_of_the_exact_test(trial):
    hits, n = trial
    exact = binomtest(hits, n).proportion_ci(0.95, method="exact")
    assert clopper_pearson(hits, n) == pytest.approx((exact.low, exact.high))


def test_a_tail_beyond_each_limit_has_two_and_a_half_percent():
    low, high = clopper_pearson(3, 20)
    assert binom.sf(2, 20, low) == pytest.approx(0.025)
    assert binom.cdf(3, 20, high) == pytest.approx(0.025)


def test_limits_of_a_rate_that_is_no_whole_number_of_hits_lie_between():
    below, between, above = (clopper_pearson(hits, 10) for hits in (2, 2.5, 3))
    assert below[0] < between[0] < above[0]
    assert below[1] < between[1] < above[1]


@pytest.mark.parametrize(("hits", "n"), [(1, 0), (-1, 5), (6, 5)])
def test_what_is_no_rate_is_refused(hits, n):
    with pytest.raises(ValueError, match="no rate"):
        clopper_pearson(hits, n)


def test_the_bootstrap_redraws_whole_clusters():
    # All hits in one cluster of ten: redrawn, it is there 0 to 3 times or so, never a fraction of it.
    low, high = bootstrap([10] + [0] * 9, [10] * 10, rng=np.random.default_rng(1))
    assert low == 0.0
    assert high == pytest.approx(0.3)
    even = bootstrap([1] * 10, [10] * 10, rng=np.random.default_rng(1))
    assert even == pytest.approx((0.1, 0.1))


@pytest.mark.parametrize(("hits", "n"), [([0, 0, 0], [5, 5, 5]), ([3], [5]), ([], [])])
def test_the_bootstrap_says_nothing_of_zeros_or_of_one_cluster(hits, n):
    assert bootstrap(hits, n, rng=np.random.default_rng(1)) is None
