"""The window test: valid whatever its statistics are worth, then powerful; nothing certified from a small pool."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays

from gauger.errors import UsageError
from gauger.lab import window_test as module
from gauger.lab.representations import fit_lens
from gauger.lab.window_test import (
    STATISTICS,
    _rank,
    fused,
    marks,
    on_one_scale,
    split_benign,
    statistics,
    window_test,
)

SYLLABLES = ("ba", "ce", "di", "fu", "gu", "ka", "le", "mi", "no", "pu", "ra", "se")


def prompts(n, *, seed, dialect=0):
    """Texts of made-up words; a dialect has its own words and ends its sentences otherwise."""
    rng = np.random.default_rng([seed, 41])
    order = np.random.default_rng(dialect).permutation(len(SYLLABLES))
    lexicon = ["".join(SYLLABLES[order[k]] for k in rng_.integers(len(SYLLABLES) // 2, size=2)) for rng_ in [rng] * 60]
    texts = [" ".join(rng.choice(lexicon, rng.integers(4, 12))) + "?!"[dialect] for _ in range(n)]
    return np.array(texts, dtype=object)


@pytest.fixture(scope="module")
def benign():
    return prompts(600, seed=1)


FEW = 39


@given(arrays(np.float64, (12, len(STATISTICS)), elements=st.sampled_from([0.0, 0.05, 1.0, 2.0, 7.0, 1e6])))
def test_whichever_window_is_the_tested_one_small_p_values_are_as_rare_as_they_say(values):
    """Exchangeability put to use: over all choices of the tested window at most k of n p-values are k / n or less."""
    n = len(values)
    p = np.array([_rank(np.roll(values, -k, axis=0))[0] for k in range(n)])
    assert all(np.count_nonzero(p <= k / n + 1e-9) <= k for k in range(1, n + 1))


@pytest.mark.parametrize(("exchangeable", "size"), [("texts", 20), ("windows", 10)])
def test_p_values_of_benign_streams_are_uniform_or_larger(exchangeable, size):
    p = []
    for seed in range(25):
        texts = prompts(260 + size, seed=100 + seed)
        rng = np.random.default_rng(seed)
        p.append(window_test(texts[:260], texts[260:], exchangeable=exchangeable, rng=rng, n_drawn=FEW).p_value)
    # Of 25 uniform ones, more than 7 lie at or below 0.1 once in 400 such tests.
    assert np.count_nonzero(np.array(p) <= 0.1) <= 7
    assert 0.25 < np.median(p) < 0.8


@pytest.mark.parametrize("exchangeable", ["texts", "windows"])
def test_another_dialect_is_told_apart(benign, exchangeable):
    stream = prompts(12, seed=3, dialect=1)
    found = window_test(benign, stream, exchangeable=exchangeable, rng=np.random.default_rng(2), n_drawn=FEW)
    assert found.alarm
    assert found.p_value == found.floor


def test_a_tenth_of_another_dialect_is_enough(benign):
    stream = np.concatenate([prompts(650, seed=1)[600:645], prompts(5, seed=3, dialect=1)])
    assert window_test(benign, stream, exchangeable="texts", rng=np.random.default_rng(2)).alarm


def test_a_pool_that_gives_few_disjoint_windows_certifies_nothing(benign):
    found = window_test(benign[:300], prompts(40, seed=3, dialect=1), rng=np.random.default_rng(2))
    assert found.n_comparisons < 19
    assert found.floor == 1 / (found.n_comparisons + 1) > found.target
    assert not found.certifies
    assert not found.alarm


def test_many_windows_are_paid_for(benign):
    one, three = (
        window_test(
            benign,
            prompts(n, seed=3, dialect=1),
            size=20,
            rng=np.random.default_rng(2),
            exchangeable="texts",
            n_drawn=FEW,
        )
        for n in (20, 65)
    )
    assert (three.n_windows, three.floor, three.p_value) == (3, 3 * one.floor, 3 * one.p_value)


def test_the_same_seed_gives_the_same_answer(benign):
    stream = prompts(30, seed=9)
    first, second = (
        window_test(benign, stream, exchangeable="texts", rng=np.random.default_rng(7), n_drawn=FEW) for _ in range(2)
    )
    assert first == second


def test_inputs_are_left_as_they_are(benign):
    stream = prompts(30, seed=9)
    before = benign.copy(), stream.copy()
    window_test(benign, stream, exchangeable="texts", rng=np.random.default_rng(7), n_drawn=FEW)
    assert np.array_equal(before[0], benign)
    assert np.array_equal(before[1], stream)


@given(st.integers(60, 900), st.integers(1, 9), st.integers(0, 2**32))
def test_no_query_has_two_tasks_and_blocks_are_stretches(n, block, seed):
    try:
        split = split_benign(n, block, rng=np.random.default_rng(seed))
    except UsageError:
        assert n // block * block <= 50 + block
        return
    parts = split.fitted, split.comparison
    every = np.concatenate([part.ravel() for part in parts])
    assert len(set(every.tolist())) == len(every) == n // block * block
    assert all(np.all(np.diff(part, axis=1) == 1) and np.all(part[:, 0] % block == 0) for part in parts)


def test_a_text_looks_alike_alone_and_in_company(benign):
    lens = fit_lens(benign[:150], np.random.default_rng(1))
    alone, together = lens.look(benign[200:201]), lens.look(benign[200:240])
    for name in ("words", "characters", "word_kernels", "surface", "outlying"):
        assert np.allclose(getattr(together, name)[0], getattr(alone, name)[0])


def test_marks_are_blind_to_which_text_is_the_window_s(benign):
    """What makes the windows exchangeable: marking commutes with any reordering of the texts."""
    look = fit_lens(benign[:150], np.random.default_rng(1)).look(benign[200:300])
    order = np.random.default_rng(3).permutation(100)
    windows = np.arange(60).reshape(3, 20)
    usual = statistics(marks(look), order[windows])
    assert np.allclose(statistics(marks(look.take(order)), windows), usual)


def test_statistics_do_not_depend_on_how_sums_are_made_or_on_order(benign, monkeypatch):
    marked = marks(fit_lens(benign[:150], np.random.default_rng(1)).look(benign[200:300]))
    windows = np.random.default_rng(2).permutation(100)[:60].reshape(3, 20)
    usual = statistics(marked, windows)
    monkeypatch.setattr(module, "DENSE", 0)
    assert np.allclose(usual, statistics(marked, windows[:, ::-1]))
    assert usual.shape == (3, len(STATISTICS))


@pytest.mark.parametrize("texts", [["a"] * 200, [""] * 200, ["?"] * 100 + ["é" * 9000] * 100])
def test_texts_without_variety_give_numbers(texts):
    odd = np.array(texts, dtype=object)
    found = window_test(odd, odd[:20], exchangeable="texts", rng=np.random.default_rng(1), n_drawn=FEW)
    assert 0 < found.p_value <= 1


def test_only_what_stands_out_upward_is_added():
    among = np.random.default_rng(1).standard_normal((200, 2))
    assert fused(on_one_scale(np.array([[-50.0, -50.0]]), among)) == [0.0]
    assert fused(on_one_scale(np.array([[50.0, -50.0]]), among)) > 30


@pytest.mark.parametrize(
    ("n_benign", "n_stream", "size", "said"),
    [(600, 10, 11, "does not fit"), (50, 10, None, "too few"), (600, 400, None, "too few")],
)
def test_what_cannot_be_tested_is_refused(benign, n_benign, n_stream, size, said):
    with pytest.raises(UsageError, match=said):
        window_test(benign[:n_benign], benign[:n_stream], size=size, rng=np.random.default_rng(1))
