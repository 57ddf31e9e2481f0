"""Commands: the composition root. It alone reads the environment, the clock and the terminal."""

import os
import sys
from pathlib import Path


def main() -> None:
    """Run the command line."""
    # Compiled kernels belong in the user's cache, never beside the installed package.
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gauger" / "kernels"
    os.environ.setdefault("NUMBA_CACHE_DIR", str(cache))
    from gauger.cli.app import run

    sys.exit(run())
