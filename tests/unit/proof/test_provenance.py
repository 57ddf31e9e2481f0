"""Resemblance: symmetric, without regard to what all say, exact where models are exchangeable, and never a proof."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gauger.errors import UsageError
from gauger.proof import provenance_report
from gauger.proof.provenance import (
    agreement,
    check_panel,
    closeness,
    pair_test,
    prompts_in_common,
    required_controls,
    runs,
    runs_in_common,
)
from gauger.proof.provenance_report import Model, write

WORDS = [f"w{n}" for n in range(40)]


def answers(rng, liking, n_prompts=80, *, own=0.6):
    """Answers of 20 words, a share of them from the model's own liking, the others from the prompt's topic."""
    topics = np.random.default_rng(1).dirichlet(np.full(len(WORDS), 0.2), n_prompts)
    return {
        f"p{i}": " ".join(rng.choice(WORDS, 20, p=own * liking + (1 - own) * topic)) for i, topic in enumerate(topics)
    }


def strangers(rng, n):
    return [answers(rng, rng.dirichlet(np.full(len(WORDS), 0.3))) for _ in range(n)]


@given(st.text())
def test_any_text_has_runs(text):
    found = runs(text)
    assert all(1 <= len(run) <= 3 for run in found)
    assert (len(found) == 0) == (not text.split() or not any(run for run in found))


def test_runs_are_of_the_first_words():
    assert runs("A b") == {("a",), ("b",), ("a", "b")}
    assert runs("x " * 100 + "y") == {("x",), ("x", "x"), ("x", "x", "x")}


@given(arrays(np.int64, (4, 5, 12), elements=st.integers(0, 1)))
def test_agreement_is_the_cosine_of_what_is_left_after_centring(sets):
    shared = np.einsum("iav,ibv->iab", sets, sets)
    left = sets - sets.mean(axis=1, keepdims=True)
    sizes = np.linalg.norm(left, axis=2)
    expected = np.einsum("iav,ibv->iab", left, left) / np.maximum(sizes[:, :, None] * sizes[:, None, :], 1e-12)
    np.testing.assert_allclose(agreement(shared), expected, atol=1e-6)


def test_what_every_model_says_does_not_count():
    models = [{"p": f"the same words here {own}"} for own in ("a", "b", "c")]
    agreed = agreement(runs_in_common(models, ["p"]))[0]
    assert agreed[0, 1] == pytest.approx(-0.5)
    same = agreement(runs_in_common([{"p": "all alike"}] * 3, ["p"]))
    assert (same == 0).all()


@given(arrays(np.float64, (6, 6), elements=st.floats(-1, 1)), st.permutations(range(6)))
def test_closeness_follows_labels_and_takes_standing_off(square, order):
    mean = square + square.T
    near = closeness(mean)
    off = near - np.diag(np.diagonal(near))
    np.testing.assert_allclose(off.sum(axis=1), off.sum(axis=1).mean(), atol=1e-9)
    np.testing.assert_allclose(closeness(mean[order][:, order]), near[order][:, order], atol=1e-12)


def test_ranks_of_strangers_are_exact(assert_super_uniform):
    """400 worlds of seven models that are exchangeable; the first two are suspect and teacher."""
    p_values = []
    for seed in range(400):
        rng = np.random.default_rng(seed)
        mean = rng.normal(size=(7, 7))
        agreed = (mean + mean.T)[None]
        p_values.append(pair_test(agreed, 0, 1).p_models)
    assert_super_uniform(p_values)


def test_strangers_by_their_words_make_no_claim_more_often_than_promised():
    """20 panels of seven strangers, all 420 pairs."""
    claims, n = 0, 0
    for seed in range(20):
        models = strangers(np.random.default_rng(seed), 7)
        agreed = agreement(runs_in_common(models, prompts_in_common(models)))
        found = [pair_test(agreed, *pair).p_value for pair in itertools.combinations(range(7), 2)]
        claims, n = claims + sum(p <= 0.05 for p in found), n + len(found)
    assert claims <= 0.05 * n


def short(seed, n_prompts=400, share=0.1):
    """Short factual answers of seven models: all give the same one, but each now and then an odd one."""
    rng = np.random.default_rng(seed)
    facts = [" ".join(rng.choice(list("abcdefghijklmnop"), rng.integers(1, 4))) for _ in range(n_prompts)]
    return [
        {f"p{i}": fact if rng.random() > share else f"odd{m} w{i}" for i, fact in enumerate(facts)} for m in range(7)
    ]


def test_ties_are_no_evidence():
    """Where models answer alike, agreements differ by crumbs of float64: they count as the fractions they stand for."""
    for seed in range(5):
        models = short(seed)
        agreed = agreement(runs_in_common(models, prompts_in_common(models)))
        rounded = np.round(agreed, 7)
        assert [pair_test(agreed, *pair).p_value for pair in itertools.combinations(range(7), 2)] == [
            pair_test(rounded, *pair).p_value for pair in itertools.combinations(range(7), 2)
        ]
    alike = np.zeros((400, 7, 7))
    alike[:, 0, 1] = alike[:, 1, 0] = 1e-16
    found = pair_test(alike, 0, 1)
    assert (found.p_models, found.p_prompts) == (1.0, 1.0)


def related(seed):
    rng = np.random.default_rng(seed)
    liking = rng.dirichlet(np.full(len(WORDS), 0.3))
    return [answers(rng, liking), answers(rng, liking), *strangers(rng, 5)]


def test_a_related_pair_is_consistent_with_and_never_more():
    names = ["suspect", "teacher", *"abcde"]
    for seed in range(5):
        models = [Model(*pair) for pair in zip(names, related(seed), strict=True)]
        (row,) = write(models[:1], models[1:2], models[2:], alpha=0.05).tests
        assert row.word == "consistent with"
        assert 'nothing here says more than "consistent with"' in row.sentence
        (row,) = write(models[2:3], models[1:2], [models[0], *models[3:]], alpha=0.05).tests
        assert row.word == "nothing detected"


def test_more_claims_need_more_controls():
    assert [required_controls(0.05, n) for n in (1, 2, 4)] == [5, 8, 12]
    for n in (1, 2, 4):
        models = required_controls(0.05, n) + 2
        assert n / (models * (models - 1) / 2) <= 0.05 < n / ((models - 1) * (models - 2) / 2)
    with pytest.raises(UsageError, match="need 8 unrelated models"):
        check_panel(7, 100, alpha=0.05, n_tests=2)
    with pytest.raises(UsageError, match="only 49 prompts"):
        check_panel(5, 49, alpha=0.05, n_tests=1)
    with pytest.raises(UsageError, match="alpha"):
        check_panel(500, 100, alpha=0.06, n_tests=1)


def test_prompts_without_a_word_from_somebody_are_left_out():
    assert prompts_in_common([{"a": "x", "b": " \n", "c": "x"}, {"a": "y", "b": "y", "d": "y"}]) == ["a"]


def test_the_report_has_no_word_for_proof():
    assert set(provenance_report.PairRow.__annotations__["word"].__args__) == {"consistent with", "nothing detected"}
