"""What it would save, and cost, to drop the shingles that one customer alone sent once their day is closed.

    python -m benchmarks.pruning [--seeds 4] [--processes 2]

Gauger keeps every shingle (docs/decisions/0001). Here worlds of the lab's suites at hostile shares of 5 and 10 %, and
some that are harder, are sketched once, written as a workspace writes them, a file a day, and scanned five times: as
they are, and with shingles dropped by each rule of `RULES` on a copy. Only the lists of shingles change; words are not
counted anew, and hashes of whole turns, system prompts and tool schemas stay. A day is closed when it has ended (UTC):
the scan comes after the last day, so that all 35 are closed, those of the tested week too. One rule leaves the tested
week whole.

Every world is one line in .scratch/pruning.jsonl, and is not made again by the same code; results/pruning.json holds
the table. Seeds from 6001 on had never run before; workspace keys have the same number.
"""

import argparse
import json
import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

os.environ.setdefault("NUMBA_CACHE_DIR", str(Path.home() / ".cache" / "gauger" / "kernels"))

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from benchmarks.hardware import hardware
from benchmarks.resumable import resume
from benchmarks.worlds import fared, pools_at_hand
from gauger.campaigns.document import encode
from gauger.campaigns.windows import DAY_US, plan_windows
from gauger.engines.fetch import fetch_owners
from gauger.lab import Campaign, Scenario, World, simulate
from gauger.lab.bench import truth_of
from gauger.lab.scanning import Opened, opened, opened_files, report_on
from gauger.lab.scores import Truth
from gauger.lab.scoring import score
from gauger.lab.suites import SUITES
from gauger.settings import Settings
from gauger.store.durable import write_parquet
from gauger.store.staging import distinct_parts, split_by_day

RESULT = Path("benchmarks/results/pruning.json")
LINES = Path(".scratch/pruning.jsonl")
FIRST_SEED = 6001
#: What the table is by -> cells of the lab's suites. Six hostile requests of sixty are 10 %, three are 5 %.
GROUPS = {
    "10 %": ("pool/0.1/payment", "pool/0.1/network"),
    "5 %": ("pool/0.05/payment", "pool/0.05/network"),
    "5 %, 125 wrappings": ("pool/0.05/payment/125-wrappers",),
    "10 %, five accounts": ("accounts/5",),
    "10 %, ten accounts": ("accounts/10",),
    "one request an account": ("requests/1", "one-each/nothing"),
    "one request an account, 125 wrappings": ("one-each/nothing/125-wrappers",),
}
#: What the suites do not hold: cells of theirs whose campaign has as many wrappings as there are.
WRAPPED = "/125-wrappers"
#: Columns whose bytes stand in the table by themselves.
LARGEST = ("shingles", "projection", "turn_hash_high", "turn_hash_low", "digest_high", "digest_low", "request_id")


# --- rules: which places of shingles are kept ----------------------------------------------------------------------


@dataclass(frozen=True)
class Places:
    """Where shingles stand: int64[n] arrays, a place for every shingle of every exchange.

    Attributes
    ----------
    shingle
        Codes from 0 on.
    principal
        Who sent it.
    day
        Days since the epoch.
    tested_from
        The day on which the tested stretch begins.
    """

    shingle: NDArray[np.int64]
    principal: NDArray[np.int64]
    day: NDArray[np.int64]
    tested_from: int


def shared(group: NDArray[np.int64], principal: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which places are in a group (codes from 0 on) in which two principals stand."""
    size = int(group.max(initial=-1)) + 1
    low, high = np.full(size, np.iinfo(np.int64).max), np.full(size, -1)
    np.minimum.at(low, group, principal)
    np.maximum.at(high, group, principal)
    return (low != high)[group]


def everything(places: Places) -> NDArray[np.bool_]:
    return np.ones(len(places.shingle), np.bool_)


def on_its_day(places: Places) -> NDArray[np.bool_]:
    pairs = places.shingle * (int(places.day.max(initial=0)) + 1) + places.day
    return shared(np.unique(pairs, return_inverse=True)[1], places.principal)


def on_its_day_or_tested(places: Places) -> NDArray[np.bool_]:
    return on_its_day(places) | (places.day >= places.tested_from)


def by_that_day(places: Places) -> NDArray[np.bool_]:
    """Keep what a second principal had sent by the end of the day."""
    order = np.lexsort((places.day, places.shingle))
    size = int(places.shingle.max(initial=-1)) + 1
    first = np.empty(size, np.int64)
    first[places.shingle[order][::-1]] = places.principal[order][::-1]  # what is written last stands: the earliest
    another = places.principal != first[places.shingle]
    since = np.full(size, np.iinfo(np.int64).max)
    np.minimum.at(since, places.shingle[another], places.day[another])
    return places.day >= since[places.shingle]


def in_the_log(places: Places) -> NDArray[np.bool_]:
    return shared(places.shingle, places.principal)


#: Rule -> which places it keeps: those of shingles that two principals sent on the same day; the same, but all of the
#: tested week; those that two had sent by the end of the day; those that two sent anywhere in the log, which nobody
#: knows when a day closes.
RULES: dict[str, Callable[[Places], NDArray[np.bool_]]] = {
    "every shingle": everything,
    "shared on its day": on_its_day,
    "shared on its day, or of the tested week": on_its_day_or_tested,
    "shared by the end of its day": by_that_day,
    "shared anywhere in the log": in_the_log,
}


# --- tables --------------------------------------------------------------------------------------------------------


def places_of(rows: pa.Table, principal: NDArray[np.int64], *, tested_from: int) -> Places:
    """Return where the shingles of sketches stand; `principal` is that of each row."""
    lists = rows["shingles"].combine_chunks()
    lengths = np.diff(lists.offsets.to_numpy())
    _, code = np.unique(lists.flatten().to_numpy(), return_inverse=True)
    day = rows["occurred_us"].to_numpy() // DAY_US
    return Places(code, np.repeat(principal, lengths), np.repeat(day, lengths), tested_from)


def pruned(rows: pa.Table, kept: NDArray[np.bool_]) -> pa.Table:
    """Return sketches with the shingles of these places alone, in their order."""
    lists = rows["shingles"].combine_chunks()
    ends = lists.offsets.to_numpy()
    offsets = np.concatenate([[0], np.cumsum(kept)])[ends - ends[0]]
    left = lists.flatten().filter(pa.array(kept))
    column = rows.schema.get_field_index("shingles")
    return rows.set_column(column, rows.schema.field(column), pa.ListArray.from_arrays(offsets.astype(np.int32), left))


def written(rows: pa.Table, parts: pa.Table, folder: Path) -> tuple[list[Path], list[Path]]:
    """Return the files of sketches and of parts, as a workspace writes them."""
    folder.mkdir()
    paths = []
    for day, table in split_by_day(rows):
        paths.append(folder / f"{day}.parquet")
        write_parquet(table, paths[-1])
    write_parquet(parts, folder / "parts.parquet")
    return paths, [folder / "parts.parquet"]


def by_column(paths: list[Path]) -> Counter[str]:
    """Return the bytes of Parquet files by column; "footers" are what no column takes."""
    found: Counter[str] = Counter()
    for path in paths:
        groups = pq.read_metadata(path)
        for group in map(groups.row_group, range(groups.num_row_groups)):
            for column in map(group.column, range(group.num_columns)):
                found[column.path_in_schema.partition(".")[0]] += column.total_compressed_size
        found["footers"] += path.stat().st_size
    found["footers"] -= found.total() - found["footers"]
    return found


# --- worlds --------------------------------------------------------------------------------------------------------


def scenario_of(name: str, seed: int) -> Scenario:
    """Return the scenario of a cell of the lab's suites, or of one whose campaign is wrapped in 125 ways."""
    cells = {cell.name: cell for suite in ("detection", "power") for cell in SUITES[suite].cells}
    if name in cells:
        return cells[name].scenario_of(seed)
    whole = cells[name.removesuffix(WRAPPED)].scenario_of(seed)
    parts = tuple(replace(part, wrappers=125) if isinstance(part, Campaign) else part for part in whole.parts)
    return replace(whole, parts=parts)


def run(cell: str, seed: int) -> dict[str, object]:
    """Return what one world comes to under each rule."""
    started = time.process_time()
    pools, kind = pools_at_hand()
    world = simulate(scenario_of(cell, seed), seed=seed, pools=pools)
    settings, truth = Settings(), truth_of(world)
    with opened(world, key=seed, settings=settings) as seen, tempfile.TemporaryDirectory() as folder:
        rows, parts, places = in_memory(seen, settings)
        outcomes: dict[str, dict] = {}
        for number, (name, rule) in enumerate(RULES.items()):
            kept = rule(places)
            files = written(pruned(rows, kept), parts, Path(folder, str(number)))
            outcomes[name] = {
                "kept_share": float(kept.mean()),
                **room(*files, n_exchanges=len(rows)),
                **outcome(files, world, truth, seen=seen, settings=settings),
            }
    as_kept = outcomes["every shingle"]["findings"]
    for one in outcomes.values():
        one["same_findings"] = one.pop("findings") == as_kept
    return {
        "cell": cell,
        "seed": seed,
        "key": seed,
        "pools": kind,
        "exchanges": len(rows),
        "cpu_s": round(time.process_time() - started, 1),
        "rules": outcomes,
    }


def in_memory(seen: Opened, settings: Settings) -> tuple[pa.Table, pa.Table, Places]:
    """Return the sketches of a world, its parts, and where its shingles stand."""
    rows = pa.concat_tables([pq.read_table(path) for path in seen.rows]).sort_by("occurred_us")
    parts = distinct_parts([pq.read_table(path) for path in seen.parts])
    owners = fetch_owners(seen.engine, seen.log, seen.accounts)
    principal = dict(zip(owners.account_ids, owners.principal_of_account.tolist(), strict=True))
    of_row = np.array([principal[name] for name in rows["account_id"].to_pylist()], np.int64)
    tested_from = plan_windows(seen.log.activity, settings.windows).tested.start_us // DAY_US
    return rows, parts, places_of(rows, of_row, tested_from=tested_from)


def room(paths: list[Path], parts: list[Path], *, n_exchanges: int) -> dict[str, object]:
    """Return the bytes kept for an exchange, in all and by column; parts are counted with the rest."""
    columns = by_column(paths)
    columns["parts"] = sum(path.stat().st_size for path in parts)
    shown = Counter({name: columns[name] for name in (*LARGEST, "parts", "footers")})
    shown["others"] = columns.total() - shown.total()
    return {
        "bytes_per_exchange": round(columns.total() / n_exchanges, 1),
        "bytes_by_column": {name: round(size / n_exchanges, 1) for name, size in shown.items()},
    }


def outcome(
    files: tuple[list[Path], list[Path]], world: World, truth: Truth, *, seen: Opened, settings: Settings
) -> dict[str, object]:
    """Return how the campaign fared in a scan of these files, and the innocents."""
    with opened_files(*files, world.accounts, keys=seen.keys) as log:
        report = report_on(log, settings)
    scored, findings = score(report, truth), report.findings.findings
    return {
        **fared(scored),
        "exchange_ap": scored.by_verdict[-1].exchanges.average_precision.value,
        "false_campaigns": scored.false_alarms.false_campaigns,
        "n_findings": len(findings),
        "n_supported": sum(one.verdict == "supported" for one in findings),
        "findings": encode(report.findings),
    }


# --- the table -----------------------------------------------------------------------------------------------------


def summary(runs: list[dict]) -> list[dict]:
    """Return one row a group of cells and rule, over all its worlds."""
    table = []
    for group, cells in GROUPS.items():
        mine = [run["rules"] for run in runs if run["cell"] in cells]
        table += [
            {"campaign": group, "rule": rule, **summarised([one[rule] for one in mine])} for rule in RULES if mine
        ]
    return table


def summarised(mine: list[dict]) -> dict[str, object]:
    """Return the figures of one rule over its worlds."""
    columns = {name: _mean(one["bytes_by_column"][name] for one in mine) for name in mine[0]["bytes_by_column"]}
    return {
        "worlds": len(mine),
        "shingles_kept": _mean(one["kept_share"] for one in mine),
        "bytes_per_exchange": _mean(one["bytes_per_exchange"] for one in mine),
        "bytes_by_column": columns,
        "found": sum(one["rank"] is not None for one in mine),
        "first": sum(one["rank"] == 1 for one in mine),
        "campaign_verdicts": sum(one["verdict"] == "campaign" for one in mine),
        "supported_verdicts": sum(one["verdict"] == "supported" for one in mine),
        "precision_mean": _mean(one["precision"] for one in mine),
        "recall_mean": _mean(one["recall"] for one in mine),
        "recall_min": min(one["recall"] for one in mine),
        "f1_mean": _mean(one["f1"] for one in mine),
        "exchange_ap_mean": _mean(one["exchange_ap"] or 0.0 for one in mine),
        "false_campaigns": sum(one["false_campaigns"] for one in mine),
        "findings_mean": _mean(one["n_findings"] for one in mine),
        "same_findings": sum(one["same_findings"] for one in mine),
    }


def _mean(values) -> float:
    return round(float(np.mean(list(values))), 3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--processes", type=int, default=2)
    args = parser.parse_args()
    wanted = [(cell, FIRST_SEED + i) for i in range(args.seeds) for cells in GROUPS.values() for cell in cells]
    rows = resume(LINES, wanted, run, key=lambda row: (row["cell"], row["seed"]), processes=args.processes)
    result = {
        "hardware": hardware(),
        "settings": Settings().model_dump(),
        "table": summary(rows),
        "runs": sorted(rows, key=lambda row: (row["cell"], row["seed"])),
    }
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    for row in result["table"]:
        print(json.dumps(row))


if __name__ == "__main__":
    main()
