"""A workspace: one private folder that holds what was learnt from logs, and no text of theirs."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from gauger.errors import SettingsError, UsageError, WorkspaceError
from gauger.store import erasure
from gauger.store.decisions import Decisions
from gauger.store.durable import PRIVATE_FOLDER, make_folder, put_in_place, storage_errors, write_file
from gauger.store.erasure import Erased
from gauger.store.identities import Identities
from gauger.store.keys import MasterKey, create_master_key, read_master_key
from gauger.store.lock import writer_lock
from gauger.store.manifest import Manifest
from gauger.store.models import Fact
from gauger.store.sketch_files import SketchFiles
from gauger.store.state import State, open_state
from gauger.store.stored_files import FOLDERS, StoredFiles
from gauger.store.tables import Tables
from gauger.store.watching import Watching

_STATE: Final = "state.sqlite"
_LOCK: Final = "lock"
_SETTINGS: Final = "gauger.toml"
KEY_FILE: Final = "keys/master.key"
TMP: Final = "tmp"
#: What may lie in the folder of a workspace whose making was interrupted.
_OURS: Final = frozenset({_STATE, _STATE + "-journal", _LOCK, _SETTINGS, "keys", TMP, *FOLDERS.values()})

_DEFAULT_SETTINGS: Final = """\
# Settings of this workspace. Every line shows a default; remove the "#" to change it.
# Two scans with equal settings, rows, seed, time and key give the same result, byte for byte.

# seed = 1
# threads = 0                 # 0: one per core
# max_bad = 0.01              # share of rows that may be bad
# max_record_bytes = 67108864 # a longer record is skipped and listed in the quarantine
# account_fields = ["user_api_key_user_id", "user_api_key_team_id", "user_api_key_hash"]  # LiteLLM

# [sketch]                    # cannot change once the workspace holds sketches
# max_words = 220
# sampling = 1

# [windows]
# tested_days = 7.0           # default: the last 7 days, or the last quarter of a shorter log
# look_back_windows = 2
# target = 0.05               # false alarms per scan

# [core]
# min_principals = 4
# min_shingles = 4
# max_look_back_principals = 1
# jaccard = 0.5

# [conditional]
# max_candidates = 20
# permutations = 9999

# [watch]                     # the live alarm
# alpha = 0.05                # chance that traffic as it was ever raises one
# stretch_hours = [1, 6, 24]
# gap_days = 2
# look_back_days = 5
# lateness_minutes = 10
# filter_bits = 22            # a day's filter has 2 to this power cells, of four bytes
"""


@dataclass(frozen=True, slots=True)
class Workspace:
    """An open workspace. Get one from `Workspace.open`.

    Attributes
    ----------
    path
        Its folder.
    key
        The secret behind its pseudonyms and shingles.
    manifest
        The logs that were read.
    sketches
        Sketches, parts and quarantined rows.
    tables
        The operator's account table and events.
    decisions
        What people decided about findings.
    identities
        The findings of earlier scans.
    watching
        What `gauger watch` closed, and its alarms.
    """

    path: Path
    key: MasterKey = field(repr=False)
    is_read_only: bool
    manifest: Manifest
    sketches: SketchFiles
    tables: Tables
    decisions: Decisions
    identities: Identities
    watching: Watching
    _state: State = field(repr=False)
    _files: StoredFiles = field(repr=False)

    @staticmethod
    @contextmanager
    def open(
        path: Path,
        *,
        create: bool,
        now: datetime,
        random_bytes: Callable[[int], bytes],
        read_only: bool = False,
    ) -> Iterator["Workspace"]:
        """Open a workspace for writing, or beside a writer for reading only.

        Parameters
        ----------
        path
            The folder.
        create
            Make it if there is none.
        now
            When the lock was taken.
        random_bytes
            Where the key comes from: `os.urandom`.
        read_only
            Take no lock, clean up nothing and refuse every change.

        Raises
        ------
        WorkspaceLocked
            Another process writes to it.
        WorkspaceError
            There is none, it is another version's, or it is damaged.
        SettingsError
            The key can be read by others, is damaged or is missing.
        """
        if read_only:
            _require_workspace(path)
            with _opened(path, read_only=True, random_bytes=random_bytes) as workspace:
                yield workspace
            return
        _prepare(path, create=create)
        with (
            writer_lock(path / _LOCK, now=now),
            _furnished(path),
            _opened(path, read_only=False, random_bytes=random_bytes) as workspace,
        ):
            yield workspace

    @property
    def tmp(self) -> Path:
        """Folder for scratch of every kind. It is emptied when the workspace is opened and when it is closed.

        Raises
        ------
        UsageError
            The workspace is open for reading only: the scratch belongs to the writer.
        """
        if self.is_read_only:
            raise UsageError(
                "a workspace opened for reading has no scratch", where=str(self.path), todo="use a folder of your own"
            )
        return self.path / TMP

    def pin(self, name: str, value: str) -> None:
        """Hold the workspace to a value that all its sketches share, such as the settings they were made under.

        Raises
        ------
        SettingsError
            It was pinned to another value.
        """
        pinned = self._state.fact(f"pin:{name}")
        if pinned is None:
            with self._state.transaction() as session:
                session.add(Fact(name=f"pin:{name}", value=value))
        elif pinned != value:
            raise SettingsError(
                f"the sketches of this workspace were made with {name} = {pinned}, not {value}",
                where=str(self.path / _SETTINGS),
                todo="set it back, or start a new workspace and ingest the logs again",
            )

    def retain(self, days: int, *, now: datetime) -> Erased:
        """Delete days older than `days` days; they stay deleted (`gauger.store.erasure.retain`)."""
        return erasure.retain(self._state, self._files, days=days, now=now)

    def forget(self, account_id: str) -> Erased:
        """Delete everything kept about an account (`gauger.store.erasure.forget`)."""
        return erasure.forget(self._state, self._files, account_id)


@contextmanager
def _opened(path: Path, *, read_only: bool, random_bytes: Callable[[int], bytes]) -> Iterator[Workspace]:
    with ExitStack() as stack:
        state = open_state(path / _STATE, read_only=read_only)
        stack.callback(state.close)
        files = StoredFiles(path, state, scratch=path / TMP)
        if not read_only:
            files.sweep()
        key = _settle_key(path / KEY_FILE, state, random_bytes=random_bytes)
        manifest = Manifest(state)
        yield Workspace(
            path=path,
            key=key,
            is_read_only=read_only,
            manifest=manifest,
            sketches=SketchFiles(state, files, manifest),
            tables=Tables(state, files),
            decisions=Decisions(state),
            identities=Identities(state),
            watching=Watching(state),
            _state=state,
            _files=files,
        )


def _settle_key(path: Path, state: State, *, random_bytes: Callable[[int], bytes]) -> MasterKey:
    """Return the workspace's key, making one for a new workspace."""
    known_id = state.fact("key_id")
    if known_id is None and not path.exists() and not state.is_read_only:
        create_master_key(path, random_bytes=random_bytes)
    key = read_master_key(path)
    if known_id is None and not state.is_read_only:
        with state.transaction() as session:
            session.add(Fact(name="key_id", value=key.key_id))
    elif known_id != key.key_id:
        raise SettingsError(
            f"this is key {key.key_id}; the workspace was made with key {known_id}",
            where=str(path),
            todo="put the workspace's own key back, or start a new workspace",
        )
    return key


def _prepare(path: Path, *, create: bool) -> None:
    """Make the folder; one that holds other things is left alone."""
    if not create:
        _require_workspace(path)
    if path.exists() and not path.is_dir():
        raise WorkspaceError("this is a file, not a folder", where=str(path), todo="name another workspace")
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        make_folder(path)
        foreign = {entry.name for entry in path.iterdir()} - _OURS
        if foreign and not (path / _STATE).exists():
            raise WorkspaceError(
                f"the folder holds {len(foreign)} other things and no workspace",
                where=str(path),
                todo="name an empty or a new folder",
            )
        path.chmod(PRIVATE_FOLDER)


def _require_workspace(path: Path) -> None:
    if not (path / _STATE).is_file():
        raise WorkspaceError(
            "there is no workspace here", where=str(path), todo="check the path; `gauger ingest LOGS...` makes one"
        )


@contextmanager
def _furnished(path: Path) -> Iterator[None]:
    """Give the folder what it lacks; its scratch is empty before and after the block."""
    scratch = path / TMP
    if scratch.is_symlink():
        raise WorkspaceError(
            "the scratch folder is a link, and emptying it would empty what it points to",
            where=str(scratch),
            todo="remove the link; to put the workspace on another disk, move the whole folder",
        )
    with storage_errors(path):
        for folder in (TMP, *sorted(set(FOLDERS.values()))):
            make_folder(path / folder)
        _empty(scratch)
        if not (path / _SETTINGS).exists():
            write_file(scratch / _SETTINGS, _DEFAULT_SETTINGS.encode())
            put_in_place(scratch / _SETTINGS, path / _SETTINGS)
    try:
        yield
    finally:
        with storage_errors(path):
            _empty(scratch)


def _empty(path: Path) -> None:
    for entry in path.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
