"""What the live path costs, and when it raises an alarm.

    python -m benchmarks.stream [--seeds 2] [--exchanges 500000] [--only pool,quiet]

Throughput: `gauger watch --once` over a LiteLLM log of half a million exchanges of 6,250 accounts in five weeks, three
campaigns among them (`benchmarks.scale_log`), read, sketched, committed, read back, scored, on one thread, in a process
of its own that is pinned to one core where the system allows it; the kernels are compiled before.

Delay: worlds of the lab with four weeks of history before the campaign begins. `hostile` is the number of the
campaign's exchanges up to the end of the stretch that raised the first alarm which names a member (at least half of its
accounts); `false` counts the alarms that name none. benchmarks/results/stream.json holds both.
"""

import argparse
import gzip
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("NUMBA_CACHE_DIR", str(Path.home() / ".cache" / "gauger" / "kernels"))

import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.hardware import hardware
from benchmarks.scale_log import SHARD_EXCHANGES, shard
from gauger.campaigns.live import Live, Stretch
from gauger.engines.in_memory import MemoryReader
from gauger.exchanges.accounts import keep_accounts
from gauger.exchanges.pseudonyms import derive_keys
from gauger.lab import SCENARIOS, World, grammar_pools, simulate, write_world
from gauger.lab.scanning import master_key, sketched
from gauger.settings import Settings
from gauger.store.durable import read_parquet

RESULT = Path("benchmarks/results/stream.json")
HISTORY_WEEKS = 4
#: Worlds without a campaign, whose alarms are all false.
QUIET = "quiet"


def live_stretches(world: World, settings: Settings, *, key: int) -> list[Stretch]:
    """Return every stretch that the live path closes on a world."""
    keys = derive_keys(master_key(key))
    with tempfile.TemporaryDirectory(prefix="gauger-stream-") as folder:
        rows, parts = sketched(world.exchanges, Path(folder), keys=keys, settings=settings)
        reader = MemoryReader(settings.core, keep_accounts(world.accounts, keys=keys, disposable=frozenset()))
        live, closed = Live(settings, reader), list[Stretch]()
        for of_rows, of_parts in zip(rows, parts, strict=True):
            reader.learn(read_parquet(of_parts))
            closed += live.absorb(read_parquet(of_rows))
        return closed


def delay(name: str, seed: int, settings: Settings) -> dict[str, object]:
    """Return when a scenario's campaign is first alarmed."""
    scenario = replace(SCENARIOS[name], history_weeks=HISTORY_WEEKS)
    world = simulate(scenario, seed=seed, pools=grammar_pools())
    accounts = world.truth_accounts
    members = set(accounts.filter(pc.is_valid(accounts["campaign"]))["account_id"].to_pylist())
    times = hostile_times(world)
    alarms = [one for one in live_stretches(world, settings, key=seed) if one.is_alarm]
    hits = [one for one in alarms if 2 * len(one.accounts & members) >= len(one.accounts)]
    first = hits[0] if hits else None
    return {
        "scenario": name,
        "seed": seed,
        "exchanges": len(world.exchanges),
        "hostile_in_all": len(times),
        "hostile": None if first is None else int((times < first.end_us).sum()),
        "hours": None if first is None or not len(times) else (first.end_us - int(times.min())) / 3_600_000_000,
        "stretch_hours": None if first is None else first.hours,
        "false": len(alarms) - len(hits),
    }


def hostile_times(world: World):
    """Return the times of the campaign's exchanges, microseconds since the epoch."""
    truth = world.truth_exchanges
    hostile = truth.filter(pc.is_valid(truth["campaign"]))["request_id"].combine_chunks()
    rows = world.exchanges.filter(pc.is_in(world.exchanges["request_id"], hostile))
    return rows["occurred_at"].cast(pa.int64()).to_numpy()


def throughput(n_exchanges: int, scratch: Path) -> dict[str, object]:
    """Return exchanges a second of `gauger watch --once` on one core, twice: the first run compiles."""
    world = shard(1, share=n_exchanges / SHARD_EXCHANGES)
    log = scratch / "log.jsonl"
    with log.open("wb") as whole:
        for day in write_world(world, scratch / "log", format="litellm"):
            with gzip.open(day) as file:
                shutil.copyfileobj(file, whole)
    pinned = lambda: os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # noqa: E731
    wall, used = 0.0, 0.0
    for run in range(2):
        command = [sys.executable, "-m", "gauger", "watch", log, "--once", "--threads", "1", "--quiet"]
        started, before = time.perf_counter(), processor_seconds()
        subprocess.run(
            [*command, "--workspace", scratch / f"ws{run}"], check=True, preexec_fn=pinned, stdout=subprocess.DEVNULL
        )
        wall, used = time.perf_counter() - started, processor_seconds() - before
    return {
        "exchanges": len(world.exchanges),
        "bytes": log.stat().st_size,
        "seconds": wall,
        "processor_seconds": used,
        "exchanges_per_second": len(world.exchanges) / wall,
        "exchanges_per_processor_second": len(world.exchanges) / used,
    }


def processor_seconds() -> float:
    """Return the processor time of all processes that were started and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--exchanges", type=int, default=500_000, help="0: no throughput")
    parser.add_argument("--only", default="", help="scenarios, with commas; none: all")
    parser.add_argument("--write", action="store_true", help=f"write {RESULT}")
    given = parser.parse_args(arguments)
    names = [name for name in given.only.split(",") if name] or [name for name in SCENARIOS if name != "demo"]
    found: dict[str, object] = {"hardware": hardware(), "throughput": None, "delay": []}
    if given.exchanges:
        with tempfile.TemporaryDirectory(prefix="gauger-stream-") as folder:
            found["throughput"] = throughput(given.exchanges, Path(folder))
        print(json.dumps(found["throughput"]))
    rows = []
    for name in names:
        for seed in range(given.first_seed, given.first_seed + given.seeds):
            rows.append(delay(name, seed, Settings()))
            print(json.dumps(rows[-1]), flush=True)
    found["delay"] = rows
    if given.write:
        RESULT.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
