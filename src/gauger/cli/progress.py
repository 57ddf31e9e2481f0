"""Progress on a terminal: bytes with rate and time left while logs are read, then the steps of the detection."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, ProgressColumn, Task, TextColumn
from rich.progress import Progress as Bars
from rich.text import Text

if TYPE_CHECKING:
    from gauger.pipeline import Progress

#: Steps that count bytes; all others count what they say.
BYTE_STEPS: Final = frozenset({"reading logs", "reading the model"})
#: Steps whose rate is shown beside their count.
RATE_STEPS: Final = frozenset({"answers", "students", "steps"})
#: Steps of something within the step before, which is not over when they begin.
INNER_STEPS: Final = frozenset({"steps"})


def silent(_step: str, _done: int, _total: int | None) -> None:
    """Show nothing."""


@contextmanager
def bars() -> Iterator["Progress"]:
    """Yield a callback that shows each step as a bar on stderr; all are gone when the block ends.

    A step whose count falls begins anew.
    """
    columns = (TextColumn("{task.description:<16}"), BarColumn(bar_width=24), _Amount())
    with Bars(*columns, console=Console(stderr=True), transient=True) as shown:
        tasks: dict[str, Task] = {}

        def show(step: str, done: int, total: int | None) -> None:
            if step not in tasks:
                for earlier in () if step in INNER_STEPS else tasks.values():
                    shown.update(earlier.id, completed=earlier.total or earlier.completed)
                number = shown.add_task(step, total=total, begun=done)
                tasks[step] = next(task for task in shown.tasks if task.id == number)
            elif done < tasks[step].completed:
                shown.reset(tasks[step].id, begun=done)
            shown.update(tasks[step].id, completed=done, total=total)

        yield show


class _Amount(ProgressColumn):
    """How much is done: bytes, rate and time left, or a count."""

    def render(self, task: Task) -> Text:
        """Return the cell of a bar."""
        if task.description in RATE_STEPS:
            return Text(_rated(task))
        return Text(_bytes(task) if task.description in BYTE_STEPS else _count(task))


def _bytes(task: Task) -> str:
    done = decimal(int(task.completed))
    parts = [done if task.total is None else f"{done} of {decimal(int(task.total))}"]
    speed = task.finished_speed or task.speed
    if speed:
        parts.append(f"{decimal(int(speed))}/s")
    if task.time_remaining is not None and not task.finished:
        parts.append(f"{timedelta(seconds=int(task.time_remaining))} left")
    return ", ".join(parts)


def _rated(task: Task) -> str:
    """Return how many are done, how many a minute, and the time left; by the mean so far, for they may be far apart."""
    done, total, elapsed = int(task.completed), int(task.total or 0), task.elapsed
    made = done - int(task.fields["begun"])
    if not (made and elapsed):
        return f"{done:,} of {total:,}"
    left = timedelta(seconds=int((total - done) * elapsed / made))
    return f"{done:,} of {total:,}, {60 * made / elapsed:,.1f} a minute, {left} left"


def _count(task: Task) -> str:
    if task.total is None or task.total <= 1:
        return "done" if task.finished else ""
    shown = f"{min(int(task.completed) + 1, int(task.total))} of {int(task.total)}"
    if task.finished or not task.time_remaining:
        return shown
    return f"{shown}, {timedelta(seconds=int(task.time_remaining))} left"
