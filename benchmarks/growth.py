"""How the cost of ingest and scan grows in exchanges, in accounts and in distinct texts, one of them at a time.

    python -m benchmarks.growth [--base 1e6]

Logs of `benchmarks.scale_log` around one base: a million exchanges of 12,500 accounts, four of five prompts distinct.
Exchanges grow while the same accounts send them; accounts grow while they send the same exchanges; distinct texts grow
while exchanges and accounts stay, from pools of few texts that come again and again to pools in which few do. Each log
is measured as in `benchmarks.scale`. An exponent is the slope of log cost over log size from the smallest log to the
largest; benchmarks/results/growth.json holds every size.
"""

import argparse
import json
import tempfile
from pathlib import Path

from benchmarks.hardware import hardware
from benchmarks.scale import run, slope

RESULT = Path("benchmarks/results/growth.json")
#: Texts of each topic in the pools, for a base of a million exchanges.
PER_TOPIC = 40_000
#: Axis -> the knobs of each size: exchanges as a multiple of the base, then those of `scale_log.shard`.
AXES = {
    "exchanges": [{"times": times, "density": 1 / times} for times in (0.25, 0.5, 1.0, 2.0)],
    "accounts": [{"times": 1.0, "density": density} for density in (0.25, 1.0, 4.0)],
    "distinct_prompts": [{"times": 1.0, "per_topic": n} for n in (1_250, 5_000, PER_TOPIC)],
}
FIGURES = ("ingest_cpu_s", "scan_cpu_s", "cpu_s", "wall_s", "ingest_peak_mib", "scan_peak_mib")


def flat(row: dict) -> dict[str, object]:
    """Return a row of `scale.run` with the figures of ingest and scan beside the others."""
    parts = {name: row.pop(name) for name in ("ingest", "scan")}
    return row | {f"{part}_{name}": value for part, figures in parts.items() for name, value in figures.items()}


def rows_of(axis: str, base: float, known: dict[str, dict]) -> list[dict]:
    """Return the figures of an axis's sizes; a log that two axes share is made and measured once."""
    rows = []
    for knobs in AXES[axis]:
        how = {
            name: value for name, value in knobs.items() if value != {"density": 1.0, "per_topic": PER_TOPIC}.get(name)
        }
        if (name := json.dumps(how)) not in known:
            with tempfile.TemporaryDirectory(prefix="gauger-growth-") as folder:
                known[name] = flat(run(Path(folder, "log"), base * how.pop("times"), **how))
            print(json.dumps(known[name]))
        rows.append(known[name])
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", type=float, default=1e6)
    base, known, axes = parser.parse_args().base, {}, {}
    for axis in AXES:
        rows = rows_of(axis, base, known)
        axes[axis] = {"exponents": {name: slope(rows, name, by=axis) for name in FIGURES}, "rows": rows}
    RESULT.write_text(json.dumps({"hardware": hardware(), "base": base, "axes": axes}, indent=1) + "\n")
    for axis, found in axes.items():
        print(axis, json.dumps(found["exponents"]))


if __name__ == "__main__":
    main()
