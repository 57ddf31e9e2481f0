"""What a run reads: the account table, the events, and the logs."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from gauger.cli.mapping_file import MappingFile, read_mapping_file
from gauger.cli.output import Aside
from gauger.cli.session import Session
from gauger.cli.standard_input import hashed_standard_input
from gauger.errors import InputError
from gauger.exchanges.accounts import keep_accounts
from gauger.exchanges.events import keep_events
from gauger.exchanges.schema import QUARANTINE_SCHEMA
from gauger.ingestion import ReadApart, Unread, ingest, ingest_apart, replanned, unread
from gauger.pipeline import Progress
from gauger.report.sentences import plural
from gauger.sources import ReadOptions, read_log
from gauger.sources.accounts import read_accounts
from gauger.sources.events import read_events
from gauger.sources.faults import Fault, fault_table
from gauger.sources.finding import STDIN, find_logs
from gauger.store.apart import Recipe
from gauger.store.filling import Sketching, fill
from gauger.store.processes import MAX_READERS, readers
from gauger.store.workspace import Workspace

READING = "reading logs"
#: Rows that are named one by one where something was set aside.
_SHOWN_ROWS = 5
#: Lines about what is in quarantine of the logs.
_SHOWN_LINES = 12
#: Several logs of less than this in all are read in this process: others take a second to start.
MIN_BYTES_APART = 64_000_000


class UselessReading(InputError):
    """What was read is nothing, or too much of it is bad."""


@dataclass(frozen=True, slots=True)
class Given:
    """What a command line names for reading. `logs` are files (`find_logs`)."""

    logs: Sequence[str]
    format: str | None
    mapping: Path | None
    accounts: Path | None
    events: Path | None
    timezone: str


@dataclass(frozen=True, slots=True)
class Read:
    """What a run read.

    Attributes
    ----------
    n_exchanges, n_quarantined
        Exchanges stored, and entries in the quarantine, of this run.
    n_bad, n_bad_held
        Rows that were lost in this run, and in all. A row with a bad value in an optional column is quarantined and
        kept.
    n_before_retention
        Exchanges of this run that were dropped, because their day had been deleted for age.
    n_held
        Exchanges in the workspace after it.
    set_aside
        What could not be read of the account table and the events (QUARANTINE_SCHEMA).
    """

    n_exchanges: int
    n_quarantined: int
    n_bad: int
    n_bad_held: int
    n_before_retention: int
    n_held: int
    set_aside: pa.Table

    def sentence(self) -> str:
        """Return what was read in one sentence."""
        return (
            f"{self.n_exchanges:,} exchanges read, {self.n_quarantined:,} in quarantine;"
            f" the workspace holds {self.n_held:,}."
            + (f" {self.n_before_retention:,} of deleted days were dropped." if self.n_before_retention else "")
        )

    def check(self, *, max_bad: float, quarantine: str, all_held: bool) -> None:
        """Refuse a run that read nothing, or too much that was bad.

        Parameters
        ----------
        max_bad
            Share of the rows that may be lost.
        quarantine
            Where the reasons are.
        all_held
            Judge all that the workspace holds, and not only what this run read.

        Raises
        ------
        UselessReading
            So it was; names where the quarantine is.
        """
        if self.n_held == 0:
            if self.n_before_retention:
                raise UselessReading(
                    f"all {self.n_before_retention:,} exchanges are of days that were deleted for age",
                    todo="they stay deleted (`gauger retain`); name another --workspace to read them",
                )
            if self.n_quarantined == 0:
                raise UselessReading("the logs hold no exchanges", todo="check that these are the right files")
            raise UselessReading(
                f"no exchange could be read of {self.n_quarantined:,} records",
                todo=f"the reasons are in {quarantine}; --format or --mapping may help",
            )
        n_bad, n_good = (self.n_bad_held, self.n_held) if all_held else (self.n_bad, self.n_exchanges)
        if n_bad > max_bad * (n_good + n_bad):
            raise UselessReading(
                f"{n_bad:,} of {n_good + n_bad:,} rows are bad, more than --max-bad allows ({max_bad:.1%})",
                todo=f"the reasons are in {quarantine}; correct the logs, give --mapping, or raise --max-bad",
            )


def read_in(session: Session, given: Given, aside: Aside, *, read_apart: ReadApart | None = None) -> Read:
    """Read account table, events and logs into the workspace; the logs here, or by `read_apart`."""
    mapping = read_mapping_file(given.mapping)
    set_aside = read_tables(session, given, mapping, aside)
    before = _totals(session.workspace)
    lost_before = session.workspace.sketches.count_lost()
    if given.logs:
        options = read_options(session, given, mapping)
        files = [log for log in given.logs if log != STDIN]
        new, error = unread(session.workspace, files, reading=options.fingerprint)
        here = _readers(session, new, options) if read_apart is None else nullcontext(read_apart)
        with aside.progress() as progress, here as apart:
            if STDIN in given.logs:
                shown = partial(_show, progress, 0, None)
                _read_stream(session, options, sketching(session), aside=aside, progress=shown)
            if apart is None:
                _read_logs(session, new, options, progress=progress)
            else:
                _read_logs_apart(session, new, options, apart, progress=progress)
        if error is not None:
            raise error
    after, lost = _totals(session.workspace), session.workspace.sketches.count_lost()
    if after[1] > before[1]:
        aside.say(*_quarantine_in_words(session.workspace, given.logs))
    return Read(
        n_exchanges=after[0] - before[0],
        n_quarantined=after[1] - before[1],
        n_bad=lost - lost_before,
        n_bad_held=lost,
        n_before_retention=after[2] - before[2],
        n_held=sum(count_rows(session.workspace)),
        set_aside=set_aside,
    )


def logs_named(arguments: Sequence[str], aside: Aside, *tables: Path | None) -> list[str]:
    """Return the logs that a command line names; say which files of a folder are not read."""
    skipped: list[str] = []
    logs = find_logs(arguments, others=[path for path in tables if path is not None], skipped=skipped)
    if skipped:
        more = f" and {len(skipped) - 1:,} more" if len(skipped) > 1 else ""
        aside.say(f"Not read, because a log is not called so: {min(skipped)}{more}. Name them to read them.")
    return logs


def count_rows(workspace: Workspace) -> list[int]:
    """Return the number of exchanges in each sketch file of a workspace."""
    return [int(pq.read_metadata(path).num_rows) for path in workspace.sketches.sketch_paths()]


def _totals(workspace: Workspace) -> tuple[int, int, int]:
    """Return the exchanges, the quarantined entries and the rows of deleted days that all logs ever gave."""
    sources = workspace.manifest.sources()
    return (
        sum(one.n_exchanges for one in sources),
        sum(one.n_quarantined for one in sources),
        sum(one.n_before_retention for one in sources),
    )


def _read_logs(session: Session, logs: Sequence[Unread], options: ReadOptions, *, progress: Progress) -> None:
    how, total, done = sketching(session), _size(logs), 0
    for log in logs:
        ingest(
            session.workspace,
            log.plan.name,
            options=options,
            how=how,
            now=session.started_at,
            progress=partial(_show, progress, done, total),
            # Of several, one may repeat or continue another.
            plan=log.plan if len(logs) == 1 else replanned(session.workspace, log),
        )
        done += _size([log])
        progress(READING, done, total)


def _read_logs_apart(
    session: Session, logs: Sequence[Unread], options: ReadOptions, read_apart: ReadApart, *, progress: Progress
) -> None:
    size_of, total, done = {log.plan.name: _size([log]) for log in logs}, _size(logs), 0

    def taken(log: str) -> None:
        nonlocal done
        done += size_of[log]
        progress(READING, done, total)

    progress(READING, 0, total)
    ingest_apart(
        session.workspace,
        logs,
        read_apart=read_apart,
        options=options,
        how=sketching(session),
        now=session.started_at,
        taken=taken,
    )


def _size(logs: Sequence[Unread]) -> int:
    """Return the bytes of logs."""
    return sum(log.stamp.size_bytes for log in logs)


def recipe_of(session: Session, options: ReadOptions) -> Recipe:
    """Return what a process needs that reads logs for this session."""
    return Recipe(
        workspace=session.workspace.path.absolute(),
        networks=session.configuration.networks,
        folder=Path.cwd(),
        settings=session.settings,
        options=options,
        kept_from=session.workspace.sketches.kept_from,
    )


@contextmanager
def _readers(session: Session, logs: Sequence[Unread], options: ReadOptions) -> Iterator[ReadApart | None]:
    """Yield what reads these logs side by side; None where that is not worth a process."""
    processes = min(session.threads, len(logs), MAX_READERS)
    if processes < 2 or _size(logs) < MIN_BYTES_APART:
        yield None
        return
    with readers(recipe_of(session, options), processes=processes) as read:
        yield lambda plans, _options: read(plans)


def read_options(session: Session, given: Given, mapping: MappingFile) -> ReadOptions:
    """Return how a command line wants logs read."""
    return ReadOptions(
        format=given.format,
        mapping=mapping.logs,
        timezone=given.timezone,
        max_record_bytes=session.settings.max_record_bytes,
        account_fields=session.settings.account_fields,
    )


def sketching(session: Session) -> Sketching:
    """Return what turns exchanges into sketches."""
    return Sketching(session.keys, session.networks(), session.settings, threads=session.threads)


def _show(progress: Progress, before: int, total: int | None, _step: str, done: int, _total: int | None) -> None:
    """Show the bytes of one log as part of the bytes of all."""
    progress(READING, before + done, total)


def _read_stream(session: Session, options: ReadOptions, how: Sketching, *, aside: Aside, progress: Progress) -> None:
    """Read standard input: all of it counts, or nothing does."""
    workspace = session.workspace
    plan = workspace.manifest.plan_stream(reading=options.fingerprint)
    with hashed_standard_input() as stream, workspace.sketches.writer(plan, now=session.started_at) as writer:
        batches = read_log(STDIN, options=options)
        fill(writer, batches, how, read=lambda _batch: progress("", stream.bytes_read, None))
        if stream.damage is not None:
            fault = Fault(None, stream.content.n_bytes, None, None, stream.damage)
            writer.quarantine(fault_table([fault], STDIN))
        if not writer.finish(stream=stream.content).is_new:
            aside.say("Standard input was read before; nothing of it was added.")


def read_tables(session: Session, given: Given, mapping: MappingFile, aside: Aside) -> pa.Table:
    """Read the account table and the events; return what was set aside of them."""
    set_aside = [QUARANTINE_SCHEMA.empty_table()]
    tables = session.workspace.tables
    if given.accounts is not None:
        raw, faults = read_accounts(given.accounts, mapping=mapping.accounts, timezone=given.timezone)
        tables.keep_accounts(keep_accounts(raw, keys=session.keys, disposable=session.disposable()))
        aside.say(
            f"{given.accounts}: {plural(len(raw), 'account')} read.", *_faults(faults, given.accounts, "accounts")
        )
        set_aside.append(faults)
    if given.events is not None:
        raw, faults = read_events(given.events, mapping=mapping.events, timezone=given.timezone)
        tables.keep_events(keep_events(raw, keys=session.keys))
        aside.say(f"{given.events}: {plural(len(raw), 'event')} read.", *_faults(faults, given.events, "events"))
        set_aside.append(faults)
    found = pa.concat_tables(set_aside)
    return found.filter(pc.not_equal(found["reason"], "unknown_column"))


def _faults(faults: pa.Table, name: Path | str, table: str) -> list[str]:
    """Return in words what of a table was not read: columns nobody asked for, and rows or values set aside."""
    lines = []
    unknown: list[str] = []
    grouped: dict[tuple[str, str | None, str], list[Any]] = {}
    for fault in faults.to_pylist():
        if fault["reason"] == "unknown_column":
            unknown.append(fault["column"])
        else:
            grouped.setdefault((fault["reason"], fault["column"], fault["hint"]), []).append(fault["row"])
    if unknown:
        lines.append(
            f"{name}: columns not read: {', '.join(unknown)}. [{table}] in the file of --mapping gives them a meaning."
        )
    for (_, column, hint), rows in grouped.items():
        what = f"{len(rows):,} in column {column}" if column else f"{len(rows):,}"
        lines.append(f"{name}: set aside {what}{_at(rows)}: {hint}.")
    return lines


def _quarantine_in_words(workspace: Workspace, logs: Sequence[str]) -> list[str]:
    """Return what is in quarantine of these logs, log by log."""
    entries = workspace.sketches.quarantined()
    lines: list[str] = []
    for log in entries["source_file"].unique().to_pylist():
        if log in logs:
            lines += _faults(entries.filter(pc.equal(entries["source_file"], log)), log, "logs")
    more = len(lines) - _SHOWN_LINES
    return [*lines[:_SHOWN_LINES], f"... and {plural(more, 'line')} like these"] if more > 0 else lines


def _at(rows: Sequence[int | None]) -> str:
    known = [str(row) for row in rows if row is not None]
    if not known:
        return ""
    more = ", ..." if len(known) > _SHOWN_ROWS else ""
    return f" (row{'s' if len(known) > 1 else ''} {', '.join(known[:_SHOWN_ROWS])}{more}; the first is 0)"


def quarantined(workspace: Workspace, set_aside: pa.Table) -> pa.Table:
    """Return everything that could not be read: of the logs of the workspace, and of this run's tables."""
    return pa.concat_tables([workspace.sketches.quarantined(), set_aside])


def settings_flags(
    *, threads: int | None, max_bad: float | None, max_record: int | None, **others: Any
) -> Mapping[str, Any]:
    """Return flags as settings, by dotted name; None is not said."""
    return {"threads": threads, "max_bad": max_bad, "max_record_bytes": max_record, **others}
