"""The live path over a workspace: what was committed is taken in, in order, once."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from gauger.campaigns.alarms import Alarm, Fate, fate, named
from gauger.campaigns.dossier import rfc3339
from gauger.campaigns.findings import Findings
from gauger.campaigns.live import Live, Stretch, first_day_needed
from gauger.campaigns.tracking import Known
from gauger.campaigns.windows import DAY_US, Window
from gauger.cli.output import Aside
from gauger.cli.session import Session
from gauger.engines.in_memory import MemoryReader
from gauger.report.sentences import plural
from gauger.settings import Settings
from gauger.sources.partitions import FEED_PREFIX
from gauger.store.durable import read_parquet
from gauger.store.identities import KnownFinding
from gauger.store.watching import Taken
from gauger.store.workspace import Workspace

_EPOCH = date(1970, 1, 1)


@dataclass(slots=True)
class Watcher:
    """The live state of a workspace, between its openings.

    The workspace is open only while there is something to do, so that a nightly scan may have it. What this process
    holds in memory is what it would read back: where another process took pieces in meanwhile, it starts over.
    """

    settings: Settings
    _feeds: frozenset[str] = frozenset()
    _live: Live | None = None
    _reader: MemoryReader | None = None
    _taken: list[Taken] = field(default_factory=list)

    def expect(self, feeds: Iterable[str]) -> None:
        """Wait for these feeds too (`gauger.campaigns.live.Live.expect`)."""
        self._feeds |= frozenset(feeds)

    def take_in(self, session: Session, aside: Aside) -> list[Alarm]:
        """Take in what was committed and not yet taken in; return the alarms it raised, which are recorded."""
        workspace = session.workspace
        live = self._resumed(workspace)
        live.expect(self._feeds)
        raised: list[Alarm] = []
        taken = set(self._taken)
        new = {piece: paths for piece, paths in workspace.sketches.pieces().items() if piece not in taken}
        feeds, parts = (_feeds(workspace), workspace.sketches.part_pieces()) if new else ({}, {})
        for piece, paths in new.items():
            self._learn(parts.get(piece, []))
            closed = live.absorb(workspace.sketches.piece(paths), feed=feeds[piece[0]])
            alarms = _alarms(workspace, closed)
            workspace.watching.add(piece, closed, alarms)
            self._taken.append(piece)
            raised += alarms
            for one in closed:
                aside.say(*_in_words(one))
        return raised

    def notes(self) -> list[str]:
        """Return what is to be told of the feeds so far."""
        if self._live is None:
            return []
        told, watch = self._live.told, self.settings.watch
        lines = []
        if told.n_late:
            lines.append(
                f"{told.n_late:,} of {told.n_exchanges:,} exchanges came more than {watch.lateness_minutes:g} minutes"
                " after their hour: scans count them, the live alarm does not."
            )
        if told.n_ahead:
            lines.append(
                f"{told.n_ahead:,} exchanges are dated a day or more ahead of the others: they wait for their hour."
                " Is a clock wrong?"
            )
        latest = max(self._live.clocks.values(), default=0)
        behind = [feed for feed, clock in self._live.clocks.items() if clock < latest - DAY_US]
        if behind:
            lines.append(f"No hour closes before {min(behind)} has passed it: it is a day or more behind the others.")
        if self._live.is_full:
            lines.append("The look-back's filter is more than half full: raise watch.filter_bits.")
        return lines

    def _resumed(self, workspace: Workspace) -> Live:
        """Return the live state; where there is none, or others went on meanwhile, as it is read back."""
        taken = workspace.watching.taken()
        if self._live is not None and taken == self._taken:
            return self._live
        recorded = workspace.watching.stretches()
        self._reader = MemoryReader(self.settings.core, workspace.tables.accounts())
        live = Live(self.settings, self._reader, recorded)
        day = first_day_needed(recorded, self.settings)
        kept = workspace.sketches.pieces(first=None if day is None else _EPOCH + timedelta(days=day))
        feeds, parts = (_feeds(workspace), workspace.sketches.part_pieces()) if taken else ({}, {})
        live.expect({*self._feeds, *(feeds[source_id] for source_id, _ in taken)})
        for piece in taken:
            if piece in kept:
                self._learn(parts.get(piece, []))
            live.absorb(workspace.sketches.piece(kept.get(piece, [])), feed=feeds[piece[0]])
        self._live, self._taken = live, taken
        return live

    def _learn(self, part_files: Iterable[Path]) -> None:
        """Have the reader know the system prompts and tool schemas of a piece."""
        for path in part_files:
            if self._reader is not None:
                self._reader.learn(read_parquet(path))


def _feeds(workspace: Workspace) -> dict[int, str]:
    """Return the feed of each log: the partitions of Kafka each have a clock of their own, files have one together."""
    names = workspace.manifest.names()
    return {number: name if name.startswith(FEED_PREFIX) else "" for number, name in names.items()}


def _alarms(workspace: Workspace, closed: Sequence[Stretch]) -> list[Alarm]:
    raised = [one for one in closed if one.is_alarm]
    earlier = [one.alarm for one in workspace.watching.alarms()] if raised else []
    alarms: list[Alarm] = []
    for one in raised:
        alarms.append(named(one, [*earlier, *alarms]))
    return alarms


def _in_words(one: Stretch) -> Iterator[str]:
    """Yield what there is to say of a closed stretch: that it opened candidates."""
    if one.n_candidates:
        rank = "not ranked yet" if one.p_value is None else f"rank p = {one.p_value:.3g}, capital {one.value:.3g}"
        yield (
            f"{rfc3339(one.start_us)} + {one.hours} h: {plural(one.n_candidates, 'candidate')},"
            f" the strongest {one.score:.1f}; {rank}"
        )


def alarm_sentence(alarm: Alarm) -> str:
    """Return an alarm in words."""
    one = alarm.stretch
    return (
        f"LIVE ALARM {alarm.alarm_id}: {rfc3339(one.start_us)} + {one.hours} h,"
        f" {plural(len(one.accounts), 'account')}, score {one.score:.1f}, capital {one.value:.0f}."
        " This is no verdict: a scan of the workspace gives one."
    )


def alarm_record(alarm: Alarm, said: Fate | None, at: datetime | None) -> dict[str, Any]:
    """Return an alarm as a record of JSON; unknown is null."""
    one = alarm.stretch
    return {
        "alarm_id": alarm.alarm_id,
        "from": rfc3339(one.start_us),
        "to": rfc3339(one.end_us),
        "score": one.score,
        "p_value": one.p_value,
        "capital": one.value,
        "accounts": sorted(one.accounts),
        "fate": None if said is None else said.kind,
        "finding_id": None if said is None else said.finding_id,
        "verdict": None if said is None else said.verdict,
        "accounts_more": None if said is None else said.n_more,
        "said_at": None if at is None else at.isoformat().replace("+00:00", "Z"),
    }


def settle_alarms(
    workspace: Workspace, known: Sequence[KnownFinding], found: Findings, tested: Window, *, now: datetime
) -> Iterator[str]:
    """Record what a scan says of the live alarms whose stretch it tested; yield what changed, in words."""
    verdicts = {one.finding_id: one.verdict for one in found.findings}
    groups = {one.finding_id: Known(one.finding_id, one.accounts, one.shingles) for one in known}
    ranked = [groups[one] for one in verdicts if one in groups]
    said = [(one, fate(one.alarm, ranked, verdicts, tested)) for one in workspace.watching.alarms()]
    changed = [(one.alarm, new) for one, new in said if new is not None and new != one.fate]
    if changed:
        workspace.watching.settle(changed, now=now)
    for alarm, new in changed:
        yield f"Live alarm {alarm.alarm_id} of {rfc3339(alarm.stretch.start_us)}: {fate_in_words(new)}"


def fate_in_words(said: Fate | None) -> str:
    """Return in words what the latest scan says of an alarm."""
    if said is None:
        return "not scanned yet."
    if said.finding_id is None:
        return "withdrawn: the scan finds no such group."
    finding = f"{said.finding_id} ({said.verdict})"
    return {
        "confirmed": f"confirmed by {finding}.",
        "widened": f"widened: {finding} lists {plural(said.n_more, 'account')} more.",
        "observed": f"not confirmed: {finding} holds the group, and nothing certifies it.",
        "withdrawn": "withdrawn.",
    }[said.kind]
