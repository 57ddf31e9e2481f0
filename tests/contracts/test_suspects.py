"""What every suspect promises, an endpoint and a model on this disk alike."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pytest
from tests.unit.sources.endpoints import drip, serving, well
from tests.unit.sources.models import N_POSITIONS, sampling, write_model

from gauger.sources.endpoint import Address, Asking, Endpoint, Limits
from gauger.sources.local_models import load_model
from gauger.sources.prompts import Question
from gauger.sources.querying import Budget, Outcome, Pace, Patience, Record, ask_all
from gauger.sources.replies import Fault, Reply
from gauger.sources.suspects import Suspect
from gauger.store.query_runs import Asked, hash_of, open_run, read_run

NOW = datetime(2026, 6, 1, tzinfo=UTC)
MOST = 12


@dataclass(frozen=True)
class Case:
    """A suspect that answers, and one that would write for ever."""

    suspect: Suspect
    endless: Callable[[], Suspect]


def question(text: str, number: int = 0, sample: int = 0) -> Question:
    return Question(number, sample, text, ({"role": "user", "content": text},))


def serve(handler, body, number) -> None:
    said = body["messages"][-1]["content"]
    if len(said.split()) > N_POSITIONS:
        handler.reply(b'{"error": "the prompt is too long"}', 400)
    else:
        well(handler, body, number)


def endpoint(url: str) -> Endpoint:
    return Endpoint(Address.parse(url, allow_plain=False), Asking("m", "chat", MOST), Limits(30.0, 1 << 20))


@pytest.fixture(params=["endpoint", pytest.param("local", marks=pytest.mark.slow)])
def case(request, tmp_path) -> Iterator[Case]:
    if request.param == "endpoint":
        with serving(serve) as server, serving(drip) as dripping:
            yield Case(endpoint(server.url), lambda: endpoint(dripping.url))
    else:
        request.getfixturevalue("transformers_installed")
        small, large = write_model(tmp_path / "m"), write_model(tmp_path / "large", n_positions=1 << 14)
        yield Case(load_model(small, sampling(max_tokens=MOST)), lambda: load_model(large, sampling(max_tokens=10**6)))


def test_an_answer_is_a_reply_with_counts(case):
    got = case.suspect.ask(question("w1 w2 w3"))
    assert isinstance(got, Reply)
    assert got.text
    assert got.input_tokens > 0
    assert 0 < got.output_tokens <= MOST
    assert got.is_exact


def test_a_question_that_it_does_not_take_is_refused_and_the_next_is_answered(case):
    refused = case.suspect.ask(question("w1 " * (2 * N_POSITIONS)))
    assert isinstance(refused, Fault)
    assert refused.code == "refused"
    assert isinstance(case.suspect.ask(question("w1")), Reply)


def test_it_may_be_asked_from_several_threads(case):
    got: list[Reply | Fault] = []
    threads = [threading.Thread(target=lambda n=n: got.append(case.suspect.ask(question("w1", n)))) for n in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(timeout=60)
    assert [type(one) for one in got] == [Reply] * 6


def test_hanging_up_ends_what_is_asked_soon(case):
    suspect, got = case.endless(), []
    thread = threading.Thread(target=lambda: got.append(suspect.ask(question("w1"))))
    thread.start()
    time.sleep(0.3)
    suspect.hang_up()
    thread.join(timeout=20)
    assert not thread.is_alive()
    assert [type(one) for one in got] == [Fault]


def test_a_run_goes_on_where_it_stopped(case, tmp_path):
    prompts = b"".join(b'{"prompt": "w%d w2"}\n' % n for n in range(5))
    asked = Asked(
        endpoint=None, model="m", interface="chat", samples=2, max_tokens=MOST, temperature=None,
        prompts_sha256=hash_of(prompts),
    )  # fmt: skip

    def go_on(budget: Budget) -> Outcome:
        with open_run(tmp_path / "run", asked, prompts, now=NOW) as run:
            record = Record(
                lambda one, got, tries: run.keep_answer(one, got, tries, now=NOW),
                lambda one, fault: run.keep_fault(one, fault, now=NOW),
            )
            return ask_all(
                run.left(), case.suspect.ask, record, pace=Pace(None), budget=budget, patience=Patience(),
                attempts=1, max_tokens=MOST, concurrency=1, rng=np.random.default_rng(0), hang_up=lambda: None,
            )  # fmt: skip

    assert go_on(Budget(requests=3)) == Outcome(None, True, 7)
    first = read_run(tmp_path / "run")[2]
    assert go_on(Budget()) == Outcome(None, False, 0)
    whole = read_run(tmp_path / "run")[2]
    assert whole[:3] == first
    assert [(one.sample, one.prompt) for one in whole] == [(s, n) for s in (0, 1) for n in range(5)]
