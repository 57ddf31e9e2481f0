"""The Parquet files of a workspace. A file counts from the moment a transaction names it, and until one drops it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import pyarrow as pa
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from gauger.errors import WorkspaceError
from gauger.store.durable import make_folder, put_in_place, storage_errors
from gauger.store.models import StoredFile
from gauger.store.staging import Aside, Kind, StagedFile
from gauger.store.state import State

#: Folder of each kind, below the workspace. Sketches lie one level deeper, by day.
FOLDERS: Final[dict[Kind, str]] = {
    "sketch": "sketches",
    "part": "parts",
    "quarantine": "quarantine",
    "accounts": "tables",
    "events": "tables",
}


@dataclass(frozen=True, slots=True)
class NamedFile:
    """A file that counts."""

    path: Path
    kind: Kind
    day: date | None
    source_id: int | None
    n_rows: int


class StoredFiles:
    """Stages files, puts them in place within a transaction, and removes what no transaction names.

    The order is what makes it safe: write aside, flush, rename, flush the folder, commit. A crash before the commit
    leaves files that nothing names (`sweep` removes them); a crash after it loses nothing. Dropping goes the other
    way round: commit, then remove.
    """

    def __init__(self, root: Path, state: State, *, scratch: Path) -> None:
        self._root = root
        self._state = state
        self.aside = Aside(scratch)

    def stage(self, table: pa.Table, *, kind: Kind, day: date | None = None) -> StagedFile:
        """Write a table aside.

        Raises
        ------
        WorkspaceError
            The disk is full or refuses, or the workspace is open for reading only.
        """
        if self._state.is_read_only:
            raise WorkspaceError("the workspace can only be read", where=str(self._root), todo="open it for writing")
        return self.aside.write(table, kind=kind, day=day)

    def discard(self, staged: Iterable[StagedFile]) -> None:
        """Remove staged files that will not be put in place."""
        for file in staged:
            file.temporary.unlink(missing_ok=True)

    def put(self, session: Session, staged: StagedFile, *, stem: str, source_id: int | None = None) -> None:
        """Put a staged file in place under its name; it counts once `session` commits."""
        folder = self._root / FOLDERS[staged.kind]
        if staged.day is not None:
            folder = folder / f"day={staged.day.isoformat()}"
        make_folder(folder)
        target = folder / f"{stem}.parquet"
        put_in_place(staged.temporary, target)
        session.add(
            StoredFile(
                path=target.relative_to(self._root).as_posix(),
                kind=staged.kind,
                day=staged.day,
                source_id=source_id,
                n_rows=staged.n_rows,
            )
        )

    def replace(self, session: Session, old: NamedFile, staged: StagedFile | None) -> None:
        """Let a staged file take the place of one that counts; None: the old one just stops counting."""
        self.drop(session, [old])
        if staged is not None:
            self.put(session, staged, stem=_next_revision(old.path.stem), source_id=old.source_id)

    def drop(self, session: Session, files: Sequence[NamedFile]) -> None:
        """Make files stop counting once `session` commits; `remove` takes them off the disk after that."""
        for file in files:
            session.execute(delete(StoredFile).where(StoredFile.path == file.path.relative_to(self._root).as_posix()))

    def remove(self, files: Iterable[NamedFile]) -> None:
        """Take dropped files, and folders that are empty without them, off the disk."""
        with storage_errors(self._root):
            for file in files:
                file.path.unlink(missing_ok=True)
                if file.day is not None:
                    _remove_if_empty(file.path.parent)

    def named(self, *kinds: Kind, first: date | None = None, last: date | None = None) -> list[NamedFile]:
        """Return the files that count, in the order of their paths; `first` and `last` are days, both included."""
        query = select(StoredFile).where(StoredFile.kind.in_(kinds)).order_by(StoredFile.path)
        if first is not None:
            query = query.where(StoredFile.day >= first)
        if last is not None:
            query = query.where(StoredFile.day <= last)
        with self._state.transaction() as session:
            rows = session.scalars(query).all()
        return [NamedFile(self._root / row.path, _kind(row.kind), row.day, row.source_id, row.n_rows) for row in rows]

    def sweep(self) -> None:
        """Remove what a crash left over.

        Raises
        ------
        WorkspaceError
            A file that counts is missing.
        """
        named = {file.path for file in self.named(*FOLDERS)}
        found = {path for folder in set(FOLDERS.values()) for path in (self._root / folder).rglob("*.parquet")}
        if missing := named - found:
            raise WorkspaceError(
                f"{len(missing)} of {len(named)} stored files are missing",
                where=str(min(missing)),
                todo="put them back from a backup, or start a new workspace and ingest the logs again",
            )
        with storage_errors(self._root):
            for path in found - named:
                path.unlink()
            for folder in sorted((self._root / FOLDERS["sketch"]).glob("day=*")):
                _remove_if_empty(folder)


def _kind(stored: str) -> Kind:
    return next(kind for kind in FOLDERS if kind == stored)


def _next_revision(stem: str) -> str:
    """Return the next name of a rewritten file: "a", "a~1", "a~2"."""
    base, _, revision = stem.partition("~")
    return f"{base}~{int(revision or 0) + 1}"


def _remove_if_empty(folder: Path) -> None:
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
