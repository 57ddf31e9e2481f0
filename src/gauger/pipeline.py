"""The main path. Each step calls a stage; what a stage decides is written there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from gauger.campaigns.calibration import Split, split_target
from gauger.campaigns.detection import Gated, WindowData, both_paths, novel_scores
from gauger.campaigns.dossier import Directory, core_table
from gauger.campaigns.examination import Examined, choose, examine
from gauger.campaigns.population import build_population
from gauger.campaigns.windows import Plan, Window, plan_windows
from gauger.engines.duckdb import DuckEngine
from gauger.engines.fetch import Log, fetch_attribution, fetch_directory, fetch_owners, fetch_traces, fetch_window
from gauger.engines.relations import Span
from gauger.evidence.channel import Channel
from gauger.evidence.channels import CHANNELS
from gauger.settings import Settings


@dataclass(frozen=True, slots=True)
class Detection:
    """What a scan of a workspace's sketches gives, before it is written down."""

    plan: Plan
    split: Split
    tested: WindowData
    directory: Directory
    examined: tuple[Examined, ...]
    cleared: tuple[Gated, ...]
    attributed: pa.Table


def detect(
    engine: DuckEngine,
    log: Log,
    accounts: pa.Table | None,
    settings: Settings,
    *,
    history_until_us: int | None = None,
    dismissed_scores: Sequence[float] = (),
    channels: Mapping[str, Channel] = CHANNELS,
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
    dismissed_scores
        Scores of findings that people dismissed: honest groups, added to the reference.
    channels
        The conditional channels.
    """
    core, seed = settings.core, settings.seed
    plan = plan_windows(log.first_us, log.last_us, settings.windows, history_until_us=history_until_us)
    split = split_target(settings.windows.target, len(plan.history))
    owners = fetch_owners(engine, log, accounts)

    def window_data(window: Window) -> WindowData:
        return fetch_window(engine, log, owners, window, min_principals=core.min_principals)

    history = [novel_scores(window_data(window), core, seed=seed) for window in plan.history]
    tested = window_data(plan.tested)
    chosen, cleared = choose(both_paths(tested, core, seed=seed), max_candidates=settings.conditional.max_candidates)
    span = Span(plan.tested.start_us, plan.tested.end_us)
    population = build_population(
        fetch_traces(engine, log, owners, span),
        accounts,
        account_ids=owners.account_ids,
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
        history_scores=[*np.concatenate([[], *history]).tolist(), *dismissed_scores],
        split=split,
        seed=seed,
    )
    return Detection(
        plan=plan,
        split=split,
        tested=tested,
        directory=fetch_directory(engine, log, owners),
        examined=tuple(examined),
        cleared=tuple(cleared),
        attributed=fetch_attribution(engine, log, core_table(examined), owners),
    )
