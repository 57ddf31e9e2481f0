"""`gauger lab`: simulated traffic with the truth beside it."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from gauger.cli import benchmarking
from gauger.cli.options import examples
from gauger.cli.output import print_result, terminal_width

LogFormat = Literal["litellm", "openai", "anthropic", "parquet", "mapped-json", "mapped-csv"]


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    group = typer.Typer(help="Simulated traffic with the truth beside it.", no_args_is_help=True, rich_markup_mode=None)
    group.command(
        epilog=examples(
            "gauger lab simulate demo --seed 1 --out world",
            "gauger scan world/*.jsonl.gz --accounts world/accounts.csv --out report",
            "gauger lab simulate failover --prompts WildChat-1M --out world2",
        )
    )(simulate)
    group.command(epilog=examples("gauger lab scenarios"))(scenarios)
    benchmarking.register(group)
    app.add_typer(group, name="lab", epilog=examples("gauger lab scenarios", "gauger lab simulate quiet --out world"))


def _complete_scenario(incomplete: str) -> list[str]:
    from gauger.lab import SCENARIOS

    return [name for name in SCENARIOS if name.startswith(incomplete)]


def simulate(
    scenario: Annotated[
        str,
        typer.Argument(metavar="SCENARIO", help="One of `gauger lab scenarios`.", autocompletion=_complete_scenario),
    ],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder to fill.")],
    seed: Annotated[int, typer.Option("--seed", min=0, metavar="N", help="Another seed gives another world.")] = 1,
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="DIR", help="Public data sets to speak with. [default: the built-in grammar]"),
    ] = None,
    prompts: Annotated[
        Path | None,
        typer.Option(
            "--prompts",
            metavar="PATH",
            help="Local copy of a data set that persons speak with: WildChat, LMSYS-Chat-1M, or any Parquet, JSON-lines"
            " or CSV files.",
        ),
    ] = None,
    field: Annotated[
        str | None,
        typer.Option(
            "--prompts-field",
            metavar="NAME",
            help="Its column of prompts or conversations. [default: conversation, messages, prompt, ...]",
        ),
    ] = None,
    arrivals: Annotated[
        Path | None,
        typer.Option(
            "--arrivals",
            metavar="FILE",
            help="Trace that times requests: BurstGPT, Azure (CSV) or Mooncake (JSON lines).",
        ),
    ] = None,
    format_: Annotated[LogFormat, typer.Option("--format", help="Log format.")] = "litellm",
) -> None:
    """Write a simulated log, with its account table and events, and the truth about its campaigns."""
    from gauger.lab import LocalCopies, simulate_to

    local = LocalCopies(prompts=prompts, field=field, arrivals=arrivals)
    world = simulate_to(scenario, seed=seed, out=out, data=data, format=format_, local=local)
    campaigns = sorted({name for name in world.truth_accounts["campaign"].to_pylist() if name})
    print_result(
        f"{len(world.exchanges):,} exchanges of {len(world.accounts):,} accounts written to {out};"
        f" planted campaigns: {', '.join(campaigns) or 'none'} (truth.csv)."
    )


def scenarios() -> None:
    """List the scenarios and what each holds."""
    from gauger.lab import SCENARIOS
    from gauger.report.layout import Column, columns

    rows = list(SCENARIOS.values())
    table = [
        Column(title="scenario", values=[one.name for one in rows]),
        Column(title="weeks", values=[str(one.weeks) for one in rows], right=True),
        Column(title="campaigns", values=[str(len(one.campaigns)) for one in rows], right=True),
        Column(title="populations", values=[", ".join(_kinds(one.parts)) for one in rows]),
    ]
    print_result("\n".join(columns(table, width=terminal_width())))


def _kinds(parts: tuple[object, ...]) -> list[str]:
    """Return the names of the kinds of parts as words, each once."""
    names = (type(part).__name__ for part in parts)
    return list(dict.fromkeys("".join(f" {c.lower()}" if c.isupper() else c for c in name).strip() for name in names))
