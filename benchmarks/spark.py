"""The same scan on DuckDB and on a Spark cluster of two workers on this machine, one after the other.

    python -m benchmarks.spark [--times 11.4] [--workers 2] [--keep DIR]

Simulates a log (11.4 times the "pool" scenario is a million exchanges, 45.6 times four million), reads and scans it
with each engine under one key, scans what each kept once more, compares the results byte for byte, and writes
benchmarks/results/spark.json: wall seconds, and CPU seconds of all processes that took part.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

from benchmarks.hardware import hardware
from benchmarks.million import make_log
from benchmarks.spark_cluster import Cluster, spark_cluster
from gauger.store.keys import create_master_key

RESULT = Path("benchmarks/results/spark.json")
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@contextmanager
def watched(sessions: set[int]) -> Iterator[dict[int, float]]:
    """Yield CPU seconds by process, kept up to date: of all processes of these sessions, also those that ended."""
    spent: dict[int, float] = {}
    is_over = threading.Event()

    def watch() -> None:
        while not is_over.wait(0.25):
            spent.update(_spent(sessions))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield spent
    finally:
        is_over.set()
        thread.join()


def _spent(sessions: set[int]) -> dict[int, float]:
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            fields = (process / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        if int(fields[3]) in sessions:
            found[int(process.name)] = (int(fields[11]) + int(fields[12])) / _TICKS_PER_S
    return found


def measured(cluster: Cluster | None, *arguments: object) -> dict[str, float]:
    """Return wall and CPU seconds of one command, with the workers' if it ran on a cluster."""
    where = [] if cluster is None else ["--engine", "spark", "--master", cluster.master]
    environment = {} if cluster is None else cluster.environment
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "gauger", *map(str, arguments), *where, "--quiet"],
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    workers = set() if cluster is None else {worker.process.pid for worker in cluster.workers}
    before = sum(_spent(workers).values())
    with watched({process.pid, *workers}) as spent:
        _, status, usage = os.wait4(process.pid, 0)
        if status:
            sys.exit(f"gauger failed with status {status}")
    return {
        "wall_s": round(time.perf_counter() - started, 1),
        "cpu_s": round(sum(spent.values()) - before, 1),
        "driver_peak_mib": round(usage.ru_maxrss / 1024),
    }


def both_scans(folder: Path, name: str, cluster: Cluster | None) -> dict[str, object]:
    """Read and scan the log with one engine, then scan what it kept."""
    workspace = folder / f"workspace-{name}"
    workspace.mkdir(mode=0o700)
    create_master_key(workspace / "keys" / "master.key", random_bytes=bytes)
    logs = folder / "logs"
    tables = ["--accounts", logs / "accounts.csv", "--events", logs / "events.csv"]
    kept = ["--workspace", workspace, "--out", folder / name]
    first = measured(cluster, "scan", *sorted(logs.glob("*.jsonl.gz")), *tables, *kept)
    return {"read_and_scan": first, "scan": measured(cluster, "scan", *kept)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=float, default=11.4)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--memory", default="2g", help="of each worker, and of the driver")
    parser.add_argument("--keep", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gauger-spark-") as scratch:
        folder = args.keep or Path(scratch)
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as own:
            n = own.submit(make_log, folder / "logs", args.times).result()
        load = os.getloadavg()[0]
        figures = {"duckdb": both_scans(folder, "duckdb", None)}
        with spark_cluster(folder / "cluster", n_workers=args.workers, memory=args.memory) as cluster:
            figures["spark"] = both_scans(folder, "spark", cluster)
        names = ("findings.json", "exchanges.parquet", "accounts.parquet", "index.html")
        same = {
            name: (folder / "duckdb" / name).read_bytes() == (folder / "spark" / name).read_bytes() for name in names
        }
    result = {
        "exchanges": n,
        "workers": args.workers,
        **figures,
        "same_bytes": same,
        "load_before": round(load, 2),
        "seed": 1,
        "hardware": hardware(),
    }
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
