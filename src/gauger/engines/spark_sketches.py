"""Logs turned into sketches by Spark's workers: one task reads one log, and writes its sketches aside.

Text stays in the process that read it: what comes back through Spark are the names and sizes of the files written. The
keys do not pass through Spark either: a worker reads them in the workspace, which it must see under the same path.
"""

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import SparkSession

from gauger.errors import GaugerError, InputError, SettingsError, UsageError, WorkspaceError
from gauger.exchanges.pseudonyms import derive_keys
from gauger.settings import Settings
from gauger.sources import ReadOptions, read_log
from gauger.sources.enrichment import load_networks
from gauger.store.filling import Sketching, sketched_ahead
from gauger.store.keys import read_master_key
from gauger.store.manifest import FilePlan
from gauger.store.staging import Aside, StagedLog, StagedStretch, Stager
from gauger.store.workspace import KEY_FILE, TMP

#: Logs that are given out together, for every core of the cluster; when they are read, they count.
LOGS_PER_CORE: Final = 4

_REPORT_SCHEMA: Final = "log long, report binary"
_ERRORS: Final = {kind.__name__: kind for kind in (InputError, SettingsError, UsageError, WorkspaceError)}


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a worker needs beside the log, none of it secret.

    Attributes
    ----------
    workspace
        Its folder: the key is there, and the sketches are written aside there.
    networks
        The `[networks]` table.
    folder
        Where the paths of logs begin.
    kept_from
        The first day that `retain` left.
    """

    workspace: Path
    networks: Mapping[str, Any]
    folder: Path
    settings: Settings
    options: ReadOptions
    kept_from: date | None

    def sketching(self) -> Sketching:
        """Return keys, lists and settings, read where this runs."""
        keys = derive_keys(read_master_key(self.workspace / KEY_FILE).secret)
        return Sketching(keys, load_networks(self.networks, base=self.workspace), self.settings, threads=1)


@dataclass(frozen=True, slots=True)
class _Given:
    """A log to read, and from where."""

    path: str
    offset: int
    row: int


class _Report(msgspec.Struct):
    """What a task says of a log: a stretch that it wrote aside, or why it stopped."""

    stretch: StagedStretch | None = None
    error: tuple[str, str, str | None, str | None] | None = None


def sketch_on_workers(session: SparkSession, plans: Sequence[FilePlan], recipe: Recipe) -> Iterator[StagedLog]:
    """Read logs on the workers and yield what became of each, in their order, as many at a time as keep them busy.

    Parameters
    ----------
    session
        Spark.
    plans
        The logs, under paths that workers see too, and from where each is read.
    recipe
        What the workers need.
    """
    step = LOGS_PER_CORE * session.sparkContext.defaultParallelism
    for start in range(0, len(plans), step):
        given = [_Given(plan.name, plan.offset, plan.row) for plan in plans[start : start + step]]
        tasks = session.range(0, len(given), 1, len(given))
        reports = tasks.mapInArrow(_task(given, recipe), _REPORT_SCHEMA).toArrow()
        for number in range(len(given)):
            yield _of_log(reports, number)


def _of_log(reports: pa.Table, number: int) -> StagedLog:
    """Return what the task of a log said, in the order in which it said it."""
    of_log = reports.filter(pc.equal(reports["log"], number))["report"].to_pylist()
    said = [msgspec.json.decode(one, type=_Report, dec_hook=_decoded) for one in of_log]
    error = next((one.error for one in said if one.error is not None), None)
    return StagedLog(
        stretches=[one.stretch for one in said if one.stretch is not None],
        error=None if error is None else _ERRORS[error[0]](error[1], where=error[2], todo=error[3]),
    )


def _task(given: Sequence[_Given], recipe: Recipe) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """Return what a worker runs: it takes the numbers of logs and returns (log, report)."""

    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        how = recipe.sketching()
        for batch in batches:
            for number in batch.column(0).to_pylist():
                for report in _reports(given[number], recipe, how):
                    encoded = msgspec.json.encode(report, enc_hook=str)
                    yield pa.RecordBatch.from_arrays(
                        [pa.array([number], pa.int64()), pa.array([encoded], pa.binary())], names=["log", "report"]
                    )

    return run


def _reports(log: _Given, recipe: Recipe, how: Sketching) -> Iterator[_Report]:
    """Yield what a log gives; an error that is none of ours goes to Spark's own log by its kind alone."""
    try:
        for stretch in _stretches(log, recipe, how):
            yield _Report(stretch=stretch)
    except GaugerError as error:
        yield _Report(error=(type(error).__name__, error.what, error.where, error.todo))
    except Exception as error:  # noqa: BLE001 - whatever it is, its words may be a customer's
        message = f"{type(error).__name__} while a log was sketched"
        raise RuntimeError(message) from None


def _stretches(log: _Given, recipe: Recipe, how: Sketching) -> Iterator[StagedStretch]:
    # A task that Spark runs twice writes under two names; the files of the one that is not heard of are scratch.
    aside = Aside(recipe.workspace / TMP, prefix=f"spark-{uuid.uuid4().hex}")
    stager = Stager(aside, kept_from=recipe.kept_from, end_offset=log.offset, end_row=log.row)
    place = str(recipe.folder / log.path)  # a worker's own folder is another
    batches = read_log(place, name=log.path, options=recipe.options, start_offset=log.offset, start_row=log.row)
    for batch, (sketches, refused) in sketched_ahead(batches, how):
        if stager.is_full:
            yield stager.write()
        stager.add(
            sketches.rows,
            sketches.parts,
            quarantined=refused,
            end_offset=batch.end_offset,
            end_row=batch.end_row,
            columns_absent=batch.columns_absent,
        )
    yield stager.write()


def _decoded(kind: type, value: Any) -> Any:
    return kind(value)
