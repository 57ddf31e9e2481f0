"""What each conditional channel is worth: every world judged with all of them, and without each. Resumable.

    python -m benchmarks.ablation [--seeds 5] [--first-seed 751] [--processes 2] [--only pool,reseller]

Content, windows and candidates are the same for all variants of a world. Worlds are the lab's scenarios in the built-in
grammar, and some with a word behind their name: "/bare", whose campaign shares no card and no network, "/network", half
of whose accounts share one network and none a card, "/greeted" and "/made-up", where a greeting stands before each
hostile request, which was sent or was not. The rules of the
channels were made on "pool", "old-campaign", "one-each" and "quiet" with seeds below 301; those of failover on a bare
"pool" with seeds 601 to 603.

Every world is one line in .scratch/ablation-FIRST.jsonl; benchmarks/results/ablation.json holds the table. Seeds below
756 were looked at before the last rules were set; the report uses seeds from 1601 on, run once. A campaign is found as
`gauger lab score` has it: by the first candidate mostly of it that lists at least half of its accounts.
benchmarks/results/ablation-considered.json (seeds 701 to 705, made before) holds what four channels more would have
added that were shown only, and are gone since (docs/decisions/0005).
"""

import argparse
import json
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

os.environ.setdefault("NUMBA_CACHE_DIR", str(Path.home() / ".cache" / "gauger" / "kernels"))

import numpy as np

from benchmarks.hardware import hardware
from benchmarks.resumable import resume
from gauger.campaigns.calibration import split_target
from gauger.campaigns.examination import Examined, choose, count_novel
from gauger.campaigns.naming import reported
from gauger.evidence.channel import Channel
from gauger.evidence.channels import CHANNELS
from gauger.evidence.personhood import Personhood
from gauger.lab import (
    SCENARIOS,
    Countermeasures,
    PoolFailover,
    Pools,
    Reseller,
    Scenario,
    World,
    grammar_pools,
    simulate,
)
from gauger.lab.scanning import opened
from gauger.pipeline import Look, judge, look
from gauger.settings import Settings

RESULT = Path("benchmarks/results/ablation.json")
FIRST_SEED = 1601
LEFT_OUT = ("demo",)
#: Scenarios that are judged bare as well, and the share of the campaign's requests that are limited and handed on.
BARE = {"failover": 0.0, "synchronised": 0.03, "pivot": 0.03, "paraphrase": 0.03, "providers": 0.03, "reseller": 0.1}
NETWORKED = ("synchronised", "cleaner", "providers")
GREETED = {"greeted": Countermeasures(greeting="sent"), "made-up": Countermeasures(greeting="made_up")}


def variants() -> dict[str, Mapping[str, Channel]]:
    """Return the sets of channels by name."""
    found: dict[str, Mapping[str, Channel]] = {"all": CHANNELS}
    for name in CHANNELS:
        found[f"without {name}"] = {other: one for other, one in CHANNELS.items() if other != name}
    found["none"] = {}
    return found


def worlds() -> dict[str, Scenario]:
    """Return the scenarios by name, the changed ones last."""
    found = {name: one for name, one in SCENARIOS.items() if name not in LEFT_OUT}
    for name, limited in BARE.items():
        found[f"{name}/bare"] = changed(name, payment_share=0.0, network_share=0.0, limited_share=limited)
    for name in NETWORKED:
        found[f"{name}/network"] = changed(name, payment_share=0.0, network_share=0.5)
    for word, measures in GREETED.items():
        found[f"pool/{word}"] = changed("pool", countermeasures=measures)
    return found


def changed(name: str, **knobs: object) -> Scenario:
    """Return a scenario with other knobs of its campaign."""
    *innocents, attack = SCENARIOS[name].parts
    if isinstance(attack, PoolFailover | Reseller):
        other = replace(attack, pool=replace(attack.pool, **knobs))
    else:
        other = replace(attack, **knobs)
    return replace(SCENARIOS[name], parts=(*innocents, other))


@cache
def pools() -> Pools:
    """Return the built-in grammar's texts."""
    return grammar_pools(per_topic=8_000)


def examined_by_variant(world: World, *, key: int) -> Iterator[tuple[str, list[Examined], tuple[str, ...]]]:
    """Yield per variant the reported candidates of a world, and the ids of the principals by code."""
    settings = Settings()
    with opened(world, key=key, settings=settings) as log:
        seen = look(log.engine, log.log, log.accounts, settings)
    split = split_target(settings.windows.target, len(seen.plan.history))
    judged = [(name, seen, channels) for name, channels in variants().items()]
    judged.append(("without personhood", without_personhood(seen), CHANNELS))
    for name, shown, channels in judged:
        yield name, reported(judge(shown, split, settings, channels)), seen.owners.principal_ids


def without_personhood(seen: Look) -> Look:
    """Return what was seen as if nobody had asked for persons: none clears a group, and none is a doubt."""
    asked_nobody = Personhood(p_value=1.0, z=0.0, n_pairs=0, excess_high=0.0, p_value_unlike=1.0)
    everybody = [replace(one, removed=asked_nobody, kept=asked_nobody) for one in (*seen.chosen, *seen.cleared)]
    strongest = sorted(everybody, key=lambda one: -one.candidate.strength.score)
    chosen, _ = choose(strongest, max_candidates=Settings().conditional.max_candidates)
    return replace(seen, chosen=tuple(chosen), cleared=(), n_novel=count_novel(strongest))


def run(scenario: str, seed: int) -> dict[str, object]:
    """Return what each variant said of one world."""
    started = time.process_time()
    world = simulate(worlds()[scenario], seed=seed, pools=pools())
    truth = world.accounts.append_column("campaign", world.truth_accounts["campaign"]).to_pylist()
    hostile = {f"principal:{row['principal_id']}" for row in truth if row["campaign"]}
    outcomes = {}
    for name, found, principals in examined_by_variant(world, key=seed):
        verdicts = []
        for one in found:
            members = {principals[code] for code in one.group.principals.tolist()}
            verdicts.append((one.judgement.verdict, len(members), len(members & hostile)))
        of_it = [(rank, *one) for rank, one in enumerate(verdicts, start=1) if 2 * one[2] > one[1]]
        best = max(of_it, key=lambda one: (one[3], -one[0]), default=None)
        outcomes[name] = {
            "rank": next((one[0] for one in of_it if 2 * one[3] >= len(hostile)), None),
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
            of_it = [one for one in said if one["verdict"] is not None]
            table.append(
                {
                    "scenario": scenario,
                    "variant": variant,
                    "runs": len(said),
                    "found": sum(one["rank"] is not None for one in said),
                    "first": sum(one["rank"] == 1 for one in said),
                    "campaign": sum(one["verdict"] == "campaign" for one in of_it),
                    "supported": sum(one["verdict"] == "supported" for one in of_it),
                    "precision": float(np.mean([one["precision"] for one in of_it])) if of_it else None,
                    "recall": float(np.mean([one["recall"] for one in of_it])) if of_it else None,
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
    names = args.only.split(",") if args.only else list(worlds())
    wanted = [(name, args.first_seed + i) for i in range(args.seeds) for name in names]
    rows = resume(path, wanted, run, key=lambda row: (row["scenario"], row["seed"]), processes=args.processes)
    table = summary(sorted(rows, key=lambda row: list(worlds()).index(row["scenario"])))
    if args.first_seed == FIRST_SEED:
        RESULT.write_text(json.dumps({"hardware": hardware(), "table": table}, indent=1) + "\n")
    for row in table:
        print("  ".join(f"{k}={v:.2f}" if isinstance(v, float) else f"{k}={v}" for k, v in row.items()))


if __name__ == "__main__":
    main()
