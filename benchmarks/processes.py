"""What one run of `gauger` as a whole process costs."""

import os
import sys
import time


def measured(arguments: list[str]) -> dict[str, float]:
    """Run `gauger` with these arguments and return its wall and CPU seconds and its peak memory in MiB.

    A child's peak counts that of the process it was spawned from, so whoever measures must be small.
    """
    started = time.perf_counter()
    pid = os.posix_spawn(sys.executable, [sys.executable, "-m", "gauger", *arguments], os.environ)
    _, status, usage = os.wait4(pid, 0)
    if status:
        sys.exit(f"gauger {arguments[0]} failed with status {status}")
    return {
        "wall_s": round(time.perf_counter() - started, 1),
        "cpu_s": round(usage.ru_utime + usage.ru_stime, 1),
        "peak_mib": round(usage.ru_maxrss / 1024),
    }
