"""What a benchmark ran on."""

import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Final

#: Packages whose versions bear on speed or on results.
PACKAGES: Final = ("numpy", "numba", "pyarrow", "duckdb", "ibis-framework")


def hardware() -> dict[str, object]:
    """Return processor, cores, memory (GiB, null where the system does not say) and the versions that matter."""
    memory = _first("/proc/meminfo", "MemTotal")
    return {
        "cpu": _first("/proc/cpuinfo", "model name") or platform.processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(int(memory.split()[0]) / 2**20, 1) if memory else None,
        "python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
    }


def _first(file: str, name: str) -> str:
    """Return what a file of the Linux kernel says under a name, or nothing."""
    path = Path(file)
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), "")
