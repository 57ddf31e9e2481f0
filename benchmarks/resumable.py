"""Runs that are made once: a line each in a file, and what stands there of the same code is not made again."""

import json
import time
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
    """Return the rows that this revision of the code made, after the missing ones were made.

    Each is written when it is done, with the revision. What other code made stays in the file and is no part of a
    result; code that is not committed has no name, so that its runs are made anew each time.

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
    started, code = time.time(), revision()

    def own() -> list[Row]:
        mine = [row for row in rows_of(path) if row["revision"] == code]
        return mine if code and not code.endswith("+") else [row for row in mine if row.get("made_at", 0) >= started]

    done = {key(row) for row in own()}
    missing = [one for one in wanted if one not in done]
    with (
        ProcessPoolExecutor(processes, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool,
        Progress() as bar,
        path.open("a") as lines,
    ):
        task = bar.add_task("worlds", total=len(missing))
        for future in as_completed([pool.submit(run, *one) for one in missing]):
            lines.write(json.dumps(future.result() | {"revision": code, "made_at": time.time()}) + "\n")
            lines.flush()
            bar.advance(task)
    return own()
