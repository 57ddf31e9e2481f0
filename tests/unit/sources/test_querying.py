"""Many questions to one endpoint: at a pace, within a budget, with patience."""

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gauger.sources.prompts import Question
from gauger.sources.querying import MAX_WAIT_S, Budget, Outcome, Pace, Patience, Record, ask_all, spent
from gauger.sources.replies import Fault, Reply


def questions(n: int) -> list[Question]:
    return [Question(number, 0, "abcd", ()) for number in range(n)]


def reply(text: str = "x", **more: object) -> Reply:
    fields = {"reasoning": None, "claimed_model": "m", "finish_reason": None, "input_tokens": 1, "output_tokens": 2}
    return Reply(text=text, **(fields | more))


class Time:
    """A clock that goes on when somebody waits; waits are noted."""

    def __init__(self) -> None:
        self.now, self.waits = 0.0, []

    def pace(self, per_minute=None) -> Pace:
        pace = Pace(per_minute, clock=lambda: self.now)
        pace._stopped = self  # the one thing that waits
        return pace

    _set = False

    def is_set(self) -> bool:
        return self._set

    def set(self) -> None:
        self._set = True

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


def run(n: int, ask, *, clock=None, budget=None, attempts=3, concurrency=1, per_minute=None):
    kept: list = []
    clock = clock or Time()
    outcome = ask_all(
        questions(n),
        ask,
        Record(lambda q, r, k: kept.append((q.prompt, r.text, k)), lambda q, f: kept.append((q.prompt, f.code))),
        pace=clock.pace(per_minute),
        budget=budget or Budget(),
        patience=Patience(),
        attempts=attempts,
        max_tokens=10,
        concurrency=concurrency,
        rng=np.random.default_rng(0),
    )
    return outcome, kept, clock


def test_every_question_is_answered_once():
    outcome, kept, _ = run(40, lambda _q: reply(), concurrency=4)
    assert outcome == Outcome(None, False, 0)
    assert sorted(one[0] for one in kept) == list(range(40))


def test_no_more_requests_a_minute_than_allowed():
    times, clock = [], Time()

    def ask(_question):
        times.append(clock.now)
        return reply()

    run(10, ask, clock=clock, per_minute=30)
    assert np.allclose(np.diff(times), 2.0)


def test_a_wait_that_is_asked_for_is_kept_and_an_absurd_one_is_cut():
    for asked, waited in ((7.0, 7.0), (1e9, MAX_WAIT_S)):
        faults = iter([Fault("limited", 429, asked)])
        outcome, kept, clock = run(1, lambda _q, left=faults: next(left, reply()))
        assert outcome.n_open == 0
        assert kept == [(0, "limited"), (0, "x", 2)]
        assert sum(clock.waits) == waited


def test_own_waits_grow():
    _, kept, clock = run(1, lambda _q: Fault("busy", 503), attempts=5)
    assert len(kept) == 5
    assert all(late > early for early, late in zip(clock.waits, clock.waits[1:], strict=False))
    assert sum(clock.waits) <= 1 + 2 + 4 + 8


def test_a_refused_question_does_not_stop_the_others():
    outcome, kept, _ = run(3, lambda q: Fault("refused", 400) if q.prompt == 1 else reply())
    assert outcome == Outcome(None, False, 0)
    assert kept == [(0, "x", 1), (1, "refused"), (2, "x", 1)]


def test_a_refused_key_stops_everything_at_once():
    outcome, kept, _ = run(50, lambda _q: Fault("denied", 401))
    assert (outcome.ended_by, len(kept)) == (Fault("denied", 401), 1)
    assert outcome.n_open == 49


def test_an_endpoint_that_is_down_is_given_up_and_its_questions_stay_open():
    outcome, kept, _ = run(50, lambda _q: Fault("unreachable"), attempts=2)
    assert (outcome.ended_by, outcome.n_open, len(kept)) == (Fault("unreachable"), 50, 6)


def test_an_endpoint_that_fails_now_and_then_is_not_given_up():
    count = iter(range(10_000))
    outcome, _, _ = run(60, lambda _q: reply() if next(count) % 3 == 2 else Fault("busy", 500), attempts=4)
    assert outcome == Outcome(None, False, 0)


@given(st.integers(0, 12), st.integers(0, 200), st.integers(1, 4))
def test_no_more_is_spent_than_the_budget(requests, tokens, concurrency):
    asked = threading.Lock(), []

    def ask(_question):
        with asked[0]:
            asked[1].append(1)
        return reply(input_tokens=4, output_tokens=10)

    outcome, kept, _ = run(20, ask, budget=Budget(requests, tokens), concurrency=concurrency)
    assert len(asked[1]) == len(kept) <= requests
    assert 14 * len(kept) <= tokens
    assert outcome.n_open == 20 - len(kept)
    assert outcome.is_spent


def test_what_is_not_counted_is_estimated():
    (question,) = questions(1)
    assert spent(question, reply(input_tokens=None, output_tokens=None, text="x" * 40), 64) == 1 + 10
    assert spent(question, Fault("busy"), 64) == 0


def test_who_counts_too_little_is_not_believed():
    (question,) = questions(1)
    assert spent(question, reply(input_tokens=0, output_tokens=0, text="x" * 20, reasoning="x" * 20), 64) == 1 + 10
    assert spent(question, reply(input_tokens=9, output_tokens=70, text="x" * 40), 64) == 79


@pytest.mark.parametrize("code", ["timeout", "cut off", "too long"])
def test_what_may_have_been_written_is_spent(code):
    (question,) = questions(1)
    assert spent(question, Fault(code), 64) == 4 + 64
    outcome, kept, _ = run(20, lambda _q: Fault(code), budget=Budget(None, 30), attempts=1)
    assert (len(kept), outcome.is_spent) == (2, True)


def test_an_error_in_one_thread_ends_all():
    def ask(question):
        if question.prompt == 5:
            raise OSError("the disk is full")
        return reply()

    with pytest.raises(OSError, match="full"):
        run(1_000, ask, concurrency=3)
