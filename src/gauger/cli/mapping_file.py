"""The file of `--mapping`: where the columns of the logs, of the account table and of the events lie."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gauger.errors import SettingsError
from gauger.sources import load_mapping

#: Tables of the file that map something else than logs.
_TABLES = ("accounts", "events")
_REQUIRED = ("occurred_at", "account_id")


@dataclass(frozen=True, slots=True)
class MappingFile:
    """Canonical column -> path in the record (logs; None: found out) or name in the file (accounts, events)."""

    logs: Mapping[str, str] | None = None
    accounts: Mapping[str, str] = field(default_factory=dict)
    events: Mapping[str, str] = field(default_factory=dict)


def read_mapping_file(path: Path | None) -> MappingFile:
    """Return what a mapping file says; nothing where none is given.

    Raises
    ------
    UsageError
        The file cannot be read.
    SettingsError
        It is not TOML, or holds what is no mapping.
    """
    if path is None:
        return MappingFile()
    written = _written(path)
    if not any(name in written for name in _TABLES):
        return MappingFile(logs=load_mapping(path))
    tables = {name: _names(written.pop(name, {}), where=f"{path}, {name}") for name in _TABLES}
    logs = _names(written, where=str(path)) if written else None
    for column in _REQUIRED if logs is not None else ():
        if column not in written:
            raise SettingsError("the mapping lacks a required column", where=f"{path}, {column}", todo="add it")
    return MappingFile(logs=logs, accounts=tables["accounts"], events=tables["events"])


def _written(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        load_mapping(path)  # says what is wrong with it
        raise


def _names(table: Any, *, where: str) -> dict[str, str]:
    if not isinstance(table, dict) or not all(isinstance(value, str) for value in table.values()):
        raise SettingsError('expected lines of column = "name"', where=where, todo="correct the mapping file")
    return dict(table)
