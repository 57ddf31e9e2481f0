"""The state of a workspace: one SQLite file and the transactions on it."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from sqlalchemy import Engine, NullPool, create_engine, event, inspect, select
from sqlalchemy.orm import Session

from gauger.errors import WorkspaceError
from gauger.store.durable import PRIVATE_FILE, storage_errors
from gauger.store.models import FORMAT, Base, Fact

# A writer holds the file for the length of one commit, a reader for one query: both are far shorter.
_WAIT_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class State:
    """Transactions on the state; each either happens whole or not at all."""

    path: Path
    engine: Engine
    is_read_only: bool

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Open a transaction that is committed, and on the disk, when the block ends without an error."""
        with storage_errors(self.path), Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    def fact(self, name: str) -> str | None:
        """Return a fact about the workspace, or None."""
        with self.transaction() as session:
            return session.scalar(select(Fact.value).where(Fact.name == name))

    def compact(self) -> None:
        """Rewrite the file so that nothing deleted is left in it."""
        with storage_errors(self.path), self.engine.connect() as connection:
            # Through the driver: VACUUM runs outside every transaction, and SQLAlchemy would open one.
            connection.connection.cursor().execute("VACUUM")

    def close(self) -> None:
        """Let go of the file."""
        self.engine.dispose()


def open_state(path: Path, *, read_only: bool) -> State:
    """Open the state, making its tables if there are none.

    Raises
    ------
    WorkspaceError
        The file is not a state, or was made by another version.
    """
    engine = _engine(path, read_only=read_only)
    state = State(path, engine, read_only)
    try:
        _settle_format(state)
    except BaseException:
        state.close()
        raise
    return state


def _settle_format(state: State) -> None:
    with storage_errors(state.path):
        tables = inspect(state.engine).get_table_names()
    if not tables and not state.is_read_only:
        with state.transaction() as session:
            Base.metadata.create_all(session.connection())
            session.add(Fact(name="format", value=FORMAT))
        return
    found = state.fact("format") if Fact.__tablename__ in tables else None
    if found != FORMAT:
        raise WorkspaceError(
            f"the workspace has format {found or 'unknown'}, this Gauger writes format {FORMAT}",
            where=str(state.path),
            todo="use the version of Gauger that made it, or name a new workspace and ingest the logs again",
        )
    if not state.is_read_only and not Base.metadata.tables.keys() <= set(tables):
        with state.transaction() as session:  # tables that were added since the workspace was made
            Base.metadata.create_all(session.connection())


def _engine(path: Path, *, read_only: bool) -> Engine:
    if not read_only:
        # SQLite would make the file readable to others; its journals take the mode from it.
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT, PRIVATE_FILE))
    # A reader too may have to undo what a killed writer left half done, so it opens for writing and then refuses to.
    uri = f"file:{quote(str(path.absolute()))}?mode=rw"

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(uri, uri=True, timeout=_WAIT_S, isolation_level=None)
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute(f"PRAGMA query_only = {'ON' if read_only else 'OFF'}")
        return connection

    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool, hide_parameters=True)

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        # The driver would begin only before a change, which leaves reads and table definitions outside.
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine
