"""An open workspace with its settings, keys and lists: what every command works with."""

import os
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from gauger.cli.configuration import Configuration, configure
from gauger.errors import InputError, UsageError, WorkspaceError
from gauger.exchanges.networks import NetworkTable
from gauger.exchanges.pseudonyms import Keys, derive_keys, pseudonymise_personal
from gauger.settings import Settings
from gauger.sources.enrichment import disposable_domains, load_networks
from gauger.sources.places import settled
from gauger.sources.values import key_identifier
from gauger.store.workspace import Workspace

DEFAULT_WORKSPACE = Path("gauger-workspace")
DEFAULT_REPORT = Path("gauger-report")
#: The workspace of a scan that was given none, inside its result folder.
OWN_WORKSPACE = ".workspace"
#: Memory of the embedded engine, bytes; the rest of a scan needs about as much again.
ENGINE_MEMORY = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Session:
    """An open workspace and what goes with it."""

    workspace: Workspace
    configuration: Configuration
    keys: Keys
    started_at: datetime

    @property
    def settings(self) -> Settings:
        """Everything that changes a result."""
        return self.configuration.settings

    @property
    def threads(self) -> int:
        """Threads to use."""
        return self.settings.threads or os.cpu_count() or 1

    def networks(self) -> NetworkTable:
        """Return what the lists that gauger.toml names say of addresses."""
        return load_networks(self.configuration.networks, base=self.workspace.path)

    def disposable(self) -> frozenset[str]:
        """Return the domains of disposable mail, with the lists that gauger.toml names."""
        return disposable_domains(self.configuration.networks, base=self.workspace.path)

    def kept_forms(self, identifier: str) -> list[str]:
        """Return the forms in which the workspace may hold an id.

        One that looks personal is kept as its pseudonym; of a key in the clear some sources keep the hash.
        """
        forms = pa.array(sorted({identifier, str(key_identifier(identifier, UTC))}), pa.string())
        kept = pseudonymise_personal(forms, self.keys.identity, key_id=self.keys.key_id)
        return [str(form) for form in kept.to_pylist()]


@contextmanager
def open_session(
    path: Path, *, create: bool = False, read_only: bool = False, flags: Mapping[str, Any] | None = None
) -> Iterator[Session]:
    """Open a workspace.

    Parameters
    ----------
    path
        Its folder.
    create
        Make it if there is none.
    read_only
        Take no lock and change nothing.
    flags
        Settings given on the command line, by dotted name.
    """
    started_at = datetime.now(UTC)
    with Workspace.open(
        path, create=create, now=started_at, random_bytes=secrets.token_bytes, read_only=read_only
    ) as workspace:
        configuration = configure(path, os.environ, flags or {})
        if not read_only:
            workspace.pin("sketch settings", configuration.settings.sketch.model_dump_json())
        yield Session(
            workspace=workspace,
            configuration=configuration,
            keys=derive_keys(workspace.key.secret),
            started_at=started_at,
        )


def workspace_to_fill(given: Path | None) -> Path:
    """Return the folder that `ingest` fills: the flag, else GAUGER_WORKSPACE, else ./gauger-workspace."""
    return given or _from_environment() or DEFAULT_WORKSPACE


def workspace_at_hand(given: Path | None, report: Path = DEFAULT_REPORT) -> Path:
    """Return the workspace that a question is about: the flag, GAUGER_WORKSPACE, that of a report, or the default.

    Raises
    ------
    WorkspaceError
        There is none.
    """
    named = given or _from_environment()
    if named is not None:
        return named
    places = [report / OWN_WORKSPACE, DEFAULT_WORKSPACE]
    found = [place for place in places if _is_workspace(place)]
    if not found:
        raise WorkspaceError(
            f"there is no workspace in {places[0]} or {places[1]}",
            todo="name one with --workspace, or run `gauger scan LOGS...` first",
        )
    return found[0]


@contextmanager
def workspace_to_scan(
    given: Path | None, logs: Sequence[str], out: Path, *, drop_on: type[InputError]
) -> Iterator[Path]:
    """Yield the workspace of a scan. Logs without a workspace get one beside their result.

    A workspace that an earlier scan left there goes on when all its logs are named again, so that an interrupted scan
    resumes. One that was made in this block is removed when the block ends with `drop_on`, so that a run with better
    options begins anew.

    Raises
    ------
    UsageError
        It holds other logs; or there are neither logs nor a workspace.
    """
    if given is not None:
        yield given
    elif not logs:
        yield _workspace_to_scan_again(out)
    elif (named := _from_environment()) is not None:
        yield named
    else:
        own = out / OWN_WORKSPACE
        if _is_workspace(own):
            _refuse_other_logs(own, logs)
        was_there = _is_workspace(own)
        try:
            yield own
        except drop_on:
            if not was_there:
                _discard(own)
            raise


def _discard(workspace: Path) -> None:
    """Remove a workspace: at once by its name, so that a run that is killed here leaves none that is half there."""
    going = workspace.with_name(f"{workspace.name}.discarded")
    shutil.rmtree(going, ignore_errors=True)
    workspace.rename(going)
    shutil.rmtree(going)


def _workspace_to_scan_again(out: Path) -> Path:
    try:
        return workspace_at_hand(None, out)
    except WorkspaceError as error:
        raise UsageError(
            f"nothing to scan: {error.what}", where="LOGS", todo="name logs, or a --workspace that holds some"
        ) from None


def _refuse_other_logs(path: Path, logs: Sequence[str]) -> None:
    """Refuse to mix logs: none that is there may be lost, and the result is about those that are named."""
    named = {settled(log) for log in logs if log != "-"}
    with Workspace.open(
        path, create=False, now=datetime.now(UTC), random_bytes=secrets.token_bytes, read_only=True
    ) as workspace:
        held = [source.name for source in workspace.manifest.sources()]
    others = [name for name in held if name == "-" or settled(name) not in named]
    if others:
        raise UsageError(
            f"it holds other logs than those named now ({others[0]})",
            where=str(path),
            todo=f"add to it with --workspace {path}, or name another --out for a result of these alone",
        )


def _is_workspace(path: Path) -> bool:
    return (path / "state.sqlite").is_file()


def _from_environment() -> Path | None:
    named = os.environ.get("GAUGER_WORKSPACE")
    return Path(named) if named else None
