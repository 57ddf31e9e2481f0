"""Long jobs on several processes, each result handed on when it is there."""

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from typing import TypeVar

from gauger.errors import GaugerError

Job = TypeVar("Job")
Result = TypeVar("Result")


def each(run: Callable[[Job], Result], jobs: Sequence[Job], processes: int) -> Iterator[Result]:
    """Yield the result of every job as it ends: in this process, or in fresh ones.

    Raises
    ------
    GaugerError
        A process was ended from outside.
    """
    if processes == 1:
        yield from map(run, jobs)
        return
    # Forked workers would inherit locks of threads that the engine and the kernels may hold.
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=fresh, initializer=_end_at_once) as workers:
        try:
            yield from _as_they_end(workers, run, iter(jobs), processes)
        except BrokenProcessPool as error:
            raise GaugerError(
                "a process of the lab was ended from outside, mostly for want of memory",
                todo="run the same command again with fewer --processes; what was finished is kept",
            ) from error


def _as_they_end(
    workers: Executor, run: Callable[[Job], Result], jobs: Iterator[Job], processes: int
) -> Iterator[Result]:
    """Yield results, no more jobs handed out than there are processes: whoever stops waits for no queue."""
    running = {workers.submit(run, job) for job in islice(jobs, processes)}
    while running:
        done, running = wait(running, return_when=FIRST_COMPLETED)
        running |= {workers.submit(run, job) for job in islice(jobs, len(done))}
        yield from (future.result() for future in done)


def _end_at_once() -> None:
    """Let Ctrl-C end a worker without a traceback; whoever started it tells the user."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
