"""The tables of docs/explanation/benchmark.md and of benchmarks/README.md, printed from benchmarks/results.

python -m benchmarks.tables
"""

import json
from collections.abc import Iterator
from pathlib import Path

RESULTS = Path("benchmarks/results")
Row = dict


def percent(share: float) -> str:
    """Return a share in percent with one decimal."""
    return f"{100 * share:.1f} %"


def validity(runs: dict[str, Row]) -> Iterator[str]:
    """Yield how often innocent days alarm, a row a run and level."""
    yield "| births (history, tested) | worlds, days | promised | alarms | 95 % interval, worlds resampled |"
    yield "|---|---|---|---|---|"
    for name, run in runs.items():
        births = name.split(" ", 1)[1].replace("tested ", ", ").replace(" ,", ",")
        for one in run["overall"]:
            rate = f"{one['hits']} of {one['windows']}, {percent(one['rate'])}"
            bounds = f"{percent(one['low'])} to {percent(one['high'])}"
            where = f"{run['worlds']}, {run['windows']:,}"
            yield f"| {births} | {where} | {percent(one['level'])} | {rate} | {bounds} |"


def planted(run: Row, level: float) -> Iterator[str]:
    """Yield what was found of the campaigns planted in one run, a row a hostile share."""
    yield "| hostile share | found first | worst account precision | worst account recall |"
    yield "|---|---|---|---|"
    for one in run["power"]:
        if one["level"] == level and one["planted"]:
            worst = f"{one['precision_min']:.2f} | {one['recall_min']:.2f}" if one["found"] else "|"
            yield f"| {100 * one['share']:g} % | {one['found']} of {one['planted']} | {worst} |"


def scenarios(table: list[Row]) -> Iterator[str]:
    """Yield what was found in each scenario with all channels."""
    yield "| scenario | runs | found, first | *campaign*, *supported* | P | R | innocents *supported*, *campaign* |"
    yield "|---|---|---|---|---|---|---|"
    for row in (row for row in table if row["variant"] == "all"):
        innocent = f"{row['innocent_supported']}, {row['innocent_campaigns']}"
        if row["scenario"].startswith("quiet"):
            yield f"| {row['scenario']} | {row['runs']} | | | | | {innocent} |"
            continue
        accuracy = f"{row['precision']:.2f} | {row['recall']:.2f}" if row["precision"] is not None else "|"
        said = f"{row['found']}, {row['first']} | {row['campaign']}, {row['supported']}"
        yield f"| {row['scenario']} | {row['runs']} | {said} | {accuracy} | {innocent} |"


def ablation(table: list[Row]) -> Iterator[str]:
    """Yield what each channel, and personhood, is worth: verdicts that change when it is switched off."""
    whole = {row["scenario"]: row for row in table if row["variant"] == "all"}
    yield "| switched off | *campaign*, *supported* with it → without | innocents *supported*, *campaign* |"
    yield "|---|---|---|"
    for variant in dict.fromkeys(row["variant"] for row in table if row["variant"].startswith("without")):
        rows = [row for row in table if row["variant"] == variant]
        changed, innocents = [], {"innocent_supported": 0, "innocent_campaigns": 0}
        for row in rows:
            before = whole[row["scenario"]]
            verdicts = [f"{one['campaign']}, {one['supported']}" for one in (before, row)]
            if verdicts[0] != verdicts[1]:
                changed.append(f"{row['scenario']} {verdicts[0]} → {verdicts[1]}")
            for count in innocents:
                innocents[count] += row[count] - before[count]
        name = variant.removeprefix("without ").replace("_", " ")
        differences = ", ".join(f"{one:+d}" for one in innocents.values())
        yield f"| {name} | {'; '.join(changed) or 'nothing'} | {differences} |"


def detection(table: list[Row]) -> Iterator[str]:
    """Yield what was found on real prompts, a row a cell, and beside it what the peers catch."""
    peers = next(row["peers"] for row in table if "peers" in row)
    yield f"| cell | runs | first, in three | *campaign* | P, R | F1 | exchange AP | {' | '.join(peers)} |"
    yield "|" + "---|" * (7 + len(peers))
    for row in (row for row in table if "peers" in row):
        said = f"{row['first']}, {row['first_three']} | {row['campaign']}"
        worst = f"{row['precision_min']:.2f}, {row['recall_min']:.2f} | {row['f1_median']:.2f}"
        caught = " | ".join(f"{share:.2f}" for share in row["peers"].values())
        yield f"| {row['cell']} | {row['runs']} | {said} | {worst} | {row['exchange_ap_median']:.2f} | {caught} |"


def pruning(table: list[Row]) -> Iterator[str]:
    """Yield the room that each rule leaves, over all worlds, and below it what is found, a row a kind of campaign."""
    rules = list(dict.fromkeys(row["rule"] for row in table))
    n_worlds = sum(row["worlds"] for row in table if row["rule"] == rules[0])
    yield "| kept | of all shingles | bytes an exchange | of it shingles | same findings.json |"
    yield "|---|---|---|---|---|"
    for mine in ([row for row in table if row["rule"] == rule] for rule in rules):
        share, room, shingles = (
            sum(row["worlds"] * figure(row) for row in mine) / n_worlds
            for figure in (
                lambda row: row["shingles_kept"],
                lambda row: row["bytes_per_exchange"],
                lambda row: row["bytes_by_column"]["shingles"],
            )
        )
        same = f"{sum(row['same_findings'] for row in mine)} of {n_worlds}"
        yield f"| {mine[0]['rule']} | {100 * share:.0f} % | {room:.0f} | {shingles:.0f} | {same} |"
    yield ""
    yield f"| first, recall, exchange AP | worlds | {' | '.join(rules)} |"
    yield "|" + "---|" * (2 + len(rules))
    for name in dict.fromkeys(row["campaign"] for row in table):
        mine = [row for row in table if row["campaign"] == name]
        told = [f"{row['first']}, {row['recall_mean']:.2f}, {row['exchange_ap_mean']:.2f}" for row in mine]
        yield f"| {name} | {mine[0]['worlds']} | {' | '.join(told)} |"


def growth(axes: dict[str, Row]) -> Iterator[str]:
    """Yield the cost of each size, axis by axis, each with its exponents below."""
    yield "| grows | exchanges, accounts, distinct prompts | CPU of ingest, scan | wall | peak of ingest, scan |"
    yield "|---|---|---|---|---|"
    for axis, found in axes.items():
        name = axis.replace("_", " ")
        for row in found["rows"]:
            size = f"{row['exchanges']:,}, {row['accounts']:,}, {row['distinct_prompts']:,}"
            cpu = f"{row['ingest_cpu_s']:.0f} s, {row['scan_cpu_s']:.0f} s | {row['wall_s']:.0f} s"
            yield f"| {name} | {size} | {cpu} | {row['ingest_peak_mib']:,}, {row['scan_peak_mib']:,} MiB |"
        power = {figure: f"{value:.2f}" for figure, value in found["exponents"].items()}
        cpu = f"{power['ingest_cpu_s']}, {power['scan_cpu_s']} | {power['wall_s']}"
        yield f"| {name} | **exponent** | {cpu} | {power['ingest_peak_mib']}, {power['scan_peak_mib']} |"


def profile(rows: list[Row]) -> Iterator[str]:
    """Yield where the time goes, a row a stage, beside its limit."""
    yield "| command | stage | CPU | of the command | limit | share of it |"
    yield "|---|---|---|---|---|---|"
    for row in rows:
        near = f"{row['limit']}: {row['limit_s']:.2f} s | {percent(row['share_of_limit'])}" if "limit" in row else "|"
        yield f"| {row['command']} | {row['stage']} | {row['cpu_s']:.1f} s | {percent(row['share_of_cpu'])} | {near} |"


def costs(corpora: dict[str, Row]) -> Iterator[str]:
    """Yield what a sketch costs, and each part of it."""
    each = [one["microseconds"] for one in corpora.values()]
    yield f"| microseconds of CPU an exchange | {' | '.join(corpora)} |"
    yield "|" + "---|" * (1 + len(corpora))
    for name in each[0]:
        yield f"| {name} | {' | '.join(f'{one[name]:.2f}' for one in each)} |"


def main() -> None:
    runs = json.loads((RESULTS / "validity.json").read_text())["runs"]
    table = json.loads((RESULTS / "ablation.json").read_text())["table"]
    cells = json.loads((RESULTS / "detection.json").read_text())["table"]
    power = planted(next(iter(runs.values())), 0.01)
    others = {
        "pruning": ("table", pruning),
        "growth": ("axes", growth),
        "profile": ("rows", profile),
        "kernel": ("corpora", costs),
    }
    found = {name: RESULTS / f"{name}.json" for name in others if (RESULTS / f"{name}.json").exists()}
    more = [others[name][1](json.loads(path.read_text())[others[name][0]]) for name, path in found.items()]
    for lines in (validity(runs), power, scenarios(table), ablation(table), detection(cells), *more):
        print("\n".join(lines), end="\n\n")


if __name__ == "__main__":
    main()
