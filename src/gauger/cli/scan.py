"""`gauger scan` and `gauger ingest`: the main job."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from gauger.errors import UsageError

Logs = Annotated[list[str], typer.Argument(help="Log files, folders, globs, or - for stdin.", show_default=False)]
Out = Annotated[Path, typer.Option("--out", help="Folder for the result.")]
WorkspaceFolder = Annotated[
    Path | None, typer.Option("--workspace", help="Workspace folder. [default: OUT/.workspace for scan]")
]
Format = Annotated[str | None, typer.Option("--format", help="Log format; detected by default.")]
MappingFile = Annotated[
    Path | None, typer.Option("--mapping", help="TOML file: canonical column = path in the record.")
]
AccountsFile = Annotated[Path | None, typer.Option("--accounts", help="Account table: CSV, JSONL or Parquet.")]
EventsFile = Annotated[
    Path | None, typer.Option("--events", help="Bans, suspensions, model releases: CSV, JSONL, Parquet.")
]
HistoryUntil = Annotated[
    str | None, typer.Option("--history-until", help="Where the tested stretch begins (RFC 3339).")
]
WindowDays = Annotated[float | None, typer.Option("--window", help="Tested stretch and window length, in days.")]
Target = Annotated[float | None, typer.Option("--target", help="False-alarm target per scan. [default: 0.05]")]
Now = Annotated[str | None, typer.Option("--now", help="Time of the document. [default: the latest exchange]")]
Zone = Annotated[str, typer.Option("--timezone", help="Zone of times that carry none.")]
Engine = Annotated[str, typer.Option("--engine", help="Where tables are computed: duckdb.")]
Threads = Annotated[int | None, typer.Option("--threads", help="Threads. [default: one per core]")]
Json = Annotated[bool, typer.Option("--json", help="Print findings.json to stdout instead of a summary.")]
FailOn = Annotated[
    str | None, typer.Option("--fail-on", help="Exit with 10 when a finding is 'supported' or 'campaign'.")
]
MaxBad = Annotated[float | None, typer.Option("--max-bad", help="Share of rows that may be bad. [default: 0.01]")]
MaxRecord = Annotated[str | None, typer.Option("--max-record", help="Longest record read. [default: 64MiB]")]


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("scan")(scan)
    app.command("ingest")(ingest)


def ingest(  # noqa: PLR0913 - the flags of contracts §6
    logs: Logs,
    workspace: WorkspaceFolder = None,
    format_: Format = None,
    mapping: MappingFile = None,
    accounts: AccountsFile = None,
    events: EventsFile = None,
    timezone: Zone = "UTC",
    threads: Threads = None,
    max_bad: MaxBad = None,
    max_record: MaxRecord = None,
) -> None:
    """Read logs into the workspace. What was read before is skipped; a log that grew is read from where it ended."""
    from gauger.cli.session import open_session, workspace_path
    from gauger.cli.work import read_in

    flags = {"threads": threads, "max_bad": max_bad, "max_record_bytes": _bytes("--max-record", max_record)}
    with open_session(workspace_path(workspace), create=True, flags=flags) as session:
        summary = read_in(
            session, logs, format_=format_, mapping=mapping, accounts=accounts, events=events, timezone=timezone
        )
    print(summary)  # noqa: T201


def scan(  # noqa: PLR0913 - the flags of contracts §6
    logs: Annotated[list[str] | None, typer.Argument(help="Log files, folders, globs, or - for stdin.")] = None,
    out: Out = Path("gauger-report"),
    workspace: WorkspaceFolder = None,
    format_: Format = None,
    mapping: MappingFile = None,
    accounts: AccountsFile = None,
    events: EventsFile = None,
    history_until: HistoryUntil = None,
    window: WindowDays = None,
    target: Target = None,
    now: Now = None,
    timezone: Zone = "UTC",
    engine: Engine = "duckdb",
    threads: Threads = None,
    json: Json = False,
    fail_on: FailOn = None,
    max_bad: MaxBad = None,
    max_record: MaxRecord = None,
) -> int:
    """Read logs, look for campaigns, and write the report."""
    from gauger.cli.session import open_session
    from gauger.cli.work import detect_and_publish, read_in

    if engine != "duckdb":
        raise UsageError(f"there is no engine {engine!r}", where="--engine", todo="use duckdb")
    if fail_on not in (None, "supported", "campaign"):
        raise UsageError(f"cannot be {fail_on!r}", where="--fail-on", todo="use supported or campaign")
    if not logs and workspace is None:
        raise UsageError("nothing to scan", where="LOGS", todo="name logs, or a --workspace that holds some")
    flags: dict[str, Any] = {
        "threads": threads,
        "max_bad": max_bad,
        "max_record_bytes": _bytes("--max-record", max_record),
        "windows.target": target,
        "windows.tested_days": window,
    }
    with open_session(workspace or out / ".workspace", create=bool(logs), flags=flags) as session:
        if logs or accounts or events:
            note = read_in(
                session,
                logs or [],
                format_=format_,
                mapping=mapping,
                accounts=accounts,
                events=events,
                timezone=timezone,
            )
            print(note, file=sys.stderr)  # noqa: T201
        result = detect_and_publish(
            session, out, history_until=_moment("--history-until", history_until), now=_moment("--now", now)
        )
    print(result.as_json() if json else result.as_text(out))  # noqa: T201
    return 10 if fail_on and result.reaches(fail_on) else 0


def _moment(flag: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is not a time", where=flag, todo="write it like 2026-01-31T12:00:00Z") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


_UNITS = {"": 1, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


def _bytes(flag: str, text: str | None) -> int | None:
    if text is None:
        return None
    number = text.rstrip("KMGiB")
    unit = text[len(number) :]
    if not number.isdigit() or unit not in _UNITS:
        raise UsageError(f"{text!r} is not a size", where=flag, todo="write it like 64MiB")
    return int(number) * _UNITS[unit]
