"""The way in: logs to sketches in the workspace. A log is read on where it was left, and text ends here."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from gauger.errors import GaugerError
from gauger.pipeline import Progress
from gauger.sources import ReadOptions, read_log
from gauger.sources.content_hash import ContentHash
from gauger.sources.partitions import PartitionReader
from gauger.sources.places import Stamp, place_of
from gauger.store.filling import Sketching, fill
from gauger.store.manifest import FilePlan
from gauger.store.staging import StagedLog
from gauger.store.workspace import Workspace

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
        plan = workspace.manifest.plan(log, reading=options.fingerprint)
    if plan.action == "skip":
        return plan
    with workspace.sketches.writer(plan, now=now) as writer:
        batches = read_log(log, options=options, start_offset=plan.offset, start_row=plan.row, content=plan.content)
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
            stamp = place_of(log).stamp()
            plan = workspace.manifest.plan(log, reading=reading)
        except GaugerError as error:
            return found, error
        if plan.action != "skip":
            found.append(Unread(plan, stamp))
    return found, None


def replanned(workspace: Workspace, log: Unread) -> FilePlan:
    """Return what to do with a log now that others count; a Parquet file that did not change is not hashed again."""
    manifest, plan = workspace.manifest, log.plan
    if place_of(plan.name).stamp() == log.stamp:
        return manifest.plan_again(plan)
    return manifest.plan(plan.name, reading=plan.reading)


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
    staged_logs = read_apart([log.plan for log in logs], options)
    for log, staged in zip(logs, staged_logs, strict=True):
        name = log.plan.name
        if place_of(name).stamp() == log.stamp and workspace.manifest.plan_again(log.plan) == log.plan:
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
