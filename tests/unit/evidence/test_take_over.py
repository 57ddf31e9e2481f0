"""The contrast within accounts is valid however much people travel, finds stolen keys, and says when it cannot tell."""

import numpy as np
import pytest

from gauger.evidence import take_over
from gauger.evidence.changes import Visits
from gauger.evidence.channel import Group, Population
from gauger.evidence.take_over import TAKE_OVER, contrast_test

N_ACCOUNTS, N_VISITS, EACH = 20, 12, 3


def _world(rng, *, stolen=0, away=0.2, strangers=5):
    """Accounts with visits of a few items; of the first `stolen` the group's items come from elsewhere alone.

    Of others each visit is of the group with a chance of a quarter, wherever it comes from.
    """
    account = np.repeat(np.arange(N_ACCOUNTS + strangers), N_VISITS)
    elsewhere = rng.random(len(account)) < away
    hostile = np.where(account < stolen, elsewhere, rng.random(len(account)) < 0.25) & (account < N_ACCOUNTS)
    visits = Visits(
        account=np.repeat(account, EACH).astype(np.int32),
        visit=np.repeat(np.arange(len(account)), EACH),
        elsewhere=np.repeat(elsewhere, EACH),
    )
    return visits, np.flatnonzero(np.repeat(hostile, EACH)).astype(np.int32)


def _tested(rng, *, permutations=199, **world):
    visits, rows = _world(rng, **world)
    return contrast_test(visits, rows, permutations=permutations, rng=rng)


@pytest.mark.parametrize("away", [0.1, 0.5])
def test_p_values_are_valid_and_not_idle_however_much_people_travel(assert_super_uniform, assert_near_uniform, away):
    rng = np.random.default_rng(1)
    p_values = [_tested(rng, away=away).p_value for _ in range(500)]
    assert_super_uniform(p_values)
    assert_near_uniform(p_values)


def test_a_few_stolen_keys_among_a_group_are_found():
    rng = np.random.default_rng(2)
    for _ in range(20):
        found = _tested(rng, stolen=10, permutations=999)
        assert found.p_value < 0.01
        assert found.n_taken >= 5


def test_accounts_that_send_nothing_else_or_come_from_nowhere_else_tell_nothing():
    rng = np.random.default_rng(3)
    visits, rows = _world(rng, stolen=N_ACCOUNTS, strangers=0)
    everything = np.arange(len(visits.visit), dtype=np.int32)
    at_home = Visits(account=visits.account, visit=visits.visit, elsewhere=np.zeros_like(visits.elsewhere))
    unknown = Visits(account=visits.account, visit=np.full_like(visits.visit, -1), elsewhere=visits.elsewhere)
    for seen, group in ((visits, everything), (at_home, rows), (unknown, rows)):
        found = contrast_test(seen, group, permutations=99, rng=rng)
        assert (found.p_value, found.n_contrasted, found.n_taken) == (None, 0, 0)


def test_visits_need_not_stand_together_and_cost_is_bounded(monkeypatch):
    rng = np.random.default_rng(4)
    visits, rows = _world(rng, stolen=10)
    order = rng.permutation(len(visits.visit))
    mixed = Visits(account=visits.account[order], visit=visits.visit[order], elsewhere=visits.elsewhere[order])
    moved = np.flatnonzero(np.isin(order, rows)).astype(np.int32)
    one, other = (
        contrast_test(seen, group, permutations=999, rng=np.random.default_rng(0))
        for seen, group in ((visits, rows), (mixed, moved))
    )
    assert (one.n_contrasted, one.n_taken) == (other.n_contrasted, other.n_taken)
    monkeypatch.setattr(take_over, "MAX_ACCOUNTS", 5)
    assert contrast_test(visits, rows, permutations=99, rng=rng).n_contrasted <= 5


def test_of_many_visits_a_random_sample_is_looked_at_and_p_values_stay_valid(assert_super_uniform, monkeypatch):
    """An address for each request makes each item a visit: an attacker must not set what a scan costs."""
    monkeypatch.setattr(take_over, "MAX_VISITS", 3)
    monkeypatch.setattr(take_over, "_BLOCK", 1_000)
    rng = np.random.default_rng(6)
    assert_super_uniform([_tested(rng, away=0.3).p_value for _ in range(500)])
    account = np.repeat(np.arange(5), [1, 3, 4, 12, 40])
    counts = np.zeros(len(account))
    for _ in range(400):
        places = take_over._sampled(account, rng=rng)
        assert np.bincount(account[places]).tolist() == [1, 3, 3, 3, 3]
        counts[places] += 1
    assert counts[-40:].min() > 0.3 * counts[-40:].mean()


def test_networks_by_the_thousand_draw_out_no_visit_from_home():
    """Twelve stolen keys, ten visits of each owner from home, and thousands of the thief from networks of their own."""
    rng = np.random.default_rng(7)
    account = np.repeat(np.arange(12), 2_010)
    elsewhere = np.tile(np.arange(2_010) >= 10, 12)
    visits = Visits(account=account.astype(np.int32), visit=np.arange(len(account)), elsewhere=elsewhere)
    found = contrast_test(visits, np.flatnonzero(elsewhere).astype(np.int32), permutations=999, rng=rng)
    assert (found.p_value, found.n_contrasted, found.n_taken) == (0.001, 12, 12)


def _said(visits, rows, make_items):
    population = Population(holdings={}, stratum=np.zeros(30, np.int32), permutations=999, visits=visits)
    owners = np.unique(visits.account[rows]) if visits is not None else np.arange(3)
    items = make_items(visits.account[rows] if visits is not None else owners)
    group = Group(items=items, rows=rows, principals=owners.astype(np.int32))
    return TAKE_OVER.evaluate(group, population, rng=np.random.default_rng(5))


def test_the_channel_says_that_owners_are_probably_victims_and_repeats_itself(make_items):
    visits, rows = _world(np.random.default_rng(6), stolen=N_ACCOUNTS)
    said = _said(visits, rows, make_items)
    assert said.applicable
    assert said.p_value == 1 / 1_000
    assert "victims" in said.facts[0].text
    assert said.facts[0].values["taken"] >= 15
    assert said == _said(visits, rows, make_items)


def test_the_channel_is_silent_without_networks_and_without_power(make_items):
    absent = _said(None, np.arange(3, dtype=np.int32), make_items)
    assert [fact.code for fact in absent.facts] == ["take_over.absent"]
    visits, rows = _world(np.random.default_rng(7), away=0.0)
    idle = _said(visits, rows, make_items)
    assert not idle.applicable
    assert [fact.code for fact in idle.facts] == ["take_over.no_power"]
