"""The distributed engine: Apache Spark over the workspace's Parquet files. No text enters it: the kernel ran before."""

import itertools
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Final

import ibis
import ibis.expr.types as ir
import pyarrow as pa
from py4j.protocol import Py4JError, Py4JJavaError
from pyspark.errors import PySparkException, PySparkRuntimeError, PythonException
from pyspark.sql import DataFrame, SparkSession

from gauger.errors import UsageError, WorkspaceError

#: Each of a scan's queries has code of its own that runs for seconds: translating it by Java's second compiler costs
#: more than it saves. What a cluster says in `extraJavaOptions` comes after this, and counts.
_JAVA_OPTIONS: Final = "-XX:TieredStopAtLevel=1 -XX:+UseParallelGC"

#: What every session of Gauger needs, whatever the cluster's own defaults are.
_NEEDED: Final = {
    "spark.driver.defaultJavaOptions": _JAVA_OPTIONS,
    "spark.executor.defaultJavaOptions": _JAVA_OPTIONS,
    "spark.sql.autoBroadcastJoinThreshold": "32m",  # the exchanges of findings; 10m would shuffle the whole log instead
    "spark.sql.sources.parallelPartitionDiscovery.threshold": "1000",  # files; below, asking the workers takes longer
    "spark.driver.maxResultSize": "0",  # what must fit the driver fits its memory, or nothing helps
    "spark.ui.enabled": "false",  # an open port that nobody asked for
    "spark.ui.showConsoleProgress": "false",
}

_PARTITIONS: Final = "spark.sql.shuffle.partitions"
#: Shuffles are cut by the size of the cluster: Spark's own 200 cost a small one more than the work.
_PARTITIONS_PER_CORE: Final = 3


class SparkEngine:
    """The engine (`gauger.engines.engine.Engine`) over a Spark session.

    Relations that are kept are cached on the executors. A lost executor loses nothing: Spark computes its part again
    from the sketch files, which say the same as before.
    """

    def __init__(self, session: SparkSession) -> None:
        self.session = session
        self._connection = ibis.pyspark.connect(session)
        self._kept: dict[str, DataFrame] = {}
        self._numbers = itertools.count()

    def read(self, paths: Sequence[Path]) -> ir.Table:
        """Return the rows of Parquet files of one schema, with `file_name`."""
        # Looked up recursively, a folder called a=b adds no column.
        files = self.session.read.option("recursiveFileLookup", "true").parquet(*map(_literal, paths))
        return self._view(f"read_{next(self._numbers)}", files.select("*", "_metadata.file_name"))

    def keep(self, name: str, rows: ir.Table | pa.Table) -> ir.Table:
        """Store rows under a name, and return them."""
        # Rows of this process stay here: what is small goes to the workers with the query that joins it, without one
        # more to store it there.
        frame = self.session.createDataFrame(rows) if isinstance(rows, pa.Table) else self._frame(rows).persist()
        if name in self._kept:
            self.drop(name)
        self._kept[name] = frame
        return self._view(name, frame)

    def drop(self, name: str) -> None:
        """Let go of the rows stored under a name."""
        self._kept.pop(name).unpersist()
        self.session.catalog.dropTempView(name)

    def fetch(self, relation: ir.Table) -> pa.Table:
        """Compute a relation and return its rows."""
        return self._frame(relation).toArrow().cast(relation.schema().to_pyarrow())

    def _frame(self, relation: ir.Table) -> DataFrame:
        return self.session.sql(self._connection.compile(relation))

    def _view(self, name: str, frame: DataFrame) -> ir.Table:
        frame.createOrReplaceTempView(name)
        return self._connection.table(name)


def _literal(path: Path) -> str:
    """Return the address of a local file in which Hadoop finds no pattern."""
    return "file://" + re.sub(r"([\\*?{}\[\]])", r"\\\1", str(path.absolute()))


@contextmanager
def spark_engine(*, scratch: Path, master: str | None) -> Iterator[SparkEngine]:
    """Open the engine.

    Parameters
    ----------
    scratch
        Where this machine spills to; a cluster's workers spill to folders of their own (SPARK_LOCAL_DIRS).
    master
        Address of the cluster; None: what Spark is configured with, else this machine. A session that is open already,
        as on platforms that make one, is used and left open.

    Raises
    ------
    UsageError
        Spark does not start.
    WorkspaceError
        Spark gave up in the middle.
    """
    with warnings.catch_warnings():
        # It is about pandas frames, of which there are none here: rows come and go as Arrow.
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
        is_ours = SparkSession.getActiveSession() is None
        session = _session(scratch, master)
        where = session.sparkContext.master
        try:
            with _stopped(session) if is_ours else nullcontext():
                yield SparkEngine(session)
        except (PySparkException, Py4JError, ConnectionError) as error:  # the last when its Java process is gone
            raise WorkspaceError(
                f"Spark gave up: {_in_a_line(error)}",
                where=where,
                todo="its own log says more; what was ingested is kept, so run the same command again",
            ) from error


@contextmanager
def _stopped(session: SparkSession) -> Iterator[None]:
    """Stop a session at the end of the block."""
    try:
        yield
    finally:
        session.stop()


def _session(scratch: Path, master: str | None) -> SparkSession:
    builder = SparkSession.builder.appName("gauger")
    for name, value in {**_NEEDED, "spark.local.dir": str(scratch), "spark.sql.warehouse.dir": str(scratch)}.items():
        builder = builder.config(name, value)
    try:
        session = (builder if master is None else builder.master(master)).getOrCreate()
    except (PySparkException, Py4JError) as error:
        raise _no_start(error, master) from error
    context = session.sparkContext
    context.setLogLevel("ERROR")
    if not context.getConf().contains(_PARTITIONS):
        session.conf.set(_PARTITIONS, str(_PARTITIONS_PER_CORE * context.defaultParallelism))
    return session


def _no_start(error: Exception, master: str | None) -> UsageError:
    if isinstance(error, PySparkRuntimeError) and error.getCondition() == "JAVA_GATEWAY_EXITED":
        return UsageError(
            "Spark needs Java, and the one found did not start",
            where="--engine spark",
            todo="install Java 17 or newer and set JAVA_HOME to it",
        )
    return UsageError(
        f"Spark does not start: {_in_a_line(error)}",
        where="--master" if master else "--engine spark",
        todo="check the address of the master, and that this machine may reach it and be reached from it",
    )


def _in_a_line(error: Exception) -> str:
    """Return what an error says: of a worker's, the last line of its trace."""
    said = str(error.java_exception.toString()) if isinstance(error, Py4JJavaError) else str(error)
    lines = said.strip().splitlines() or [type(error).__name__]
    return lines[-1 if isinstance(error, PythonException) else 0]
