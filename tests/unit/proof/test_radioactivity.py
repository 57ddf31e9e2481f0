"""The test by other keys: valid for clean suspects under any key, on templates too; strong on students of a mark."""

import math

import numpy as np
import pytest
from scipy import stats
from tests.unit.proof.worlds import (
    as_answers,
    bigram,
    gumbel_marked,
    marked,
    philox_totals,
    random_keys,
    sample,
    templated,
    trained,
)

from gauger.errors import UsageError
from gauger.proof.cells import Answer, plain_cells, referenced_cells
from gauger.proof.philox import GREEN
from gauger.proof.radioactivity import (
    check_alpha,
    check_null_keys,
    key_test,
    required_null_keys,
    seed_of,
)
from gauger.proof.schemes import Gumbel, Kgw, SynthId

SCHEMES = {"kgw": Kgw(1), "kgw quarter": Kgw(2, 0.25), "gumbel": Gumbel(1), "synthid": SynthId(2, table_bits=9)}


def clean_cells(kind: str, width: int):
    """Cells of five suspects that saw no mark: free text, templated text, and text held against its teacher."""
    for seed in range(5):
        rng = np.random.default_rng(100 + seed)
        teacher = bigram(rng, 12)
        if kind == "templated":
            yield plain_cells(as_answers(templated(rng, 60)), width)
        elif kind == "teacher":
            student = trained(sample(rng, teacher, 100), bigram(rng, 12))
            yield referenced_cells(as_answers(sample(rng, student, 6), teacher), width)
        else:
            yield plain_cells(as_answers(sample(rng, teacher, 8)), width)


@pytest.mark.parametrize("kind", ["free", "templated", "teacher"])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_p_values_of_clean_suspects_are_uniform_over_keys(kind, scheme, assert_super_uniform):
    """2,000 trials for each scheme and kind of text: 5 suspects x 400 keys."""
    watermark, rng, p_values = SCHEMES[scheme], np.random.default_rng(17), []
    for cells in clean_cells(kind, watermark.width):
        p_values += [
            key_test(cells, watermark, key, method="plain", null_keys=199, rng=rng).p_value
            for key in random_keys(rng, 400, watermark.n_words)
        ]
    assert len(p_values) == 2_000
    assert_super_uniform(p_values)
    # Never too small; too large only by the ties of green counts over few cells, and by p = 20/21 being next to 1.
    assert stats.kstest(p_values, "uniform", alternative="greater").pvalue > 0.001
    assert stats.kstest(p_values, "uniform").statistic < (0.14 if watermark.name == "kgw" else 0.07)


def test_the_formula_without_deduplication_is_wrong_on_templated_text_and_ours_is_not():
    """The share of clean trials that each calls significant at 1 %."""
    rng, scheme = np.random.default_rng(5), Kgw(1)
    answers = as_answers(templated(rng, 60))
    cells = plain_cells(answers, 1)
    keys = random_keys(rng, 1_000)[:, 0]
    every = np.concatenate([np.stack([one.tokens[:-1], one.tokens[1:]], axis=1) for one in answers])
    distinct, times = np.unique(every, axis=0, return_counts=True)
    greens = np.stack(
        [
            scheme.scores(np.array([key]), distinct[:, :1].astype(np.uint32), distinct[:, 1].astype(np.uint32))
            for key in keys
        ]
    )
    naive = [scheme.tail(float(one), int(times.sum())) for one in greens @ times]
    assert np.mean(np.array(naive) <= 0.01) > 0.2
    sums = philox_totals(cells, keys, GREEN, 2**31)
    ranks = np.array([(sums >= one).mean() for one in sums])
    assert np.mean(ranks <= 0.01) <= 0.01


@pytest.mark.parametrize(("share", "bound"), [(0.05, 1e-3), (0.2, 1e-6)])
def test_students_of_marked_text_are_found_in_the_median_of_five_seeds(share, bound):
    """2,000 traces, that share of them marked (KGW, context 1); 2,000 answers; the tail is the formula's."""
    found = []
    for seed in range(5):
        rng, scheme = np.random.default_rng(seed), Kgw(1)
        teacher, key = bigram(rng, 60), random_keys(rng, 1)[0]
        n = round(2_000 * share)
        traces = np.concatenate([sample(rng, marked(teacher, scheme, key), n), sample(rng, teacher, 2_000 - n)])
        student = trained(traces, bigram(rng, 60))
        cells = referenced_cells(as_answers(sample(rng, student, 2_000), teacher), 1)
        found.append(key_test(cells, scheme, key, method="teacher", null_keys=1_999, rng=rng))
    assert sorted(one.tail_p for one in found)[2] <= bound
    assert sorted(one.p_value for one in found)[2] <= 0.001


@pytest.mark.parametrize("name", ["gumbel", "synthid"])
def test_other_schemes_are_found_too_and_under_no_other_key(name):
    rng = np.random.default_rng(12)
    scheme = {"gumbel": Gumbel(1), "synthid": SynthId(1)}[name]
    teacher, key = bigram(rng, 60), random_keys(rng, 1, scheme.n_words)[0]
    mark = gumbel_marked if name == "gumbel" else marked
    traces = np.concatenate([sample(rng, mark(teacher, scheme, key), 400), sample(rng, teacher, 1_600)])
    student = trained(traces, bigram(rng, 60))
    cells = referenced_cells(as_answers(sample(rng, student, 800), teacher), 1)
    found = key_test(cells, scheme, key, method="teacher", null_keys=1_999, rng=rng)
    assert found.p_value == 1 / 2_000
    assert min(found.wrong_keys) > 0.001
    other = key_test(cells, scheme, random_keys(rng, 1, scheme.n_words)[0], method="teacher", null_keys=1_999, rng=rng)
    assert other.p_value > 0.001


def test_the_p_value_is_the_rank_among_the_other_keys():
    scheme, rng = Gumbel(1), np.random.default_rng(3)
    cells = plain_cells(as_answers(sample(rng, bigram(rng, 20), 10)), 1)
    key, others = random_keys(rng, 1)[0], np.random.default_rng(9)
    found = key_test(cells, scheme, key, method="plain", null_keys=250, rng=np.random.default_rng(9))
    sums = scheme.scorer(cells)(random_keys(others, 250))
    reached = int((sums >= scheme.scorer(cells)(key[None])[0]).sum())
    assert reached >= 20
    by_hand = [float(np.mean(sums >= one)) for one in sums[:5]]
    assert found.wrong_keys == pytest.approx(by_hand)
    stop = int(np.searchsorted(np.cumsum(sums >= scheme.scorer(cells)(key[None])[0]), 20)) + 1
    assert found.p_value == 20 / stop


@pytest.mark.parametrize("scheme", SCHEMES)
def test_threads_change_nothing(scheme):
    watermark, rng = SCHEMES[scheme], np.random.default_rng(3)
    cells = plain_cells(as_answers(sample(rng, bigram(rng, 20), 10)), watermark.width)
    key = random_keys(rng, 1, watermark.n_words)[0]
    one, three = (
        key_test(cells, watermark, key, method="plain", null_keys=300, rng=np.random.default_rng(1), threads=threads)
        for threads in (1, 3)
    )
    assert one == three


def test_nothing_to_score_gives_one():
    found = key_test(plain_cells([], 2), Kgw(2), random_keys(np.random.default_rng(0), 1)[0], method="plain",
                     null_keys=99, rng=np.random.default_rng(0))  # fmt: skip
    assert (found.p_value, found.n_null_keys) == (1.0, 0)
    assert math.isnan(found.z_score)


def test_the_seed_follows_from_commitment_and_cells():
    rng = np.random.default_rng(3)
    cells = plain_cells(as_answers(sample(rng, bigram(rng, 20), 10)), 1)
    more = plain_cells(as_answers(sample(rng, bigram(rng, 20), 11)), 1)
    assert seed_of("a", cells) == seed_of("a", cells)
    assert len({seed_of("a", cells), seed_of("b", cells), seed_of("a", more)}) == 3


def test_a_verdict_needs_as_many_other_keys_as_its_level_says():
    assert required_null_keys(1e-6, 1) == 999_999
    assert required_null_keys(1e-3, 4) == 3_999
    for null_keys, alpha, n_tests in ((999_999, 1e-6, 1), (3_999, 1e-3, 4)):
        check_null_keys(null_keys, alpha=alpha, n_tests=n_tests)
        assert n_tests / (null_keys + 1) <= alpha
        with pytest.raises(UsageError, match="cannot carry a verdict"):
            check_null_keys(null_keys - 1, alpha=alpha, n_tests=n_tests)


@pytest.mark.parametrize("alpha", [0.0, -1.0, 0.05, math.nan])
def test_a_lax_level_is_refused(alpha):
    with pytest.raises(UsageError):
        check_alpha(alpha)


def test_a_suspect_that_repeats_marked_text_of_its_prompt_shows_no_key():
    """Otherwise whoever asks with marked text would find it in any model."""
    rng, scheme = np.random.default_rng(7), Kgw(1)
    teacher, key = bigram(rng, 40), random_keys(rng, 1)[0]
    prompts = sample(rng, marked(teacher, scheme, key), 60)
    own = sample(rng, teacher, 60)
    parrots = [Answer(np.concatenate([prompt, said]), prompt) for prompt, said in zip(prompts, own, strict=True)]
    found = key_test(plain_cells(parrots, 1), scheme, key, method="plain", null_keys=999, rng=rng)
    assert found.p_value > 0.01
    unaware = [Answer(one.tokens, np.empty(0, np.int64)) for one in parrots]
    assert key_test(plain_cells(unaware, 1), scheme, key, method="plain", null_keys=999, rng=rng).p_value == 0.001
