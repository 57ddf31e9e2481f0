"""`gauger scan` and `gauger ingest`: the main job."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gauger.cli import options
from gauger.cli.options import examples
from gauger.cli.output import Aside, print_result
from gauger.errors import UsageError

if TYPE_CHECKING:
    from gauger.cli.engine import Opened
    from gauger.cli.session import Session

Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the result.")]
ScanWorkspace = Annotated[
    Path | None,
    typer.Option(
        "--workspace", metavar="DIR", help="Workspace folder. [default: $GAUGER_WORKSPACE, or OUT/.workspace]"
    ),
]
IngestWorkspace = Annotated[
    Path | None,
    typer.Option(
        "--workspace", metavar="DIR", help="Workspace folder. [default: $GAUGER_WORKSPACE, or ./gauger-workspace]"
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command(
        epilog=examples(
            "gauger scan logs/*.jsonl.gz --accounts accounts.csv --out report",
            "gauger scan s3://bucket/logs/2026-02-*.jsonl.gz --out report",
            "gauger scan --workspace ws --out report --fail-on campaign",
            "zcat log.gz | gauger scan - --json | jq .findings",
        )
    )(scan)
    app.command(
        epilog=examples(
            "gauger ingest logs/2026-02-*.jsonl.gz --workspace ws",
            "gauger ingest export.csv --mapping mapping.toml --retain 90",
        )
    )(ingest)


def scan(
    logs: options.OptionalLogs = None,
    out: Out = Path("gauger-report"),
    workspace: ScanWorkspace = None,
    format_: options.Format = None,
    mapping: options.Mapping = None,
    accounts: options.Accounts = None,
    events: options.Events = None,
    history_until: options.HistoryUntil = None,
    window: options.Window = None,
    target: options.Target = None,
    now: options.Now = None,
    timezone: options.Timezone = "UTC",
    engine: options.Engine = "duckdb",
    master: options.Master = None,
    threads: options.Threads = None,
    json: options.Json = False,
    fail_on: options.FailOn = None,
    max_bad: options.MaxBad = None,
    max_record: options.MaxRecord = None,
    retain: options.Retain = None,
    quiet: options.Quiet = False,
) -> int:
    """Read logs, look for campaigns, and write the report.

    Writes findings.json, index.html, accounts.csv, accounts.parquet, exchanges.parquet and quarantine.parquet into
    OUT, and a summary to stdout. Exits with 0 whatever was found.
    """
    from gauger.cli.detecting import detect_and_publish, publish_quarantine, refused_name
    from gauger.cli.engine import chosen_engine
    from gauger.cli.reading import Given, UselessReading, logs_named, read_in, settings_flags
    from gauger.cli.session import open_session, workspace_to_scan
    from gauger.cli.upkeep import erased_sentence

    if window is not None and history_until is not None:
        raise UsageError(
            "both say where the tested stretch begins", where="--window, --history-until", todo="give one of the two"
        )
    opener = chosen_engine(engine, master)
    aside = Aside(quiet)
    if not logs and (format_ is not None or mapping is not None):
        raise UsageError("there are no logs to read by it", where="--format, --mapping", todo="name logs")
    files = logs_named(logs, aside, accounts, events) if logs else []
    given = Given(files, format=format_, mapping=mapping, accounts=accounts, events=events, timezone=timezone)
    flags = settings_flags(
        threads=threads,
        max_bad=max_bad,
        max_record=max_record,
        **{"windows.target": target, "windows.tested_days": window},
    )
    with (
        workspace_to_scan(workspace, files, out, drop_on=UselessReading) as path,
        open_session(path, create=bool(files), flags=flags) as session,
        opener(session) as opened,
    ):
        read = read_in(session, given, aside, read_apart=opened.read_apart)
        aside.say(read.sentence())
        if files:
            try:
                read.check(max_bad=session.settings.max_bad, quarantine=str(out / refused_name(out)), all_held=True)
            except UselessReading:
                publish_quarantine(session, out, read.set_aside)
                raise
        if json and session.workspace.tables.accounts() is None:
            aside.say(NO_ACCOUNTS)
        result = detect_and_publish(
            session, opened.engine, out, set_aside=read.set_aside, history_until=history_until, now=now, aside=aside
        )
        if retain is not None:
            aside.say(erased_sentence(session.workspace.retain(retain, now=session.started_at)))
    print_result(result.as_json() if json else result.as_text(out))
    return 10 if fail_on and result.reaches(fail_on) else 0


def ingest(
    logs: options.Logs,
    workspace: IngestWorkspace = None,
    format_: options.Format = None,
    mapping: options.Mapping = None,
    accounts: options.Accounts = None,
    events: options.Events = None,
    timezone: options.Timezone = "UTC",
    engine: options.Engine = "duckdb",
    master: options.Master = None,
    threads: options.Threads = None,
    max_bad: options.MaxBad = None,
    max_record: options.MaxRecord = None,
    retain: options.Retain = None,
    quiet: options.Quiet = False,
) -> None:
    """Read logs into the workspace.

    What was read before is skipped; a log that grew is read from where it ended. `gauger scan` without logs then looks
    at all of it. `--engine spark` reads on the workers of a cluster.
    """
    from gauger.cli.reading import Given, logs_named, read_in, settings_flags
    from gauger.cli.session import open_session, workspace_to_fill
    from gauger.cli.upkeep import erased_sentence

    opener = _engine_that_reads(engine, master)
    aside = Aside(quiet)
    given = Given(
        logs_named(logs, aside, accounts, events),
        format=format_,
        mapping=mapping,
        accounts=accounts,
        events=events,
        timezone=timezone,
    )
    flags = settings_flags(threads=threads, max_bad=max_bad, max_record=max_record)
    with (
        open_session(workspace_to_fill(workspace), create=True, flags=flags) as session,
        opener(session) as opened,
    ):
        read = read_in(session, given, aside, read_apart=opened.read_apart if opened else None)
        read.check(
            max_bad=session.settings.max_bad, quarantine=str(session.workspace.path / "quarantine"), all_held=False
        )
        if retain is not None:
            aside.say(erased_sentence(session.workspace.retain(retain, now=session.started_at)))
        if session.workspace.tables.accounts() is None:
            aside.say(NO_ACCOUNTS)
    print_result(read.sentence())


def _engine_that_reads(engine: str, master: str | None) -> "Callable[[Session], AbstractContextManager[Opened | None]]":
    """Return what opens an engine whose workers read logs; where they are read here, none is loaded."""
    if engine == "duckdb" and master is None:
        return lambda _session: nullcontext()
    from gauger.cli.engine import chosen_engine

    return chosen_engine(engine, master)


#: Without the table a channel of evidence is off; whoever reads the summary is told so there.
NO_ACCOUNTS = (
    "No account table was given, so shared payment is not looked at."
    " Give one with --accounts FILE: account_id and any of principal_id, organisation_id, plan, payment_token."
)
