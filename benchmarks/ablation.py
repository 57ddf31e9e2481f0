"""What each conditional channel is worth: every world judged with all of them, and without each. Resumable.

    python -m benchmarks.ablation [--seeds 5] [--first-seed 751] [--processes 2] [--only pool,reseller]

Content, windows and candidates are the same for all variants of a world. Worlds are the lab's scenarios in the built-in
grammar; the rules of the channels were made on "pool", "old-campaign", "one-each" and "quiet" with seeds below 301.

Every world is one line in .scratch/ablation-FIRST.jsonl; benchmarks/results/ablation.json holds the table. Seeds below
751 were looked at before the last rules of personhood were set; the report uses seeds from 751 on.
benchmarks/results/ablation-considered.json (seeds 701 to 705, made before) holds what four channels more would have
added that were shown only, and are gone since (docs/decisions/0005).
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import cache
from pathlib import Path

os.environ.setdefault("NUMBA_CACHE_DIR", str(Path.home() / ".cache" / "gauger" / "kernels"))

import numpy as np
from rich.progress import Progress

from benchmarks.hardware import hardware
from gauger.campaigns.calibration import split_target
from gauger.campaigns.detection import both_paths, novel_scores
from gauger.campaigns.examination import Examined, choose, count_novel, examine
from gauger.campaigns.naming import reported
from gauger.campaigns.population import build_population
from gauger.campaigns.windows import plan_windows
from gauger.engines.duckdb import duck_engine
from gauger.engines.fetch import fetch_owners, fetch_traces, fetch_window, open_log
from gauger.engines.relations import Span
from gauger.evidence.channel import Channel
from gauger.evidence.channels import CHANNELS
from gauger.exchanges.accounts import keep_accounts
from gauger.exchanges.pseudonyms import derive_keys
from gauger.lab import SCENARIOS, Pools, World, grammar_pools, simulate
from gauger.lab.scanning import master_key, sketched
from gauger.settings import Settings
from gauger.sources.enrichment import disposable_domains

RESULT = Path("benchmarks/results/ablation.json")
FIRST_SEED = 751
LEFT_OUT = ("demo",)


def variants() -> dict[str, Mapping[str, Channel]]:
    """Return the sets of channels by name."""
    found: dict[str, Mapping[str, Channel]] = {"all": CHANNELS}
    for name in CHANNELS:
        found[f"without {name}"] = {other: one for other, one in CHANNELS.items() if other != name}
    found["none"] = {}
    return found


@cache
def pools() -> Pools:
    """Return the built-in grammar's texts."""
    return grammar_pools(per_topic=8_000)


def examined_by_variant(world: World, *, key: int) -> Iterator[tuple[str, list[Examined], tuple[str, ...]]]:
    """Yield per variant the reported candidates of a world, and the ids of the principals by code."""
    settings = Settings()
    keys = derive_keys(master_key(key))
    with tempfile.TemporaryDirectory(prefix="gauger-bench-") as folder:
        rows, parts = sketched(world.exchanges, Path(folder), keys=keys, settings=settings)
        accounts = keep_accounts(world.accounts, keys=keys, disposable=disposable_domains())
        with duck_engine(scratch=Path(folder), threads=1, memory_bytes=1_000_000_000) as engine:
            log = open_log(engine, rows, parts)
            plan = plan_windows(log.activity, settings.windows)
            owners = fetch_owners(engine, log, accounts)
            history, tested = (
                [
                    fetch_window(engine, log, owners, window, min_principals=settings.core.min_principals)
                    for window in windows
                ]
                for windows in (plan.history, [plan.tested])
            )
            scores = [novel_scores(data, settings.core, seed=settings.seed) for data in history]
            gated = both_paths(tested[0], settings.core, seed=settings.seed)
            chosen, _ = choose(gated, max_candidates=settings.conditional.max_candidates)
            span = Span(plan.tested.start_us, plan.tested.end_us)
            population = build_population(
                fetch_traces(engine, log, owners, span),
                accounts,
                account_ids=owners.account_ids,
                principal_ids=owners.principal_ids,
                principal_of_account=owners.principal_of_account,
                permutations=settings.conditional.permutations,
            )
    for name, channels in variants().items():
        yield (
            name,
            reported(
                examine(
                    chosen,
                    tested[0].items,
                    population,
                    channels,
                    history_maxima=[max(own, default=0.0) for own in scores],
                    history_scores=np.concatenate([[], *scores]).tolist(),
                    n_novel=count_novel(gated),
                    split=split_target(settings.windows.target, len(plan.history)),
                    seed=settings.seed,
                )
            ),
            owners.principal_ids,
        )


def run(scenario: str, seed: int) -> dict[str, object]:
    """Return what each variant said of one world."""
    started = time.process_time()
    world = simulate(SCENARIOS[scenario], seed=seed, pools=pools())
    truth = world.accounts.append_column("campaign", world.truth_accounts["campaign"]).to_pylist()
    hostile = {f"principal:{row['principal_id']}" for row in truth if row["campaign"]}
    outcomes = {}
    for name, found, principals in examined_by_variant(world, key=seed):
        verdicts = []
        for one in found:
            members = {principals[code] for code in one.group.principals.tolist()}
            verdicts.append((one.judgement.verdict, len(members), len(members & hostile)))
        hits = [(rank, *one) for rank, one in enumerate(verdicts, start=1) if 2 * one[2] > one[1]]
        best = max(hits, key=lambda hit: (hit[3], -hit[0]), default=None)
        outcomes[name] = {
            "rank": best and best[0],
            "verdict": best and best[1],
            "precision": best and best[3] / best[2],
            "recall": best and best[3] / len(hostile),
            "innocent_campaigns": sum(one[0] == "campaign" and 2 * one[2] <= one[1] for one in verdicts),
            "innocent_supported": sum(one[0] == "supported" and 2 * one[2] <= one[1] for one in verdicts),
        }
    cpu_s = round(time.process_time() - started, 1)
    return {"scenario": scenario, "seed": seed, "exchanges": len(world.exchanges), "outcomes": outcomes, "cpu_s": cpu_s}


def summary(rows: list[dict]) -> list[dict]:
    """Return one row a scenario and variant."""
    table = []
    for scenario in dict.fromkeys(row["scenario"] for row in rows):
        mine = [row for row in rows if row["scenario"] == scenario]
        for variant in mine[0]["outcomes"]:
            said = [row["outcomes"][variant] for row in mine]
            found = [one for one in said if one["rank"] is not None]
            table.append(
                {
                    "scenario": scenario,
                    "variant": variant,
                    "runs": len(said),
                    "found": len(found),
                    "first": sum(one["rank"] == 1 for one in found),
                    "campaign": sum(one["verdict"] == "campaign" for one in found),
                    "supported": sum(one["verdict"] == "supported" for one in found),
                    "precision": float(np.mean([one["precision"] for one in found])) if found else None,
                    "recall": float(np.mean([one["recall"] for one in found])) if found else None,
                    "innocent_campaigns": sum(one["innocent_campaigns"] for one in said),
                    "innocent_supported": sum(one["innocent_supported"] for one in said),
                }
            )
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--only", default="")
    args = parser.parse_args()
    path = Path(f".scratch/ablation-{args.first_seed}.jsonl")
    path.parent.mkdir(exist_ok=True)
    done = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    names = args.only.split(",") if args.only else [name for name in SCENARIOS if name not in LEFT_OUT]
    wanted = [(name, args.first_seed + i) for i in range(args.seeds) for name in names]
    wanted = [one for one in wanted if one not in {(row["scenario"], row["seed"]) for row in done}]
    with ProcessPoolExecutor(args.processes) as pool, Progress() as bar, path.open("a") as lines:
        task = bar.add_task("worlds", total=len(wanted))
        for future in as_completed([pool.submit(run, *one) for one in wanted]):
            lines.write(json.dumps(future.result()) + "\n")
            lines.flush()
            bar.advance(task)
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    table = summary(sorted(rows, key=lambda row: list(SCENARIOS).index(row["scenario"])))
    if args.first_seed == FIRST_SEED:
        RESULT.write_text(json.dumps({"hardware": hardware(), "table": table}, indent=1) + "\n")
    for row in table:
        print("  ".join(f"{k}={v:.2f}" if isinstance(v, float) else f"{k}={v}" for k, v in row.items()))


if __name__ == "__main__":
    main()
