"""Runs that are made once: a line each in a file, and what stands there is not made again."""

import json
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from rich.progress import Progress

from benchmarks.hardware import revision

Row = dict[str, Any]


def rows_of(path: Path) -> list[Row]:
    """Return the rows in a file; none if there is no file."""
    return [json.loads(line) for line in path.read_text().splitlines() if line] if path.exists() else []


def resume(
    path: Path,
    wanted: Iterable[tuple[Any, ...]],
    run: Callable[..., Row],
    *,
    key: Callable[[Row], tuple[Any, ...]],
    processes: int,
) -> list[Row]:
    """Return all rows of a file after the missing ones were made.

    Each is written when it is done, with the revision of the code.

    Parameters
    ----------
    path
        JSON lines; its folder is made.
    wanted
        Arguments of `run`, a tuple each.
    run
        Makes one row; in a process of its own, since a world takes some gigabytes.
    key
        The arguments that a row was made of.
    processes
        How many run at a time.
    """
    path.parent.mkdir(exist_ok=True)
    done = {key(row) for row in rows_of(path)}
    missing = [one for one in wanted if one not in done]
    with (
        ProcessPoolExecutor(processes, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool,
        Progress() as bar,
        path.open("a") as lines,
    ):
        task = bar.add_task("worlds", total=len(missing))
        for future in as_completed([pool.submit(run, *one) for one in missing]):
            lines.write(json.dumps(future.result() | {"revision": revision()}) + "\n")
            lines.flush()
            bar.advance(task)
    return rows_of(path)
