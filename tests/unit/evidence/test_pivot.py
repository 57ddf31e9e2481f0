"""The pivot test is exact given its strata, finds a group that moved at once, and says when it cannot tell."""

import numpy as np
import pytest
from scipy.stats import hypergeom

from gauger.evidence.changes import Moves
from gauger.evidence.channel import Group, Population
from gauger.evidence.pivot import PIVOT, migration_test

N = 400


def _moves(moved, *, known=None, stratum=None):
    everybody = np.ones(len(moved), np.bool_)
    known = everybody if known is None else known
    stratum = np.zeros((len(moved), 1), np.int64) if stratum is None else stratum
    return Moves(model="m-2", known=known, moved=np.asarray(moved) & known, stratum=stratum)


def _members(*codes):
    return np.array(codes, np.int32)


def test_p_values_of_random_groups_are_valid_and_not_idle(assert_super_uniform, assert_near_uniform):
    rng = np.random.default_rng(1)
    stratum = rng.integers(0, 3, (N, 1))
    moved = rng.random(N) < np.array([0.02, 0.2, 0.6])[stratum[:, 0]]
    moves = _moves(moved, stratum=stratum)
    draws = [np.sort(rng.choice(N, 60, replace=False)).astype(np.int32) for _ in range(2_000)]
    p_values = [migration_test(moves, members).p_value for members in draws]
    assert_super_uniform(p_values)
    assert_near_uniform(p_values)


def test_a_group_of_the_kind_that_moves_early_is_no_pivot(assert_super_uniform):
    rng = np.random.default_rng(2)
    p_values = []
    for _ in range(500):
        stratum = (np.arange(N) < 100).astype(np.int64)[:, None]
        moved = rng.random(N) < np.where(stratum[:, 0] == 1, 0.7, 0.05)
        members = rng.choice(100, 40, replace=False).astype(np.int32)
        p_values.append(migration_test(_moves(moved, stratum=stratum), members).p_value)
    assert_super_uniform(p_values)


def test_one_stratum_gives_the_hypergeometric_tail():
    found = migration_test(_moves(np.arange(N) < 30), _members(*range(10), *range(100, 110)))
    assert found.p_value == pytest.approx(hypergeom.sf(9, N, 30, 20))
    assert (found.n_known, found.n_moved) == (20, 10)
    assert found.expected == pytest.approx(20 * 20 / (N - 20))


def test_half_of_a_group_that_moves_at_once_is_found_where_a_tenth_of_others_did():
    rng = np.random.default_rng(3)
    for _ in range(50):
        moved = rng.random(N) < np.where(np.arange(N) < 30, 0.6, 0.1)
        assert migration_test(_moves(moved), np.arange(30, dtype=np.int32)).p_value < 0.01


def test_members_about_whom_nothing_is_known_do_not_count():
    known = np.arange(N) >= 3
    found = migration_test(_moves(np.arange(N) < 6, known=known), _members(0, 1, 2, 3, 4, 5))
    assert (found.n_known, found.n_moved, found.p_value) == (3, 3, None)


def _said(moves, make_items):
    population = Population(holdings={}, stratum=np.zeros(N, np.int32), permutations=99, moves=moves)
    rows = np.arange(20, dtype=np.int32)
    group = Group(items=make_items(rows), rows=rows, principals=rows)
    return PIVOT.evaluate(group, population, rng=np.random.default_rng(0))


def test_the_channel_says_how_many_moved_and_how_many_would_have(make_items):
    said = _said(_moves(np.arange(N) < 10), make_items)
    assert said.applicable
    (fact,) = said.facts
    assert fact.values == {"model": "m-2", "moved": 10, "expected": 0.0, "excess": 10.0, "members": 20, "known": 20}
    assert said == _said(_moves(np.arange(N) < 10), make_items)


def test_the_channel_is_silent_without_a_new_model_and_without_power(make_items):
    assert [fact.code for fact in _said(None, make_items).facts] == ["pivot.absent"]
    nobody = _said(_moves(np.zeros(N, np.bool_), known=np.arange(N) >= 18), make_items)
    assert not nobody.applicable
    assert nobody.facts[-1].code == "pivot.no_power"


def test_members_that_are_all_of_their_kind_are_no_excess():
    """Sixty customers of an alias of their own all moved; of forty others of the group no more did than elsewhere."""
    stratum = np.where(np.arange(N) < 60, 1, 0)[:, None]
    moved = (np.arange(N) < 60) | (np.arange(N) % 10 == 0)
    found = migration_test(_moves(moved, stratum=stratum), np.arange(100, dtype=np.int32))
    assert found.n_moved - found.expected < 2
    assert found.p_value > 0.1


def test_the_strongest_pivot_has_a_p_value_above_zero():
    n = 20_000
    found = migration_test(_moves(np.arange(n) < 200), np.arange(150, dtype=np.int32))
    assert found.p_value == 1e-12
