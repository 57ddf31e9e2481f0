"""Progress on stderr: a bar with rate and time left in a terminal, nothing elsewhere."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from gauger.pipeline import Progress


@contextmanager
def progress_on(*, enabled: bool) -> Iterator[Progress]:
    """Yield a callback that shows steps; silent unless stderr is a terminal."""
    if not (enabled and sys.stderr.isatty()):
        yield lambda _step, _done, _all: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description:<16}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    steps = (TextColumn("{task.description:<16}"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
    console = Console(stderr=True)
    with Bars(*columns, console=console, transient=True) as bytes_bars:
        tasks: dict[str, int] = {}
        del steps

        def show(step: str, done: int, total: int | None) -> None:
            if step not in tasks:
                tasks[step] = bytes_bars.add_task(step, total=total)
            bytes_bars.update(tasks[step], completed=done, total=total)  # type: ignore[arg-type]

        yield show
