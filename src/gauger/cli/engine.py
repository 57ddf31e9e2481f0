"""Which engine computes the tables, and what its refusals mean to a person."""

import importlib.util
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial

import duckdb

from gauger.cli.reading import recipe_of
from gauger.cli.session import ENGINE_MEMORY, Session
from gauger.engines.duckdb import duck_engine
from gauger.engines.engine import Engine
from gauger.errors import UsageError, WorkspaceError
from gauger.ingestion import ReadApart
from gauger.sources import ReadOptions
from gauger.store.manifest import FilePlan
from gauger.store.staging import StagedLog


@dataclass(frozen=True, slots=True)
class Opened:
    """An open engine, and what reads logs where it computes; None: they are read here."""

    engine: Engine
    read_apart: ReadApart | None = None


def chosen_engine(name: str, master: str | None) -> Callable[[Session], AbstractContextManager[Opened]]:
    """Return what opens the engine that a command line names, inside the workspace of a session.

    Raises
    ------
    UsageError
        A master is named for an engine that has none, or Spark is not installed.
    """
    if name == "spark":
        _require_spark()
        return partial(_open_spark, master=master)
    if master is not None:
        raise UsageError("only Spark has a master", where="--master", todo="add --engine spark, or leave it out")
    return _open_here


def _require_spark() -> None:
    if importlib.util.find_spec("pyspark") is None:
        raise UsageError(
            "Spark is not installed here",
            where="--engine spark",
            todo="pip install 'gauger[spark]', and install Java 17 or newer",
        )


@contextmanager
def _open_here(session: Session) -> Iterator[Opened]:
    with open_engine(session) as engine:
        yield Opened(engine)


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
def _open_spark(session: Session, *, master: str | None) -> Iterator[Opened]:
    """Open Spark; this machine spills inside the workspace.

    Raises
    ------
    UsageError
        Spark does not start.
    WorkspaceError
        It gave up in the middle.
    """
    from gauger.engines.spark import spark_engine
    from gauger.engines.spark_sketches import sketch_on_workers

    # Workers have Python where this machine has it, unless the environment says otherwise.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    with spark_engine(scratch=session.workspace.tmp.absolute(), master=master) as engine:

        def read_apart(plans: Sequence[FilePlan], options: ReadOptions) -> Iterator[StagedLog]:
            return sketch_on_workers(engine.session, plans, recipe_of(session, options))

        yield Opened(engine, read_apart)
