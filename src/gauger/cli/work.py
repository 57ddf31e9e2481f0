"""What the commands do with an open session."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from gauger.campaigns.document import RunFacts, encode
from gauger.campaigns.dossier import rfc3339
from gauger.campaigns.findings import Findings
from gauger.campaigns.naming import Word
from gauger.campaigns.tracking import Known, sample
from gauger.cli.progress import progress_on
from gauger.cli.session import ENGINE_MEMORY, Session
from gauger.engines.duckdb import duck_engine
from gauger.engines.fetch import open_log
from gauger.errors import InputError
from gauger.exchanges.accounts import keep_accounts
from gauger.exchanges.events import keep_events
from gauger.pipeline import Detection, detect, ingest, result_files, timelines, write_up
from gauger.report.terminal import render_terminal
from gauger.sources import ReadOptions, find_logs, load_mapping
from gauger.sources.accounts import read_accounts
from gauger.sources.enrichment import disposable_domains
from gauger.sources.events import read_events
from gauger.store.identities import KnownFinding
from gauger.store.results import publish


@dataclass(frozen=True, slots=True)
class Result:
    """What a scan found."""

    findings: Findings

    def as_json(self) -> str:
        """Return findings.json."""
        return encode(self.findings).decode().rstrip("\n")

    def as_text(self, out: Path) -> str:
        """Return the summary for a terminal."""
        width = min(max(shutil.get_terminal_size((100, 24)).columns, 60), 120)
        return render_terminal(self.findings, width=width, report=str(out / "index.html")).rstrip("\n")

    def reaches(self, verdict: str) -> bool:
        """Return whether any finding has this verdict or a stronger one."""
        order = ("observed", "supported", "campaign")
        return any(order.index(one.verdict) >= order.index(verdict) for one in self.findings.findings)


def read_in(
    session: Session,
    logs: Sequence[str],
    *,
    format_: str | None,
    mapping: Path | None,
    accounts: Path | None,
    events: Path | None,
    timezone: str,
) -> str:
    """Read logs, account table and events into the workspace; return one line that says what was read."""
    workspace, settings = session.workspace, session.settings
    if accounts is not None:
        raw, _ = read_accounts(accounts, mapping=None, timezone=timezone)
        workspace.tables.keep_accounts(keep_accounts(raw, keys=session.keys, disposable=disposable_domains()))
    if events is not None:
        raw_events, _ = read_events(events, mapping=None, timezone=timezone)
        workspace.tables.keep_events(keep_events(raw_events, keys=session.keys))
    options = ReadOptions(
        format=format_,
        mapping=load_mapping(mapping) if mapping else None,
        timezone=timezone,
        max_record_bytes=settings.max_record_bytes,
        account_fields=settings.account_fields,
    )
    with progress_on(enabled=True) as progress:
        stored = ingest(
            workspace,
            find_logs(logs) if logs else [],
            options=options,
            keys=session.keys,
            networks=session.networks,
            settings=settings,
            threads=session.threads,
            now=session.started_at,
            progress=progress,
        )
    sources = workspace.manifest.sources()
    kept = sum(source.n_exchanges for source in sources)
    bad = sum(source.n_quarantined for source in sources)
    if kept == 0:
        raise InputError("no exchange could be read", todo="look at quarantine.parquet, or force --format")
    if bad > settings.max_bad * (kept + bad):
        raise InputError(
            f"{bad:,} of {kept + bad:,} rows could not be read, more than --max-bad allows ({settings.max_bad:.1%})",
            todo="look at the quarantine for the reasons, or raise --max-bad",
        )
    return f"{stored:,} exchanges read; the workspace holds {kept:,} ({bad:,} in quarantine)."


def detect_and_publish(session: Session, out: Path, *, history_until: datetime | None, now: datetime | None) -> Result:
    """Run detection on the workspace, write the result folder and remember the findings."""
    workspace, settings = session.workspace, session.settings
    rows, parts = workspace.sketches.sketch_paths(), workspace.sketches.part_paths()
    if not rows:
        raise InputError("the workspace holds no exchanges", where=str(workspace.path), todo="ingest logs first")
    events = workspace.tables.events()
    quarantined = workspace.sketches.quarantined()
    with (
        progress_on(enabled=True) as progress,
        duck_engine(scratch=workspace.tmp, threads=session.threads, memory_bytes=ENGINE_MEMORY) as engine,
    ):
        log = open_log(engine, rows, parts)
        detection = detect(
            engine,
            log,
            workspace.tables.accounts(),
            settings,
            history_until_us=None if history_until is None else int(history_until.timestamp() * 1_000_000),
            known=[
                Known(one.finding_id, accounts=one.accounts, shingles=one.shingles)
                for one in workspace.identities.known()
            ],
            words={
                finding: Word(kind=said.kind, reason=said.reason, by=said.by)
                for finding, said in workspace.decisions.active().items()
            },
            progress=progress,
        )
        facts = RunFacts(
            generated_at=rfc3339(log.last_us if now is None else int(now.timestamp() * 1_000_000)),
            version=version("gauger"),
            quarantined=len(quarantined),
            columns_absent=_columns_absent(session),
        )
        found, dossiers = write_up(detection, log, facts=facts, target=settings.windows.target)
        plots = timelines(engine, log, dossiers, events)
    publish(out, result_files(found, dossiers, quarantined, timelines=plots))
    workspace.identities.remember(_known(detection, found), now=session.started_at)
    return Result(found)


def _columns_absent(session: Session) -> list[str]:
    """Return the columns that no log of the workspace could fill."""
    absent = [source.columns_absent for source in session.workspace.manifest.sources()]
    return sorted(frozenset.intersection(*absent)) if absent else []


def _known(detection: Detection, found: Findings) -> list[KnownFinding]:
    return [
        KnownFinding(
            finding_id=named.finding_id,
            accounts=named.accounts,
            shingles=sample(named.examined.candidate.shingles),
            first_seen=datetime.fromisoformat(finding.first_seen),
        )
        for named, finding in zip(detection.named, found.findings, strict=True)
    ]
