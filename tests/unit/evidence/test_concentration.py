"""Shared tokens: valid under independence, powerful when members share, and the kernel agrees with slow Python."""

from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gauger.evidence import strata
from gauger.evidence.channel import Group, Population
from gauger.evidence.concentration import concentration_test, holdings, links
from gauger.evidence.payment import PAYMENT

N_PRINCIPALS = 400
ONE_STRATUM = np.zeros(N_PRINCIPALS, np.int32)


def _held(pairs, n_principals=N_PRINCIPALS):
    owner, token = np.array(sorted(pairs), dtype=np.int32).reshape(-1, 2).T
    return holdings(owner, token, n_principals)


def _population_with_a_nat(rng, *, tokens_each=1):
    """Everybody holds `tokens_each` of 300 tokens; half of all sit behind one popular network, token 0."""
    n = 1_000
    owner = np.repeat(np.arange(n), tokens_each)
    token = rng.integers(1, 300, len(owner))
    nat = np.flatnonzero(rng.random(n) < 0.5)
    return holdings(np.r_[owner, nat].astype(np.int32), np.r_[token, np.zeros(len(nat), np.int64)].astype(np.int32), n)


def _null_p_values(held, *, n_trials, n_members=20, stratum=None, draw_group=None):
    rng = np.random.default_rng(11)
    n = len(held.known)
    stratum = np.zeros(n, np.int32) if stratum is None else stratum
    pick = draw_group or (lambda: rng.choice(n, n_members, replace=False))
    return [
        concentration_test(held, pick().astype(np.int32), stratum=stratum, permutations=199, rng=rng).p_value
        for _ in range(n_trials)
    ]


@pytest.mark.parametrize("tokens_each", [1, 4])
def test_p_values_are_valid_and_near_uniform_for_random_groups_behind_a_popular_network(
    tokens_each, assert_super_uniform, assert_near_uniform
):
    held = _population_with_a_nat(np.random.default_rng(3), tokens_each=tokens_each)
    p_values = _null_p_values(held, n_trials=1_000)
    assert_super_uniform(p_values)
    assert_near_uniform(p_values)


def test_p_values_are_valid_when_tokens_follow_the_stratum_and_the_group_its_own_mix(assert_super_uniform):
    rng = np.random.default_rng(4)
    n = 800
    stratum = np.repeat([0, 1], [600, 200]).astype(np.int32)
    token = np.where(stratum == 0, rng.integers(0, 200, n), 200 + rng.integers(0, 12, n))
    held = holdings(np.arange(n, dtype=np.int32), token.astype(np.int32), n)

    def mostly_of_the_crowded_stratum():
        return np.r_[rng.choice(600, 4, replace=False), 600 + rng.choice(200, 16, replace=False)]

    assert_super_uniform(_null_p_values(held, n_trials=800, stratum=stratum, draw_group=mostly_of_the_crowded_stratum))
    blind = _null_p_values(held, n_trials=300, draw_group=mostly_of_the_crowded_stratum)
    assert np.mean(np.array(blind) <= 0.05) > 0.12, "without the stratum the test would reject too often"


def test_p_values_are_valid_for_a_group_of_busy_principals_that_hold_more_tokens_each(assert_super_uniform):
    rng = np.random.default_rng(6)
    held_by = np.repeat(np.arange(600), np.r_[np.full(60, 3), np.full(540, 1)])
    held = holdings(held_by.astype(np.int32), rng.integers(0, 400, len(held_by)).astype(np.int32), 600)
    busy = _null_p_values(held, n_trials=150, draw_group=lambda: rng.choice(60, 30, replace=False))
    assert_super_uniform(busy, levels=(0.05,))


def test_half_of_thirty_members_on_one_card_is_found():
    rng = np.random.default_rng(7)
    card = rng.permutation(N_PRINCIPALS)
    card[:15] = 1_000
    held = _held(enumerate(card.tolist()))
    found = concentration_test(held, np.arange(30, dtype=np.int32), stratum=ONE_STRATUM, permutations=9_999, rng=rng)
    assert found.p_value == 1 / 10_000
    assert (found.n_known, found.largest, found.largest_degree, found.linked, found.component) == (30, 15, 15, 15, 15)
    assert found.n_pairs == 15 * 14 // 2


def test_a_pair_on_a_rare_card_weighs_more_than_a_pair_on_a_popular_network():
    rng = np.random.default_rng(8)
    unique = np.arange(N_PRINCIPALS)
    rare, popular = unique.copy(), unique.copy()
    rare[:2] = 1_000
    popular[:2] = popular[20:320] = 1_000
    p_value = {}
    for name, token in (("rare", rare), ("popular", popular)):
        held = _held(enumerate(token.tolist()))
        p_value[name] = concentration_test(
            held, np.arange(20, dtype=np.int32), stratum=ONE_STRATUM, permutations=1_999, rng=rng
        ).p_value
    assert p_value["rare"] < 0.01
    assert p_value["popular"] > 0.5


def test_members_without_a_known_token_are_left_out_of_group_and_draw():
    rng = np.random.default_rng(9)
    pairs = [(p, p % 37) for p in range(0, N_PRINCIPALS, 2)]
    members = np.array([0, 1, 3, 5, 7, 74, 148, 222], np.int32)
    found = concentration_test(_held(pairs), members, stratum=ONE_STRATUM, permutations=999, rng=rng)
    assert found.n_known == 4
    assert found.largest == 4
    assert found.p_value is not None
    assert found.p_value <= 0.002


def test_unknown_tokens_are_no_holding():
    held = holdings(np.array([0, 1, 1, 2], np.int32), np.array([-1, 5, 5, -1], np.int32), 3)
    assert held.known.tolist() == [False, True, False]
    assert len(held.token) == 0
    assert held.degree[5] == 1


def test_fewer_than_four_known_members_give_no_p_value():
    held = _held([(p, 0) for p in range(3)])
    found = concentration_test(
        held, np.arange(30, dtype=np.int32), stratum=ONE_STRATUM, permutations=99, rng=np.random.default_rng(0)
    )
    assert found.p_value is None
    assert found.n_known == 3


def test_same_rng_gives_the_same_outcome_and_no_input_changes():
    rng = np.random.default_rng(10)
    held = _population_with_a_nat(rng, tokens_each=3)
    members = rng.choice(1_000, 25, replace=False).astype(np.int32)
    stratum = rng.integers(0, 3, 1_000).astype(np.int32)
    inputs = [held.offsets, held.token, held.degree, held.known, members, stratum]
    before = [array.copy() for array in inputs]
    outcomes = {
        concentration_test(held, m, stratum=stratum, permutations=999, rng=np.random.default_rng(1))
        for m in (members, members, members[::-1].copy())
    }
    assert len(outcomes) == 1
    assert all(np.array_equal(array, old) for array, old in zip(inputs, before, strict=True))


def test_a_group_that_is_its_whole_stratum_gives_one():
    held = _held([(p, p % 10) for p in range(N_PRINCIPALS)])
    stratum = np.repeat([0, 1], [40, N_PRINCIPALS - 40]).astype(np.int32)
    found = concentration_test(
        held, np.arange(40, dtype=np.int32), stratum=stratum, permutations=999, rng=np.random.default_rng(2)
    )
    assert found.p_value == 1.0


def test_rounding_breaks_no_tie_when_every_draw_is_the_group_itself():
    rng = np.random.default_rng(0)
    p_values = []
    for _ in range(60):
        owner, token = rng.integers(0, 200, 2_000), rng.integers(0, 60, 2_000)
        held = holdings(owner.astype(np.int32), token.astype(np.int32), 200)
        everybody = np.unique(owner).astype(np.int32)
        found = concentration_test(held, everybody, stratum=np.zeros(200, np.int32), permutations=199, rng=rng)
        p_values.append(found.p_value)
    assert set(p_values) == {1.0}


def _slow_statistic(pairs, members):
    """Sum over tokens of member pairs that share it, each over (holders - 1)."""
    holders = {}
    for owner, token in pairs:
        holders.setdefault(token, set()).add(owner)
    total = 0.0
    for owners in holders.values():
        inside = len(owners & members)
        if len(owners) > 1:
            total += inside * (inside - 1) / 2 / (len(owners) - 1)
    return total


def _slow_sizes(tokens_of_member):
    """Size of each member's connected set, by repeated union of Python sets."""
    groups = [({i}, set(tokens)) for i, tokens in enumerate(tokens_of_member)]
    merged = True
    while merged:
        merged = False
        for a in range(len(groups)):
            for b in range(a + 1, len(groups)):
                if groups[a][1] & groups[b][1]:
                    groups[a] = (groups[a][0] | groups[b][0], groups[a][1] | groups[b][1])
                    del groups[b]
                    merged = True
                    break
            if merged:
                break
    size = {member: len(members) for members, _ in groups for member in members}
    return [size[i] for i in range(len(tokens_of_member))]


def test_the_members_of_a_ring_are_not_their_own_cell():
    """Fifteen stolen keys, each also used from the thief's network, in a population of few of each kind."""
    rng = np.random.default_rng(5)
    n = 300
    homes = [(p, 1_000 + p) for p in range(n)] + [(p, int(rng.integers(0, 40))) for p in range(n)]
    held = _held(homes + [(p, 9_999) for p in range(15)], n)
    stratum = np.stack([rng.integers(0, 4, n), rng.integers(0, 5, n), rng.integers(0, 3, n)], axis=1).astype(np.int32)
    found = concentration_test(held, np.arange(15, dtype=np.int32), stratum=stratum, permutations=999, rng=rng)
    assert found.p_value <= 0.01


def test_customers_with_many_tokens_are_not_compared_with_those_with_few(assert_super_uniform):
    """A group of the busiest: they meet on tokens by their number alone."""
    rng = np.random.default_rng(8)
    n = 1_000
    n_tokens = np.repeat([1, 2, 5, 10, 40, 80], [600, 340, 20, 20, 10, 10])
    stated = []
    for _ in range(60):
        held = _held({(p, int(token)) for p in range(n) for token in rng.integers(0, 3_000, n_tokens[p])}, n)
        group = rng.choice(np.arange(n - 20, n), 16, replace=False).astype(np.int32)
        said = concentration_test(held, group, stratum=np.zeros(n, np.int32), permutations=199, rng=rng)
        stated.append(said.p_value)
    assert_super_uniform(stated, levels=(0.05, 0.1))


def test_p_values_are_valid_where_cells_were_joined(assert_super_uniform):
    rng = np.random.default_rng(6)
    n = 250
    held = _held([(p, int(rng.integers(0, 30))) for p in range(n) for _ in range(3)], n)
    stratum = np.stack([rng.integers(0, 4, n), rng.integers(0, 6, n)], axis=1).astype(np.int32)
    assert_super_uniform(_null_p_values(held, n_trials=600, stratum=stratum))


PAIRS = st.sets(st.tuples(st.integers(0, 11), st.integers(0, 7)), max_size=40)


@given(PAIRS, st.sets(st.integers(0, 11), min_size=4), st.integers(0, 3))
def test_p_value_is_that_of_the_slow_statistic_over_the_same_strata(pairs, members, seed):
    """The draws are replayed with Python sets: same cells, same statistic, same p-value."""
    held = _held(pairs, 12) if pairs else holdings(np.empty(0, np.int32), np.empty(0, np.int32), 12)
    group = np.array(sorted(members), np.int32)
    stratum = (np.arange(12) % 2).astype(np.int32)
    with patch.object(strata, "MIN_CELL", 3):
        found = concentration_test(held, group, stratum=stratum, permutations=99, rng=np.random.default_rng(seed))
    known = {owner for owner, _ in pairs}
    inside = sorted(members & known)
    assert found.n_known == len(inside)
    if len(inside) < 4:
        assert found.p_value is None
        return
    assert found.p_value == _slow_p_value(pairs, inside, sorted(known), np.random.default_rng(seed))


def _slow_cells(rows, covariates, *, at_least):
    if not covariates or not rows:
        return [rows]
    first, *others = covariates
    kinds = {value: [p for p in rows if first(p) == value] for value in sorted(set(map(first, rows)))}
    cells, values = [], list(kinds)
    while values:
        value = values.pop(0)
        cell = kinds[value]
        if values and values[0] == value + 1 and min(len(cell), len(kinds[values[0]])) < at_least:
            cell = sorted(cell + kinds[values.pop(0)])
        cells += _slow_cells(cell, others, at_least=at_least)
    return cells


def _slow_p_value(pairs, inside, known, rng):
    observed = _slow_statistic(pairs, set(inside))
    held = {p: len({token for owner, token in pairs if owner == p}) for p in known}
    bins = {p: held[p] if held[p] <= 3 else int(2 + np.log2(held[p])) for p in known}
    pools = _slow_cells(known, [lambda p: bins[p], lambda p: p % 2], at_least=3)
    wanted = [sum(p in pool for p in inside) for pool in pools]
    reached = 0
    for drawn, row in enumerate(rng.random((99, len(inside))), start=1):
        uniforms = iter(row)
        chosen = set()
        for pool, size in zip(pools, wanted, strict=True):
            for i in range(size):
                pick = i + int(next(uniforms) * (len(pool) - i))
                pool[i], pool[pick] = pool[pick], pool[i]
                chosen.add(pool[i])
        assert len(chosen) == len(inside)
        reached += _slow_statistic(pairs, chosen) >= observed - 1e-9
        if reached == 20:
            return 20 / drawn
    return (1 + reached) / 100


@given(st.lists(st.sets(st.integers(0, 9), max_size=4), min_size=1, max_size=12), st.sets(st.integers(0, 9)))
def test_links_agree_with_slow_unions(tokens_of_member, of_strangers):
    """Members come first; as many strangers hold each token of `of_strangers`, so that it is not the group's own."""
    n = len(tokens_of_member)
    pairs = [(p, t) for p, tokens in enumerate(tokens_of_member) for t in tokens]
    strangers = [(n + s, t) for s in range(n + 1) for t in of_strangers]
    if not pairs:
        return
    found = links(_held(pairs + strangers, 2 * n + 1), np.arange(n, dtype=np.int32))
    known = [tokens for tokens in tokens_of_member if tokens]
    assert found.members.tolist() == [p for p, tokens in enumerate(tokens_of_member) if tokens]
    assert found.by_any.tolist() == _slow_sizes(known)
    assert found.by_own.tolist() == _slow_sizes([tokens - of_strangers for tokens in known])


def test_the_channel_is_silent_where_its_tokens_are_unknown(make_items):
    population = Population(holdings={}, stratum=np.zeros(8, np.int32), permutations=99)
    group = Group(make_items(range(8)), rows=np.arange(8, dtype=np.int32), principals=np.arange(8, dtype=np.int32))
    said = PAYMENT.evaluate(group, population, rng=np.random.default_rng(0))
    assert not said.applicable
    assert said.p_value is None
    assert [fact.code for fact in said.facts] == ["payment.absent"]


def test_the_channel_states_how_many_share_and_keeps_the_test_it_ran(make_items):
    held = _held([(p, 0 if p < 6 else p) for p in range(200)], 200)
    population = Population(holdings={"payment": held}, stratum=np.zeros(200, np.int32), permutations=999)
    group = Group(make_items(range(8)), rows=np.arange(8, dtype=np.int32), principals=np.arange(8, dtype=np.int32))
    said = PAYMENT.evaluate(group, population, rng=np.random.default_rng(0))
    assert said.applicable
    assert said.p_value == 1 / 1_000
    shared, largest = said.facts
    assert shared.values == {
        "linked": 6,
        "ringed": 6,
        "members": 8,
        "known": 8,
        "pairs": 15,
        "component": 6,
    }
    assert largest.values == {"group": 6, "all": 6}
