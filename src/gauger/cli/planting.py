"""Campaigns planted into an operator's own log, and how many of them the detection finds."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from gauger.campaigns.calibration import split_target
from gauger.campaigns.findings import Verdict
from gauger.campaigns.power import Planted, PlantSize, is_found, plant, wilson
from gauger.campaigns.windows import Window, plan_windows
from gauger.cli.detecting import opened_log
from gauger.cli.session import Session
from gauger.engines.engine import Engine
from gauger.engines.fetch import Log, open_log
from gauger.engines.relations import Span, within
from gauger.pipeline import Detection, Progress, detect
from gauger.report.power import PowerRow
from gauger.sketches.schema import SKETCH_SCHEMA

#: Exchanges of the log that times, topics and clients are drawn from.
MAX_DONORS = 20_000
#: A finding that nothing certifies counts when an analyst who reads this many comes upon it.
FIRST = 3
STEP = "planted campaigns"


@dataclass(frozen=True, slots=True)
class Outcome:
    """Whether one planted campaign was found: among the first findings, and as a campaign."""

    size: PlantSize
    is_among_first: bool
    is_campaign: bool


def measure(
    session: Session, engine: Engine, sizes: Sequence[PlantSize], *, draws: int, seed: int, progress: Progress
) -> list[PowerRow]:
    """Return how many planted campaigns of each size were found, at least observed and as campaigns.

    Each campaign is planted alone, and the detection that a scan runs is run on the log with it.

    Parameters
    ----------
    session, engine
        The workspace whose log is planted in.
    sizes
        What to plant.
    draws
        Campaigns of each size.
    seed
        Another seed plants others.
    progress
        Told about each.
    """
    base = _Base.of(session, engine)
    plants = [(size, draw) for size in sizes for draw in range(draws)]
    outcomes = []
    for done, (size, draw) in enumerate(plants):
        progress(STEP, done, len(plants))
        rng = np.random.default_rng([seed, size.n_accounts, size.exchanges_each, draw])
        sampling = session.settings.sketch.sampling
        planted = plant(base.donors, base.accounts, size, sampling=sampling, rng=rng)
        outcomes.append(_outcome(size, planted, _detection(session, engine, base, planted)))
    return [row for size in sizes for row in _rows(size, [one for one in outcomes if one.size == size])]


@dataclass(frozen=True, slots=True)
class _Base:
    """What every planted campaign is added to."""

    tested: Window
    row_paths: Sequence[Path]
    donors: pa.Table
    accounts: pa.Table | None

    @classmethod
    def of(cls, session: Session, engine: Engine) -> "_Base":
        log = opened_log(engine, session.workspace)
        windows = session.settings.windows
        plan = plan_windows(log.activity, windows)
        sketches = session.workspace.sketches
        # History windows bear on a verdict only where they are enough to certify one; they take most of the time.
        certifies = split_target(windows.target, len(plan.history)).window_certifies
        first = None if certifies else _day(plan.tested.look_back_us)
        return cls(
            tested=plan.tested,
            row_paths=sketches.sketch_paths(first=first),
            donors=_donors(engine, log, plan.tested),
            accounts=session.workspace.tables.accounts(),
        )


def _day(time_us: int) -> date:
    return datetime.fromtimestamp(time_us // 1_000_000, UTC).date()


def _donors(engine: Engine, log: Log, tested: Window) -> pa.Table:
    """Return exchanges of the tested stretch, picked by their keyed digests: at random, and always the same."""
    rows = within(log.rows, Span(tested.start_us, tested.end_us))
    order = ["digest_high", "digest_low", "source_file", "source_row"]
    return engine.fetch(rows.order_by(order).limit(MAX_DONORS).select(*SKETCH_SCHEMA.names)).sort_by(
        [(name, "ascending") for name in order]
    )


def _detection(session: Session, engine: Engine, base: _Base, planted: Planted) -> Detection:
    scratch = session.workspace.tmp / "planted.parquet"
    pq.write_table(planted.rows, scratch)
    log = open_log(engine, [*base.row_paths, scratch], session.workspace.sketches.part_paths())
    return detect(engine, log, planted.accounts, session.settings, history_until_us=base.tested.start_us)


def _outcome(size: PlantSize, planted: Planted, detection: Detection) -> Outcome:
    hits = [
        (rank, one.examined.judgement.verdict)
        for rank, one in enumerate(detection.named)
        if is_found(one.accounts, planted.account_ids)
    ]
    return Outcome(
        size=size,
        is_among_first=any(rank < FIRST for rank, _ in hits),
        is_campaign=any(verdict == "campaign" for _, verdict in hits),
    )


def _rows(size: PlantSize, outcomes: Sequence[Outcome]) -> list[PowerRow]:
    observed = sum(one.is_among_first for one in outcomes)
    named = sum(one.is_campaign for one in outcomes)
    return [_row(size, "observed", observed, len(outcomes)), _row(size, "campaign", named, len(outcomes))]


def _row(size: PlantSize, verdict: Verdict, found: int, planted: int) -> PowerRow:
    low, high = wilson(found, planted)
    return PowerRow(
        n_accounts=size.n_accounts,
        exchanges_per_account=size.exchanges_each,
        verdict=verdict,
        planted=planted,
        found=found,
        low=round(low, 6),
        high=round(high, 6),
    )
