"""Which engine computes the tables, and what its refusals mean to a person."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import duckdb

from gauger.cli.session import ENGINE_MEMORY, Session
from gauger.engines.duckdb import duck_engine
from gauger.engines.engine import Engine
from gauger.errors import UsageError, WorkspaceError

#: Opens an engine inside the workspace of a session.
EngineOpener = Callable[[Session], AbstractContextManager[Engine]]


def chosen_engine(name: str, master: str | None) -> EngineOpener:
    """Return what opens the engine that a command line names.

    Raises
    ------
    UsageError
        A master is named for an engine that has none.
    """
    if name == "spark":
        return lambda session: open_spark(session, master)
    if master is not None:
        raise UsageError("only Spark has a master", where="--master", todo="add --engine spark, or leave it out")
    return open_engine


@contextmanager
def open_engine(session: Session) -> Iterator[Engine]:
    """Open the embedded engine inside the workspace.

    Raises
    ------
    WorkspaceError
        The disk or the memory refused it something.
    KeyboardInterrupt
        Ctrl-C in the middle of a query, which the engine reports as an error of its own.
    """
    workspace = session.workspace
    try:
        with duck_engine(scratch=workspace.tmp, threads=session.threads, memory_bytes=ENGINE_MEMORY) as engine:
            yield engine
    except duckdb.OutOfMemoryException as error:
        raise WorkspaceError(
            "the engine ran out of memory or of scratch space",
            where=str(workspace.path),
            todo="free space on this disk, or give fewer --threads: each needs memory of its own",
        ) from error
    except RuntimeError as error:
        if str(error) == "Query interrupted":
            raise KeyboardInterrupt from error
        raise
    except duckdb.IOException as error:
        raise WorkspaceError(
            f"the engine could not read or write its files: {str(error).splitlines()[0]}",
            where=str(workspace.path),
            todo="check that the disk is not full; what was ingested is kept, so run the same command again",
        ) from error


@contextmanager
def open_spark(session: Session, master: str | None) -> Iterator[Engine]:
    """Open Spark; this machine spills inside the workspace.

    Raises
    ------
    UsageError
        Spark is not installed, or does not start.
    WorkspaceError
        It gave up in the middle.
    """
    try:
        from gauger.engines.spark import spark_engine
    except ImportError as error:
        raise UsageError(
            f"Spark is not installed here ({error.name} is missing)",
            where="--engine spark",
            todo="pip install 'gauger[spark]', and install Java 17",
        ) from error
    # Workers have Gauger where this machine has it, unless the cluster's own settings say otherwise.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    with spark_engine(scratch=session.workspace.tmp, master=master) as engine:
        yield engine
