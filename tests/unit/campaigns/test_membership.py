"""Memberships are probabilities that hold what they say; shares are estimated on items the core was not formed on."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import betainc

from gauger.campaigns.membership import (
    chance_rate,
    count_near_misses,
    cross_fitted_matches,
    held_share,
    jeffreys,
    memberships,
)
from gauger.evidence.mining import Core


def _memberships(matched, trials, *, n_accounts, near_misses, n_items):
    chance = chance_rate(near_misses, n_items)
    return memberships(np.array(matched), np.array(trials), n_accounts, chance)


ACCOUNTS = st.lists(st.tuples(st.integers(1, 30), st.integers(0, 60)), min_size=1, max_size=25)


@given(ACCOUNTS, st.integers(0, 3_000), st.integers(0, 60))
def test_memberships_are_probabilities_inside_their_interval(accounts, n_others, near_misses):
    matched, trials = [m for m, _ in accounts], [m + more for m, more in accounts]
    value, low, high = _memberships(
        matched, trials, n_accounts=len(accounts) + n_others, near_misses=near_misses, n_items=20_000
    )
    assert ((low >= 0) & (low <= value + 1e-12) & (value <= high + 1e-12) & (high <= 1)).all()


def test_the_interval_holds_the_membership_of_an_account_whose_share_is_near_the_chance_rate():
    value, low, high = _memberships([1], [294], n_accounts=1, near_misses=60, n_items=20_000)
    assert low[0] <= value[0] <= high[0]


@given(st.integers(0, 200), st.integers(0, 20), st.integers(0, 5), st.integers(0, 60))
def test_more_matches_among_equally_many_items_never_lower_a_membership(n_ones, n_twos, n_fives, near_misses):
    matched = [1] * n_ones + [2] * n_twos + [5] * n_fives
    if not matched:
        return
    value, _, _ = _memberships(matched, [20] * len(matched), n_accounts=300, near_misses=near_misses, n_items=6_000)
    assert (np.diff(value) >= -1e-9).all()


@pytest.mark.parametrize("rate", [0.0005, 0.002])
def test_one_less_membership_is_the_share_of_chance_inclusions(rate):
    """1,000 innocents match by chance at a known rate, 30 members by theirs: what is claimed is what comes out."""
    rng = np.random.default_rng(81)
    claimed, true, listed_innocents, missed_members = 0.0, 0, 0, 0
    n_scans = 100
    for _ in range(n_scans):
        counts = np.r_[rng.binomial(20, rate, 1_000), 1 + rng.binomial(19, rng.uniform(0.1, 0.9, 30))]
        innocent = np.r_[np.ones(1_000, bool), np.zeros(30, bool)]
        inside = counts > 0
        near = int(rng.binomial(20_000, rate))
        value, _, _ = _memberships(
            counts[inside], np.full(inside.sum(), 20), n_accounts=1_030, near_misses=near, n_items=20_600
        )
        claimed += (1 - value).sum()
        true += innocent[inside].sum()
        listed_innocents += (innocent[inside] & (value >= 0.5)).sum()
        missed_members += (~innocent[inside] & (value < 0.5)).sum()
    assert claimed / true == pytest.approx(1, abs=0.35)
    assert listed_innocents / n_scans < 2, "innocents on the list of a scan"
    assert missed_members / n_scans < 4, "of thirty members"


def test_an_account_that_sends_little_else_belongs_and_one_chance_match_among_hundreds_does_not():
    value, _, _ = _memberships([18] * 20 + [1], [20] * 20 + [400], n_accounts=1_000, near_misses=20, n_items=20_000)
    assert value[0] > 0.999
    assert value[-1] < 0.01


def test_a_reseller_with_twenty_hostile_requests_among_a_thousand_belongs():
    value, _, _ = _memberships([20] * 30, [20] * 29 + [1_000], n_accounts=1_000, near_misses=2, n_items=20_000)
    assert value[-1] > 0.99


@given(st.integers(0, 60), st.integers(1, 60))
def test_jeffreys_ends_cut_off_two_and_a_half_percent_of_the_posterior(hits, more):
    trials = hits + more
    low, high = (float(end[0]) for end in jeffreys(np.array([float(hits)]), np.array([float(trials)])))
    assert 0 <= low <= hits / trials <= high <= 1
    assert low == 0 or betainc(hits + 0.5, more + 0.5, low) == pytest.approx(0.025)
    assert (low == 0) == (hits == 0)
    assert betainc(hits + 0.5, more + 0.5, high) == pytest.approx(0.975)
    mirrored = jeffreys(np.array([float(more)]), np.array([float(trials)]))
    assert low == pytest.approx(1 - float(mirrored[1][0]))


def test_jeffreys_is_closed_where_all_or_none_hit():
    low, high = jeffreys(np.array([0.0, 7.0]), np.array([7.0, 7.0]))
    assert low.tolist()[0] == 0.0
    assert high.tolist()[1] == 1.0
    assert 0 < high[0] < 1
    assert 0 < low[1] < 1


def test_a_chance_rate_lies_in_its_interval_and_is_never_zero():
    for near_misses, n_items in ((0, 10), (3, 1_000), (10, 10)):
        rate = chance_rate(near_misses, n_items)
        assert 0 < rate.low < rate.rate < rate.high < 1 or near_misses == n_items


def _core(shingles, items, part="user_prompt"):
    return Core(part=part, shingles=np.array(sorted(shingles)), items=np.array(sorted(items), np.int32))


def test_near_misses_are_items_of_others_that_hold_a_quarter_to_half_of_a_core(make_postings):
    core = set(range(8))
    held = [core, {0, 1}, {0, 1, 2}, {0}, {0, 1, 2, 3}, {0, 1}, {90}]
    postings = make_postings(held, [0, 1, 2, 3, 4, 0, 5])
    assert count_near_misses([_core(core, [0, 4])], postings, np.array([0], np.int32)) == 2
    assert held_share(postings, np.arange(8)).tolist() == [1, 0.25, 0.375, 0.125, 0.5, 0.25, 0]


def test_one_account_with_fifteen_near_misses_does_not_unlist_single_match_members(make_postings, make_items):
    core = set(range(8))
    rng = np.random.default_rng(82)
    held = [core] * 30 + [{0, 1, 2}] * 15 + [{100 + int(rng.integers(50))} for _ in range(6_555)]
    principal = [*range(30), *[900] * 15, *(30 + i % 300 for i in range(6_555))]
    postings = make_postings(held, principal)
    misses = count_near_misses([_core(core, range(30))], postings, np.arange(30, dtype=np.int32))
    n_accounts = len(set(principal))
    value, _, _ = _memberships([1] * 30, [20] * 30, n_accounts=n_accounts, near_misses=misses, n_items=len(held))
    none, _, _ = _memberships([1] * 30, [20] * 30, n_accounts=n_accounts, near_misses=0, n_items=len(held))
    assert none.min() >= 0.5
    assert value.min() >= 0.5


def _slow_matches(cores, held, account, group_rows):
    """Each item against cores fitted on the items of the other parity of turns within their account."""
    turn, parity = {}, []
    for owner in account:
        parity.append(turn.get(owner, 0) % 2)
        turn[owner] = turn.get(owner, 0) + 1
    members = {account[i] for i in group_rows}
    matched = []
    for i, own in enumerate(held):
        hit = False
        for core in cores:
            seen = [j for j in core.items.tolist() if parity[j] != parity[i]]
            fitted = [s for s in core.shingles.tolist() if seen and 2 * sum(s in held[j] for j in seen) >= len(seen)]
            hit |= bool(fitted) and 2 * sum(s in own for s in fitted) >= len(fitted)
        matched.append(hit and account[i] in members)
    return matched


ROWS = st.lists(st.tuples(st.integers(0, 4), st.sets(st.integers(0, 9), min_size=1)), min_size=2, max_size=16)


@given(ROWS, st.sets(st.integers(0, 9), min_size=2))
def test_cross_fitted_matches_agree_with_the_slow_rule(make_postings, make_items, rows, wanted):
    account, held = [owner for owner, _ in rows], [own for _, own in rows]
    shingles = sorted(wanted & set().union(*held))
    items = [i for i, own in enumerate(held) if shingles and 2 * len(own & set(shingles)) >= len(shingles)]
    if not items:
        return
    cores = [_core(shingles, items)]
    found = cross_fitted_matches(cores, make_postings(held, account), make_items(account), np.array(items, np.int32))
    assert found.tolist() == _slow_matches(cores, held, account, items)


def test_an_item_is_never_matched_by_what_its_own_half_alone_holds(make_postings, make_items):
    """Four accounts of two items; first halves hold one part of the core, second halves the other."""
    held = [{0, 1, 2, 3}, {10, 11, 12, 13}] * 4
    account = np.repeat(np.arange(4), 2)
    core = _core({0, 1, 2, 3, 10, 11, 12, 13}, range(8))
    found = cross_fitted_matches(
        [core], make_postings(held, account), make_items(account), np.arange(8, dtype=np.int32)
    )
    assert not found.any()


def test_items_of_accounts_outside_the_group_never_match(make_postings, make_items):
    held = [{0, 1, 2, 3}] * 12
    account = np.repeat(np.arange(6), 2)
    core = _core({0, 1, 2, 3}, range(8))
    found = cross_fitted_matches(
        [core], make_postings(held, account), make_items(account), np.arange(8, dtype=np.int32)
    )
    assert found.tolist() == [True] * 8 + [False] * 4


def test_a_system_prompt_matches_as_a_whole(make_postings, make_items):
    account = [0, 1, 2, 3]
    core = _core({5, 6}, [0, 2], part="system_prompt")
    found = cross_fitted_matches(
        [core], make_postings([{1}] * 4, account), make_items(account), np.arange(4, dtype=np.int32)
    )
    assert found.tolist() == [True, False, True, False]
