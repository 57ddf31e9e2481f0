"""An open workspace with its settings, keys and lists: what every command works with."""

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gauger.cli.configuration import read_file, settings_from
from gauger.exchanges.networks import NetworkTable
from gauger.exchanges.pseudonyms import Keys, derive_keys
from gauger.settings import Settings
from gauger.sources.enrichment import load_networks
from gauger.store.workspace import Workspace

DEFAULT_WORKSPACE = Path("gauger-workspace")
#: Memory of the embedded engine, bytes; the rest of a scan needs about as much again.
ENGINE_MEMORY = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Session:
    """An open workspace and what goes with it."""

    workspace: Workspace
    settings: Settings
    keys: Keys
    networks: NetworkTable
    started_at: datetime

    @property
    def threads(self) -> int:
        """Threads to use."""
        return self.settings.threads or os.cpu_count() or 1


def workspace_path(given: Path | None) -> Path:
    """Return the workspace's folder: the flag, else GAUGER_WORKSPACE, else ./gauger-workspace."""
    return given or Path(os.environ.get("GAUGER_WORKSPACE") or DEFAULT_WORKSPACE)


@contextmanager
def open_session(path: Path, *, create: bool, flags: Mapping[str, Any]) -> Iterator[Session]:
    """Open a workspace for writing.

    Parameters
    ----------
    path
        Its folder.
    create
        Make it if there is none.
    flags
        Settings given on the command line, by dotted name.
    """
    started_at = datetime.now(UTC)
    with Workspace.open(path, create=create, now=started_at, random_bytes=secrets.token_bytes) as workspace:
        file = read_file(path / "gauger.toml")
        settings = settings_from(file, os.environ, flags)
        workspace.pin("sketch settings", settings.sketch.model_dump_json())
        yield Session(
            workspace=workspace,
            settings=settings,
            keys=derive_keys(workspace.key.secret),
            networks=load_networks(file.get("networks", {}), base=path),
            started_at=started_at,
        )
