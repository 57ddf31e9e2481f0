"""Commands: the composition root. It alone reads the environment, the clock and the terminal."""

import os
import signal
import sys
from io import TextIOWrapper
from pathlib import Path
from types import FrameType


def main() -> None:
    """Run the command line."""
    # Compiled kernels belong in the user's cache, never beside the installed package.
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gauger" / "kernels"
    os.environ.setdefault("NUMBA_CACHE_DIR", str(cache))
    # Whoever stops the process gets what Ctrl-C gets: the work so far is kept and scratch is removed.
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        from gauger.cli.app import run
    except KeyboardInterrupt:
        sys.exit(130)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    sys.exit(run())


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
