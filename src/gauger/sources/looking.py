"""Asking until it is sure: in stretches that end where the plan looks, or few answers later.

Until the first look that is sure, the same is asked whatever the looks say: they only decide whether there is more. So
the run is the beginning of one that nobody looked at, and the looks are those that a test of the finished run makes.
Answers past a look wait for the next, so no stretch is shorter than one that keeps every thread busy.
"""

from collections.abc import Callable, Sequence

from gauger.proof.looks import next_look
from gauger.sources.prompts import Question
from gauger.sources.querying import Outcome


def ask_until_sure(
    questions: Sequence[Question],
    ask: Callable[[Sequence[Question]], Outcome],
    count: Callable[[], int],
    is_sure: Callable[[], bool],
    *,
    first: int,
    least: int,
) -> Outcome:
    """Return how it ended; where a look was sure, what was not asked is open.

    Parameters
    ----------
    questions
        Those without an answer yet.
    ask
        Puts some of them (`gauger.sources.querying.ask_all`).
    count
        Answers so far that can be looked at, those of earlier runs too; called for each stretch.
    is_sure
        Looks at them by the plan. Called where a look is due, and at once where one was due before.
    first
        Answers at the first look.
    least
        Questions of a stretch at least, as long as there are so many.
    """
    n_waiting, n_open = len(questions), 0
    due = next_look(count(), first)
    if due > first and is_sure():
        return Outcome(None, is_spent=False, n_open=n_waiting)
    while n_waiting:
        start = len(questions) - n_waiting
        some = questions[start : start + max(due - count(), least)]
        outcome = ask(some)
        n_waiting -= len(some)
        n_open += outcome.n_open
        is_over = outcome.ended_by is not None or outcome.is_spent
        if count() >= due:
            is_over = is_sure() or is_over
            due = next_look(count(), first)
        if is_over:
            return Outcome(outcome.ended_by, outcome.is_spent, n_open + n_waiting)
    return Outcome(None, is_spent=False, n_open=n_open)
