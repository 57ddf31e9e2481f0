"""Personhood clears persons, leaves a dealt-out list uncleared at its stated rate, and says when it cannot tell."""

import numpy as np
import pytest
from scipy.stats import binom

from gauger.evidence.personhood import (
    MAX_ITEMS,
    MAX_PRINCIPALS,
    NEAR_REPEAT,
    Personhood,
    excess_limit,
    is_cleared,
    personhood,
    personhood_evidence,
    residuals,
    without_repeats,
)

N_TRIALS = 400


def _noise(rng, n):
    return rng.normal(0, 40, (n, 64))


def _int8(vectors):
    return np.clip(np.rint(vectors), -127, 127).astype(np.int8)


@pytest.fixture
def tested(make_items):
    """Return a function that runs the test on (principal, vectors), rows in order of time."""

    def run(principal, vectors, rng, *, kind=None, turn=None, permutations=99):
        items = make_items(principal, projection=_int8(vectors), turn=turn)
        kind = np.zeros(len(items), np.int32) if kind is None else kind
        return personhood(items, kind, permutations=permutations, rng=rng)

    return run


def _dealt(rng, *, n_principals=30, each=4, n_topics=8):
    """One list of several topics, dealt out at random."""
    topic = _noise(rng, n_topics)
    n = n_principals * each
    return rng.permutation(np.repeat(np.arange(n_principals), each)), _noise(rng, n) + topic[
        rng.integers(0, n_topics, n)
    ]


def _persons(rng, *, n_principals=20, each=3, strength=0.6):
    """Everybody has a topic of his own."""
    owner = rng.permutation(np.repeat(np.arange(n_principals), each))
    return owner, _noise(rng, len(owner)) + strength * _noise(rng, n_principals)[owner]


def test_p_values_are_uniform_for_a_dealt_out_list_with_and_without_near_repeats(
    tested, assert_super_uniform, assert_near_uniform
):
    rng = np.random.default_rng(21)
    outcomes = [tested(*_dealt(rng), rng) for _ in range(N_TRIALS)]
    for which in (0, 1):
        p_values = [outcome[which].p_value for outcome in outcomes]
        assert_super_uniform(p_values)
        assert_near_uniform(p_values, at_least=0.4)


def test_a_list_full_of_repeats_dealt_out_at_random_is_not_cleared(tested, assert_super_uniform):
    rng = np.random.default_rng(22)
    p_values = []
    for _ in range(200):
        distinct = rng.integers(0, 60, 120)
        vectors = _noise(rng, 60)[distinct]
        turn = np.stack([distinct, distinct], axis=1)
        owner = rng.permutation(np.repeat(np.arange(20), 6))
        p_values.append([one.p_value for one in tested(owner, vectors, rng, turn=turn)])
    removed, kept = np.array(p_values, dtype=float).T
    assert_super_uniform(removed)
    assert_super_uniform(kept)


def test_persons_with_topics_are_cleared(tested):
    rng = np.random.default_rng(23)
    outcomes = [tested(*_persons(rng), rng, permutations=999) for _ in range(20)]
    assert all(removed.clears and removed.z > 3 for removed, _ in outcomes)


REWORDED = pytest.param(
    18.0,
    id="copies with two words changed",
    marks=pytest.mark.xfail(strict=True, reason="a copy counts as a near-repeat from a cosine of 0.92 only"),
)


@pytest.mark.parametrize(
    "spread", [pytest.param(0.0, id="exact retries"), pytest.param(3.0, id="near-copies"), REWORDED]
)
def test_retries_alone_do_not_clear_once_near_repeats_are_removed(tested, spread, assert_super_uniform):
    """Each account sends six items of its own from a dealt list, each four times over."""
    rng = np.random.default_rng(24)
    removed, kept = [], []
    for _ in range(60):
        owner = np.repeat(np.arange(20), 24)
        fill = np.repeat(np.arange(120), 4)
        vectors = _noise(rng, 120)[fill] + spread * rng.normal(size=(480, 64))
        order = rng.permutation(480)
        turn = None if spread else np.stack([fill, fill], axis=1)[order]
        outcome = tested(owner[order], vectors[order], rng, turn=turn)
        removed.append(outcome[0].p_value)
        kept.append(outcome[1].clears or outcome[1].p_value < 0.05)
    assert all(kept), "with repeats kept the same groups look like persons"
    assert_super_uniform(removed, levels=(0.01, 0.05, 0.1))


def test_below_twenty_pairs_there_is_no_power(tested):
    rng = np.random.default_rng(25)
    vectors = _noise(rng, 38)
    removed, kept = tested(np.repeat(np.arange(19), 2), vectors, rng)
    assert (removed.p_value, removed.z, removed.has_power, removed.clears) == (None, None, False, False)
    assert (removed.n_pairs, kept.n_pairs) == (19, 19)
    with_one_more, _ = tested(np.repeat(np.arange(20), 2), _noise(rng, 40), rng)
    assert with_one_more.n_pairs == 20
    assert with_one_more.has_power


def test_a_viral_template_with_one_request_each_has_no_power(tested):
    rng = np.random.default_rng(26)
    removed, kept = tested(np.arange(60), _noise(rng, 60), rng)
    assert not removed.has_power
    assert not kept.has_power
    said = personhood_evidence(removed, kept)
    assert not said.applicable
    assert said.family == "personhood"
    assert "personhood.no_power" in [fact.code for fact in said.facts]


def test_one_account_alone_cannot_be_compared(tested):
    rng = np.random.default_rng(27)
    removed, _ = tested(np.zeros(12, int), _noise(rng, 12), rng)
    assert not removed.has_power


def test_items_that_are_all_alike_clear_nobody(tested):
    removed, kept = tested(
        np.repeat(np.arange(10), 4), np.full((40, 64), 7.0), np.random.default_rng(28), turn=np.ones((40, 2))
    )
    assert not removed.has_power
    assert kept.p_value == 1.0


def test_at_most_twelve_items_of_two_hundred_principals_are_looked_at(tested):
    rng = np.random.default_rng(29)
    owner = np.r_[np.repeat(np.arange(210), 13)]
    _, kept = tested(owner, _noise(rng, len(owner)), rng, permutations=20)
    assert kept.n_pairs == MAX_PRINCIPALS * MAX_ITEMS * (MAX_ITEMS - 1) // 2


def test_same_rng_gives_the_same_outcome(tested):
    owner, vectors = _dealt(np.random.default_rng(30))
    first, again = (tested(owner, vectors, np.random.default_rng(1)) for _ in range(2))
    assert first == again


def test_renaming_the_principals_changes_nothing(tested):
    owner, vectors = _persons(np.random.default_rng(31), strength=0.2)
    renamed = np.random.default_rng(0).permutation(20)[owner]
    observed = [tested(names, vectors, np.random.default_rng(1), permutations=1_999)[0] for names in (owner, renamed)]
    assert observed[0].n_pairs == observed[1].n_pairs
    assert abs(observed[0].z - observed[1].z) < 0.5


def test_residuals_are_unit_vectors_around_the_groups_mean_and_zero_where_nothing_varies(make_items):
    rng = np.random.default_rng(32)
    vectors = residuals(make_items(np.arange(50), projection=_int8(_noise(rng, 50))), np.zeros(50, np.int32))
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1)
    flat = make_items(np.arange(6), projection=np.repeat([[-3], [5]], 3, axis=0) * np.ones(64))
    assert not residuals(flat, np.repeat(np.array([0, 1], np.int32), 3)).any()


def _two_crowds(rng):
    """Ten try one wording after another, twenty deal out a list in the wording that worked."""
    owner = rng.permutation(np.repeat(np.arange(30), 6))
    kind = (owner >= 10).astype(np.int32)
    return owner, _noise(rng, len(owner)) + _noise(rng, 2)[kind], kind


def test_two_crowds_of_two_templates_pass_for_persons_unless_each_is_compared_with_its_own_kind(
    tested, assert_super_uniform
):
    rng = np.random.default_rng(33)
    mixed, apart = [], []
    for _ in range(100):
        owner, vectors, kind = _two_crowds(rng)
        mixed.append(tested(owner, vectors, rng)[0])
        apart.append(tested(owner, vectors, rng, kind=kind)[0])
    assert sum(one.clears for one in mixed) >= 95
    assert not any(one.clears for one in apart)
    assert_super_uniform([one.p_value for one in apart])


def test_persons_of_two_kinds_are_cleared_all_the_same(tested):
    rng = np.random.default_rng(34)
    cleared = 0
    for _ in range(20):
        owner, vectors = _persons(rng, each=4)
        kind = (owner >= 8).astype(np.int32)
        cleared += tested(owner, vectors + _noise(rng, 2)[kind], rng, kind=kind, permutations=499)[0].clears
    assert cleared >= 19


@pytest.mark.parametrize(("cosine", "kept"), [(NEAR_REPEAT + 0.01, [0, 1, 3]), (NEAR_REPEAT - 0.01, [0, 1, 2, 3])])
def test_the_earliest_of_near_repeats_is_kept_whoever_sent_it(cosine, kept):
    base = np.eye(4)
    vectors = np.stack([base[0], base[1], cosine * base[0] + np.sqrt(1 - cosine**2) * base[2], base[3]])
    assert without_repeats(vectors, np.arange(8).reshape(4, 2), cosine=NEAR_REPEAT).tolist() == kept


def test_the_earliest_of_equal_turns_is_kept_whoever_sent_it():
    turns = np.array([[1, 1], [2, 2], [3, 3], [1, 1]])
    assert without_repeats(np.eye(4), turns, cosine=NEAR_REPEAT).tolist() == [0, 1, 2]


def test_a_drifting_list_dealt_at_random_over_accounts_of_uneven_size_is_not_cleared(tested, assert_super_uniform):
    """The labels are a random permutation, so the null is exactly true; the list runs through eight topics in order."""
    rng = np.random.default_rng(33)
    p_values = []
    for _ in range(60):
        owner = rng.permutation(np.repeat(np.arange(30), rng.integers(10, 60, 30)))
        topic = np.sort(rng.integers(0, 8, len(owner)))
        p_values.append(tested(owner, _noise(rng, len(owner)) + _noise(rng, 8)[topic], rng)[0].p_value)
    assert_super_uniform(p_values)


def test_a_dozen_opening_requests_on_a_topic_do_not_clear_a_dealt_out_list(tested):
    rng = np.random.default_rng(34)
    opening = np.tile(np.arange(30), 12)
    vectors = np.concatenate([_noise(rng, len(opening)) + 0.6 * _noise(rng, 30)[opening], _noise(rng, 30 * 188)])
    owner = np.r_[opening, rng.integers(0, 30, 30 * 188)]
    removed, _ = tested(owner, vectors, rng, permutations=999)
    assert not removed.clears


@pytest.mark.parametrize(
    ("p_value", "unlike", "excess_high", "clears", "excludes"),
    [
        (0.001, 0.001, 0.10, True, False),
        (0.001, 0.001, 0.02, False, False),
        (0.001, 0.200, 0.10, False, False),
        (0.030, 0.200, 0.04, False, False),
        (0.030, 0.200, 0.02, False, False),
        (0.300, 0.500, 0.04, False, True),
        (0.300, 0.500, 0.08, False, False),
        (0.300, 0.005, 0.04, False, False),
    ],
)
def test_how_much_alike_a_customers_items_are_counts_beside_the_p_value(p_value, unlike, excess_high, clears, excludes):
    said = Personhood(p_value=p_value, z=1.0, n_pairs=900, excess_high=excess_high, p_value_unlike=unlike)
    assert (said.clears, said.excludes) == (clears, excludes)


def _unit(vectors):
    vectors = vectors - vectors.mean(axis=0)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def _alike(rng, n_principals, each, *, strength):
    """Items of principals that each have a topic, in their order, and where each begins; `strength` by principal."""
    owner = np.repeat(np.arange(n_principals), each)
    topic = np.asarray(strength)[:, None] * rng.normal(size=(n_principals, 64))
    return _unit(rng.normal(size=(len(owner), 64)) + topic[owner]), np.flatnonzero(np.r_[True, np.diff(owner) != 0])


def _limit(vectors, starts):
    return excess_limit(vectors, starts, np.zeros(len(starts), np.int32))


def _excess_by_hand(vectors, owner):
    similarity = vectors @ vectors.T
    pair = np.triu(np.ones_like(similarity, bool), 1)
    own = owner[:, None] == owner[None, :]
    return similarity[pair & own].mean() - similarity[pair & ~own].mean()


@pytest.mark.parametrize("strength", [0.0, 0.26, 0.6])
@pytest.mark.parametrize(("n_principals", "each"), [(10, 12), (30, 12), (20, 2), (30, None)])
def test_the_limit_of_the_excess_covers_as_often_as_it_says(n_principals, each, strength):
    rng = np.random.default_rng(35)
    per_trial = [each] * n_principals if each else rng.integers(1, 9, n_principals)
    large = [_alike(rng, 200, each or 4, strength=np.full(200, strength)) for _ in range(6)]
    true = np.mean([_excess_by_hand(v, np.repeat(np.arange(200), each or 4)) for v, _ in large])
    covered = sum(
        _limit(*_alike(rng, n_principals, per_trial, strength=np.full(n_principals, strength))) >= true
        for _ in range(N_TRIALS)
    )
    assert binom.cdf(covered, N_TRIALS, 0.95) > 1e-3, covered / N_TRIALS


def test_the_limit_of_the_excess_holds_where_some_are_alike_and_most_are_not():
    """One in five is much alike: the relabelling's spread, which takes all for one kind, covered 65 % here."""
    rng = np.random.default_rng(36)

    def group(n):
        return _alike(rng, n, 12, strength=0.7 * (rng.random(n) < 0.2))

    true = np.mean([_excess_by_hand(group(200)[0], np.repeat(np.arange(200), 12)) for _ in range(20)])
    covered = sum(_limit(*group(40)) >= true for _ in range(N_TRIALS))
    assert covered / N_TRIALS >= 0.92


def test_the_limit_of_the_excess_agrees_with_leaving_out_by_hand():
    rng = np.random.default_rng(37)
    owner = np.repeat(np.arange(6), [1, 2, 5, 3, 1, 4])
    vectors = _unit(rng.normal(size=(len(owner), 64)))
    left_out = [_excess_by_hand(vectors[owner != one], owner[owner != one]) for one in (1, 2, 3, 5)]
    error = np.sqrt(3 / 4 * ((left_out - np.mean(left_out)) ** 2).sum())
    expected = _excess_by_hand(vectors, owner) + 2.353363 * error
    assert _limit(vectors, np.flatnonzero(np.r_[True, np.diff(owner) != 0])) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("sizes", [(7, 1, 1), (4, 4)])
def test_of_one_customers_pairs_and_of_two_customers_nothing_is_known_of_others(sizes):
    vectors, starts = _alike(np.random.default_rng(38), len(sizes), sizes, strength=np.zeros(len(sizes)))
    assert _limit(vectors, starts) == np.inf


def test_the_limit_of_the_excess_compares_customers_of_one_kind():
    """Two crowds far apart: across them customers differ, within them a customer's items are like the others'."""
    rng = np.random.default_rng(39)
    owner = np.repeat(np.arange(40), 6)
    crowd = rng.normal(size=(2, 64))
    vectors = _unit(rng.normal(size=(240, 64)) + 2 * crowd[owner // 20])
    starts, kind = np.arange(0, 240, 6), (np.arange(40) // 20).astype(np.int32)
    apart = [_excess_by_hand(vectors[owner // 20 == one], owner[owner // 20 == one]) for one in (0, 1)]
    assert excess_limit(vectors, starts, kind) == pytest.approx(np.mean(apart), abs=0.05)
    assert _limit(vectors, starts) > 0.2


def test_to_clear_and_nothing_else_draws_less_and_says_the_same(tested_alike):
    """Groups of every kind, also those of which the second test decides, and of several kinds of principals."""
    rng = np.random.default_rng(31)
    said = []
    for trial in range(60):
        make = (_dealt, _persons, lambda rng: _persons(rng, strength=0.15), lambda rng: _persons(rng, n_principals=8))
        owner, vectors = make[trial % 4](rng)
        kind = (owner % 2).astype(np.int32) if trial % 3 == 0 else np.zeros(len(owner), np.int32)
        said.append(tested_alike(owner, vectors, kind, seed=trial, permutations=(99, 150, 999)[trial % 3]))
    assert all(mine == theirs for mine, theirs in said)
    assert 10 < sum(mine for mine, _ in said) < 50


@pytest.fixture
def tested_alike(make_items):
    def run(owner, vectors, kind, *, seed, permutations):
        items = make_items(owner, projection=_int8(vectors))
        removed, _ = personhood(items, kind, permutations=permutations, rng=np.random.default_rng(seed))
        mine = is_cleared(items, kind, permutations=permutations, rng=np.random.default_rng(seed))
        return mine, removed.clears

    return run
