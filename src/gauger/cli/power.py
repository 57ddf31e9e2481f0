"""`gauger power`: what would be found in your own log if it were there."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from gauger.cli import options
from gauger.cli.options import examples
from gauger.cli.output import Aside, print_result, terminal_width
from gauger.errors import UsageError

if TYPE_CHECKING:
    from gauger.campaigns.power import PlantSize
    from gauger.report.power import PowerRow

_SIZE = re.compile(r"(\d{1,4})x(\d{1,4})")

Sizes = Annotated[
    str,
    typer.Option("--sizes", metavar="LIST", help="Accounts x exchanges of each; commas between sizes."),
]
Draws = Annotated[int, typer.Option("--draws", min=1, metavar="N", help="Campaigns of each size.")]
Seed = Annotated[int, typer.Option("--seed", min=0, metavar="N", help="Another seed plants other campaigns.")]

ALL_SIZES = "10x1,10x3,10x10,30x1,30x3,30x10,100x1,100x3,100x10"

NOTE = (
    "Planted: one fixed wrapper of about 33 words around fills of their own, in the tested stretch; half of the"
    " accounts live in this log already and half pay with one card. Found: half of the finding is planted and half of"
    " what was planted is in it. Campaigns that rotate wrappers, send bare items or use a card each are harder to find."
)


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command(
        epilog=examples("gauger power --workspace ws", "gauger power --sizes 30x1,30x3 --draws 20 --json > power.json")
    )(power)


def power(
    sizes: Sizes = ALL_SIZES,
    draws: Draws = 5,
    seed: Seed = 1,
    workspace: options.Workspace = None,
    threads: options.Threads = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Plant campaigns into your own log and count those found.

    Nothing planted is kept: it exists while the detection runs, as sketches in the scratch of the workspace.
    """
    import msgspec

    from gauger.cli.engine import open_engine
    from gauger.cli.planting import measure
    from gauger.cli.session import open_session, workspace_at_hand

    wanted = _sizes(sizes)
    aside = Aside(quiet)
    with open_session(workspace_at_hand(workspace), flags={"threads": threads}) as session:
        if session.workspace.tables.accounts() is None:
            aside.say("There is no account table, so no card is planted: the payment channel is off, as in your scans.")
        with aside.progress() as progress, open_engine(session) as engine:
            rows = measure(session, engine, wanted, draws=draws, seed=seed, progress=progress)
    if json:
        print_result(msgspec.json.format(msgspec.json.encode(rows), indent=2).decode())
    else:
        print_result(_table(rows, width=terminal_width()))


def _sizes(text: str) -> list["PlantSize"]:
    from gauger.campaigns.power import PlantSize

    found = []
    for written in text.split(","):
        match = _SIZE.fullmatch(written.strip())
        if match is None or int(match[1]) < 2 or int(match[2]) < 1:
            raise UsageError(f"{written.strip()!r} is no size", where="--sizes", todo="write sizes like 10x1,30x3")
        found.append(PlantSize(int(match[1]), int(match[2])))
    return list(dict.fromkeys(found))


def _table(rows: Sequence["PowerRow"], *, width: int) -> str:
    from gauger.report.layout import Column, columns, paragraph

    observed = [row for row in rows if row.verdict == "observed"]
    named = [row for row in rows if row.verdict == "campaign"]
    table = [
        Column(title="accounts", values=[f"{row.n_accounts:,}" for row in observed], right=True),
        Column(title="exchanges each", values=[f"{row.exchanges_per_account:,}" for row in observed], right=True),
        Column(title="in the first three", values=[_found(row) for row in observed]),
        Column(title="as a campaign", values=[_found(row) for row in named]),
    ]
    return "\n".join([*columns(table, width=width), "", *paragraph(f"With 95% intervals. {NOTE}", width=width)])


def _found(row: "PowerRow") -> str:
    from gauger.report.numbers import percent_interval

    return f"{row.found} of {row.planted} ({percent_interval(row.low, row.high)})"
