"""The task: answers follow from prompts, traces say each step, style tells nothing of states."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gauger.lab.distil import task as words
from gauger.lab.distil.task import Task, answer_only, answers, summary

SEEDS = st.integers(0, 2**32 - 1)


def drawn(seed, n=50):
    rng = np.random.default_rng(seed)
    task = Task.drawn(rng)
    prompts = task.prompts(n, rng)
    return task, prompts, task.traces(prompts, rng), rng


def walked(task, prompt) -> list[int]:
    """The states by hand, one look-up at a time."""
    state, states = prompt[1] - words.FIRST_STATE, []
    for operator in prompt[2:-1]:
        state = int(task.permutations[operator - words.FIRST_OPERATOR][state])
        states.append(state + words.FIRST_STATE)
    return states


@given(seed=SEEDS)
def test_a_trace_says_every_state_and_the_last_is_the_answer(seed):
    task, prompts, responses, _ = drawn(seed, 5)
    for prompt, response in zip(prompts, responses, strict=True):
        states = walked(task, prompt)
        assert response[2:18:3].tolist() == states
        assert response[18:].tolist() == [words.ANSWER, states[-1], words.END]


@given(seed=SEEDS)
def test_what_the_authors_write_is_right_and_another_state_is_wrong(seed):
    task, prompts, responses, _ = drawn(seed, 20)
    assert task.right(prompts, responses).all()
    responses[:, -2] = words.FIRST_STATE + (responses[:, -2] - words.FIRST_STATE + 1) % words.N_STATES
    assert not task.right(prompts, responses).any()


@given(seed=SEEDS)
def test_every_token_is_where_its_kind_belongs(seed):
    _, prompts, responses, _ = drawn(seed, 20)
    assert prompts.shape == (20, words.PROMPT_TOKENS)
    assert responses.shape == (20, words.RESPONSE_TOKENS)
    operators, states = prompts[:, 2:-1], responses[:, 2:18:3]
    style = np.stack([responses[:, 0:18:3], responses[:, 1:18:3]])
    assert ((operators >= words.FIRST_OPERATOR) & (operators < words.FIRST_STATE)).all()
    assert ((states >= words.FIRST_STATE) & (states < words.FIRST_STYLE)).all()
    assert ((style >= words.FIRST_STYLE) & (style < words.VOCABULARY)).all()


def test_operators_are_permutations_and_answers_are_evenly_spread():
    task, prompts, responses, _ = drawn(3, 20_000)
    assert (np.sort(task.permutations, axis=1) == np.arange(words.N_STATES)).all()
    counts = np.bincount(answers(responses) - words.FIRST_STATE, minlength=words.N_STATES)
    assert counts.min() > 0.9 * 20_000 * words.CHANCE
    assert counts.max() < 1.1 * 20_000 * words.CHANCE
    assert len(np.unique(prompts, axis=0)) > 19_900


@given(seed=SEEDS)
def test_a_paraphrase_changes_words_of_style_alone(seed):
    task, prompts, responses, rng = drawn(seed, 20)
    said = task.restyled(prompts, responses, rng)
    style = responses >= words.FIRST_STYLE
    assert (said[~style] == responses[~style]).all()
    assert (said[style] >= words.FIRST_STYLE).all()
    assert (said[style] != responses[style]).mean() > 0.5


def test_style_follows_its_source():
    task, prompts, responses, _ = drawn(4, 40_000)
    operator = prompts[:, 2] == words.FIRST_OPERATOR
    seen = np.bincount(responses[operator, 0] - words.FIRST_STYLE, minlength=words.N_STYLE) / operator.sum()
    assert np.abs(seen - task.first_style[0]).max() < 0.03
    first = responses[:, 0] == words.FIRST_STYLE + int(seen.argmax())
    seen = np.bincount(responses[first, 1] - words.FIRST_STYLE, minlength=words.N_STYLE) / first.sum()
    assert np.abs(seen - task.second_style[responses[first, 0][0] - words.FIRST_STYLE]).max() < 0.05


def test_withheld_and_summarised_answers_stay_right():
    task, prompts, responses, _ = drawn(5)
    assert answer_only(responses).shape == (50, 3)
    assert task.right(prompts, answer_only(responses)).all()
    for every, kept in ((2, [1, 3, 5]), (3, [2, 5])):
        short = summary(responses, every=every)
        assert task.right(prompts, short).all()
        assert (short[:, 2:-3:3] == task.states(prompts)[:, kept]).all()


@pytest.mark.parametrize("response", [[words.PAD] * 4, [7, 8, 9, words.ANSWER]])
def test_a_response_without_an_answer_has_none(response):
    assert answers(np.array([response])).tolist() == [words.PAD]


def test_the_first_answer_counts():
    said = np.array([[9, words.ANSWER, 15, words.ANSWER, 16, words.END]])
    assert answers(said).tolist() == [15]
