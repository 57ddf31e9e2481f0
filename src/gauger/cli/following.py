"""Reading on: what grew since the last look is ingested, and taken in by the live path as it is committed."""

import importlib.util
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from gauger.campaigns.alarms import Alarm
from gauger.cli.mapping_file import read_mapping_file
from gauger.cli.output import Aside
from gauger.cli.reading import Given, read_options, read_tables, sketching
from gauger.cli.session import Session, open_session
from gauger.cli.watching import Watcher
from gauger.errors import UsageError
from gauger.ingestion import ingest, ingest_partition
from gauger.sources import ReadOptions
from gauger.sources.finding import STDIN
from gauger.sources.partitions import FEED_PREFIX, PartitionReader
from gauger.sources.pipe import PipeReader
from gauger.sources.places import is_address
from gauger.store.filling import Sketching
from gauger.store.manifest import FilePlan
from gauger.store.staging import COMMIT_BATCHES

#: Size, inode and time of change of a file as it was last read to its end.
_Seen = tuple[int, int, int]


@dataclass(slots=True)
class Followed:
    """Logs that grow, and the workspace they are read into.

    The workspace is locked only while there is something to read. Reading is pulled: what cannot be read yet stays
    where it is.
    """

    workspace: Path
    given: Given
    flags: Mapping[str, Any]
    aside: Aside
    say_alarm: Callable[[Alarm], None]
    _watcher: Watcher | None = None
    _seen: dict[str, _Seen] = field(default_factory=dict)
    _plans: dict[str, tuple[FilePlan, int]] = field(default_factory=dict)
    _said: list[str] = field(default_factory=list)
    _pipe: PipeReader | None = None

    def __post_init__(self) -> None:
        if (address := next((log for log in self.given.logs if is_address(log)), None)) is not None:
            raise UsageError(
                "an address is not watched",
                where=address.partition("://")[0] + "://...",  # nobody looked yet whether the rest holds a secret
                todo="read it from time to time, with `gauger ingest`",
            )
        if STDIN in self.given.logs:
            self._pipe = PipeReader(sys.stdin.fileno())

    @property
    def is_open(self) -> bool:
        """Whether standard input is read and has not ended."""
        return self._pipe is not None and not self._pipe.is_over

    @property
    def is_over(self) -> bool:
        """Whether nothing can come any more: standard input was all there is to read, and has ended."""
        return self._pipe is not None and not self.is_open and set(self.given.logs) == {STDIN}

    def wait(self, seconds: float) -> None:
        """Wait until it is time to look again: so long, or until something comes on standard input."""
        if self._pipe is None or not self.is_open:
            time.sleep(seconds)
        else:
            self._pipe.has_more(seconds)

    def read_on(self) -> None:
        """Read what is new, if anything is, and raise its alarms.

        Raises
        ------
        WorkspaceLocked
            Another process writes to the workspace: what is new waits.
        """
        if self._watcher is not None and self.given.logs and not any(map(self._has_grown, self.given.logs)):
            return
        with open_session(self.workspace, create=bool(self.given.logs), flags=self.flags) as session:
            mapping = read_mapping_file(self.given.mapping)
            if self._watcher is None:
                read_tables(session, self.given, mapping, self.aside)
                self._watcher = Watcher(session.settings)
            with ExitStack() as stack:
                topics = [
                    stack.enter_context(_opened_topic(log, session.configuration.kafka))
                    for log in self.given.logs
                    if log.startswith(FEED_PREFIX)
                ]
                partitions = [(reader, number) for reader in topics for number in reader.partitions()]
                # Only partitions of a topic have clocks of their own.
                self._watcher.expect(reader.feed(number) for reader, number in partitions)
                if self._pipe is not None:
                    partitions += [(self._pipe, number) for number in self._pipe.partitions()]
                self._read(session, partitions, read_options(session, self.given, mapping))
        absent = [log for log in self.given.logs if _is_file(log) and _seen(log) is None]
        notes = [*self._watcher.notes(), *(f"{log} is not there yet." for log in absent)]
        self.aside.say(*(line for line in notes if line not in self._said))
        self._said = notes

    def _has_grown(self, log: str) -> bool:
        if log == STDIN:
            return self._pipe is not None and self._pipe.has_more()
        return log.startswith(FEED_PREFIX) or self._seen.get(log) != _seen(log)

    def _take_in(self, session: Session) -> None:
        if self._watcher is not None:
            for alarm in self._watcher.take_in(session, self.aside):
                self.say_alarm(alarm)

    def _read_file(self, session: Session, log: str, options: ReadOptions, how: Sketching) -> None:
        before = self._seen.get(log)
        now = _seen(log)
        if now == before or now is None:
            return
        manifest, batches = session.workspace.manifest, count(1)
        plan, n_pieces = self._plans.get(log, (None, 0))
        is_same = before is not None and before[1] == now[1] and before[0] <= now[0]
        if plan is not None and not (is_same and manifest.n_stretches().get(plan.source_id or 0) == n_pieces):
            plan = None  # another file has the name now, or another process read on in it

        def read(_step: str, _done: int, _total: int | None) -> None:
            if next(batches) % COMMIT_BATCHES == 0:
                self._take_in(session)

        rest = ingest(
            session.workspace, log, options=options, how=how, now=session.started_at, progress=read, plan=plan
        )
        self._plans.pop(log, None)
        if rest.action == "continue" and rest.source_id is not None and not rest.is_one_piece:
            self._plans[log] = rest, manifest.n_stretches()[rest.source_id]
        self._seen[log] = now

    def _read(self, session: Session, partitions: Sequence[tuple[PartitionReader, int]], options: ReadOptions) -> None:
        """Read files to their ends, and partitions in turns to theirs."""
        how = sketching(session)
        self._take_in(session)
        for log in self.given.logs:
            if _is_file(log):
                self._read_file(session, log, options, how)
        while partitions:
            partitions = [
                (reader, number)
                for reader, number in partitions
                if ingest_partition(session.workspace, reader, number, options=options, how=how, now=session.started_at)
            ]
            self._take_in(session)
        self._take_in(session)


def _is_file(log: str) -> bool:
    return log != STDIN and not log.startswith(FEED_PREFIX)


def _seen(log: str) -> _Seen | None:
    """Return what tells a file that has not changed; None where there is none yet."""
    try:
        found = os.stat(log)  # noqa: PTH116 - any name, also not UTF-8
    except FileNotFoundError:
        return None
    return found.st_size, found.st_ino, found.st_mtime_ns


def _opened_topic(address: str, more: Mapping[str, Any]) -> AbstractContextManager[PartitionReader]:
    if importlib.util.find_spec("confluent_kafka") is None:
        raise UsageError("Kafka's client is not installed here", where=address, todo="pip install 'gauger[kafka]'")
    from gauger.sources.kafka import opened_topic

    return opened_topic(address, more)
