"""`gauger explain`: a finding or an account, and real exchanges of it, in the terminal alone."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gauger.cli import options
from gauger.cli.options import examples
from gauger.cli.output import Aside, print_result, terminal_width
from gauger.errors import InputError, UsageError

if TYPE_CHECKING:
    from gauger.cli.session import Session
    from gauger.cli.subjects import Subject
    from gauger.sources import ReadOptions

#: Innocent look-alikes that are shown.
N_INNOCENT = 3

Name = Annotated[
    str, typer.Argument(metavar="FINDING|ACCOUNT", help="The id of a finding or of an account.", show_default=False)
]
MoreLogs = Annotated[list[str] | None, typer.Argument(metavar="LOGS", help="More logs, after --logs.")]
Logs = Annotated[
    list[str] | None,
    typer.Option("--logs", metavar="LOGS", help="The logs it was found in: files, folders, globs. Shows exchanges."),
]
N = Annotated[int, typer.Option("--examples", min=2, max=50, metavar="N", help="Exchanges of the finding to show.")]


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command(
        epilog=examples(
            "gauger explain c-7ejw3x6jzmhg --report report",
            "gauger explain c-7ejw3x6jzmhg --report report --logs logs/*.jsonl.gz",
            "gauger explain user-1842 --report report",
        )
    )(explain)


def explain(
    name: Name,
    more_logs: MoreLogs = None,
    logs: Logs = None,
    report: options.ReportFolder = Path("gauger-report"),
    workspace: options.Workspace = None,
    n: N = 6,
    format_: options.Format = None,
    mapping: options.Mapping = None,
    timezone: options.Timezone = "UTC",
    quiet: options.Quiet = False,
) -> None:
    """Show members, evidence and innocent explanations.

    With --logs it also reads your own logs again and shows exchanges with the shared words marked, beside innocent
    ones that look alike. They are shown in the terminal and written nowhere.
    """
    from gauger.cli.mapping_file import read_mapping_file
    from gauger.cli.reports import read_findings
    from gauger.cli.session import open_session, workspace_at_hand
    from gauger.cli.subjects import subject
    from gauger.sources import ReadOptions, find_logs

    files = find_logs([*(logs or []), *(more_logs or [])]) if logs else []
    if more_logs and not logs:
        raise UsageError(f"{more_logs[0]!r} is one argument too many", where="explain", todo="name logs with --logs")
    if "-" in files:
        raise UsageError("standard input cannot be opened again", where="--logs", todo="name files")
    findings = read_findings(report)
    folder = report if report.is_dir() else report.parent

    def kept_forms(account: str) -> list[str]:
        with open_session(workspace_at_hand(workspace, folder), read_only=True) as session:
            return session.kept_forms(account)

    shown = subject(name, findings, folder, kept_forms=kept_forms, width=terminal_width())
    print_result(shown.text)
    if not files:
        return
    with open_session(workspace_at_hand(workspace, folder), read_only=True) as session:
        _require_own(session, shown)
        reading = ReadOptions(
            format=format_,
            mapping=read_mapping_file(mapping).logs,
            timezone=timezone,
            max_record_bytes=session.settings.max_record_bytes,
            account_fields=session.settings.account_fields,
        )
        print_result("\n" + _exhibits(session, shown, folder, files, reading=reading, n=n, aside=Aside(quiet)))


def _require_own(session: "Session", shown: "Subject") -> None:
    """Refuse a workspace with another key: it would not know the report's accounts, and show them as innocents."""
    known = {one.finding_id for one in session.workspace.identities.known()}
    if shown.finding is not None and shown.finding.finding_id not in known:
        raise UsageError(
            "this workspace never found it",
            where=str(session.workspace.path),
            todo="name the workspace that made the report with --workspace",
        )


def _exhibits(
    session: "Session",
    shown: "Subject",
    folder: Path,
    files: Sequence[str],
    *,
    reading: "ReadOptions",
    n: int,
    aside: Aside,
) -> str:
    """Return exchanges of the finding and innocent look-alikes, as text."""
    from gauger.cli.exhibits import choose, pointers, show
    from gauger.cli.showing import render_exhibits
    from gauger.cli.subjects import attribution, everyone_near

    if shown.finding is None:
        raise UsageError("no finding lists it, so there are no exchanges to show", todo="leave out --logs")
    found = pointers(attribution(folder), shown.finding, files)
    chosen = choose(found, shown.first, n)
    if not chosen:
        raise InputError(
            "none of these logs holds an exchange of the finding",
            where="--logs",
            todo="name the logs that were scanned; where they were renamed, move them back",
        )
    exhibits = show(session, chosen, options=reading, theirs=everyone_near(folder), n_innocent=N_INNOCENT)
    if exhibits.n_moved:
        aside.say(f"{exhibits.n_moved} of {len(chosen)} exchanges are not where they were read: the logs have changed.")
    if not exhibits.attributed:
        raise InputError(
            "the exchanges of the finding are no longer in these logs",
            where="--logs",
            todo="name the logs as they were scanned, with the same --format or --mapping",
        )
    return render_exhibits(exhibits, width=terminal_width(), styled=sys.stdout.isatty())
