"""A campaign of which every account is ordinary: 1,000 accounts at 26 exchanges a day, against per-account thresholds.

    python -m benchmarks.ordinary [--seeds 3] [--first-seed 4001] [--campaign 1000] [--innocents 1000]

Innocents send as much. A tenth of what the campaign's accounts send is hostile; they have cards and networks of their
own. Each per-account score, the more extreme side of it, is given the threshold that flags 1 % of the innocent
accounts of this very world, which is more than any detector could know. Gauger is given none.
"""

import argparse
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path

os.environ.setdefault("NUMBA_CACHE_DIR", str(Path.home() / ".cache" / "gauger" / "kernels"))

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.hardware import hardware
from benchmarks.peers import ACCOUNT_DETECTORS
from benchmarks.worlds import fared
from gauger.lab import Campaign, ChatPersons, Developers, PopularAgent, Scenario, TemplateApps, World, simulate
from gauger.lab.bench import truth_of
from gauger.lab.grammar import grammar_pools
from gauger.lab.scanning import scan_world
from gauger.lab.scoring import score
from gauger.settings import Settings, WindowSettings

RESULT = Path("benchmarks/results/ordinary.json")
FIRST_SEED = 4001
WEEKLY = 7 * 26.0
FLAGGED = 0.01
#: Of the peers, those that look at one account at a time.
ONE_BY_ONE = ("account mmd", "rules")


def world_of(seed: int, *, n_campaign: int, n_innocent: int) -> tuple[Scenario, World]:
    """Return a log of two weeks, the campaign in the second."""
    campaign = Campaign(
        name="ordinary", n=n_campaign, exchanges=WEEKLY, share=0.1, payment_share=0.0, signups="seasoned"
    )
    parts = (
        ChatPersons(n=n_innocent // 2),
        Developers(n=n_innocent // 8),
        TemplateApps(n=n_innocent // 8),
        PopularAgent(n=n_innocent // 4),
        campaign,
    )
    scenario = Scenario(name="ordinary", parts=parts, history_weeks=1, weekly_exchanges=WEEKLY)
    return scenario, simulate(scenario, seed=seed, pools=grammar_pools(per_topic=30_000))


def simple_scores(exchanges: pa.Table) -> dict[str, Mapping[str, float]]:
    """Return what a dashboard counts of each account."""
    hours = exchanges.append_column("hour", pc.floor_temporal(exchanges["occurred_at"], unit="hour"))
    hourly = hours.group_by(["account_id", "hour"]).aggregate([("hour", "count")])
    counts = {
        "exchanges": exchanges.group_by("account_id").aggregate([("account_id", "count")]),
        "tokens drawn": exchanges.group_by("account_id").aggregate([("output_tokens", "sum")]),
        "distinct prompts": exchanges.group_by("account_id").aggregate([("user_prompt", "count_distinct")]),
        "busiest hour": hourly.group_by("account_id").aggregate([("hour_count", "max")]),
        "hours in use": hourly.group_by("account_id").aggregate([("hour", "count")]),
        "mean prompt length": exchanges.append_column("n", pc.utf8_length(exchanges["user_prompt"]))
        .group_by("account_id")
        .aggregate([("n", "mean")]),
    }
    return {
        name: dict(zip(table["account_id"].to_pylist(), table.drop(["account_id"])[0].to_pylist(), strict=True))
        for name, table in counts.items()
    }


def at_best(scores: Mapping[str, float], hostile: frozenset[str]) -> float:
    """Return the share of the campaign's accounts beyond the threshold that 1 % of the innocents are beyond."""
    guilty = np.array([value for account, value in scores.items() if account in hostile])
    innocent = np.array([value for account, value in scores.items() if account not in hostile])
    allowed = int(FLAGGED * len(innocent))
    high, low = np.sort(innocent)[-allowed - 1], np.sort(innocent)[allowed]
    return float(max((guilty > high).mean(), (guilty < low).mean()))


def run(seed: int, *, n_campaign: int, n_innocent: int) -> dict[str, object]:
    """Return what Gauger and each threshold made of one world."""
    scenario, world = world_of(seed, n_campaign=n_campaign, n_innocent=n_innocent)
    truth = world.truth_accounts
    hostile = frozenset(truth.filter(pc.is_valid(truth["campaign"]))["account_id"].to_pylist())
    settings = Settings(windows=WindowSettings(tested_days=7, look_back_windows=1))
    started = time.process_time()
    report = scan_world(world, key=seed, settings=settings).report
    scan_cpu_s = round(time.process_time() - started, 1)
    begins = pc.add(pa.scalar(scenario.start), pa.scalar(7 * 86_400_000_000, pa.duration("us")))
    week = world.exchanges.filter(pc.greater_equal(world.exchanges["occurred_at"], begins))
    scores = simple_scores(week) | {name: ACCOUNT_DETECTORS[name].score(week, world.accounts) for name in ONE_BY_ONE}
    return {
        "seed": seed,
        "exchanges": len(world.exchanges),
        "hostile": int(pc.sum(pc.is_valid(world.truth_exchanges["list_item"])).as_py()),
        "gauger": fared(score(report, truth_of(world))),
        "recall_at_best_threshold": {name: round(at_best(own, hostile), 4) for name, own in scores.items()},
        "scan_cpu_s": scan_cpu_s,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    parser.add_argument("--campaign", type=int, default=1000)
    parser.add_argument("--innocents", type=int, default=1000)
    args = parser.parse_args()
    rows = []
    for seed in range(args.first_seed, args.first_seed + args.seeds):
        rows.append(run(seed, n_campaign=args.campaign, n_innocent=args.innocents))
        print(json.dumps(rows[-1]), flush=True)
    if args.first_seed == FIRST_SEED:
        RESULT.write_text(json.dumps({"hardware": hardware(), "flagged": FLAGGED, "runs": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
