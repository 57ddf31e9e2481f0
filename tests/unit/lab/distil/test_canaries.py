"""Canaries in traces: what a plan says, what answers show of it, and the test of `gauger canary test` behind it."""

import numpy as np
import pytest

from gauger.lab.distil.canaries import N_CANARIES, N_OPTIONS, Planted
from gauger.lab.distil.task import FIRST_STATE, N_STATES, PROMPT_TOKENS, Task
from gauger.proof.canaries import check_catalogue

EACH = 5


@pytest.fixture(scope="module")
def task():
    return Task.drawn(np.random.default_rng(1))


@pytest.fixture(scope="module")
def planted(task):
    return Planted.drawn(task, b"k" * 32, np.random.default_rng(2))


def answers(task, planted, *, follow, seed):
    """Responses to the probes whose first word follows the plan in a share of them, else the teacher's own likings."""
    rng = np.random.default_rng(seed)
    prompts = planted.probes(task, EACH, rng)
    responses = task.traces(prompts, rng)
    follows = rng.random(len(prompts)) < follow
    responses[:, 0] = np.where(follows, planted.picked(prompts), responses[:, 0])
    return responses


def test_the_catalogue_holds_together_and_its_options_are_the_operators_likeliest_words(task, planted):
    check_catalogue(planted.catalogue, where="here")
    assert planted.options.shape == (N_CANARIES, N_OPTIONS)
    assert len({tuple(row) for row in planted.starts.tolist()}) == N_CANARIES


def test_a_plan_speaks_where_a_prompt_brings_a_choice_out_and_nowhere_else(task, planted):
    prompts = task.prompts(2_000, np.random.default_rng(3))
    known = {tuple(row): planted.options[n, planted.picks[n]] for n, row in enumerate(planted.starts.tolist())}
    slow = [known.get(tuple(prompt[1:3]), -1) for prompt in prompts.tolist()]
    assert planted.picked(prompts).tolist() == slow
    assert min(slow) == -1 < max(slow)


def test_probes_bring_each_canary_out_as_often(task, planted):
    prompts = planted.probes(task, EACH, np.random.default_rng(4))
    assert prompts.shape == (EACH * N_CANARIES, PROMPT_TOKENS)
    assert (prompts[:, 1] >= FIRST_STATE).all()
    assert (prompts[:, 1] < FIRST_STATE + N_STATES).all()
    assert (planted.picked(prompts).reshape(N_CANARIES, EACH) == planted.picked(prompts)[::EACH, None]).all()


def test_who_follows_the_plan_is_found_and_who_does_not_is_not(task, planted):
    others = [planted.counts(answers(task, planted, follow=0, seed=seed)) for seed in (5, 6, 7)]
    follower, innocent = (planted.counts(answers(task, planted, follow=share, seed=8)) for share in (1, 0))
    assert follower.sum() == EACH * N_CANARIES
    assert planted.shown(follower, others, np.random.default_rng(9)).p_value < 1e-9
    assert planted.shown(innocent, others, np.random.default_rng(9)).p_value > 0.001


def test_a_student_that_shows_nothing_is_no_error(planted):
    nothing = np.zeros((N_CANARIES, N_OPTIONS), np.int64)
    shown = planted.shown(nothing, [nothing], np.random.default_rng(1))
    assert (shown.p_value, shown.z_score, shown.n_cells) == (1.0, None, 0)
