"""What a benchmark ran on, and which revision of the code it ran."""

import subprocess
from functools import cache
from pathlib import Path

from gauger.lab import hardware as machine

__all__ = ["hardware", "revision"]


def hardware() -> dict[str, object]:
    """Return the machine, the versions that matter, and the revision of the code."""
    return {"revision": revision(), **machine.hardware()}


#: What a result follows from. Neither the results nor what is said of them is code.
_CODE = ("src", "benchmarks/*.py", "pyproject.toml", "constraints")


@cache
def revision() -> str | None:
    """Return the last commit that changed code, with "+" where code differs from it; None outside a repository."""
    commit = _git("log", "-1", "--format=%h", "--abbrev=7", "--", *_CODE)
    return commit + "+" * bool(_git("status", "--porcelain", "--", *_CODE)) if commit else None


def _git(*command: str) -> str:
    folder = Path(__file__).parents[1]
    return subprocess.run(["git", *command], capture_output=True, text=True, check=False, cwd=folder).stdout.strip()
