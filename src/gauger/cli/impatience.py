"""Whoever interrupts a second time is not kept waiting for what cannot be interrupted."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

_INTERRUPTED: Final = 130


@contextmanager
def second_interruption() -> Iterator[Callable[[], None]]:
    """Yield what to call at the first interruption: from then on the next one ends the process as it is.

    For work of which all that counts is on the disk at any moment. Called in the main thread.
    """
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    is_armed = False

    def arm() -> None:
        nonlocal is_armed
        is_armed = True
        for number in before:
            signal.signal(number, _leave)

    try:
        yield arm
    finally:
        if is_armed:
            for number, handler in before.items():
                signal.signal(number, handler)


def _leave(_signal: int, _frame: FrameType | None) -> None:
    os.write(2, b"gauger: interrupted twice; what was finished is kept\n")
    os._exit(_INTERRUPTED)
