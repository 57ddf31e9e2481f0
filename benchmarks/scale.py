"""From logs to a report, at one, four and sixteen million exchanges: time, memory, and what is found.

    python -m benchmarks.scale [--exchanges 1e6,4e6,16e6] [--format parquet] [--keep DIR]

`gauger ingest` and `gauger scan` run as processes of their own on logs of `benchmarks.scale_log`, one size after the
other, each from an empty workspace. The slope is that of log time over log exchanges from the first size to the last.
benchmarks/results/scale.json holds a row a size (scale-litellm.json with `--format litellm`, the same log as JSON lines
with Zstandard); a log that DIR holds is not made again.
"""

import argparse
import json
import math
import os
import shutil
import tempfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from benchmarks.hardware import hardware
from benchmarks.processes import measured

RESULTS = {
    "parquet": Path("benchmarks/results/scale.json"),
    "litellm": Path("benchmarks/results/scale-litellm.json"),
}


def log_of(folder: Path, n_exchanges: float, format: str, how: dict[str, float]) -> dict[str, int]:
    """Return the facts of a log, which is made if it is not there; `how` are knobs of `scale_log.shard`."""
    from benchmarks.scale_log import make, write_litellm

    if not (folder / "facts.json").exists():
        shutil.rmtree(folder, ignore_errors=True)
        make(folder, n_exchanges, **how)
    facts: dict[str, int] = json.loads((folder / "facts.json").read_text())
    if format == "litellm" and "litellm_bytes" not in facts:
        shutil.rmtree(folder / "litellm", ignore_errors=True)
        facts["litellm_bytes"] = write_litellm(folder / "logs", folder / "litellm")
        (folder / "facts.json").write_text(json.dumps(facts, indent=1) + "\n")
    return facts


def found(folder: Path, truth: Path) -> dict[str, object]:
    """Return how well the findings of mostly hostile accounts name the accounts, in all and by campaign."""
    import pyarrow.parquet as pq

    campaign = {row["account_id"]: row["campaign"] for row in pq.read_table(truth).to_pylist()}
    findings = json.loads((folder / "findings.json").read_text())["findings"]
    named = [{one["account_id"] for one in finding["accounts"]} for finding in findings]
    hits = [one for one in named if 2 * sum(campaign[name] is not None for name in one) > len(one)]
    listed = set().union(*hits)
    hostile = {name for name, of in campaign.items() if of is not None}
    precision = len(listed & hostile) / max(len(listed), 1)
    recall = len(listed & hostile) / len(hostile)
    return {
        "verdicts": [finding["verdict"] for finding in findings],
        "precision": round(precision, 4),
        "recall": round(recall, 4),
        "f1": round(2 * precision * recall / max(precision + recall, 1e-9), 4),
        "recall_by_campaign": {
            name: round(
                len({a for a in listed if campaign[a] == name}) / sum(of == name for of in campaign.values()), 4
            )
            for name in sorted({of for of in campaign.values() if of})
        },
    }


def run(folder: Path, n_exchanges: float, format: str = "parquet", **how: float) -> dict[str, object]:
    """Return the figures of one size; `how` are knobs of `scale_log.shard`."""
    # In processes of their own: what reads tables here would count in the peak of what is measured.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), max_tasks_per_child=1) as own:
        facts = own.submit(log_of, folder, n_exchanges, format, how).result()
        for name in ("workspace", "report"):
            shutil.rmtree(folder / name, ignore_errors=True)
        where = {"parquet": "logs", "litellm": "litellm"}[format]
        logs = sorted(map(str, (folder / where).iterdir()))
        common = ["--workspace", str(folder / "workspace")]
        load = os.getloadavg()[0]
        ingest = measured(["ingest", *logs, *common, "--accounts", str(folder / "accounts.parquet")])
        scan = measured(["scan", *common, "--out", str(folder / "report")])
        kept = sum(path.stat().st_size for path in (folder / "workspace").rglob("*.parquet"))
        quality = own.submit(found, folder / "report", folder / "truth.parquet").result()
    return {
        **facts,
        "load_before": round(load, 2),
        "ingest": ingest,
        "scan": scan,
        "wall_s": round(ingest["wall_s"] + scan["wall_s"], 1),
        "cpu_s": round(ingest["cpu_s"] + scan["cpu_s"], 1),
        "peak_mib": max(ingest["peak_mib"], scan["peak_mib"]),
        "bytes_kept_per_exchange": round(kept / facts["exchanges"]),
        **quality,
    }


def slope(rows: list[dict], figure: str, *, by: str = "exchanges") -> float:
    """Return the exponent with which a figure grows in what the logs hold, from the smallest log to the largest."""
    first, last = rows[0], rows[-1]
    return round(math.log(last[figure] / first[figure]) / math.log(last[by] / first[by]), 3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--exchanges", default="1e6,4e6,16e6")
    parser.add_argument("--format", choices=RESULTS, default="parquet")
    parser.add_argument("--keep", type=Path)
    args = parser.parse_args()
    rows: list[dict] = []
    with tempfile.TemporaryDirectory(prefix="gauger-scale-") as scratch:
        for size in args.exchanges.split(","):
            rows.append(run((args.keep or Path(scratch)) / size, float(size), args.format))
            print(json.dumps(rows[-1], indent=1))
    growth = {figure: slope(rows, figure) for figure in ("wall_s", "cpu_s", "peak_mib")} if len(rows) > 1 else {}
    RESULTS[args.format].write_text(
        json.dumps({"hardware": hardware(), "growth": growth, "rows": rows}, indent=1) + "\n"
    )
    print(json.dumps(growth, indent=1))


if __name__ == "__main__":
    main()
