"""Validity and power of the window route: how often innocent days alarm against what was promised, and what is found.

    python -m benchmarks.validity [--worlds 50] [--processes 2] [--factor 1] [--tested-factor 1]

A world is one innocent log of 90 weeks in which applications, releases, fashions, suites, classes and customers are
born all through (`gauger.lab.births`), under its own seed and workspace key. A window is a day with 14 days of
look-back. The last 28 days are tested, each against the maxima of those earlier days, disjoint, that `plan_windows`
compares it with: p = (1 + #{maximum >= own}) / (1 + n). Alarms are counted where n is 199 or more. The days of a world
are one cluster: the bootstrap resamples worlds.

Power is measured beside it: on two tested days of each world campaigns of 30 accounts are planted, one at a time,
at 60 exchanges an account that day, nothing shared; a campaign is found when its group is the strongest and its p-value
is at most the level.

Every world is one line in .scratch/; benchmarks/results/validity.json holds the tables. Seeds 1-9 were used to build
this benchmark and the detector, 501 to 563 reported while rules still changed; the report uses seeds from 3001 on.
"""

import argparse
import json
import os
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

os.environ.setdefault("NUMBA_CACHE_DIR", str(Path.home() / ".cache" / "gauger" / "kernels"))

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.hardware import hardware
from benchmarks.memory import MemoryLog, same
from benchmarks.resumable import resume
from gauger.campaigns.candidates import Candidate
from gauger.campaigns.detection import WindowData, candidates, gate
from gauger.campaigns.windows import DAY_US, MINUTE_US, Plan, Window, plan_windows
from gauger.engines.engine import Engine
from gauger.engines.fetch import Log, Owners, fetch_owners, fetch_window
from gauger.evidence.items import Items
from gauger.exchanges.pseudonyms import Keys
from gauger.lab import BirthRates, Campaign, Pools, Scenario, World, grammar_pools, living, simulate
from gauger.lab.intervals import bootstrap
from gauger.lab.scanning import opened, sketched
from gauger.settings import Settings, WindowSettings

RESULT = Path("benchmarks/results/validity.json")
FIRST_SEED = 3001
WEEKS = 90
TESTED_WEEKS = 4
MIN_WINDOWS = 199
SETTINGS = Settings(windows=WindowSettings(tested_days=1, look_back_windows=14))
LEVELS = (0.01, 0.025, 0.05, 0.1)
SHARES = (1.0, 0.5, 0.2, 0.1, 0.05)
START = datetime(2026, 1, 5, tzinfo=UTC)
CLASSES = (
    "chat", "developer", "app", "agent", "declared_keys", "undeclared_keys", "evaluation", "class", "viral_prompt",
    "viral_template",
)  # fmt: skip


@cache
def pools() -> Pools:
    """Return texts enough for 90 weeks, sixteen days of them at a time."""
    return grammar_pools(per_topic=20_000)


def world_of(seed: int, *, factor: float, tested_factor: float) -> World:
    """Return an innocent world whose births are `factor` as many, and in its tested weeks `tested_factor`."""
    rates = BirthRates()
    scenario = living(
        rates.times(factor),
        weeks=WEEKS,
        seed=seed,
        tested_weeks=TESTED_WEEKS,
        tested_rates=rates.times(tested_factor),
    )
    return simulate(scenario, seed=seed, pools=pools())


@contextmanager
def in_memory(world: World, *, key: int) -> Iterator["Seen"]:
    """Yield a world sketched under the `key`-th workspace key, as the engine sees it and in memory."""
    with opened(world, key=key, settings=SETTINGS) as log:
        owners = fetch_owners(log.engine, log.log, log.accounts)
        tables = [pa.concat_tables([pq.read_table(path) for path in paths]) for paths in (log.rows, log.parts)]
        yield Seen(log.keys, log.engine, log.log, owners, *tables, MemoryLog.of(*tables, owners))


@dataclass(frozen=True)
class Seen:
    """A world as the detector sees it."""

    keys: Keys
    engine: Engine
    log: Log
    owners: Owners
    rows: pa.Table
    parts: pa.Table
    memory: MemoryLog

    @property
    def first_us(self) -> int:
        """First instant of the first day."""
        return self.log.activity.first_us // DAY_US * DAY_US

    def plan(self, day: int) -> Plan:
        """Return the day's window and the earlier days it compares with, the log ending with that day."""
        start = self.first_us + day * DAY_US
        activity = self.log.activity
        kept = activity.minute * MINUTE_US < start + DAY_US
        known = replace(activity, minute=activity.minute[kept], count=activity.count[kept], last_us=start + DAY_US - 1)
        return plan_windows(known, SETTINGS.windows, history_until_us=start)

    def day_of(self, window: Window) -> int:
        """Return which day of the log a window is."""
        return (window.start_us - self.first_us) // DAY_US


def strongest(data: WindowData) -> Candidate | None:
    """Return the strongest candidate that personhood does not clear."""
    gated = gate(candidates(data, SETTINGS.core, path="novel"), data.items, seed=SETTINGS.seed)
    return next((one.candidate for one in gated if not one.removed.clears), None)


def outcome(found: Candidate | None, items: Items, label: dict[tuple[int, int], str]) -> dict[str, object]:
    """Return a window's maximum, and the class of most of the group behind it."""
    if found is None:
        return {"score": 0.0, "class": None}
    own = items.take(found.items)
    held = Counter(label[key] for key in zip(own.account.tolist(), own.occurred_at.tolist(), strict=True))
    return {"score": round(found.strength.score, 6), "class": held.most_common(1)[0][0]}


def labels(world: World, owners: Owners) -> dict[tuple[int, int], str]:
    """Return the class of each exchange by account code and microsecond."""
    codes = {name: code for code, name in enumerate(owners.account_ids)}
    accounts = [codes[name] for name in world.truth_exchanges["account_id"].to_pylist()]
    when = world.exchanges["occurred_at"].cast(pa.int64()).to_pylist()
    return dict(zip(zip(accounts, when, strict=True), world.truth_exchanges["class"].to_pylist(), strict=True))


def planted(day: int, share: float, *, seed: int) -> World:
    """Return a campaign's own world: one day at 60 exchanges an account, that share of them hostile."""
    campaign = Campaign(name="planted", exchanges=7 * 60.0, share=share, payment_share=0.0, signups="seasoned")
    start = START + timedelta(days=day)
    alone = Scenario(name="planted", parts=(campaign,), start=start, history_weeks=0, text_days=16)
    world = simulate(alone, seed=seed, pools=pools())
    end_us = int((start + timedelta(days=1)).timestamp()) * 1_000_000
    today = pc.less(world.exchanges["occurred_at"].cast(pa.int64()), end_us)
    return replace(world, exchanges=world.exchanges.filter(today), truth_exchanges=world.truth_exchanges.filter(today))


def with_campaign(seen: Seen, window: Window, campaign: World) -> tuple[WindowData, frozenset[int]]:
    """Return a window with a campaign in it, and the codes of the campaign's principals."""
    with tempfile.TemporaryDirectory(prefix="gauger-bench-") as folder:
        files = sketched(campaign.exchanges, Path(folder), keys=seen.keys, settings=SETTINGS)
        rows, parts = (pa.concat_tables([pq.read_table(path) for path in paths]) for paths in files)
    names = sorted(set(rows["account_id"].to_pylist()))
    n, base = len(seen.owners.account_ids), int(seen.owners.principal_of_account.max()) + 1
    codes = np.arange(base, base + len(names), dtype=np.int32)
    owners = replace(
        seen.owners,
        account_ids=(*seen.owners.account_ids, *names),
        principal_of_account=np.concatenate([seen.owners.principal_of_account, codes]),
    )
    assert len(owners.account_ids) == n + len(names)
    when = seen.rows["occurred_us"]
    near = seen.rows.filter(pc.and_(pc.greater_equal(when, window.look_back_us), pc.less(when, window.end_us)))
    both = MemoryLog.of(pa.concat_tables([near, rows]), pa.concat_tables([seen.parts, parts]), owners)
    return both.window(window, min_principals=SETTINGS.core.min_principals), frozenset(codes.tolist())


def plant(seen: Seen, day: int, share: float, *, seed: int) -> dict[str, object]:
    """Return what became of one planted campaign."""
    window = seen.plan(day).tested
    campaign = planted(day, share, seed=seed)
    data, members = with_campaign(seen, window, campaign)
    found = strongest(data)
    named = frozenset(data.items.principal[found.items].tolist()) if found else frozenset()
    return {
        "day": day,
        "share": share,
        "hostile": int(pc.sum(pc.is_valid(campaign.truth_exchanges["list_item"])).as_py()),
        "score": found.strength.score if found else 0.0,
        "is_campaign": 2 * len(named & members) > len(named),
        "precision": len(named & members) / max(len(named), 1),
        "recall": len(named & members) / len(members),
    }


def run(seed: int, factor: float, tested_factor: float) -> dict[str, object]:
    """Return the days of one world, and what became of the campaigns planted in it."""
    started = time.process_time()
    world = world_of(seed, factor=factor, tested_factor=tested_factor)
    n_days = 7 * WEEKS
    tested = range(n_days - 7 * TESTED_WEEKS, n_days)
    with in_memory(world, key=seed) as seen:
        label = labels(world, seen.owners)
        days, minimum = [], SETTINGS.core.min_principals
        for day in range(14, n_days):
            data = seen.memory.window(seen.plan(day).tested, min_principals=minimum)
            days.append({"day": day, **outcome(strongest(data), data.items, label)})
            if day in (20, tested[0]):
                by_engine = fetch_window(seen.engine, seen.log, seen.owners, data.window, min_principals=minimum)
                assert same(data, by_engine), f"memory and engine differ on day {day} of world {seed}"
        history = {day: [seen.day_of(window) for window in seen.plan(day).history] for day in tested}
        weekdays = [day for day in tested if day % 7 < 5]
        chosen = np.random.default_rng([seed, 7]).permutation(weekdays)[:2].tolist()
        plants = [plant(seen, day, share, seed=1_000 * seed + day) for day in chosen for share in SHARES]
    return {
        "seed": seed,
        "exchanges": len(world.exchanges),
        "days": days,
        "history": history,
        "plants": plants,
        "cpu_s": round(time.process_time() - started, 1),
    }


def _p_value(score: float, scores: dict[int, float], history: list[int]) -> float:
    return (1 + sum(scores[day] >= score for day in history)) / (1 + len(history))


def tested_days(world: dict) -> list[dict]:
    """Return the tested days of a world that have history enough, with their p-values."""
    scores = {one["day"]: one["score"] for one in world["days"]}
    named = {one["day"]: one["class"] for one in world["days"]}
    return [
        {"day": int(day), "class": named[int(day)], "p": _p_value(scores[int(day)], scores, history), "n": len(history)}
        for day, history in world["history"].items()
        if len(history) >= MIN_WINDOWS
    ]


def realised(worlds: list[list[dict]], level: float, *, of: str | None = None) -> dict[str, object]:
    """Return the realised rate of alarms, of one class where given, and its interval."""
    counts = [
        (sum(day["p"] <= level and (of is None or day["class"] == of) for day in days), len(days)) for days in worlds
    ]
    each_hits, each_trials = zip(*counts, strict=True)
    hits, trials = sum(each_hits), sum(each_trials)
    low, high = bootstrap(each_hits, each_trials, rng=np.random.default_rng(1)) or (None, None)
    return {
        "level": level,
        "class": of,
        "hits": hits,
        "windows": trials,
        "rate": hits / trials,
        "low": low,
        "high": high,
    }


def power(worlds: list[dict], level: float, share: float) -> dict[str, object]:
    """Return how many of the planted campaigns of one share were found at a level."""
    found, all_ = [], []
    for world in worlds:
        scores = {one["day"]: one["score"] for one in world["days"]}
        for one in world["plants"]:
            history = (
                world["history"][str(one["day"])]
                if str(one["day"]) in world["history"]
                else world["history"][one["day"]]
            )
            if one["share"] == share and len(history) >= MIN_WINDOWS:
                hit = one["is_campaign"] and _p_value(one["score"], scores, history) <= level
                all_.append(hit)
                found += [one] if hit else []
    return {
        "share": share,
        "level": level,
        "planted": len(all_),
        "found": int(sum(all_)),
        "precision_min": min((one["precision"] for one in found), default=None),
        "recall_min": min((one["recall"] for one in found), default=None),
    }


def summary(worlds: list[dict]) -> dict[str, object]:
    """Return the tables."""
    days = [tested_days(world) for world in worlds]
    return {
        "worlds": len(worlds),
        "windows": sum(map(len, days)),
        "history_windows_median": float(np.median([day["n"] for own in days for day in own])),
        "overall": [realised(days, level) for level in LEVELS],
        "by_class": [realised(days, level, of=name) for name in CLASSES for level in (0.01, 0.05)],
        "power": [power(worlds, level, share) for share in SHARES for level in (0.01, 0.025, 0.05)],
        "cpu_s_per_world": float(np.median([world["cpu_s"] for world in worlds])),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worlds", type=int, default=50)
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    parser.add_argument("--factor", type=float, default=1.0, help="births, as a multiple of the declared rates")
    parser.add_argument("--tested-factor", type=float, help="the same in the tested weeks (default: --factor)")
    parser.add_argument("--processes", type=int, default=2)
    args = parser.parse_args()
    tested_factor = args.factor if args.tested_factor is None else args.tested_factor
    path = Path(f".scratch/validity-{args.first_seed}-{args.factor:g}-{tested_factor:g}.jsonl")
    seeds = range(args.first_seed, args.first_seed + args.worlds)
    wanted = [(seed, args.factor, tested_factor) for seed in seeds]
    rows = resume(
        path, wanted, run, key=lambda row: (row["seed"], args.factor, tested_factor), processes=args.processes
    )
    worlds = sorted(rows, key=lambda one: one["seed"])
    table = summary(worlds)
    results = json.loads(RESULT.read_text()) if RESULT.exists() else {"runs": {}}
    name = f"{args.first_seed} x{args.factor:g} tested x{tested_factor:g}"
    results["runs"][name] = {"hardware": hardware()} | table
    RESULT.write_text(json.dumps(results, indent=1) + "\n")
    print(json.dumps(table, indent=1))


if __name__ == "__main__":
    main()
