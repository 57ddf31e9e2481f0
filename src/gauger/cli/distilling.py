"""`gauger lab distil`: teachers and students that are really trained, and what each countermeasure does to both."""

import importlib.util
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gauger.cli import options
from gauger.cli.options import examples
from gauger.cli.output import Aside, print_result, terminal_width
from gauger.errors import UsageError

if TYPE_CHECKING:
    from gauger.lab.distil.cells import Plan
    from gauger.lab.distil.outcomes import Run
    from gauger.lab.distil.summary import Distil, Setup
    from gauger.lab.distil.training import Weights

DEFAULT_OUT = Path("gauger-distil")


def register(group: typer.Typer) -> None:
    """Add the command to `gauger lab`."""
    group.command(
        epilog=examples(
            "gauger lab distil smoke",
            "gauger lab distil standard --processes 2 --out distil",
            "gauger lab distil power --out power",
            "gauger lab distil real --cell traces/2000 --seeds 1 --device cuda --out real",
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
        typer.Argument(
            metavar="TIER",
            help="smoke, standard, power, canaries or real.",
            autocompletion=_complete_tier,
            show_default=False,
        ),
    ],
    seeds: Annotated[
        int | None, typer.Option("--seeds", min=1, metavar="N", help="Teachers, each of its own. [default: the tier's]")
    ] = None,
    first_seed: Annotated[int, typer.Option("--first-seed", min=0, metavar="N", help="The first of them.")] = 1,
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Folder for runs.jsonl, distil.json and index.html.")
    ] = DEFAULT_OUT,
    null_keys: Annotated[
        int | None,
        typer.Option("--null-keys", min=1, metavar="K", help="Other keys of each test. [default: the tier's]"),
    ] = None,
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
    cells: Annotated[
        list[str] | None,
        typer.Option("--cell", metavar="NAME", help="Only this cell of the tier, by its name in distil.json."),
    ] = None,
    steps: Annotated[
        int | None, typer.Option("--steps", min=1, metavar="N", help="Batches of each student. [default: the tier's]")
    ] = None,
    device: Annotated[
        str, typer.Option("--device", metavar="NAME", help="Where students are: cpu, cuda (PyTorch's names).")
    ] = "cpu",
    model_dir: Annotated[
        Path | None,
        typer.Option(
            "--model-dir",
            metavar="DIR",
            help="Weights that students begin with, a Transformers model on this disk (extra `transformers`).",
        ),
    ] = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Train a teacher and those who steal from it, and measure what each countermeasure does to both.

    Watermarks, withheld and summarised traces, log-probabilities, canaries, spoiled outputs, paraphrase, leaked text:
    each with its cost to the honest user and its control. The tier real trains students of the size of GPT-2, on the
    same small task: this measures, it makes no model to use. Every finished run is kept in OUT; the same command goes
    on where it was stopped. Needs PyTorch: pip install 'gauger[distil]'.
    """
    from gauger.lab.distil.cells import PLANS
    from gauger.lab.distil.summary import summarise

    if tier not in PLANS:
        raise UsageError(f"there is no tier {tier!r}", todo=f"choose one of {', '.join(PLANS)}")
    plan = _cut(PLANS[tier], cells or (), steps)
    stops = _stops(leaked, score or ())
    _require_torch()
    _require_device(device)
    numbers = range(first_seed, first_seed + (seeds or plan.seeds))
    weights = _weights(model_dir)
    setup = _setup(plan, numbers, null_keys, device=device, weights=weights)
    runs = _runs(
        plan,
        numbers,
        out=out,
        null_keys=null_keys,
        processes=processes,
        device=device,
        weights=weights,
        aside=Aside(quiet),
    )
    found = summarise(plan, runs, setup, leaked=stops)
    _publish(found, out)
    _show(found, out, as_json=json)


def _cut(plan: "Plan", cells: Sequence[str], steps: int | None) -> "Plan":
    """Return a tier with some of its cells, and other lengths of training."""
    unknown = set(cells) - {cell.name for cell in plan.cells}
    if unknown:
        names = ", ".join(cell.name for cell in plan.cells)
        raise UsageError(f"tier {plan.name} has no cell {min(unknown)!r}", where="--cell", todo=f"choose of {names}")
    kept = tuple(cell for cell in plan.cells if not cells or cell.name in cells)
    return replace(plan, cells=kept, student_steps=steps or plan.student_steps)


def _require_device(device: str) -> None:
    import torch

    try:
        # There and back: on some, PyTorch makes numbers that nobody can look at.
        torch.empty(1, device=device).cpu()
    except (RuntimeError, AssertionError, ImportError) as error:
        raise UsageError(
            f"PyTorch has no device {device!r} here", where="--device", todo="leave it out, or name one that it has"
        ) from error


def _weights(model_dir: Path | None) -> "Weights | None":
    """Return what students begin as, before anything is trained."""
    from gauger.lab.distil.training import Weights

    return None if model_dir is None else Weights.read(model_dir)


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


def _runs(
    plan: "Plan",
    seeds: Sequence[int],
    *,
    out: Path,
    null_keys: int | None,
    processes: int,
    device: str,
    weights: "Weights | None",
    aside: Aside,
) -> "list[Run]":
    from gauger.lab.distil.running import run_plan
    from gauger.store.durable import storage_errors

    with aside.progress() as progress, storage_errors(out):
        return run_plan(
            plan,
            seeds,
            out=out,
            null_keys=null_keys,
            device=device,
            weights=weights,
            processes=processes,
            progress=progress,
        )


def _setup(
    plan: "Plan", seeds: Sequence[int], null_keys: int | None, *, device: str, weights: "Weights | None"
) -> "Setup":
    from importlib.metadata import version

    from gauger.lab.distil.summary import Setup, student_said
    from gauger.lab.hardware import hardware

    begun_as = None if weights is None else f"{weights.folder.resolve().name} (SHA-256 {weights.sha256})"
    return Setup(
        gauger_version=version("gauger"),
        seeds=tuple(seeds),
        null_keys=null_keys or max(cell.null_keys for cell in plan.cells),
        teacher_steps=plan.teacher_steps,
        student_steps=plan.student_steps,
        answers=plan.answers,
        student=student_said(plan, begun_as),
        hardware={**hardware(), "torch": version("torch"), "device": device},
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
