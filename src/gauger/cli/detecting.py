"""From a filled workspace to the result folder."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path

import pyarrow as pa

from gauger.campaigns.document import RunFacts, encode
from gauger.campaigns.dossier import rfc3339
from gauger.campaigns.findings import Findings
from gauger.campaigns.naming import Word
from gauger.campaigns.tracking import Known, sample
from gauger.campaigns.windows import DAY_US, MINUTE_US
from gauger.cli.output import Aside, terminal_width
from gauger.cli.reading import quarantined
from gauger.cli.session import Session
from gauger.cli.watching import settle_alarms
from gauger.engines.engine import Engine
from gauger.engines.fetch import Log, open_log
from gauger.errors import InputError, UsageError
from gauger.pipeline import Detection, detect
from gauger.report.terminal import render_terminal
from gauger.results import result_files, timelines, write_up
from gauger.settings import WindowSettings
from gauger.store.identities import KnownFinding
from gauger.store.results import publish
from gauger.store.workspace import Workspace

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Result:
    """What a scan found."""

    findings: Findings

    def as_json(self) -> str:
        """Return findings.json."""
        return encode(self.findings).decode()

    def as_text(self, out: Path) -> str:
        """Return the summary for a terminal."""
        return render_terminal(self.findings, width=terminal_width(), report=str(out / "index.html"))

    def reaches(self, verdict: str) -> bool:
        """Return whether any finding has this verdict or a stronger one."""
        order = ("observed", "supported", "campaign")
        return any(order.index(one.verdict) >= order.index(verdict) for one in self.findings.findings)


def detect_and_publish(
    session: Session,
    engine: Engine,
    out: Path,
    *,
    set_aside: pa.Table,
    history_until: datetime | None,
    now: datetime | None,
    aside: Aside,
) -> Result:
    """Run detection on the workspace, write the result folder and remember the findings."""
    workspace, settings = session.workspace, session.settings
    events = workspace.tables.events()
    not_read = quarantined(workspace, set_aside)
    with aside.progress() as progress:
        log = opened_log(engine, workspace)
        check_stretch(log, history_until, settings.windows, aside=aside)
        say_oddities(log, aside, now=now or session.started_at)
        detection = detect(
            engine,
            log,
            workspace.tables.accounts(),
            settings,
            history_until_us=None if history_until is None else microseconds(history_until),
            known=known_findings(workspace),
            words=words_of_people(workspace),
            progress=progress,
        )
        progress("writing", 0, 1)
        facts = RunFacts(
            generated_at=rfc3339(log.activity.last_us if now is None else microseconds(now)),
            version=version("gauger"),
            quarantined=len(not_read),
            columns_absent=_columns_absent(workspace),
        )
        found, dossiers = write_up(detection, log, facts=facts, settings=settings)
        plots = timelines(engine, log, dossiers, events)
        publish(out, result_files(found, dossiers, not_read, timelines=plots))
    to_know = _findings_to_know(detection, found)
    workspace.identities.remember(to_know, now=session.started_at)
    aside.say(*settle_alarms(workspace, to_know, found, detection.look.plan.tested, now=session.started_at))
    return Result(found)


def publish_quarantine(session: Session, out: Path, set_aside: pa.Table) -> None:
    """Write into the result folder what could not be read, and nothing else: why there is no result.

    Beside an earlier result it goes by another name: that result's quarantine is part of it.
    """
    publish(out, {refused_name(out): quarantined(session.workspace, set_aside)})


def refused_name(out: Path) -> str:
    """Return the file of the quarantine of a run that was refused."""
    return "quarantine-refused.parquet" if (out / "findings.json").exists() else "quarantine.parquet"


def opened_log(engine: Engine, workspace: Workspace) -> Log:
    """Return the exchanges of a workspace.

    Raises
    ------
    InputError
        It holds none.
    """
    rows = workspace.sketches.sketch_paths()
    if not rows:
        raise InputError("the workspace holds no exchanges", where=str(workspace.path), todo="ingest logs first")
    return open_log(engine, rows, workspace.sketches.part_paths())


def check_stretch(log: Log, history_until: datetime | None, windows: WindowSettings, *, aside: Aside) -> None:
    """Refuse a tested stretch without exchanges; say when there is nothing before it to compare with.

    Raises
    ------
    UsageError
        The stretch begins after the last exchange.
    """
    stretch = log.activity.without_strays()
    if history_until is not None:
        start = microseconds(history_until)
        if start > stretch.last_us:
            raise UsageError(
                f"{rfc3339(start)} is after the last exchange ({rfc3339(stretch.last_us)}): nothing would be tested",
                where="--history-until",
                todo=f"the log runs from {rfc3339(stretch.first_us)}; choose a time within it",
            )
    elif windows.tested_days is not None:
        start = stretch.last_us - int(windows.tested_days * DAY_US)
    else:
        return
    if start <= stretch.first_us:
        aside.say(
            "The tested stretch is the whole log: nothing before it tells what is new from what was always there."
        )


def say_oddities(log: Log, aside: Aside, *, now: datetime) -> None:
    """Say what was read but is odd: ids on several contents, and rows that stand far apart from all others."""
    if log.n_clashes:
        aside.say(
            f"{log.n_clashes:,} exchanges have the same request id as another of different content: all are kept."
            " Are request ids unique in these logs?"
        )
    later = log.activity.between(microseconds(now), log.activity.last_us + MINUTE_US)
    if later:
        aside.say(f"{later:,} exchanges are dated after {rfc3339(microseconds(now))}: is a clock, or --now, wrong?")
    stretch = log.activity.without_strays()
    strays = log.n_exchanges - stretch.n_exchanges
    if strays:
        aside.say(
            f"{strays:,} exchanges stand a week or more apart from all others, which run from"
            f" {rfc3339(stretch.first_us)} to {rfc3339(stretch.last_us)}: they are read, and bound no window."
            " Is a clock wrong?"
        )


def known_findings(workspace: Workspace) -> list[Known]:
    """Return the findings of earlier scans."""
    return [Known(one.finding_id, accounts=one.accounts, shingles=one.shingles) for one in workspace.identities.known()]


def words_of_people(workspace: Workspace) -> dict[str, Word]:
    """Return the decision that stands for each finding."""
    return {
        finding: Word(kind=said.kind, reason=said.reason, by=said.by)
        for finding, said in workspace.decisions.active().items()
    }


def microseconds(moment: datetime) -> int:
    """Return a time in microseconds since the epoch, exactly."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _columns_absent(workspace: Workspace) -> list[str]:
    """Return the columns that no log of the workspace could fill."""
    absent = [source.columns_absent for source in workspace.manifest.sources()]
    return sorted(frozenset.intersection(*absent)) if absent else []


def _findings_to_know(detection: Detection, found: Findings) -> list[KnownFinding]:
    reported = {finding.finding_id: finding for finding in found.findings}
    return [
        KnownFinding(
            finding_id=named.finding_id,
            accounts=named.accounts,
            shingles=sample(named.examined.candidate.shingles),
            first_seen=datetime.fromisoformat(finding.first_seen),
        )
        for named in detection.named
        if (finding := reported.get(named.finding_id)) is not None
    ]
