"""What is scored: each (context, token) once, nothing that the prompt said, and weights that sum to zero."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gauger.errors import InputError
from gauger.proof.cells import Answer, Reference, plain_cells, referenced_cells

TEXT = st.lists(st.integers(0, 5), max_size=25)


def answer(tokens, prompt=(), reference=None) -> Answer:
    return Answer(np.array(tokens, np.int64), np.array(prompt, np.int64), reference)


def reference(positions) -> Reference:
    """From a list of {token: probability}, one for each token of the answer."""
    offsets = np.cumsum([0, *(len(one) for one in positions)])
    tokens = [token for one in positions for token in one]
    return Reference(offsets, np.array(tokens, np.int64), np.array([p for one in positions for p in one.values()]))


def as_dict(cells) -> dict[tuple[int, ...], float]:
    rows = [(*map(int, row), int(token)) for row, token in zip(cells.rows, cells.tokens, strict=True)]
    assert len(set(rows)) == len(rows)
    return dict(zip(rows, cells.weights.tolist(), strict=True))


def tuples(tokens, width):
    return [tuple(tokens[i : i + width + 1]) for i in range(len(tokens) - width)]


@given(st.lists(st.tuples(TEXT, TEXT), max_size=4), st.integers(1, 4))
def test_plain_cells_are_the_distinct_tuples_that_the_own_prompt_did_not_say(texts, width):
    expected = {one for text, prompt in texts for one in tuples(text, width) if one not in tuples(prompt, width)}
    cells = plain_cells([answer(*one) for one in texts], width)
    assert as_dict(cells) == dict.fromkeys(expected, 1.0)


@given(st.lists(TEXT, max_size=4), st.integers(1, 3))
def test_repeating_answers_changes_no_plain_cell(texts, width):
    answers = [answer(one) for one in texts]
    assert as_dict(plain_cells(answers, width)) == as_dict(plain_cells([*answers, *answers], width))


@given(st.lists(TEXT, max_size=3), st.integers(1, 3), st.integers(0, 100))
def test_referenced_cells_are_counts_minus_what_the_teacher_expects(texts, width, seed):
    rng = np.random.default_rng(seed)
    expected: Counter[tuple[int, ...]] = Counter()
    answers = []
    for text in texts:
        places = [dict(zip(rng.permutation(7)[:3].tolist(), rng.random(3), strict=True)) for _ in text]
        places = [one if rng.random() < 0.8 else {} for one in places]
        answers.append(answer(text, (), reference(places)))
        for place, said in enumerate(tuples(text, width), start=width):
            if places[place]:
                expected[said] += 1
                for token, share in places[place].items():
                    expected[(*said[:-1], token)] -= share / sum(places[place].values())
    found = as_dict(referenced_cells(answers, width))
    assert all(found.get(cell, 0.0) == pytest.approx(weight, abs=1e-9) for cell, weight in expected.items())
    assert set(found) <= set(expected)


def test_weights_of_every_context_sum_to_zero():
    rng = np.random.default_rng(3)
    texts = rng.integers(0, 6, (20, 30))
    teacher = [reference([{t: float(rng.random()) for t in range(6)} for _ in text]) for text in texts]
    cells = referenced_cells([answer(text, (), one) for text, one in zip(texts, teacher, strict=True)], 2)
    sums = np.add.reduceat(cells.weights, cells.offsets[:-1])
    np.testing.assert_allclose(sums, 0, atol=1e-9)


def test_a_suspect_that_speaks_exactly_as_the_teacher_expects_leaves_no_cell():
    certain = answer([1, 2, 1, 2], (), reference([{1: 1.0}, {2: 1.0}, {1: 1.0}, {2: 1.0}]))
    assert len(referenced_cells([certain], 1)) == 0


def test_answers_without_a_reference_are_left_out_of_the_comparison():
    assert referenced_cells([answer([1, 2, 3])], 1).n_visits == 0


@pytest.mark.parametrize("bad", [answer([1, -2]), answer([1], [2**32]), answer([1, 2], (), reference([{}]))])
def test_what_cannot_be_scored_is_refused(bad):
    with pytest.raises(InputError):
        plain_cells([bad], 1)
