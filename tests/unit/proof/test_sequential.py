"""Evidence that may be read after every batch: mean at most one under the null, and valid wherever one stops."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom
from tests.unit.proof.worlds import as_answers, bigram, marked, random_keys, sample, templated, trained

from gauger.proof.cells import plain_cells, referenced_cells
from gauger.proof.schemes import Gumbel, Kgw
from gauger.proof.sequential import Looks, e_value, weight_of_look


@given(st.lists(st.floats(-50, 50), min_size=2, max_size=20))
def test_the_mean_over_all_keys_is_one(sums):
    """Exactness: whichever of exchangeable keys is the one in question, the e-values average to 1."""
    every = np.array(sums)
    found = [e_value(every[i], np.delete(every, i)) for i in range(len(every))]
    assert np.mean(found) == pytest.approx(1)


@given(st.floats(-10, 10), st.floats(0.1, 10), st.lists(st.floats(-5, 5), min_size=3, max_size=9, unique=True))
def test_neither_shift_nor_scale_of_the_sums_matters(shift, scale, sums):
    every = np.array(sums)
    if every.std() > 0.1:
        moved = shift + scale * every
        assert e_value(moved[0], moved[1:]) == pytest.approx(e_value(every[0], every[1:]))


def test_an_e_value_never_exceeds_the_number_of_keys():
    assert e_value(100.0, np.random.default_rng(0).normal(size=999)) == pytest.approx(1_000, rel=0.3)


def test_sums_that_do_not_differ_say_nothing():
    assert e_value(3.0, np.full(9, 3.0)) == 1.0


def test_weights_of_looks_add_up_to_one():
    assert sum(weight_of_look(look) for look in range(1, 10_000)) == pytest.approx(1, abs=2e-4)


def test_stopping_as_soon_as_it_pleases_errs_no_more_often_than_promised():
    """A suspect that repeats itself from batch to batch, as templates do: the hard case for products of e-values."""
    rng, scheme = np.random.default_rng(2), Gumbel(1)
    scorers = [scheme.scorer(plain_cells(as_answers(templated(rng, 60)[:n]), 1)) for n in (10, 20, 40, 60)]
    scorers = [scorers[0], scorers[0], *scorers]
    n_trials, stopped = 1_500, {0.05: 0, 0.2: 0}
    for _ in range(n_trials):
        keys, looks = random_keys(rng, 100), Looks()
        for score in scorers:
            sums = score(keys)
            looks = looks.after(float(sums[0]), sums[1:])
        # The value only grows: the last is the largest, whenever one would have stopped.
        for alpha in stopped:
            stopped[alpha] += looks.value >= 1 / alpha
    for alpha, errors in stopped.items():
        assert binom.sf(errors - 1, n_trials, alpha) > 1e-4


def test_a_marked_student_is_found_early_and_the_value_only_grows():
    rng, scheme = np.random.default_rng(6), Kgw(1)
    teacher, key = bigram(rng, 60), random_keys(rng, 1)
    traces = np.concatenate([sample(rng, marked(teacher, scheme, key[0]), 600), sample(rng, teacher, 1_400)])
    answers = as_answers(sample(rng, trained(traces, bigram(rng, 60)), 800), teacher)
    looks, values = Looks(), []
    for n in (100, 200, 400, 800):
        score = scheme.scorer(referenced_cells(answers[:n], 1))
        looks = looks.after(float(score(key)[0]), score(random_keys(rng, 1_999)))
        values.append(looks.value)
    assert values == sorted(values)
    assert looks.p_value < 0.005
    assert Looks().p_value == 1.0
