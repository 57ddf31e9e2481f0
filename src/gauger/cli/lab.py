"""`gauger lab`: simulated traffic with the truth beside it, and small models that are really trained."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from gauger.cli import benchmarking, distilling, options
from gauger.cli.options import examples
from gauger.cli.output import print_result, terminal_width

if TYPE_CHECKING:
    from gauger.lab.window_test import WindowTest

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
    distilling.register(group)
    group.command(
        "window-test",
        epilog=examples(
            "gauger lab window-test benign.jsonl stream.jsonl",
            "gauger lab window-test benign.txt stream.txt --exchangeable texts --json",
        ),
    )(window_test)
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


def window_test(
    benign: Annotated[
        Path, typer.Argument(metavar="BENIGN", help="Innocent queries in order: text, one a line, or .jsonl.")
    ],
    stream: Annotated[Path, typer.Argument(metavar="STREAM", help="The queries in question, likewise.")],
    field: Annotated[
        str, typer.Option("--field", metavar="NAME", help="Field of a JSON line that holds the query.")
    ] = "query",
    target: options.Target = None,
    size: Annotated[
        int | None,
        typer.Option("--size", min=1, metavar="N", help="Queries of a window. [default: the whole stream]"),
    ] = None,
    exchangeable: Annotated[
        Literal["windows", "texts"],
        typer.Option(
            "--exchangeable",
            help="What innocent traffic leaves exchangeable: stretches of it, or each query (no sessions, no retries).",
        ),
    ] = "windows",
    seed: Annotated[int, typer.Option("--seed", min=0, metavar="N", help="Another seed splits otherwise.")] = 1,
    json: options.Json = False,
) -> None:
    """Test whether a stream of queries holds others than the benign ones: one p-value, no accounts needed.

    An alarm says that the stream differs, not why: new innocent topics differ too.
    """
    import msgspec
    import numpy as np

    from gauger.cli.queries import read_queries
    from gauger.lab.window_test import window_test as test

    found = test(
        read_queries(benign, field=field),
        read_queries(stream, field=field),
        rng=np.random.default_rng(seed),
        size=size,
        target=0.05 if target is None else target,
        exchangeable=exchangeable,
    )
    if json:
        print_result(msgspec.json.format(msgspec.json.encode(_as_document(found)), indent=2).decode())
    else:
        print_result("\n".join(_answer(found, width=terminal_width())))


def _as_document(found: "WindowTest") -> dict[str, object]:
    from dataclasses import asdict

    return {"alarm": found.alarm, "certifies": found.certifies, "floor": found.floor, **asdict(found)}


def _answer(found: "WindowTest", *, width: int) -> list[str]:
    from gauger.report.layout import paragraph

    parts = [_verdict(found), _grounds(found)]
    if found.alarm:
        names = ", ".join(f"{name} ({value:.1f})" for name, value in found.loudest)
        parts.append(f"Stands out most, in spreads of the comparison windows, and proves nothing alone: {names}.")
    return [line for part in parts for line in paragraph(part, width=width)]


def _verdict(found: "WindowTest") -> str:
    if not found.certifies:
        return (
            f"Nothing is certified: with {found.n_comparisons:,} comparison windows for {found.n_windows:,} tested no"
            f" p-value lies below {found.floor:.3g}; the target is {found.target:g}. It takes more benign queries or"
            " smaller windows; if every query is exchangeable, not only stretches of them, --exchangeable texts."
            f" Here p = {found.p_value:.3g}."
        )
    said = "Alarm: the stream differs from the benign queries" if found.alarm else "No alarm"
    return f"{said} (p = {found.p_value:.3g}, target {found.target:g})."


def _grounds(found: "WindowTest") -> str:
    compared = "disjoint stretches of" if found.exchangeable == "windows" else "windows drawn from it and"
    return (
        f"Tested: {found.n_windows:,} x {found.size:,} queries, each window beside {found.n_comparisons:,} {compared}"
        f" benign queries. The statistics were fitted on {found.n_fitted:,} other benign queries. The"
        f" p-value holds if innocent {'stretches' if found.exchangeable == 'windows' else 'queries'} are exchangeable"
        " with the stream's."
    )


def _kinds(parts: tuple[object, ...]) -> list[str]:
    """Return the names of the kinds of parts as words, each once."""
    names = (type(part).__name__ for part in parts)
    return list(dict.fromkeys("".join(f" {c.lower()}" if c.isupper() else c for c in name).strip() for name in names))
