"""Logs read side by side by processes of their own: one log keeps little more than one core busy."""

import os
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import cache, partial
from multiprocessing import get_context
from multiprocessing.connection import Connection
from threading import Thread
from typing import Final

from gauger.errors import WorkspaceError
from gauger.store.apart import Recipe, Wanted, reported, reports
from gauger.store.filling import Sketching
from gauger.store.manifest import FilePlan
from gauger.store.staging import StagedLog

#: Most readers: each holds up to 0.9 GB (benchmarks/scale.py), and one process takes over what all of them write.
MAX_READERS: Final = 8

Read = Callable[[Sequence[FilePlan]], Iterator[StagedLog]]


@contextmanager
def readers(recipe: Recipe, *, processes: int) -> Iterator[Read]:
    """Yield what reads logs side by side, and gives what became of each, in their order.

    At most one log a reader is read ahead. The readers end with the block, at once where it ends in an exception, and
    with this process, however that ends.

    Raises
    ------
    WorkspaceError
        A reader was killed.
    """
    context = get_context("spawn")  # a fork would copy locks that other threads hold
    until, held = context.Pipe(duplex=False)
    pool = ProcessPoolExecutor(processes, mp_context=context, initializer=_begin, initargs=(recipe, until))
    try:
        yield partial(_in_order, pool, processes)
        pool.shutdown()
    except BrokenProcessPool:
        raise WorkspaceError(
            "a process that read a log was killed",
            where=str(recipe.workspace),
            todo="was there too little memory? Run it again with fewer --threads; what counted before is kept",
        ) from None
    finally:
        held.close()
        until.close()
        pool.shutdown(cancel_futures=True)


def _in_order(pool: ProcessPoolExecutor, ahead: int, plans: Sequence[FilePlan]) -> Iterator[StagedLog]:
    begun: deque[Future[list[bytes]]] = deque()
    broken: BrokenProcessPool | None = None
    for plan in plans:
        try:
            begun.append(_begun(pool, plan))
        except BrokenProcessPool as error:
            broken = error
            break
        if len(begun) > ahead:
            yield reported(begun.popleft().result())
    while begun:
        yield reported(begun.popleft().result())
    if broken is not None:
        raise broken


def _begun(pool: ProcessPoolExecutor, plan: FilePlan) -> Future[list[bytes]]:
    """Give out a log. Ctrl-C reaches every process of the terminal, and one decides: new readers inherit its mask."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return pool.submit(_read, Wanted.by(plan))
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


# What follows runs in a reader.

#: What to read by, once this process has begun.
_GIVEN: Final[list[Recipe]] = []


def _begin(recipe: Recipe, until: Connection) -> None:
    Thread(target=_end_with, args=(until,), daemon=True).start()
    _GIVEN.append(recipe)


@cache
def _sketching() -> Sketching:
    return _GIVEN[0].sketching()


def _end_with(until: Connection) -> None:
    """End this process when the other end is closed, by its owner or by its owner's death."""
    try:
        until.recv_bytes()
    except (EOFError, OSError):
        os._exit(1)


def _read(log: Wanted) -> list[bytes]:
    return list(reports(log, _GIVEN[0], _sketching()))
