"""The test of picks: exact whatever a suspect prefers, valid for innocents, strong on students."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gauger.proof.choices import choice_test, distribution, option_scores, tail

SIZES = np.array([3, 2, 4], np.int64)


def counts_of(shape=(3, 4), most=9):
    masked = np.arange(shape[1]) < SIZES[:, None]
    return arrays(np.int64, shape, elements=st.integers(0, most)).map(lambda counts: counts * masked)


def picks_of(rng, sizes, n):
    return rng.integers(0, sizes, (n, len(sizes)))


@given(counts_of(), st.lists(counts_of(), max_size=2))
def test_the_distribution_is_that_of_all_picks(counts, others):
    scores = option_scores(counts, others)
    every = [
        sum(row[pick] for row, pick in zip(scores.tolist(), picks, strict=True))
        for picks in itertools.product(*map(range, SIZES.tolist()))
    ]
    chances = distribution(scores, SIZES)
    for observed in range(len(chances) + 1):
        assert tail(chances, observed) == pytest.approx(np.mean(np.array(every) >= observed), abs=1e-12)


def world(rng, k=30, m=6):
    """Popularity of options, very unequal, and a model that shares it roughly: shares float64[k, m]."""
    usual = rng.dirichlet(np.full(m, 0.5), k)
    return usual, lambda: np.array([rng.dirichlet(5 * row + 1e-3) for row in usual])


def asked(rng, shares, n=9):
    return np.array([rng.multinomial(n, row / row.sum()) for row in shares])


@pytest.mark.parametrize("n_others", [0, 3])
def test_p_values_of_innocents_are_uniform_over_picks(n_others, assert_super_uniform):
    """2,000 trials: 5 suspects with strong likings x 400 plans."""
    rng, p_values = np.random.default_rng(23), []
    sizes = np.full(30, 6)
    for _ in range(5):
        _, model = world(rng)
        counts, others = asked(rng, model()), [asked(rng, model()) for _ in range(n_others)]
        p_values += [choice_test(counts, sizes, picks, others, rng=rng).p_value for picks in picks_of(rng, sizes, 400)]
    assert_super_uniform(p_values)


def test_a_student_is_found_sooner_when_others_say_what_is_ordinary():
    """Median over 20 worlds: 30 canaries of 6 options, 9 answers each, a tenth of the answers follow the picks."""
    rng, sizes, alone, beside = np.random.default_rng(5), np.full(30, 6), [], []
    for _ in range(20):
        _, model = world(rng)
        picks = picks_of(rng, sizes, 1)[0]
        shares = 0.9 * model()
        shares[np.arange(30), picks] += 0.1
        counts, others = asked(rng, shares), [asked(rng, model()) for _ in range(3)]
        alone.append(choice_test(counts, sizes, picks, rng=rng).z_score)
        beside.append(choice_test(counts, sizes, picks, others, rng=rng).z_score)
    assert np.median(beside) > np.median(alone) + 0.5
    assert np.median(beside) > 2.5


def test_a_full_dose_reaches_the_smallest_p_value():
    sizes = np.full(10, 8)
    picks = np.arange(10) % 8
    counts = 5 * np.eye(8, dtype=np.int64)[picks]
    found = choice_test(counts, sizes, picks, rng=np.random.default_rng(0))
    assert found.p_value == pytest.approx(8.0**-10)
    assert found.smallest_p == pytest.approx(8.0**-10)
    assert (found.n_matches, found.n_shown) == (10, 10)
    assert min(found.wrong_picks) > 1e-3


def test_a_model_that_shows_no_option_says_nothing():
    found = choice_test(np.zeros((3, 4), np.int64), SIZES, np.zeros(3, np.int64), rng=np.random.default_rng(0))
    assert (found.p_value, found.n_shown, found.smallest_p) == (1.0, 0, 1.0)
    assert np.isnan(found.z_score)


def test_one_canary_alone_never_carries_the_verdict():
    counts = np.array([[1000, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]])
    others = [np.array([[0, 1000, 0, 0], [1, 1, 0, 0], [1, 1, 1, 1]])]
    assert choice_test(counts, SIZES, np.zeros(3, np.int64), others, rng=np.random.default_rng(0)).p_value == 1 / 3
