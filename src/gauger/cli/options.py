"""Options that several commands share, and what turns their text into values."""

import math
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from gauger.errors import UsageError

_UNITS = {"": 1, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
LOG_FORMATS = ("litellm", "anthropic", "openai", "gauger-parquet", "mapping")


def examples(*lines: str) -> str:
    """Return the examples at the end of a command's help, kept line by line."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def _number(flag: str, example: str, is_allowed: Callable[[float], bool]) -> Callable[[str], float]:
    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not is_allowed(value):
            raise UsageError(f"cannot be {text!r}", where=flag, todo=f"write {example}")
        return value

    return parse


def _days(flag: str) -> Callable[[str], float]:
    return _number(flag, "a number of days greater than 0, such as 7 or 0.5", lambda days: 0 < days < math.inf)


def _size(flag: str) -> Callable[[str], int]:
    def parse(text: str) -> int:
        number = text.rstrip("KMGiB")
        unit = text[len(number) :]
        if not number.isdecimal() or unit not in _UNITS or int(number) * _UNITS[unit] < _UNITS["KiB"]:
            raise UsageError(f"{text!r} is not a size", where=flag, todo="write one of 1KiB or more, such as 64MiB")
        return int(number) * _UNITS[unit]

    return parse


def moment(flag: str) -> Callable[[str], datetime]:
    """Return what reads the time given to a flag: RFC 3339, UTC where it names no zone."""

    def parse(text: str) -> datetime:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise UsageError(f"{text!r} is not a time", where=flag, todo="write it like 2026-01-31T12:00:00Z") from None
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)

    return parse


def _complete_format(incomplete: str) -> list[str]:
    return [name for name in LOG_FORMATS if name.startswith(incomplete)]


_LOGS_HELP = "Log files, folders or globs, here or at s3://, gs://, abfss:// or hdfs://; - is standard input."
Logs = Annotated[list[str], typer.Argument(metavar="LOGS", help=_LOGS_HELP, show_default=False)]
OptionalLogs = Annotated[
    list[str] | None,
    typer.Argument(metavar="LOGS", help=f"{_LOGS_HELP} Without any, what the workspace holds is scanned."),
]
Finding = Annotated[str, typer.Argument(metavar="FINDING", help="Its id, such as c-7ejw3x6jzmhg.")]
ReportFolder = Annotated[Path, typer.Option("--report", metavar="DIR", help="The result folder of a scan.")]
Workspace = Annotated[
    Path | None,
    typer.Option(
        "--workspace",
        metavar="DIR",
        help="Workspace folder. [default: $GAUGER_WORKSPACE, that of the report"
        " (./gauger-report), or ./gauger-workspace]",
    ),
]
Format = Annotated[
    str | None,
    typer.Option("--format", metavar="NAME", help="Log format; found out by default.", autocompletion=_complete_format),
]
Mapping = Annotated[
    Path | None,
    typer.Option(
        "--mapping",
        metavar="FILE",
        help='TOML file: canonical column = "path in the record"; the tables [accounts] and [events] for those files.',
    ),
]
Accounts = Annotated[
    Path | None, typer.Option("--accounts", metavar="FILE", help="Account table: CSV, JSONL or Parquet.")
]
Events = Annotated[
    Path | None,
    typer.Option("--events", metavar="FILE", help="Bans, suspensions, model releases: CSV, JSONL or Parquet."),
]
HistoryUntil = Annotated[
    datetime | None,
    typer.Option(
        "--history-until",
        parser=moment("--history-until"),
        metavar="TIME",
        help="Where history ends and the tested stretch begins (RFC 3339).",
    ),
]
Window = Annotated[
    float | None,
    typer.Option(
        "--window",
        parser=_days("--window"),
        metavar="DAYS",
        help="Length of the tested stretch and of every window. [default: 7, or a quarter of a shorter log]",
    ),
]
Target = Annotated[
    float | None,
    typer.Option(
        "--target",
        parser=_number("--target", "a share between 0 and 1, such as 0.05", lambda share: 0 < share < 1),
        metavar="SHARE",
        help="Share of scans of honest traffic that may raise an alarm. [default: 0.05]",
    ),
]
Now = Annotated[
    datetime | None,
    typer.Option(
        "--now", parser=moment("--now"), metavar="TIME", help="Time of the document. [default: the latest exchange]"
    ),
]
Timezone = Annotated[str, typer.Option("--timezone", metavar="ZONE", help="Zone of times that carry none.")]
Engine = Annotated[
    Literal["duckdb", "spark"],
    typer.Option("--engine", help="Where tables are computed: on this machine, or by Apache Spark."),
]
Master = Annotated[
    str | None,
    typer.Option(
        "--master",
        metavar="URL",
        help="Spark's master, such as spark://host:7077, yarn or local[4]. [default: as Spark is configured]",
    ),
]
Threads = Annotated[int | None, typer.Option("--threads", min=1, metavar="N", help="[default: one per core]")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
FailOn = Annotated[
    Literal["supported", "campaign"] | None,
    typer.Option("--fail-on", help="Exit with 10 when a finding has this verdict or a stronger one."),
]
MaxBad = Annotated[
    float | None,
    typer.Option(
        "--max-bad",
        parser=_number("--max-bad", "a share from 0 to 1, such as 0.01", lambda share: 0 <= share <= 1),
        metavar="SHARE",
        help="Share of what is read that may be bad. [default: 0.01]",
    ),
]
MaxRecord = Annotated[
    int | None,
    typer.Option(
        "--max-record",
        parser=_size("--max-record"),
        metavar="SIZE",
        help="Longer records are skipped and listed in the quarantine. [default: 64MiB]",
    ),
]
Retain = Annotated[
    int | None,
    typer.Option("--retain", min=0, metavar="DAYS", help="Afterwards delete days older than this for good."),
]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress and no notes; errors only.")]
