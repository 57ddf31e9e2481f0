"""The main path: kept sketches, evidence, campaigns. It calls the stages in order and decides nothing.

Before it lies `ingestion`, which fills the workspace; behind it `results`, which writes down what was found.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pyarrow as pa

from gauger.campaigns.calibration import Split, split_target
from gauger.campaigns.detection import Gated, WindowData, both_paths, novel_scores
from gauger.campaigns.dossier import Directory, core_table
from gauger.campaigns.drift import Drift, spendable
from gauger.campaigns.examination import Examined, choose, count_novel, examine
from gauger.campaigns.findings import ChannelOff
from gauger.campaigns.linking import Linked, link
from gauger.campaigns.naming import Named, Word, name
from gauger.campaigns.population import build_population, channels_off
from gauger.campaigns.tracking import Known
from gauger.campaigns.windows import Plan, Window, plan_windows
from gauger.engines.engine import Engine
from gauger.engines.fetch import (
    Log,
    Owners,
    directory_of,
    fetch_attribution,
    fetch_owners,
    fetch_released,
    fetch_traces,
    fetch_visits,
    fetch_window,
)
from gauger.engines.relations import Span
from gauger.evidence.channel import Channel, Population
from gauger.evidence.channels import CHANNELS
from gauger.settings import Settings

#: Called with a step's name, how much of it is done, and how much there is (None: not known).
Progress = Callable[[str, int, int | None], None]


@dataclass(frozen=True, slots=True)
class Look:
    """What the kept sketches show of the tested stretch, before anything is judged.

    `chosen` are the candidates to test, `cleared` those that personhood cleared, `n_novel` the uncleared ones of the
    novelty path, chosen or not; `history_scores` holds the scores of the candidates of each history window.
    """

    plan: Plan
    owners: Owners
    tested: WindowData
    chosen: tuple[Gated, ...]
    cleared: tuple[Gated, ...]
    n_novel: int
    history_scores: tuple[list[float], ...]
    population: Population

    @property
    def history_maxima(self) -> list[float]:
        """The procedure's maximum on each history window."""
        return [max(scores, default=0.0) for scores in self.history_scores]


@dataclass(frozen=True, slots=True)
class Detection:
    """What a scan of kept sketches gives, before it is written down; `links` join findings by their place."""

    look: Look
    split: Split
    drift: Drift | None
    directory: Directory
    named: tuple[Named, ...]
    links: tuple[Linked, ...]
    attributed: pa.Table
    n_tests: int
    tested_channels: tuple[str, ...]
    only_drawn: bool
    channels_off: tuple[ChannelOff, ...]


def look(
    engine: Engine,
    log: Log,
    accounts: pa.Table | None,
    settings: Settings,
    *,
    history_until_us: int | None = None,
    progress: Progress = lambda _step, _done, _all: None,
) -> Look:
    """Return the candidates of the tested stretch, and what they are to be compared with (parameters: `detect`)."""
    core, seed = settings.core, settings.seed
    plan = plan_windows(log.activity, settings.windows, history_until_us=history_until_us)
    owners = fetch_owners(engine, log, accounts)

    def window_data(window: Window) -> WindowData:
        return fetch_window(
            engine,
            log,
            owners,
            window,
            min_principals=core.min_principals,
            max_before=core.max_look_back_principals,
        )

    history = []
    for done, window in enumerate(plan.history):
        progress("history windows", done, len(plan.history))
        history.append(novel_scores(window_data(window), core, seed=seed))
    progress("tested window", 0, 1)
    tested = window_data(plan.tested)
    gated = both_paths(tested, core, seed=seed)
    chosen, cleared = choose(gated, max_candidates=settings.conditional.max_candidates)
    return Look(
        plan=plan,
        owners=owners,
        tested=tested,
        chosen=tuple(chosen),
        cleared=tuple(cleared),
        n_novel=count_novel(gated),
        history_scores=tuple(history),
        population=build_population(
            fetch_traces(engine, log, owners, Span(plan.tested.start_us, plan.tested.end_us)),
            accounts,
            account_ids=owners.account_ids,
            principal_ids=owners.principal_ids,
            principal_of_account=owners.principal_of_account,
            permutations=settings.conditional.permutations,
            released=fetch_released(engine, log, owners, plan.tested),
            visits=fetch_visits(engine, log, owners, tested),
            any_failed=bool(tested.items.failed.any()),
        ),
    )


def judge(seen: Look, split: Split, settings: Settings, channels: Mapping[str, Channel] = CHANNELS) -> list[Examined]:
    """Return the examined candidates, the highest rank first."""
    return examine(
        seen.chosen,
        seen.tested.items,
        seen.population,
        channels,
        history_maxima=seen.history_maxima,
        history_scores=np.concatenate([[], *seen.history_scores]).tolist(),
        n_novel=seen.n_novel,
        split=split,
        seed=settings.seed,
    )


def detect(
    engine: Engine,
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
    seen = look(engine, log, accounts, settings, history_until_us=history_until_us, progress=progress)
    split, found = spendable(
        split_target(settings.windows.target, len(seen.plan.history)), seen.plan.history, seen.history_maxima
    )
    examined = judge(seen, split, settings, channels)
    tested = tuple(name for name in channels if any(name in one.adjusted for one in examined))
    directory = directory_of(seen.owners)
    named = name(examined, directory.account_ids, known, words)
    return Detection(
        look=seen,
        split=split,
        drift=found,
        directory=directory,
        named=tuple(named),
        links=link([one.examined.group.principals for one in named], seen.population, channels, seed=settings.seed),
        attributed=fetch_attribution(engine, log, core_table([one.examined for one in named]), seen.owners),
        n_tests=sum(len(one.adjusted) for one in examined),
        tested_channels=tested,
        only_drawn=all(channels[name].draws for name in tested),
        channels_off=channels_off(seen.population, channels, has_accounts=accounts is not None),
    )
