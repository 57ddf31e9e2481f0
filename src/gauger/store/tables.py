"""The operator's account table and events, kept from one run to the next."""

import pyarrow as pa

from gauger.exchanges.schema import ACCOUNT_SCHEMA, EVENT_SCHEMA
from gauger.store.durable import read_parquet
from gauger.store.staging import Kind
from gauger.store.state import State
from gauger.store.stored_files import StoredFiles


class Tables:
    """Two tables, each replaced as a whole: a reader sees the old one or the new one."""

    def __init__(self, state: State, files: StoredFiles) -> None:
        self._state = state
        self._files = files

    def accounts(self) -> pa.Table | None:
        """Return the account table (ACCOUNT_SCHEMA), or None where none was given."""
        return self._read("accounts")

    def events(self) -> pa.Table | None:
        """Return the events (EVENT_SCHEMA), or None where none were given."""
        return self._read("events")

    def keep_accounts(self, table: pa.Table) -> None:
        """Keep an account table in place of the one before."""
        self._keep(table.cast(ACCOUNT_SCHEMA), "accounts")

    def keep_events(self, table: pa.Table) -> None:
        """Keep events in place of those before."""
        self._keep(table.cast(EVENT_SCHEMA), "events")

    def _read(self, kind: Kind) -> pa.Table | None:
        files = self._files.named(kind)
        return read_parquet(files[0].path) if files else None

    def _keep(self, table: pa.Table, kind: Kind) -> None:
        staged = self._files.stage(table, kind=kind)
        old = self._files.named(kind)
        with self._state.transaction() as session:
            if old:
                self._files.replace(session, old[0], staged)
            else:
                self._files.put(session, staged, stem=kind)
        self._files.remove(old)
