"""The main path: logs, exchanges, sketches, evidence, campaigns, report. It calls stages and decides nothing."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gauger.campaigns.calibration import Split, split_target
from gauger.campaigns.detection import Gated, WindowData, both_paths, novel_scores
from gauger.campaigns.document import RunFacts, calibration, document, encode
from gauger.campaigns.dossier import (
    TOUCHED_SCHEMA,
    Directory,
    Dossier,
    cleared_record,
    core_table,
    dossier,
    exchange_table,
)
from gauger.campaigns.examination import choose, count_novel, examine
from gauger.campaigns.findings import ChannelOff, Findings
from gauger.campaigns.naming import Named, Word, name
from gauger.campaigns.population import build_population, channels_off
from gauger.campaigns.tracking import Known
from gauger.campaigns.windows import Plan, Window, plan_windows
from gauger.engines.duckdb import DuckEngine
from gauger.engines.fetch import (
    Log,
    Owners,
    fetch_activity,
    fetch_attribution,
    fetch_directory,
    fetch_owners,
    fetch_traces,
    fetch_window,
)
from gauger.engines.relations import Span
from gauger.evidence.channel import Channel
from gauger.evidence.channels import CHANNELS
from gauger.exchanges.keeping import keep
from gauger.exchanges.networks import NetworkTable
from gauger.exchanges.pseudonyms import Keys
from gauger.exchanges.validation import validate
from gauger.report.activity import timeline_of
from gauger.report.files import ReportFiles
from gauger.report.html import render_html
from gauger.report.tables import all_accounts, for_spreadsheets, listed_accounts
from gauger.report.timeline import Timeline
from gauger.settings import Settings
from gauger.sketches.digests import content_digests
from gauger.sketches.exchanges import Sketches, sketch_exchanges
from gauger.sources import ReadOptions, SourceBatch, read_log
from gauger.store.results import csv_bytes
from gauger.store.workspace import Workspace

In = TypeVar("In")
Out = TypeVar("Out")

#: Called with a step's name, how much of it is done, and how much there is (None: not known).
Progress = Callable[[str, int, int | None], None]


@dataclass(frozen=True, slots=True)
class Detection:
    """What a scan of kept sketches gives, before it is written down."""

    plan: Plan
    split: Split
    owners: Owners
    tested: WindowData
    directory: Directory
    named: tuple[Named, ...]
    cleared: tuple[Gated, ...]
    attributed: pa.Table
    n_tests: int
    tested_channels: tuple[str, ...]
    channels_off: tuple[ChannelOff, ...]


def sketch(
    batch: SourceBatch, *, keys: Keys, networks: NetworkTable, settings: Settings, threads: int
) -> tuple[Sketches, pa.Table]:
    """Return a batch's sketches and what was quarantined of it. Text ends here."""
    valid, refused = validate(batch.exchanges)
    digests = content_digests(valid, keys.text)
    kept, texts = keep(valid, keys=keys, networks=networks)
    texts = texts.append_column("digest", digests)
    sketches = sketch_exchanges(kept, texts, keys.text, settings=settings.sketch, threads=threads)
    return sketches, pa.concat_tables([batch.quarantined, refused])


def one_ahead(batches: Iterable[In], work: Callable[[In], Out]) -> Iterator[tuple[In, Out]]:
    """Yield each batch with the result of `work`, which runs in a thread while the next batch is read."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        before: tuple[In, Future[Out]] | None = None
        for batch in batches:
            now = batch, pool.submit(work, batch)
            if before is not None:
                yield before[0], before[1].result()
            before = now
        if before is not None:
            yield before[0], before[1].result()


def ingest(
    workspace: Workspace,
    logs: Sequence[str],
    *,
    options: ReadOptions,
    keys: Keys,
    networks: NetworkTable,
    settings: Settings,
    threads: int,
    now: datetime,
    progress: Progress,
) -> int:
    """Read what is new in `logs` into the workspace and return the number of exchanges stored."""
    stored = 0
    for log in logs:
        plan = workspace.manifest.plan(Path(log), reading=options.fingerprint)
        if plan.action == "skip":
            continue
        with workspace.sketches.writer(plan, now=now) as writer:
            batches = read_log(log, options=options, start_offset=plan.offset, start_row=plan.row)
            work = partial(sketch, keys=keys, networks=networks, settings=settings, threads=threads)
            for batch, (sketches, refused) in one_ahead(batches, work):
                writer.add(
                    sketches.rows,
                    sketches.parts,
                    quarantined=refused,
                    end_offset=batch.end_offset,
                    end_row=batch.end_row,
                    columns_absent=batch.columns_absent,
                )
                progress("ingest", batch.bytes_read, None)
            stored += writer.finish().n_exchanges
    return stored


def detect(
    engine: DuckEngine,
    log: Log,
    accounts: pa.Table | None,
    settings: Settings,
    *,
    history_until_us: int | None = None,
    known: Sequence[Known] = (),
    words: Mapping[str, Word] = MappingProxyType({}),
    channels: Mapping[str, Channel] = CHANNELS,
    progress: Progress = lambda _step, _done, _all: None,
) -> Detection:
    """Return the examined candidates of the tested stretch.

    Parameters
    ----------
    engine, log
        The session and the kept exchanges.
    accounts
        The operator's account table (ACCOUNT_SCHEMA), or None.
    settings
        Everything that changes a result.
    history_until_us
        Where the tested stretch begins; default by `settings`.
    known
        Findings of earlier runs.
    words
        What people decided about them, by finding.
    channels
        The conditional channels.
    progress
        Told about each window.
    """
    core, seed = settings.core, settings.seed
    plan = plan_windows(log.activity, settings.windows, history_until_us=history_until_us)
    split = split_target(settings.windows.target, len(plan.history))
    owners = fetch_owners(engine, log, accounts)

    def window_data(window: Window) -> WindowData:
        return fetch_window(engine, log, owners, window, min_principals=core.min_principals)

    history = []
    for done, window in enumerate(plan.history):
        progress("history windows", done, len(plan.history))
        history.append(novel_scores(window_data(window), core, seed=seed))
    progress("tested window", 0, 1)
    tested = window_data(plan.tested)
    span = Span(plan.tested.start_us, plan.tested.end_us)
    gated = both_paths(tested, core, seed=seed)
    chosen, cleared = choose(gated, max_candidates=settings.conditional.max_candidates)
    population = build_population(
        fetch_traces(engine, log, owners, span),
        accounts,
        account_ids=owners.account_ids,
        principal_ids=owners.principal_ids,
        principal_of_account=owners.principal_of_account,
        start_us=span.start_us,
        end_us=span.end_us,
        permutations=settings.conditional.permutations,
    )
    examined = examine(
        chosen,
        tested.items,
        population,
        channels,
        history_maxima=[max(scores, default=0.0) for scores in history],
        history_scores=np.concatenate([[], *history]).tolist(),
        n_novel=count_novel(gated),
        split=split,
        seed=seed,
    )
    directory = fetch_directory(engine, log, owners)
    named = name(examined, directory.account_ids, known, words)
    return Detection(
        plan=plan,
        split=split,
        owners=owners,
        tested=tested,
        directory=directory,
        named=tuple(named),
        cleared=tuple(cleared),
        attributed=fetch_attribution(engine, log, core_table([one.examined for one in named]), owners),
        n_tests=sum(len(one.adjusted) for one in examined),
        tested_channels=tuple(name for name in channels if any(name in one.adjusted for one in examined)),
        channels_off=channels_off(population, channels, has_accounts=accounts is not None),
    )


def write_up(detection: Detection, log: Log, *, facts: RunFacts, settings: Settings) -> tuple[Findings, list[Dossier]]:
    """Return the document and the dossiers behind it."""
    dossiers: list[Dossier] = []
    for index, one in enumerate(detection.named):
        found = dossier(
            one.examined,
            detection.tested,
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
        plan=detection.plan,
        channels_off=detection.channels_off,
        certified_by=calibration(
            detection.plan,
            detection.split,
            target=settings.windows.target,
            tested=detection.tested_channels,
            n_tests=detection.n_tests,
            permutations=settings.conditional.permutations,
            smallest_q=min(q_values, default=None),
        ),
        findings=[one.finding for one in dossiers],
        cleared=[cleared_record(one, detection.tested) for one in detection.cleared],
    )
    return findings, dossiers


def result_files(
    found: Findings, dossiers: Sequence[Dossier], quarantined: pa.Table, *, timelines: Mapping[str, Timeline]
) -> dict[str, bytes | pa.Table]:
    """Return the files of a result folder, the one that tells readers the rest is there last."""
    touched = pa.concat_tables([TOUCHED_SCHEMA.empty_table(), *(one.touched for one in dossiers)])
    return {
        "accounts.parquet": all_accounts(found, touched),
        "accounts.csv": csv_bytes(for_spreadsheets(listed_accounts(found))),
        "exchanges.parquet": exchange_table(dossiers),
        "quarantine.parquet": quarantined,
        "index.html": render_html(found, timelines=timelines, links=ReportFiles()).encode(),
        "findings.json": encode(found),
    }


def timelines(
    engine: DuckEngine, log: Log, dossiers: Sequence[Dossier], events: pa.Table | None, *, width_s: int = 3_600
) -> dict[str, Timeline]:
    """Return each finding's timeline: what was attributed to it, of all that its accounts did."""
    width_us = width_s * 1_000_000
    everyone = [member.account_id for one in dossiers for member in one.finding.accounts]
    active = fetch_activity(engine, log, everyone, width_us=width_us)
    return {one.finding.finding_id: timeline_of(one, active, events, width_us=width_us) for one in dossiers}
