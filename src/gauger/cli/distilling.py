"""`gauger lab distil`: teachers and students that are really trained, and what each countermeasure does to both."""

import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gauger.cli import options
from gauger.cli.options import examples
from gauger.cli.output import Aside, print_result, terminal_width
from gauger.errors import UsageError

if TYPE_CHECKING:
    from gauger.lab.distil.cells import Plan
    from gauger.lab.distil.summary import Distil, Setup

DEFAULT_OUT = Path("gauger-distil")
#: Enough for four digits of a p-value; a verdict of `gauger prove` needs more.
NULL_KEYS = 9_999


def register(group: typer.Typer) -> None:
    """Add the command to `gauger lab`."""
    group.command(
        epilog=examples(
            "gauger lab distil smoke",
            "gauger lab distil standard --processes 2 --out distil",
            "gauger lab distil standard --out distil --leaked live=264,nightly=1789",
            "gauger lab score report world --json > score.json",
            "gauger lab distil standard --out distil --score score.json",
        )
    )(distil)


def _complete_tier(incomplete: str) -> list[str]:
    from gauger.lab.distil.cells import PLANS

    return [name for name in PLANS if name.startswith(incomplete)]


def distil(
    tier: Annotated[
        str,
        typer.Argument(metavar="TIER", help="smoke or standard.", autocompletion=_complete_tier, show_default=False),
    ],
    seeds: Annotated[
        int | None, typer.Option("--seeds", min=1, metavar="N", help="Teachers, each of its own. [default: the tier's]")
    ] = None,
    first_seed: Annotated[int, typer.Option("--first-seed", min=0, metavar="N", help="The first of them.")] = 1,
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Folder for runs.jsonl, distil.json and index.html.")
    ] = DEFAULT_OUT,
    null_keys: Annotated[
        int, typer.Option("--null-keys", min=1, metavar="K", help="Other keys of each test.")
    ] = NULL_KEYS,
    leaked: Annotated[
        str | None,
        typer.Option(
            "--leaked", metavar="[NAME=]N,...", help="Exchanges that leaked before an alarm, put on the curve."
        ),
    ] = None,
    score: Annotated[
        list[Path] | None,
        typer.Option("--score", metavar="FILE", help="Likewise, from `gauger lab score --json` or a bench.json."),
    ] = None,
    processes: Annotated[int, typer.Option("--processes", min=1, metavar="N", help="Students trained at a time.")] = 1,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Train a teacher and those who steal from it, and measure what each countermeasure does to both.

    Watermarks, withheld and summarised traces, log-probabilities, spoiled outputs, paraphrase, leaked text: each with
    its cost to the honest user and its control. Every finished run is kept in OUT; the same command goes on where it
    was stopped. Needs PyTorch: pip install 'gauger[distil]'.
    """
    from gauger.lab.distil.cells import PLANS

    if tier not in PLANS:
        raise UsageError(f"there is no tier {tier!r}", todo=f"choose one of {', '.join(PLANS)}")
    stops = _stops(leaked, score or ())
    _require_torch()
    plan = PLANS[tier]
    numbers = range(first_seed, first_seed + (seeds or plan.seeds))
    found = _run(plan, numbers, out=out, null_keys=null_keys, stops=stops, processes=processes, aside=Aside(quiet))
    _publish(found, out)
    _show(found, out, as_json=json)


def _require_torch() -> None:
    if importlib.util.find_spec("torch") is None:
        raise UsageError(
            "PyTorch is not installed here", where="gauger lab distil", todo="pip install 'gauger[distil]'"
        )


def _stops(leaked: str | None, scores: Sequence[Path]) -> dict[str, float]:
    from gauger.lab.distil.alarms import read_leaked

    stops: dict[str, float] = {}
    for said in leaked.split(",") if leaked is not None else ():
        name, _, number = said.rpartition("=")
        if not number.strip().isdecimal():
            raise UsageError(f"{said!r} is no number of exchanges", where="--leaked", todo="such as 300,1200")
        stops[name.strip() or f"{int(number):,} exchanges"] = float(number)
    for path in scores:
        stops |= read_leaked(path)
    return stops


def _run(
    plan: "Plan",
    seeds: Sequence[int],
    *,
    out: Path,
    null_keys: int,
    stops: Mapping[str, float],
    processes: int,
    aside: Aside,
) -> "Distil":
    from gauger.lab.distil.running import run_plan
    from gauger.lab.distil.summary import summarise
    from gauger.store.durable import storage_errors

    with aside.progress() as progress, storage_errors(out):
        runs = run_plan(plan, seeds, out=out, null_keys=null_keys, processes=processes, progress=progress)
    return summarise(plan, runs, _setup(plan, seeds, null_keys), leaked=stops)


def _setup(plan: "Plan", seeds: Sequence[int], null_keys: int) -> "Setup":
    from importlib.metadata import version

    from gauger.lab.distil.summary import Setup
    from gauger.lab.hardware import hardware

    return Setup(
        gauger_version=version("gauger"),
        seeds=tuple(seeds),
        null_keys=null_keys,
        teacher_steps=plan.teacher_steps,
        student_steps=plan.student_steps,
        hardware={**hardware(), "torch": version("torch")},
    )


def _publish(found: "Distil", out: Path) -> None:
    import msgspec

    from gauger.lab.distil.page import render_distil
    from gauger.store.results import publish

    document = msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n"
    publish(out, {"index.html": render_distil(found).encode(), "distil.json": document})


def _show(found: "Distil", out: Path, *, as_json: bool) -> None:
    import msgspec

    from gauger.lab.distil.text import distil_text

    if as_json:
        print_result(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
    else:
        print_result(f"{distil_text(found, width=terminal_width())}\nReport: {out / 'index.html'}")
