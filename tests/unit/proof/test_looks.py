"""Looking at doubling numbers of answers: a plan that depends on no result, valid wherever one stops."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom
from tests.unit.proof.worlds import as_answers, bigram, marked, random_keys, sample, templated, trained

from gauger.errors import UsageError
from gauger.proof.cells import plain_cells, referenced_cells
from gauger.proof.looks import check_sequential_null_keys, look_sizes, looked_test, sequential_null_keys
from gauger.proof.radioactivity import seed_of
from gauger.proof.schemes import Gumbel, Kgw
from gauger.proof.sequential import Looks


def look(answers, scheme, key, commitment="c", **more):
    given = {"method": "plain", "null_keys": 99, "first": 10, "enough": 1e9} | more
    return looked_test(answers, lambda some: plain_cells(some, 1), scheme, key, commitment, **given)


@given(st.integers(0, 10_000), st.integers(1, 300))
def test_looks_double_and_never_exceed_the_answers(n_answers, first):
    sizes = look_sizes(n_answers, first)
    assert sizes == [first * 2**k for k in range(20) if first * 2**k <= n_answers]


@given(st.integers(0, 5_000), st.integers(0, 5_000), st.integers(1, 300))
def test_more_answers_add_looks_and_move_none(n_answers, more, first):
    assert look_sizes(n_answers + more, first)[: len(look_sizes(n_answers, first))] == look_sizes(n_answers, first)


def test_a_suspect_that_is_asked_on_keeps_the_looks_it_had():
    rng, scheme = np.random.default_rng(1), Kgw(1)
    answers, key = as_answers(sample(rng, bigram(rng, 20), 50)), random_keys(rng, 1)[0]
    early, late = look(answers[:25], scheme, key), look(answers, scheme, key)
    assert late.looks[: len(early.looks)] == early.looks
    assert [one.n_answers for one in late.looks] == [10, 20, 40]
    assert late.p_value == min(1.0, 1 / late.looks[-1].e_value)


@pytest.mark.parametrize("null_keys", [5, 511, 512, 513, 1_700])
def test_sums_are_those_of_one_generator_and_threads_change_nothing(null_keys):
    rng, scheme = np.random.default_rng(2), Gumbel(1)
    answers, key = as_answers(sample(rng, bigram(rng, 20), 10)), random_keys(rng, 1)[0]
    cells = plain_cells(answers, 1)
    others = np.random.default_rng(seed_of("c", cells)).integers(0, 2**64, (null_keys, 1), np.uint64)
    score = scheme.scorer(cells)
    by_hand = Looks().after(float(score(key[None])[0]), score(others))
    for threads in (1, 3):
        found = look(answers, scheme, key, null_keys=null_keys, threads=threads)
        assert found.looks[0].e_value == pytest.approx(by_hand.value, rel=1e-12)
        assert found.n_null_keys == null_keys


def test_a_marked_student_ends_the_looks_early():
    rng, scheme = np.random.default_rng(6), Kgw(1)
    teacher, key = bigram(rng, 60), random_keys(rng, 1)[0]
    student = trained(sample(rng, marked(teacher, scheme, key), 1_500), bigram(rng, 60))
    answers = as_answers(sample(rng, student, 800), teacher)
    found = looked_test(
        answers, lambda some: referenced_cells(some, 1), scheme, key, "c", method="teacher",
        null_keys=sequential_null_keys(1e-3, 1), first=100, enough=1e3,
    )  # fmt: skip
    assert found.p_value <= 1e-3
    assert len(found.looks) < 4
    assert min(found.wrong_keys) > 0.001


def test_stopping_at_the_best_look_errs_no_more_often_than_promised():
    """1,500 keys on a suspect that repeats itself, the worst case for anything that multiplies batches."""
    rng, scheme = np.random.default_rng(3), Kgw(1)
    answers = as_answers(templated(rng, 80))
    found = [look(answers, scheme, key, commitment=str(n)).p_value for n, key in enumerate(random_keys(rng, 1_500))]
    for alpha in (0.01, 0.05, 0.2):
        assert binom.sf(sum(one <= alpha for one in found) - 1, len(found), alpha) > 1e-4


def test_nothing_to_score_gives_one():
    found = look(as_answers(np.zeros((20, 1), np.int64)), Kgw(1), random_keys(np.random.default_rng(0), 1)[0])
    assert (found.p_value, found.n_cells) == (1.0, 0)


def test_looks_need_twice_the_keys():
    assert sequential_null_keys(1e-3, 2) == 7_999
    check_sequential_null_keys(1_999, alpha=1e-3, n_tests=1)
    with pytest.raises(UsageError, match="with looks"):
        check_sequential_null_keys(1_998, alpha=1e-3, n_tests=1)
