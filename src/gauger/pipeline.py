"""The main path: logs, exchanges, sketches, evidence, campaigns. It calls the stages in order and decides nothing."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
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
    fetch_attribution,
    fetch_directory,
    fetch_owners,
    fetch_released,
    fetch_traces,
    fetch_visits,
    fetch_window,
)
from gauger.engines.relations import Span
from gauger.errors import GaugerError
from gauger.evidence.channel import Channel, Population
from gauger.evidence.channels import CHANNELS
from gauger.settings import Settings
from gauger.sources import ReadOptions, read_log
from gauger.sources.partitions import PartitionReader
from gauger.store.content import ContentHash
from gauger.store.filling import Sketching, fill
from gauger.store.manifest import FilePlan, Stamp, stamp_of
from gauger.store.staging import StagedLog
from gauger.store.workspace import Workspace

#: Called with a step's name, how much of it is done, and how much there is (None: not known).
Progress = Callable[[str, int, int | None], None]
#: Reads logs elsewhere, each from where its plan begins, and yields in their order what was written aside.
ReadApart = Callable[[Sequence[FilePlan], ReadOptions], Iterable[StagedLog]]


def ingest(
    workspace: Workspace,
    log: str,
    *,
    options: ReadOptions,
    how: Sketching,
    now: datetime,
    progress: Progress,
    plan: FilePlan | None = None,
) -> FilePlan:
    """Read what is new in a log into the workspace; `progress` is told the bytes of the file that were read.

    Returns
    -------
    The plan of reading on, once the log has grown. Given as `plan`, it spares reading the log again to recognise it.
    """
    if plan is None:
        plan = workspace.manifest.plan(Path(log), reading=options.fingerprint)
    if plan.action == "skip":
        return plan
    with workspace.sketches.writer(plan, now=now) as writer:
        batches = read_log(log, options=options, start_offset=plan.offset, start_row=plan.row)
        fill(writer, batches, how, read=lambda batch: progress("ingest", batch.bytes_read, None))
        writer.finish()
        return writer.rest()


def ingest_partition(
    workspace: Workspace,
    reader: PartitionReader,
    partition: int,
    *,
    options: ReadOptions,
    how: Sketching,
    now: datetime,
) -> bool:
    """Read the next piece of a partition into the workspace, with the offset to go on from; False: there is none."""
    name = reader.feed(partition)
    plan = workspace.manifest.plan_partition(name, reading=options.fingerprint)
    batch = next(reader.batches(partition, options, start_offset=plan.offset), None)
    if batch is None:
        return False
    place = ContentHash()
    place.update(f"{name}@{batch.end_offset}".encode())
    with workspace.sketches.writer(replace(plan, content=place), now=now) as writer:
        fill(writer, [batch], how, read=lambda _batch: None)
        writer.finish()
    return True


@dataclass(frozen=True, slots=True)
class Unread:
    """A log with something new in it: its plan, and what told its file from another when the plan was made."""

    plan: FilePlan
    stamp: Stamp


def unread(workspace: Workspace, logs: Sequence[str], *, reading: str) -> tuple[list[Unread], GaugerError | None]:
    """Return what is to be read of logs, up to the first that cannot be read, and why that cannot be."""
    found: list[Unread] = []
    for log in logs:
        try:
            stamp = stamp_of(log)
            plan = workspace.manifest.plan(Path(log), reading=reading)
        except GaugerError as error:
            return found, error
        if plan.action != "skip":
            found.append(Unread(plan, stamp))
    return found, None


def ingest_apart(
    workspace: Workspace,
    logs: Sequence[Unread],
    *,
    read_apart: ReadApart,
    options: ReadOptions,
    how: Sketching,
    now: datetime,
    taken: Callable[[str], None],
) -> None:
    """Read what is new in logs, as `ingest` does one after another, where `read_apart` reads them side by side.

    A log that turns out to repeat or to continue another of them, or whose file changed since it was planned, is read
    here, after those before it. `taken` is told of each log that counts now.
    """
    manifest, reading = workspace.manifest, options.fingerprint
    staged_logs = read_apart([log.plan for log in logs], options)
    for log, staged in zip(logs, staged_logs, strict=True):
        name = log.plan.name
        if stamp_of(name) == log.stamp and manifest.plan(Path(name), reading=reading) == log.plan:
            _take(workspace, log.plan, staged, now=now)
        else:
            ingest(workspace, name, options=options, how=how, now=now, progress=lambda _step, _done, _all: None)
        taken(name)


def _take(workspace: Workspace, plan: FilePlan, staged: StagedLog, *, now: datetime) -> None:
    """Make a log count that was read elsewhere; raise the error that ended it, if one did."""
    with workspace.sketches.writer(plan, now=now) as writer:
        for left, stretch in zip(range(len(staged.stretches) - 1, -1, -1), staged.stretches, strict=True):
            writer.take(stretch, is_last=left == 0 and staged.error is None)
    if staged.error is not None:
        raise staged.error


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
    directory = fetch_directory(engine, log, seen.owners)
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
