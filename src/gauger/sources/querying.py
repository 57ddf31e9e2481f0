"""Putting many questions to an endpoint: at a pace, within a budget, with patience, and each answer kept at once."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from gauger.sources.prompts import Question
from gauger.sources.replies import FATAL, LASTING, Code, Fault, Reply

#: The longest that is waited, whatever the endpoint asks for; and the longest of our own accord, seconds.
MAX_WAIT_S: Final = 600.0
MAX_BACK_OFF_S: Final = 60.0
#: Questions in a row without an answer, after which the endpoint is taken to be down.
GIVEN_UP: Final = 3
#: Faults after which the endpoint may have read the question and written as much as it was let.
MAY_HAVE_WRITTEN: Final[frozenset[Code]] = frozenset({"timeout", "cut off", "broken", "encoded", "too long"})

Ask = Callable[[Question], Reply | Fault]


@dataclass(slots=True)
class Budget:
    """What a run may still spend; None is no limit.

    Tokens of a request under way are set aside at their most, so that several at a time do not overspend.
    """

    requests: int | None = None
    tokens: int | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, tokens: int) -> bool:
        """Set a request and its tokens aside; false where there is not that much left."""
        with self._lock:
            if (self.requests is not None and self.requests < 1) or (self.tokens is not None and self.tokens < tokens):
                return False
            if self.requests is not None:
                self.requests -= 1
            if self.tokens is not None:
                self.tokens -= tokens
            return True

    def settle(self, taken: int, spent: int) -> None:
        """Give back what was set aside and not spent."""
        with self._lock:
            if self.tokens is not None:
                self.tokens += taken - spent


class Pace:
    """When the next request may go: so many a minute, and none while the endpoint asked to wait."""

    def __init__(self, per_minute: float | None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._gap_s = 60 / per_minute if per_minute else 0.0
        self._clock = clock
        self._lock = threading.Lock()
        self._next = clock()
        self._stopped = threading.Event()

    def wait(self) -> bool:
        """Return when it is one's turn; false once stopped."""
        while not self._stopped.is_set():
            with self._lock:
                now = self._clock()
                if now >= self._next:
                    self._next = max(self._next, now) + self._gap_s
                    return True
                left = self._next - now
            self._stopped.wait(left)
        return False

    def hold(self, seconds: float) -> None:
        """Let nobody go for so long."""
        with self._lock:
            self._next = max(self._next, self._clock() + min(seconds, MAX_WAIT_S))

    def pause(self, seconds: float) -> None:
        """Wait oneself, unless stopped."""
        self._stopped.wait(min(seconds, MAX_WAIT_S))

    def stop(self) -> None:
        """Let nobody go any more."""
        self._stopped.set()


@dataclass(slots=True)
class Patience:
    """How many questions in a row had no answer: one for all stretches of a run, or a dead endpoint is never seen."""

    n_given_up: int = 0

    def is_over(self, got: Reply | Fault) -> bool:
        """Count what came of a question in the end; return whether the suspect is taken to be down."""
        self.n_given_up = 0 if isinstance(got, Reply) or got.code in LASTING else self.n_given_up + 1
        return self.n_given_up >= GIVEN_UP


@dataclass(frozen=True, slots=True)
class Record:
    """Where what comes back is kept, from any thread: `answer(question, reply, attempts)`, `fault(question, fault)`."""

    answer: Callable[[Question, Reply, int], None]
    fault: Callable[[Question, Fault], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended: the fault that ended it, whether the budget did, and questions left without an answer."""

    ended_by: Fault | None
    is_spent: bool
    n_open: int


class _Run:
    """The state that the threads of one run share."""

    def __init__(
        self, questions: Sequence[Question], ask: Ask, record: Record, *, pace: Pace, budget: Budget,
        patience: Patience, attempts: int, max_tokens: int, rng: np.random.Generator, progress: Callable[[int], None],
    ) -> None:  # fmt: skip
        self._waiting: Iterator[Question] = iter(questions)
        self._ask, self._record, self._pace, self._budget, self._patience = ask, record, pace, budget, patience
        self._attempts, self._max_tokens, self._rng, self._progress = attempts, max_tokens, rng, progress
        self._lock = threading.Lock()
        self.n_closed = 0
        self.ended_by: Fault | None = None
        self.is_spent = False

    def work(self) -> None:
        """Answer questions until there are none, or the run has ended."""
        try:
            while (question := self._next()) is not None:
                self._closed(self._answered(question))
        except BaseException:
            self._pace.stop()
            raise

    def _next(self) -> Question | None:
        with self._lock:
            return None if self.is_spent or self.ended_by else next(self._waiting, None)

    def _answered(self, question: Question) -> Reply | Fault | None:
        """Return what came of a question in the end; None where it was not put for want of budget or time."""
        last: Fault | None = None
        for attempt in range(1, self._attempts + 1):
            if not self._pace.wait():
                return None
            if not self._may_spend(question):
                return None
            got = self._put(question, attempt)
            if isinstance(got, Reply) or got.code in LASTING:
                return got
            last = got
            if attempt < self._attempts:
                self._wait_for(got, attempt)
        return last

    def _may_spend(self, question: Question) -> bool:
        if self._budget.take(self._most(question)):
            return True
        with self._lock:
            self.is_spent = True
        return False

    def _put(self, question: Question, attempt: int) -> Reply | Fault:
        got = self._ask(question)
        most = self._most(question)
        self._budget.settle(most, spent(question, got, self._max_tokens))
        if isinstance(got, Reply):
            self._record.answer(question, got, attempt)
        else:
            self._record.fault(question, got)
        return got

    def _most(self, question: Question) -> int:
        return most_spent(question, self._max_tokens)

    def _wait_for(self, fault: Fault, attempt: int) -> None:
        with self._lock:
            own = min(2.0 ** (attempt - 1), MAX_BACK_OFF_S) * (0.5 + self._rng.random() / 2)
        asked = fault.retry_after_s
        if asked is not None:
            self._pace.hold(asked)
        elif fault.code == "limited":
            self._pace.hold(own)
        else:
            self._pace.pause(own)

    def _closed(self, got: Reply | Fault | None) -> None:
        if got is None:
            return
        with self._lock:
            self.n_closed += isinstance(got, Reply) or got.code in LASTING
            is_over = self._patience.is_over(got)
            if isinstance(got, Fault) and (got.code in FATAL or is_over):
                self.ended_by = self.ended_by or got
                self._pace.stop()
            self._progress(self.n_closed)


def ask_all(
    questions: Sequence[Question],
    ask: Ask,
    record: Record,
    *,
    pace: Pace,
    budget: Budget,
    patience: Patience,
    attempts: int,
    max_tokens: int,
    concurrency: int,
    rng: np.random.Generator,
    hang_up: Callable[[], None] = lambda: None,
    progress: Callable[[int], None] = lambda _done: None,
) -> Outcome:
    """Put every question until each has an answer or a lasting fault, the budget is spent, or the endpoint is down.

    Parameters
    ----------
    questions
        Those without an answer yet.
    ask
        Puts one; called from several threads.
    record
        Keeps what comes back, before anything else is asked by that thread.
    pace, budget
        When a request may go, and how many.
    patience
        When the suspect is given up; the same one for every stretch of a run.
    attempts
        Requests for one question in one run; what failed each time is left open for the next run.
    max_tokens
        Most tokens of an answer.
    concurrency
        Threads.
    rng
        Spreads our own waits.
    hang_up
        Ends requests under way, when the run is interrupted.
    progress
        Told how many questions are closed.
    """
    run = _Run(
        questions, ask, record, pace=pace, budget=budget, patience=patience, attempts=attempts, max_tokens=max_tokens,
        rng=rng, progress=progress,
    )  # fmt: skip
    with ThreadPoolExecutor(concurrency) as pool:
        try:
            for done in as_completed([pool.submit(run.work) for _ in range(concurrency)]):
                done.result()
        except BaseException:
            pace.stop()
            hang_up()
            raise
    return Outcome(run.ended_by, run.is_spent, len(questions) - run.n_closed)


def most_spent(question: Question, max_tokens: int) -> int:
    """Return the most tokens that a request may cost: no tokenizer makes more of a text than it has bytes."""
    return max_tokens + len(question.text.encode())


def spent(question: Question, got: Reply | Fault, max_tokens: int) -> int:
    """Return the tokens that a request is taken to have cost.

    Of an answer the larger of the endpoint's count and four bytes a token: who counts nothing spends nothing
    otherwise. Of a fault the most it may have cost if it came after the question had gone out, and else nothing.
    """
    if isinstance(got, Fault):
        return most_spent(question, max_tokens) if got.code in MAY_HAVE_WRITTEN else 0
    read = len(question.text.encode()) // 4
    written = len((got.text + (got.reasoning or "")).encode()) // 4
    return max(read, got.input_tokens or 0) + max(written, got.output_tokens or 0)
