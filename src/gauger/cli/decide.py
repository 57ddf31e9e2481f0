"""`gauger dismiss`, `confirm` and `decisions`: what people say about findings. Later scans honour it."""

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gauger.cli import options
from gauger.cli.options import examples
from gauger.cli.output import print_result, terminal_width
from gauger.errors import UsageError

if TYPE_CHECKING:
    from gauger.cli.session import Session
    from gauger.store.decisions import Decision, Kind

Reason = Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="Why, in a sentence. It is shown.")]
By = Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who decides. [default: your user name]")]
Undo = Annotated[bool, typer.Option("--undo", help="Take back the decision that stands.")]

_UNDONE = "taken back"


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command(
        epilog=examples(
            'gauger dismiss c-7ejw3x6jzmhg --reason "one university course"', "gauger dismiss c-7ejw3x6jzmhg --undo"
        )
    )(dismiss)
    app.command(epilog=examples('gauger confirm c-7ejw3x6jzmhg --reason "the reseller admitted it" --by anna'))(confirm)
    app.command(epilog=examples("gauger decisions --workspace ws", "gauger decisions --json"))(decisions)


def dismiss(
    finding: options.Finding,
    reason: Reason = None,
    by: By = None,
    undo: Undo = False,
    workspace: options.Workspace = None,
) -> None:
    """Say that a finding is innocent.

    Later scans show it with your reason, and never as more than observed.
    """
    _decide("dismiss", finding, reason, by=by, undo=undo, workspace=workspace)


def confirm(
    finding: options.Finding,
    reason: Reason = None,
    by: By = None,
    undo: Undo = False,
    workspace: options.Workspace = None,
) -> None:
    """Say that a finding is what it looks like.

    Later scans show your word beside the evidence; the verdict stays that of the statistics.
    """
    _decide("confirm", finding, reason, by=by, undo=undo, workspace=workspace)


def decisions(workspace: options.Workspace = None, json: options.Json = False) -> None:
    """List the decisions, the oldest first."""
    import msgspec

    from gauger.cli.session import open_session, workspace_at_hand

    with open_session(workspace_at_hand(workspace), read_only=True) as session:
        history = session.workspace.decisions.history()
        standing = session.workspace.decisions.active()
    rows = [_row(one, stands=standing.get(one.finding_id) == one) for one in history]
    if json:
        print_result(msgspec.json.format(msgspec.json.encode(rows), indent=2).decode())
    else:
        print_result(_table(rows) if rows else "Nothing was decided yet.")


def _decide(
    kind: "Kind", finding: str, reason: str | None, *, by: str | None, undo: bool, workspace: Path | None
) -> None:
    from gauger.cli.session import open_session, workspace_at_hand
    from gauger.store.decisions import Decision

    if reason is None and not undo:
        raise UsageError("a decision needs a reason", where="--reason", todo='add --reason "why, in a sentence"')
    with open_session(workspace_at_hand(workspace)) as session:
        _check(session, finding, kind=kind, undo=undo)
        said = Decision(
            finding_id=finding,
            kind="undo" if undo else kind,
            reason=reason or _UNDONE,
            by=by or getpass.getuser(),
            at=session.started_at,
        )
        session.workspace.decisions.add(said)
    past = {"dismiss": "dismissed", "confirm": "confirmed"}[kind]
    print_result(f"{finding} is no longer {past}." if undo else f"{finding} is {past}. Scans from now on say so.")


def _check(session: "Session", finding: str, *, kind: "Kind", undo: bool) -> None:
    """Refuse a word about what no scan found, and taking back what nobody said."""
    standing = session.workspace.decisions.active().get(finding)
    if undo and (standing is None or standing.kind != kind):
        said = f"it is {standing.kind}ed" if standing else "nothing was decided about it"
        raise UsageError(f"there is no {kind} to take back: {said}", where=finding, todo="see `gauger decisions`")
    known = [one.finding_id for one in session.workspace.identities.known()]
    if not undo and finding not in known:
        some = f"known are {', '.join(known[:8])}" if known else "run `gauger scan` on this workspace first"
        raise UsageError("no scan of this workspace found it", where=finding, todo=some)


def _row(one: "Decision", *, stands: bool) -> dict[str, str | bool]:
    return {
        "finding_id": one.finding_id,
        "kind": one.kind,
        "reason": one.reason,
        "by": one.by,
        "at": one.at.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "stands": stands,
    }


def _table(rows: list[dict[str, str | bool]]) -> str:
    from gauger.report.layout import Column, columns
    from gauger.report.untrusted import shorten, visible

    def values(name: str) -> list[str]:
        return [visible(str(row[name])) for row in rows]

    table = [
        Column(title="finding", values=values("finding_id")),
        Column(title="decision", values=values("kind")),
        Column(title="stands", values=["yes" if row["stands"] else "no" for row in rows]),
        Column(title="by", values=[shorten(str(row["by"]), 20) for row in rows]),
        Column(title="at", values=values("at")),
        Column(title="reason", values=values("reason")),
    ]
    return "\n".join(columns(table, width=terminal_width()))
