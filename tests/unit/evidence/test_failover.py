"""Failover: valid whenever failures are chance's, powerful when another customer takes over what failed."""

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import hypergeom

from gauger.engines.fetch import turned_away
from gauger.evidence.channel import Group, Population
from gauger.evidence.failover import FAILOVER, HOUR_US, stratified_p_value, stretches, tries

NOBODY = Population(holdings={}, stratum=np.zeros(1, np.int32), permutations=1)
MINUTE_US = HOUR_US // 60


def _said(items):
    group = Group(items=items, rows=np.arange(len(items), dtype=np.int32), principals=np.unique(items.principal))
    return FAILOVER.evaluate(group, NOBODY, rng=np.random.default_rng(0))


def _turns(fill):
    return np.stack([fill, np.zeros(len(fill))], axis=1)


@pytest.fixture
def crowd(make_items):
    """Twenty principals over a week, a third of whose items are sent by others as well, with the given failures."""

    def build(rng, fails, n=800):
        principal = rng.integers(0, 20, n)
        at = np.sort(rng.integers(0, 168 * HOUR_US, n))
        fill = np.where(rng.random(n) < 0.35, rng.integers(0, 60, n), 1_000 + np.arange(n))
        return make_items(principal, at, turn=_turns(fill), failed=fails(principal, at))

    return build


def _at_random(rng):
    return lambda principal, at: rng.random(len(at)) < 0.04


def _by_customer(rng):
    return lambda principal, at: rng.random(len(at)) < np.where(principal < 4, 0.2, 0.01)


def _in_an_outage(rng):
    begin = rng.integers(0, 160) * HOUR_US
    return lambda principal, at: ((at >= begin) & (at < begin + 8 * HOUR_US)) & (rng.random(len(at)) < 0.8)


@pytest.mark.parametrize("fails", [_at_random, _by_customer, _in_an_outage])
def test_p_values_are_valid_where_failures_are_independent_of_who_sends_what(crowd, fails, assert_super_uniform):
    rng = np.random.default_rng(21)
    p_values = [_said(crowd(rng, fails(rng))).p_value for _ in range(600)]
    assert_super_uniform([1.0 if one is None else one for one in p_values])


def test_one_stratum_alone_gives_p_values_near_uniform(crowd, assert_super_uniform, assert_near_uniform):
    rng = np.random.default_rng(22)
    p_values = []
    for _ in range(600):
        found = tries(crowd(rng, _at_random(rng)))
        p_values.append(stratified_p_value(found.failed, found.followed, found.occurred_at // HOUR_US)[0])
    assert_super_uniform(p_values)
    assert_near_uniform(p_values)


def test_customers_whose_texts_others_send_may_meet_limits_more_often(make_items, assert_super_uniform):
    rng = np.random.default_rng(23)
    p_values = []
    for _ in range(400):
        n = 600
        principal, at = rng.integers(0, 20, n), np.sort(rng.integers(0, 168 * HOUR_US, n))
        popular = principal < 6
        fill = np.where(popular, rng.integers(0, 40, n), 1_000 + np.arange(n))
        failed = rng.random(n) < np.where(popular, 0.2, 0.01)
        p_values.append(_said(make_items(principal, at, turn=_turns(fill), failed=failed)).p_value)
    assert_super_uniform(p_values)


def test_an_overloaded_lesson_in_which_all_ask_the_same_is_nothing(make_items, assert_super_uniform):
    rng = np.random.default_rng(24)
    p_values = []
    for _ in range(400):
        n = 600
        principal, at = rng.integers(0, 20, n), np.sort(rng.integers(0, 168 * HOUR_US, n))
        lesson = (at // HOUR_US) % 24 == 9
        fill = np.where(lesson, at // HOUR_US, 1_000 + np.arange(n))
        failed = rng.random(n) < np.where(lesson, 0.4, 0.02)
        p_values.append(_said(make_items(principal, at, turn=_turns(fill), failed=failed)).p_value)
    assert_super_uniform(p_values)


def _dispatched(make_items, rng, *, n_failed, n=300, accounts=30, own=False):
    """A dealt list of which some items fail and are sent again three minutes later, by another account or the same."""
    principal, at = rng.integers(0, accounts, n), rng.integers(0, 168 * HOUR_US, n)
    again = rng.permutation(n)[:n_failed]
    other = principal[again] if own else (principal[again] + rng.integers(1, accounts, n_failed)) % accounts
    failed = np.isin(np.arange(n + n_failed), again)
    fill = np.r_[np.arange(n), again]
    return make_items(np.r_[principal, other], np.r_[at, at[again] + 3 * MINUTE_US], turn=_turns(fill), failed=failed)


@pytest.mark.parametrize(("n_failed", "at_most"), [(8, 0.01), (24, 1e-5)])
def test_items_that_other_accounts_take_over_are_found(make_items, n_failed, at_most):
    rng = np.random.default_rng(25)
    p_values = [_said(_dispatched(make_items, rng, n_failed=n_failed)).p_value for _ in range(50)]
    assert np.quantile(p_values, 0.9) <= at_most


def test_own_retries_are_nothing(make_items):
    said = _said(_dispatched(make_items, np.random.default_rng(26), n_failed=30, own=True))
    assert said.p_value == 1.0
    assert said.facts[0].values["taken_over"] == 0


def test_fewer_than_four_failures_have_no_power(make_items):
    said = _said(_dispatched(make_items, np.random.default_rng(27), n_failed=3))
    assert not said.applicable
    assert said.p_value is None
    assert said.facts[0].values["taken_over"] == 3


def test_rings_are_three_or_more_that_take_over_from_one_another(make_items):
    """Accounts 0, 1 and 2 stand in for one another, and so do 3 and 4; of all else nothing is taken over."""
    pairs = np.array([(0, 1), (1, 2), (3, 4)] * 8)
    handed_on = np.repeat(np.arange(24) * HOUR_US, 2) + np.tile([0, 3 * MINUTE_US], 24)
    principal = np.r_[pairs.ravel(), np.repeat(np.arange(6), 40)]
    at = np.r_[handed_on, np.tile(np.arange(40) * HOUR_US, 6)]
    fill = np.r_[np.repeat(np.arange(24), 2), 100 + np.arange(240)]
    failed = np.r_[np.tile([True, False], 24), np.arange(240) >= 220]
    values = _said(make_items(principal, at, turn=_turns(fill), failed=failed)).facts[0].values
    assert (values["failed"], values["taken_over"]) == (44, 24)
    assert (values["linked"], values["ringed"], values["members"]) == (5, 3, 6)


def test_customers_are_not_linked_by_what_chance_takes_over(crowd):
    rng = np.random.default_rng(33)
    values = [_said(crowd(rng, _at_random(rng))).facts[0].values for _ in range(40)]
    assert np.mean([one["taken_over"] for one in values]) > 5
    assert [one["ringed"] for one in values] == [0] * 40


def test_a_common_example_that_makes_the_service_fail_is_nothing(make_items, assert_super_uniform):
    """Forty strangers with six fills of their own each, and an example of the manual that fails seven times in ten."""
    rng = np.random.default_rng(31)
    p_values = []
    for _ in range(300):
        principal = np.repeat(np.arange(40), 7)
        is_example = np.tile(np.arange(7) == 6, 40)
        fill = np.where(is_example, 0, 1 + np.arange(280))
        failed = rng.random(280) < np.where(is_example, 0.7, 0.01)
        at = rng.integers(0, 168 * HOUR_US, 280)
        p_values.append(_said(make_items(principal, at, turn=_turns(fill), failed=failed)).p_value)
    assert_super_uniform(p_values)


def test_long_loops_of_own_retries_are_one_try(make_items, assert_super_uniform):
    rng = np.random.default_rng(32)
    p_values = []
    for _ in range(300):
        n = 300
        principal, at = rng.integers(0, 20, n), np.sort(rng.integers(0, 168 * HOUR_US, n))
        fill = np.where(rng.random(n) < 0.5, rng.integers(0, 40, n), 1_000 + np.arange(n))
        failed = rng.random(n) < 0.05
        times = np.where(failed, 15, 1)
        again = np.repeat(np.arange(n), times)
        step = np.arange(len(again)) - np.repeat(np.cumsum(times) - times, times)
        when = at[again] + step * 1_000_000
        items = make_items(principal[again], when, turn=_turns(fill[again]), failed=failed[again])
        p_values.append(_said(items).p_value)
    assert_super_uniform(p_values)


def test_a_try_is_followed_by_another_customer_later_and_within_a_day(make_items):
    day = 24 * HOUR_US
    principal = [0, 0, 1, 2, 0, 1, 3]
    at = np.array([0, 5, 10, 10 + day, 11 + 2 * day, 3, 3])
    fill = np.array([7, 7, 7, 7, 7, 8, 8])
    failed = [False, True, False, False, False, False, False]
    found = tries(make_items(principal, at, turn=_turns(fill), failed=failed))
    assert found.principal.tolist() == [0, 1, 2, 0, 1, 3]
    assert found.occurred_at.tolist() == [0, 10, 10 + day, 11 + 2 * day, 3, 3]
    assert found.failed.tolist() == [True, False, False, False, False, False]
    assert found.follower.tolist() == [1, 2, -1, -1, -1, -1]


def test_the_p_value_is_that_of_fisher_in_one_stratum_and_of_the_convolution_in_two():
    failed = np.array([1, 1, 0, 0, 0, 0, 1, 1, 0, 0], bool)
    followed = np.array([1, 0, 1, 0, 0, 0, 1, 1, 0, 0], bool)
    one = np.zeros(10, np.int64)
    assert stratified_p_value(failed, followed, one) == pytest.approx((hypergeom.sf(2, 10, 4, 4), 1.6))
    two = np.repeat([0, 1], [6, 4])
    left, right = hypergeom(6, 2, 2), hypergeom(4, 2, 2)
    at_least_three = left.pmf(1) * right.pmf(2) + left.pmf(2) * (right.pmf(1) + right.pmf(2))
    assert stratified_p_value(failed, followed, two) == pytest.approx((at_least_three, 4 / 6 + 1))


def test_order_of_the_rows_changes_nothing(make_items):
    items = _dispatched(make_items, np.random.default_rng(28), n_failed=20)
    rows = np.random.default_rng(29).permutation(len(items)).astype(np.int32)
    assert _said(items.take(rows)) == _said(items)


def test_stretches_are_of_one_customer_and_of_ten_items_where_there_are_as_many(make_items):
    rng = np.random.default_rng(30)
    at = rng.integers(0, 100 * HOUR_US, 500)
    principal = np.r_[rng.integers(0, 12, 480), np.full(20, 12)].astype(np.int32)
    own = stretches(principal, at)
    assert all(len(np.unique(principal[own == one])) == 1 for one in np.unique(own))
    assert np.bincount(own).min() >= 10
    assert np.bincount(own).max() < 20


def test_statuses_that_say_nothing_of_what_was_asked_are_failures():
    status = pa.chunked_array([pa.array([200, 400, 401, 403, 404, 429, 500, 503, None], pa.int16())])
    assert turned_away(status).tolist() == [False, False, True, True, False, True, True, True, False]
