"""`gauger diff`, and the reports that commands are given."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gauger.cli import options
from gauger.cli.options import examples
from gauger.cli.output import print_result, terminal_width
from gauger.errors import InputError

if TYPE_CHECKING:
    from gauger.campaigns.findings import Findings

Report = Annotated[Path, typer.Argument(metavar="REPORT", help="A result folder, or its findings.json.")]


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command(epilog=examples("gauger diff report-monday report-tuesday", "gauger diff old new --json"))(diff)


def diff(before: Report, after: Report, json: options.Json = False) -> None:
    """Compare two reports: what appeared, vanished, changed.

    Findings keep their ids within one workspace; reports of two workspaces cannot be compared.
    """
    import msgspec

    from gauger.report.comparison import compare, render_comparison

    comparison = compare(read_findings(before), read_findings(after))
    if json:
        print_result(msgspec.json.format(msgspec.json.encode(comparison), indent=2).decode())
    else:
        print_result(render_comparison(comparison, width=terminal_width()))


def read_findings(report: Path) -> "Findings":
    """Return the document of a result folder, or of a findings.json.

    Raises
    ------
    InputError
        There is none, or it is another version's.
    """
    import msgspec

    from gauger.campaigns.document import decode

    path = report / "findings.json" if report.is_dir() else report
    try:
        return decode(path.read_bytes())
    except OSError as error:
        raise InputError(
            f"there is no report here: {error.strerror}", where=str(path), todo="name the --out folder of a scan"
        ) from error
    except (msgspec.ValidationError, msgspec.DecodeError):
        raise InputError(
            "this is no findings.json of this version", where=str(path), todo="scan again, or name another report"
        ) from None
