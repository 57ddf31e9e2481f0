"""`gauger lab score` and `gauger lab bench`: a detector against the truth."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gauger.cli import options
from gauger.cli.options import examples
from gauger.cli.output import Aside, print_result, terminal_width
from gauger.errors import UsageError

if TYPE_CHECKING:
    from gauger.lab.runs import Run
    from gauger.lab.suites import Suite
    from gauger.lab.summary import Bench, Setup

DEFAULT_OUT = Path("gauger-bench")


def register(group: typer.Typer) -> None:
    """Add the commands to `gauger lab`."""
    group.command(
        epilog=examples("gauger lab score report world", "gauger lab score report world --json | jq .false_alarms")
    )(score)
    group.command(
        epilog=examples(
            "gauger lab bench smoke",
            "gauger lab bench detection --seeds 20 --first-seed 301 --data data --processes 2",
            "gauger lab bench detection --export worlds",
            "gauger lab bench detection --score worlds",
        )
    )(bench)


def _complete_suite(incomplete: str) -> list[str]:
    from gauger.lab.suites import SUITES

    return [name for name in SUITES if name.startswith(incomplete)]


def score(
    report: Annotated[Path, typer.Argument(metavar="REPORT", help="The result folder of a scan, by any detector.")],
    truth: Annotated[
        Path, typer.Argument(metavar="TRUTH", help="The folder that `gauger lab simulate` filled, with truth.csv.")
    ],
    json: options.Json = False,
) -> None:
    """Compare a report with the truth of a simulated log.

    False alarms first, then which campaigns, accounts and exchanges were found. The report may be any detector's.
    """
    import msgspec

    from gauger.lab.folders import read_report, read_truth
    from gauger.lab.scoring import score as scored
    from gauger.lab.text import score_text

    result = scored(read_report(report), read_truth(truth))
    if json:
        print_result(msgspec.json.format(msgspec.json.encode(result), indent=2).decode())
    else:
        print_result(score_text(result, width=terminal_width()))


def bench(
    suite: Annotated[
        str,
        typer.Argument(
            metavar="SUITE",
            help="smoke, detection, power or quiet.",
            autocompletion=_complete_suite,
            show_default=False,
        ),
    ],
    seeds: Annotated[
        int | None, typer.Option("--seeds", min=1, metavar="N", help="Worlds of each cell. [default: the suite's]")
    ] = None,
    first_seed: Annotated[int, typer.Option("--first-seed", min=0, metavar="N", help="The first of them.")] = 1,
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Folder for runs.jsonl, bench.json and index.html.")
    ] = DEFAULT_OUT,
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="DIR", help="Public data sets to speak with. [default: the built-in grammar]"),
    ] = None,
    processes: Annotated[int, typer.Option("--processes", min=1, metavar="N", help="Worlds run at a time.")] = 1,
    export: Annotated[
        Path | None,
        typer.Option("--export", metavar="DIR", help="Write the worlds for another detector, and run nothing."),
    ] = None,
    score_: Annotated[
        Path | None,
        typer.Option("--score", metavar="DIR", help="Score the reports that another detector wrote into that folder."),
    ] = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Simulate a suite of worlds, scan and score each.

    Every run is kept in OUT; the same command goes on where it was stopped. A run is made anew only in another folder.
    """
    from gauger.lab.bench import export_suite, suite_named

    if export is not None and score_ is not None:
        raise UsageError(
            "worlds are written first and reports scored later", where="--export, --score", todo="give one"
        )
    chosen = suite_named(suite)
    numbers = range(first_seed, first_seed + (seeds or chosen.seeds))
    aside = Aside(quiet)
    if export is not None:
        with aside.progress() as progress:
            places = export_suite(chosen, numbers, out=export, data=data, progress=progress)
        print_result(
            f"{len(places):,} worlds written, the first to {places[0].world}."
            f" Write each report beside its world, the first to {places[0].report}."
        )
        return
    result = _bench(chosen, numbers, out=out, data=data, processes=processes, reports=score_, aside=aside)
    _publish(result, out)
    _show(result, out, as_json=json)


def _bench(
    suite: "Suite",
    seeds: Sequence[int],
    *,
    out: Path,
    data: Path | None,
    processes: int,
    reports: Path | None,
    aside: Aside,
) -> "Bench":
    from gauger.lab.bench import run_suite, score_suite
    from gauger.lab.summary import summarise
    from gauger.settings import Settings
    from gauger.store.durable import storage_errors

    if reports is not None:
        return summarise(suite, score_suite(suite, seeds, root=reports), _setup(seeds, reports=reports, data=data))
    with aside.progress() as progress, storage_errors(out):
        runs: list[Run] = run_suite(
            suite, seeds, out=out, settings=Settings(), data=data, processes=processes, progress=progress
        )
    return summarise(suite, runs, _setup(seeds, reports=None, data=data))


def _setup(seeds: Sequence[int], *, reports: Path | None, data: Path | None) -> "Setup":
    from importlib.metadata import version

    from gauger.lab.hardware import hardware
    from gauger.lab.summary import Setup
    from gauger.settings import Settings

    prompts = "public data sets" if data is not None else "the built-in grammar"
    return Setup(
        detector="Gauger" if reports is None else f"reports in {reports}",
        gauger_version=version("gauger"),
        prompts=prompts if reports is None else "as exported",
        seeds=tuple(seeds),
        settings=Settings().model_dump(mode="json") if reports is None else None,
        hardware=hardware(),
    )


def _publish(result: "Bench", out: Path) -> None:
    import msgspec

    from gauger.lab.page import render_bench
    from gauger.store.results import publish

    document = msgspec.json.format(msgspec.json.encode(result), indent=2) + b"\n"
    publish(out, {"index.html": render_bench(result).encode(), "bench.json": document})


def _show(result: "Bench", out: Path, *, as_json: bool) -> None:
    import msgspec

    from gauger.lab.text import bench_text

    if as_json:
        print_result(msgspec.json.format(msgspec.json.encode(result), indent=2).decode())
    else:
        print_result(f"{bench_text(result, width=terminal_width())}\nReport: {out / 'index.html'}")
