"""`gauger watch` and `gauger alarms`: the live path."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gauger.cli import options
from gauger.cli.options import examples
from gauger.cli.output import Aside, print_result
from gauger.errors import WorkspaceLocked

if TYPE_CHECKING:
    from gauger.campaigns.alarms import Alarm

WatchedLogs = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="LOGS",
        help="Growing log files, kafka://HOST:PORT/TOPIC, or -. Without any, what other commands ingest is watched.",
    ),
]
Poll = Annotated[float, typer.Option("--poll", min=0.05, metavar="SECONDS", help="Look for more this often.")]
Once = Annotated[bool, typer.Option("--once", help="Stop where the logs end now.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command(
        epilog=examples(
            "gauger watch /var/log/llm/requests.jsonl --workspace ws",
            "gauger watch kafka://broker:9092/llm-log --workspace ws --json",
            "tail -F requests.jsonl | gauger watch - --workspace ws",
            "gauger scan --workspace ws --out report    # every night, beside it",
        )
    )(watch)
    app.command(epilog=examples("gauger alarms --workspace ws", "gauger alarms --json | jq .alarms"))(alarms)


def watch(
    logs: WatchedLogs = None,
    workspace: Annotated[
        Path | None,
        typer.Option(
            "--workspace", metavar="DIR", help="Workspace folder. [default: $GAUGER_WORKSPACE, or ./gauger-workspace]"
        ),
    ] = None,
    format_: options.Format = None,
    mapping: options.Mapping = None,
    accounts: options.Accounts = None,
    timezone: options.Timezone = "UTC",
    threads: options.Threads = None,
    max_record: options.MaxRecord = None,
    poll: Poll = 5.0,
    once: Once = False,
    json: Annotated[bool, typer.Option("--json", help="Print each alarm as a line of JSON.")] = False,
    quiet: options.Quiet = False,
) -> None:
    """Read logs as they grow, and raise live alarms.

    An alarm is an early statement of its own, with a false-alarm rate of its own; it is no verdict. The next
    `gauger scan` of the workspace confirms, widens or withdraws it. Stop with Ctrl-C: what was read is kept, and the
    same command goes on there.
    """
    from gauger.cli.following import Followed
    from gauger.cli.reading import Given, settings_flags
    from gauger.cli.session import workspace_to_fill

    aside = Aside(quiet)
    given = Given(list(logs or ()), format_, mapping, accounts, events=None, timezone=timezone)
    flags = settings_flags(threads=threads, max_bad=None, max_record=max_record)
    followed = Followed(workspace_to_fill(workspace), given, flags, aside, say_alarm=_alarm_printer(json=json))
    while True:
        try:
            followed.read_on()
        except WorkspaceLocked:
            if once:
                raise
        if followed.is_over or (once and not followed.is_open):
            return
        followed.wait(poll)


def alarms(workspace: options.Workspace = None, json: options.Json = False) -> None:
    """List the live alarms, and what the latest scan said of each."""
    from gauger.cli.session import open_session, workspace_at_hand
    from gauger.cli.watching import alarm_record, alarm_sentence, fate_in_words

    with open_session(workspace_at_hand(workspace), read_only=True) as session:
        found = session.workspace.watching.alarms()
    if json:
        print_result(
            _encoded(
                {"schema": "gauger/alarms/1", "alarms": [alarm_record(one.alarm, one.fate, one.at) for one in found]}
            )
        )
    elif not found:
        print_result("No live alarm was raised.")
    else:
        print_result("\n".join(f"{alarm_sentence(one.alarm)}\n    {fate_in_words(one.fate)}" for one in found))


def _alarm_printer(*, json: bool) -> "Callable[[Alarm], None]":
    """Return what prints an alarm as it is raised: a line of text, or of JSON."""
    from gauger.cli.watching import alarm_record, alarm_sentence

    def say(alarm: "Alarm") -> None:
        print_result(_encoded(alarm_record(alarm, None, None)) if json else alarm_sentence(alarm))

    return say


def _encoded(value: Any) -> str:
    import msgspec

    return msgspec.json.encode(value).decode()
