"""Commands: the composition root. It alone reads the environment, the clock and the terminal."""

import os
import signal
import sys
from io import TextIOWrapper
from pathlib import Path
from types import FrameType

_A_MOMENT_S = 0.05


def main() -> None:
    """Run the command line."""
    # Compiled kernels belong in the user's cache, never beside the installed package.
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gauger" / "kernels"
    os.environ.setdefault("NUMBA_CACHE_DIR", str(cache))
    heed_interrupts()
    try:
        from gauger.cli.app import run
    except KeyboardInterrupt:
        sys.exit(130)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    sys.exit(run())


def heed_interrupts() -> None:
    """Give whoever stops the process what Ctrl-C gives: the work so far is kept and scratch is removed.

    An interruption that comes while Python clears up after an object is dropped there, and printed. It is raised again
    a moment later.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGALRM, _interrupt)
    sys.unraisablehook = _raise_later


def _raise_later(dropped: "sys.UnraisableHookArgs") -> None:
    if issubclass(dropped.exc_type, KeyboardInterrupt):
        signal.setitimer(signal.ITIMER_REAL, _A_MOMENT_S)
    else:
        sys.__unraisablehook__(dropped)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
