"""Logs turned into sketches by Spark's workers: one task reads one log, and writes its sketches aside."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import SparkSession

from gauger.store.apart import Recipe, Wanted, reported, reports
from gauger.store.manifest import FilePlan
from gauger.store.staging import StagedLog

#: Logs that are given out together, for every core of the cluster; when they are read, they count.
LOGS_PER_CORE: Final = 4

_REPORT_SCHEMA: Final = "log long, report binary"


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
        wanted = [Wanted.by(plan) for plan in plans[start : start + step]]
        tasks = session.range(0, len(wanted), 1, len(wanted))
        said = tasks.mapInArrow(_task(wanted, recipe), _REPORT_SCHEMA).toArrow()
        for number in range(len(wanted)):
            yield _of_log(said, number)


def _of_log(said: pa.Table, number: int) -> StagedLog:
    """Return what the task of a log reported."""
    return reported(said.filter(pc.equal(said["log"], number))["report"].to_pylist())


def _task(wanted: Sequence[Wanted], recipe: Recipe) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """Return what a worker runs: it takes the numbers of logs and returns (log, report)."""

    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        how = recipe.sketching()
        for batch in batches:
            for number in batch.column(0).to_pylist():
                for report in reports(wanted[number], recipe, how):
                    yield pa.RecordBatch.from_arrays(
                        [pa.array([number], pa.int64()), pa.array([report], pa.binary())], names=["log", "report"]
                    )

    return run
