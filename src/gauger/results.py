"""From what was detected to the files of the result folder."""

from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from gauger.campaigns.document import RunFacts, calibration, document, encode
from gauger.campaigns.dossier import TOUCHED_SCHEMA, Dossier, cleared_record, dossier, exchange_table, link_records
from gauger.campaigns.findings import Findings
from gauger.engines.engine import Engine
from gauger.engines.fetch import Log, fetch_activity
from gauger.pipeline import Detection
from gauger.report.activity import timeline_of
from gauger.report.files import ReportFiles
from gauger.report.html import render_html
from gauger.report.tables import all_accounts, listed_accounts
from gauger.report.timeline import Timeline
from gauger.settings import Settings
from gauger.store.results import csv_bytes


def write_up(detection: Detection, log: Log, *, facts: RunFacts, settings: Settings) -> tuple[Findings, list[Dossier]]:
    """Return the document and the dossiers behind it."""
    dossiers: list[Dossier] = []
    for index, one in enumerate(detection.named):
        found = dossier(
            one.examined,
            detection.look.tested,
            detection.attributed.filter(pc.equal(detection.attributed["finding"], index)),
            detection.directory,
            finding_id=one.finding_id,
            rank=len(dossiers) + 1,
        )
        if found.finding.accounts:  # of a group in which no account more likely belongs than not, nothing is said
            dossiers.append(found)
    q_values = [one.examined.q_value for one in detection.named if one.examined.q_value is not None]
    findings = document(
        facts=facts,
        exchanges=log.n_exchanges,
        accounts=len(detection.directory.account_ids),
        principals=len(detection.directory.principal_ids),
        first_us=log.activity.first_us,
        last_us=log.activity.last_us,
        duplicates=log.n_duplicates,
        plan=detection.look.plan,
        channels_off=detection.channels_off,
        certified_by=calibration(
            detection.look.plan,
            detection.split,
            detection.drift,
            target=settings.windows.target,
            tested=detection.tested_channels,
            n_tests=detection.n_tests,
            permutations=settings.conditional.permutations if detection.only_drawn else None,
            smallest_q=min(q_values, default=None),
        ),
        findings=[one.finding for one in dossiers],
        cleared=[cleared_record(one, detection.look.tested) for one in detection.look.cleared],
        links=link_records(
            detection.links,
            [one.finding_id for one in detection.named],
            written={one.finding.finding_id for one in dossiers},
        ),
    )
    return findings, dossiers


def result_files(
    found: Findings, dossiers: Sequence[Dossier], quarantined: pa.Table, *, timelines: Mapping[str, Timeline]
) -> dict[str, bytes | pa.Table]:
    """Return the files of a result folder, the one that tells readers the rest is there last."""
    touched = pa.concat_tables([TOUCHED_SCHEMA.empty_table(), *(one.touched for one in dossiers)])
    return {
        "accounts.parquet": all_accounts(found, touched),
        "accounts.csv": csv_bytes(listed_accounts(found)),
        "exchanges.parquet": exchange_table(dossiers),
        "quarantine.parquet": quarantined,
        "index.html": render_html(found, timelines=timelines, links=ReportFiles()).encode(),
        "findings.json": encode(found),
    }


def timelines(
    engine: Engine, log: Log, dossiers: Sequence[Dossier], events: pa.Table | None, *, width_s: int = 3_600
) -> dict[str, Timeline]:
    """Return each finding's timeline: what was attributed to it, of all that its accounts did."""
    width_us = width_s * 1_000_000
    everyone = [member.account_id for one in dossiers for member in one.finding.accounts]
    active = fetch_activity(engine, log, everyone, width_us=width_us)
    return {one.finding.finding_id: timeline_of(one, active, events, width_us=width_us) for one in dossiers}
