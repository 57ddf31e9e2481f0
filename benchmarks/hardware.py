"""What a benchmark ran on, and which revision of the code it ran."""

import subprocess
from functools import cache
from pathlib import Path

from gauger.lab import hardware as machine

__all__ = ["hardware", "revision"]


def hardware() -> dict[str, object]:
    """Return the machine, the versions that matter, and the revision of the code."""
    return {"revision": revision(), **machine.hardware()}


@cache
def revision() -> str | None:
    """Return the commit that is checked out, with "+" where files differ from it; None outside a repository."""
    command = ["git", "describe", "--always", "--dirty=+", "--abbrev=7", "--exclude=*"]
    said = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parent)
    return said.stdout.strip() or None
