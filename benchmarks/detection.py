"""Detection on real prompts: campaigns found, innocents spared, beside peers. One command, resumable, two processes.

    python -m benchmarks.detection [--quiet-seeds 100] [--seeds 10] [--only pool,one-each,old,quiet]

Every run is one line in .scratch/detection-FIRST.jsonl (world, seed, workspace key, outcome); a run that this code made
is not made again. The table and benchmarks/results/detection.json are written from those lines. Seeds 1-9 were used
while the detector was built, 101 to 220 before its rules on shared tokens were set, and 301 to 500 for earlier tables;
the report uses seeds from 2001 on, with workspace keys of the same number. A campaign is found as `gauger lab score`
has it; precision and recall are those of the accounts in all findings that are mostly of it.

Of each world with a campaign the peers that score accounts (`benchmarks.peers`) see the tested week and the account
table. Each is given the threshold that flags 1 % of the innocents of this very world, more than any detector could
know.
"""

import argparse
import json
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

os.environ.setdefault("NUMBA_CACHE_DIR", str(Path.home() / ".cache" / "gauger" / "kernels"))

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.hardware import hardware
from benchmarks.ordinary import at_best
from benchmarks.peers import ACCOUNT_DETECTORS
from benchmarks.resumable import resume
from benchmarks.worlds import fared, pools_at_hand
from gauger.lab import World, simulate
from gauger.lab.bench import truth_of
from gauger.lab.intervals import clopper_pearson
from gauger.lab.scanning import scan_world
from gauger.lab.scoring import score
from gauger.lab.suites import SUITES, Cell
from gauger.settings import Settings

RESULT = Path("benchmarks/results/detection.json")
FIRST_SEED = 2001
#: Campaigns that share nothing are run at a share of 20 % only.
LEFT_OUT = {f"pool/{share}/nothing" for share in ("1", "0.5", "0.1", "0.05")}


def cells() -> dict[str, Cell]:
    """Return the benchmark's cells by name."""
    found = {cell.name: cell for suite in ("detection", "quiet") for cell in SUITES[suite].cells}
    return {name: cell for name, cell in found.items() if name not in LEFT_OUT}


def run(cell: str, seed: int) -> dict[str, object]:
    """Return the outcome of one world."""
    pools, kind = pools_at_hand()
    scenario = cells()[cell].scenario_of(seed)
    started = time.process_time()
    world = simulate(scenario, seed=seed, pools=pools)
    simulated = time.process_time()
    report = scan_world(world, key=seed, settings=Settings()).report
    scanned, found, scored = time.process_time(), report.findings, score(report, truth_of(world))
    classes = dict(zip(*(world.truth_accounts[c].to_pylist() for c in ("account_id", "class")), strict=True))
    named = {
        verdict: sorted({classes[a.account_id] for f in found.findings if f.verdict == verdict for a in f.accounts})
        for verdict in ("campaign", "supported")
    }
    outcome = {
        "cell": cell,
        "seed": seed,
        "key": seed,
        "pools": kind,
        "exchanges": len(world.exchanges),
        "simulate_cpu_s": round(simulated - started, 2),
        "scan_cpu_s": round(scanned - simulated, 2),
        "touched": asdict(scored.touched_per_100_000),
        "false_campaigns": scored.false_alarms.false_campaigns,
        "campaign_verdicts": sum(f.verdict == "campaign" for f in found.findings),
        "supported_verdicts": sum(f.verdict == "supported" for f in found.findings),
        "classes_in_campaign": named["campaign"],
        "classes_in_supported": named["supported"],
        "cleared": len(found.cleared),
    }
    if scenario.campaigns:
        exchanges = scored.by_verdict[-1].exchanges
        outcome |= fared(scored) | {
            "exchange_ap": exchanges.average_precision.value,
            "exchange_recall_at_99": exchanges.recall_at_99_precision.value,
            "peers": _peers(world),
        }
    return outcome


def _peers(world: World) -> dict[str, float]:
    """Return the share of the campaign's accounts that each peer catches at its best threshold."""
    truth = world.truth_accounts
    hostile = frozenset(truth.filter(pc.is_valid(truth["campaign"]))["account_id"].to_pylist())
    last = pc.max(world.exchanges["occurred_at"])
    week = world.exchanges.filter(
        pc.greater(world.exchanges["occurred_at"], pc.subtract(last, pa.scalar(timedelta(days=7))))
    )
    peers = {name: peer.score(week, world.accounts) for name, peer in ACCOUNT_DETECTORS.items()}
    return {name: round(at_best(own, hostile), 4) for name, own in peers.items()}


def _lines(first_seed: int) -> Path:
    return Path(f".scratch/detection-{first_seed}.jsonl")


def _wanted(args: argparse.Namespace) -> Iterator[tuple[str, int]]:
    for cell in cells():
        if args.only and cell.split("/")[0] not in args.only.split(","):
            continue
        n = args.quiet_seeds if cell == "quiet" else args.seeds
        yield from ((cell, args.first_seed + i) for i in range(n))


def _median(values: Iterable[float | None]) -> float:
    """Return the median; what is not there counts as nothing."""
    return float(np.median([value or 0.0 for value in values]))


def summary(rows: list[dict]) -> list[dict]:
    """Return one row a cell: medians and worst cases over its seeds."""
    table = []
    for cell in sorted({row["cell"] for row in rows}):
        mine = [row for row in rows if row["cell"] == cell]
        row = {"cell": cell, "runs": len(mine), "scan_cpu_s": float(np.median([r["scan_cpu_s"] for r in mine]))}
        if cell == "quiet":
            hits = sum(r["campaign_verdicts"] > 0 for r in mine)
            row |= {"campaign_verdicts": hits, "upper_95": clopper_pearson(hits, len(mine), level=0.90)[1]}
            row["supported"] = sum(r["supported_verdicts"] > 0 for r in mine)
        else:
            row |= {
                "found": sum(r["rank"] is not None for r in mine),
                "first": sum(r["rank"] == 1 for r in mine),
                "first_three": sum(r["rank"] is not None and r["rank"] <= 3 for r in mine),
                "campaign": sum(r["verdict"] == "campaign" for r in mine),
                "observed": sum(r["verdict"] == "observed" for r in mine),
                "precision_median": float(np.median([r["precision"] for r in mine])),
                "precision_min": min(r["precision"] for r in mine),
                "recall_median": float(np.median([r["recall"] for r in mine])),
                "recall_min": min(r["recall"] for r in mine),
                "f1_median": _median(r["f1"] for r in mine),
                "exchange_ap_median": _median(r["exchange_ap"] for r in mine),
                "exchange_recall_at_99_median": _median(r["exchange_recall_at_99"] for r in mine),
                "peers": {name: _median(r["peers"][name] for r in mine) for name in mine[0]["peers"]},
                "false_campaigns": sum(r["false_campaigns"] for r in mine),
            }
        table.append(row)
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--quiet-seeds", type=int, default=100)
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    parser.add_argument("--only", default="")
    parser.add_argument("--processes", type=int, default=2)
    args = parser.parse_args()
    path = _lines(args.first_seed)
    rows = resume(path, _wanted(args), run, key=lambda row: (row["cell"], row["seed"]), processes=args.processes)
    table = summary(rows)
    result = RESULT if args.first_seed == FIRST_SEED else path.with_suffix(".json")
    result.parent.mkdir(exist_ok=True)
    result.write_text(
        json.dumps(
            {
                "hardware": hardware(),
                "settings": Settings().model_dump(),
                "table": table,
                "runs": sorted(rows, key=lambda r: (r["cell"], r["seed"])),
            },
            indent=1,
        )
        + "\n"
    )
    for row in table:
        print("  ".join(f"{k}={v:.3g}" if isinstance(v, float) else f"{k}={v}" for k, v in row.items()))


if __name__ == "__main__":
    main()
