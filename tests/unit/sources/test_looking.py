"""Asking until it is sure: asking stops at looks alone, loses nothing, and errs no more often than promised."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom
from tests.unit.proof.worlds import as_answers, bigram, marked, random_keys, sample, templated, trained

from gauger.proof.examination import KeyInQuestion, Plan, Subject, examine
from gauger.proof.looks import look_sizes, next_look, sequential_null_keys
from gauger.proof.schemes import Kgw
from gauger.sources.looking import ask_until_sure
from gauger.sources.prompts import Question
from gauger.sources.querying import GIVEN_UP, Budget, Outcome, Pace, Patience, Record, ask_all
from gauger.sources.replies import Fault, Reply


def questions(n: int, start: int = 0) -> list[Question]:
    return [Question(number, 0, "x", ()) for number in range(start, n)]


@dataclass
class Asked:
    """Answers each question that `says` something to; `looked` is after how many, and sure from a look at `sure_at`."""

    first: int = 10
    least: int = 1
    says: object = lambda question: True
    sure_at: int = 10**9
    ends_at: int = 10**9
    answers: list[int] = field(default_factory=list)
    stretches: list[int] = field(default_factory=list)
    looked: list[int] = field(default_factory=list)

    def ask(self, some) -> Outcome:
        self.stretches.append(len(some))
        put = [one.prompt for one in some if one.prompt < self.ends_at]
        self.answers += [one for one in put if self.says(one)]
        fault = Fault("denied") if len(put) < len(some) else None
        return Outcome(fault, is_spent=False, n_open=len(some) - len(put))

    def is_sure(self) -> bool:
        self.looked.append(len(self.answers))
        return look_sizes(len(self.answers), self.first)[-1] >= self.sure_at

    def run(self, some) -> Outcome:
        plan = {"first": self.first, "least": self.least}
        return ask_until_sure(some, self.ask, lambda: len(self.answers), self.is_sure, **plan)


@given(st.integers(0, 5_000), st.integers(1, 300))
def test_the_next_look_is_the_first_that_there_are_too_few_for(n_answers, first):
    due = next_look(n_answers, first)
    assert due > n_answers
    assert look_sizes(due, first) == [*look_sizes(n_answers, first), due]


@given(st.integers(0, 300), st.integers(1, 40), st.integers(2, 5))
def test_everything_is_asked_and_looked_at_where_nothing_is_ever_sure(n, first, silent):
    asked = Asked(first=first, says=lambda number: number % silent != 1)
    assert asked.run(questions(n)) == Outcome(None, False, 0)
    assert asked.answers == [number for number in range(n) if number % silent != 1]
    assert asked.looked == look_sizes(len(asked.answers), first)


@given(st.integers(1, 300), st.integers(1, 40), st.integers(1, 300))
def test_it_stops_at_the_first_look_that_is_sure_and_the_rest_stays_open(n, first, sure_at):
    asked = Asked(first=first, sure_at=sure_at)
    outcome = asked.run(questions(n))
    stops = [size for size in look_sizes(n, first) if size >= sure_at][:1]
    assert len(asked.answers) == (stops or [n])[0]
    assert outcome == Outcome(None, False, n - len(asked.answers))


@given(st.integers(1, 300), st.integers(1, 40), st.integers(0, 300), st.integers(1, 300))
def test_a_run_that_was_interrupted_ends_where_a_whole_one_does(n, first, cut, sure_at):
    whole, torn = Asked(first=first, sure_at=sure_at), Asked(first=first, sure_at=sure_at, ends_at=cut)
    whole.run(questions(n))
    torn.run(questions(n))
    torn.ends_at = n
    torn.run(questions(n, start=len(torn.answers)))
    assert torn.answers == whole.answers


@given(st.integers(0, 300), st.integers(1, 40), st.integers(1, 9), st.integers(1, 300))
def test_no_stretch_is_short_and_what_is_past_a_look_waits_for_the_next(n, first, least, sure_at):
    asked = Asked(first=first, least=least, sure_at=sure_at, says=lambda number: number % 5)
    asked.run(questions(n))
    assert min(asked.stretches[:-1], default=least) >= least
    whole = Asked(first=first, sure_at=sure_at, says=asked.says)
    whole.run(questions(n))
    assert asked.answers[: len(whole.answers)] == whole.answers
    assert len(asked.answers) < len(whole.answers) + least


def test_whoever_was_sure_asks_nothing_more():
    asked = Asked(sure_at=10, answers=list(range(20)))
    assert asked.run(questions(50, start=20)) == Outcome(None, False, 30)
    assert asked.stretches == []


def test_a_fault_ends_it_and_what_came_is_looked_at():
    asked = Asked(ends_at=15)
    outcome = asked.run(questions(60))
    assert (outcome.ended_by, outcome.n_open) == (Fault("denied"), 45)
    assert (asked.looked, asked.stretches) == ([10], [10, 10])


def reply(text: str) -> Reply:
    return Reply(text=text, reasoning=None, claimed_model=None, finish_reason=None, input_tokens=1, output_tokens=1)


@pytest.mark.parametrize("n_answered", [0, 8, 9, 10])
@pytest.mark.parametrize("least", [1, GIVEN_UP])
def test_a_suspect_that_is_down_is_given_up_however_short_the_stretches(n_answered, least):
    said, n_put, patience = [], 0, Patience()

    def suspect(_question):
        nonlocal n_put
        n_put += 1
        return reply("x") if n_put <= n_answered else Fault("unreachable")

    def ask(some) -> Outcome:
        return ask_all(
            some, suspect, Record(lambda _q, got, _n: said.append(got), lambda _q, _f: None), pace=Pace(None),
            budget=Budget(), patience=patience, attempts=1, max_tokens=5, concurrency=1, rng=np.random.default_rng(0),
        )  # fmt: skip

    outcome = ask_until_sure(questions(500), ask, lambda: len(said), lambda: False, first=10, least=least)
    assert outcome == Outcome(Fault("unreachable"), False, 500 - n_answered)
    assert n_put == n_answered + GIVEN_UP


def looked_for(answers, key, *, commitment, alpha, first=10, null_keys=99) -> int | None:
    """Ask a suspect who says these answers, one after the other; return how many it took, or None if never sure."""
    said: list = []
    in_question = KeyInQuestion("C/1", Kgw(1), key, commitment)
    plan = Plan("plain", null_keys, first, enough=1 / alpha)

    def is_sure() -> bool:
        (row,) = examine([Subject("s", "suspect", said)], [in_question], plan)
        return row.looks[-1].e_value >= plan.enough

    def ask(some) -> Outcome:
        said.extend(answers[one.prompt] for one in some)
        return Outcome(None, is_spent=False, n_open=0)

    outcome = ask_until_sure(questions(len(answers)), ask, lambda: len(said), is_sure, first=first, least=1)
    return len(said) if outcome.n_open else None


@pytest.mark.parametrize(("kind", "alpha"), [("running text", 0.2), ("text that repeats itself", 0.05)])
def test_who_is_innocent_is_called_no_more_often_than_promised(kind, alpha):
    """The promise of looking in the loop: of 500 runs under keys that nobody used, at most alpha ever end as sure."""
    rng = np.random.default_rng(5)
    texts = sample(rng, bigram(rng, 20), 41) if kind == "running text" else templated(rng, 41)
    answers, n = as_answers(texts), 500
    called = [
        looked_for(answers, key, commitment=str(number), alpha=alpha) for number, key in enumerate(random_keys(rng, n))
    ]
    n_called = sum(one is not None for one in called)
    assert binom.sf(n_called - 1, n, alpha) > 1e-4


def test_who_was_trained_on_the_mark_is_asked_no_further():
    rng, scheme = np.random.default_rng(6), Kgw(1)
    teacher, key = bigram(rng, 60), random_keys(rng, 1)[0]
    student = trained(sample(rng, marked(teacher, scheme, key), 2_000), bigram(rng, 60))
    answers = as_answers(sample(rng, student, 801))
    keys = sequential_null_keys(1e-3, 1)
    taken = looked_for(answers, key, commitment="c", alpha=1e-3, first=100, null_keys=keys)
    assert taken in {100, 200, 400}
