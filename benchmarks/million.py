"""One million exchanges, log to report: wall time, CPU time and peak memory of `gauger scan` as a whole process.

    python -m benchmarks.million [--times 11.4] [--keep DIR]

Simulates a log of about a million exchanges in LiteLLM format (35 days, gzip), runs the command on it once, and writes
benchmarks/results/million.json. The world is the "pool" scenario with every innocent population `--times` as large.
"""

import argparse
import json
import os
import tempfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

from benchmarks.hardware import hardware
from benchmarks.processes import measured
from gauger.lab import SCENARIOS, Campaign, grammar_pools, simulate, write_world

RESULT = Path("benchmarks/results/million.json")


def make_log(folder: Path, times: float) -> int:
    """Write the log and return its number of exchanges."""
    scenario = SCENARIOS["pool"]
    parts = tuple(
        part if isinstance(part, Campaign) else replace(part, n=int(part.n * times)) for part in scenario.parts
    )
    world = simulate(replace(scenario, parts=parts), seed=1, pools=grammar_pools(per_topic=20_000))
    write_world(world, folder)
    return len(world.exchanges)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=float, default=11.4)
    parser.add_argument("--keep", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gauger-million-") as scratch:
        folder = args.keep or Path(scratch)
        # In a process of its own: a child's peak counts that of the process it was spawned from.
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as own:
            n = own.submit(make_log, folder / "logs", args.times).result()
        size = sum(path.stat().st_size for path in (folder / "logs").glob("*.jsonl.gz"))
        load = os.getloadavg()[0]
        logs = sorted(str(path) for path in (folder / "logs").glob("*.jsonl.gz"))
        tables = ["--accounts", str(folder / "logs/accounts.csv"), "--events", str(folder / "logs/events.csv")]
        figures = measured(["scan", *logs, *tables, "--out", str(folder / "report")])
        found = json.loads((folder / "report/findings.json").read_text())
        kept = sum(path.stat().st_size for path in (folder / "report/.workspace").rglob("*.parquet"))
    result = {
        "exchanges": n,
        "log_mib_gzip": round(size / 2**20),
        **figures,
        "exchanges_per_cpu_s": round(n / figures["cpu_s"]),
        "bytes_kept_per_exchange": round(kept / n),
        "load_before": round(load, 2),
        "verdicts": [one["verdict"] for one in found["findings"]],
        "seed": 1,
        "hardware": hardware(),
    }
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
