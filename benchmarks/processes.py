"""What one run of `gauger` as a whole costs, with every process that it starts."""

import os
import sys
import time
from pathlib import Path

#: Seconds between two looks at the memory of all processes together.
_LOOK_S = 0.1
_PAGE = os.sysconf("SC_PAGE_SIZE")


def measured(arguments: list[str]) -> dict[str, float]:
    """Run `gauger` with these arguments and return its wall and CPU seconds and its peak memory in MiB.

    The peak is the largest resident memory of one process, or of all of its group together as seen ten times a second;
    what they share counts for each. A child's own peak counts that of the process it was spawned from, so whoever
    measures must be small.
    """
    started = time.perf_counter()
    command = [sys.executable, "-m", "gauger", *arguments]
    pid = os.posix_spawn(sys.executable, command, os.environ, setpgroup=0)
    together = 0
    while (ended := os.wait4(pid, os.WNOHANG))[0] == 0:
        together = max(together, _resident(pid))
        time.sleep(_LOOK_S)
    _, status, usage = ended
    if status:
        sys.exit(f"gauger {arguments[0]} failed with status {status}")
    return {
        "wall_s": round(time.perf_counter() - started, 1),
        "cpu_s": round(usage.ru_utime + usage.ru_stime, 1),
        "peak_mib": round(max(usage.ru_maxrss / 1024, together / 2**20)),
    }


def _resident(group: int) -> int:
    """Return the bytes that the processes of a group hold in memory."""
    total = 0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            fields = (process / "stat").read_text().rpartition(")")[2].split()
            if int(fields[2]) == group:
                total += int(fields[21]) * _PAGE
        except (FileNotFoundError, ProcessLookupError):
            continue
    return total
