"""`gauger forget` and `gauger retain`: what a workspace no longer holds."""

import sys
from dataclasses import astuple
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from gauger.cli import options
from gauger.cli.options import examples
from gauger.cli.output import print_result
from gauger.errors import UsageError

if TYPE_CHECKING:
    from gauger.store.erasure import Erased


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command(epilog=examples("gauger forget --account user-1842 --workspace ws"))(forget)
    app.command(epilog=examples("gauger retain 90 --workspace ws"))(retain)


def forget(
    account: Annotated[str, typer.Option("--account", metavar="ID", help="The account's id, as the logs give it.")],
    workspace: options.Workspace = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete everything the workspace keeps about an account.

    Reports written earlier stay as they are. The same logs bring nothing back; new logs that name the account do.
    """
    from gauger.cli.session import open_session, workspace_at_hand
    from gauger.report.sentences import plural
    from gauger.store.erasure import Erased

    path = workspace_at_hand(workspace)
    if not yes and not _agreed(f"Delete everything about {account} in {path}? This cannot be undone."):
        print_result("Nothing was deleted.")
        return
    with open_session(path) as session:
        forms = [session.workspace.forget(form) for form in session.kept_forms(account)]
    erased = Erased(*(sum(counts) for counts in zip(*map(astuple, forms), strict=True)))
    if not (erased.n_exchanges or erased.n_table_rows or erased.n_members):
        print_result(f"The workspace holds nothing about {account}.")
        return
    print_result(
        f"Deleted: {plural(erased.n_exchanges, 'exchange')}, {plural(erased.n_table_rows, 'row')} of tables,"
        f" {plural(erased.n_members, 'mention')} in earlier findings,"
        f" {plural(erased.n_parts, 'template')} that nobody else used."
    )


def retain(
    days: Annotated[int, typer.Argument(metavar="DAYS", min=0, help="Days to keep, counted back from now.")],
    workspace: options.Workspace = None,
    now: Annotated[
        datetime | None,
        typer.Option("--now", parser=options.moment("--now"), metavar="TIME", help="Count from this time."),
    ] = None,
) -> None:
    """Delete the days that ended longer ago than this. They stay deleted."""
    from gauger.cli.session import open_session, workspace_at_hand

    with open_session(workspace_at_hand(workspace)) as session:
        if now is not None and now > session.started_at:
            raise UsageError("this is in the future: all days would be deleted for ever", where="--now")
        erased = session.workspace.retain(days, now=now or session.started_at)
    print_result(erased_sentence(erased))


def erased_sentence(erased: "Erased") -> str:
    """Return in one sentence what age deleted."""
    return f"Deleted for age: {erased.n_exchanges:,} exchanges of {erased.n_days:,} days."


def _agreed(question: str) -> bool:
    if not sys.stdin.isatty():
        raise UsageError("there is nobody to ask", where="stdin is no terminal", todo="add --yes to delete unasked")
    return typer.confirm(question, err=True)
