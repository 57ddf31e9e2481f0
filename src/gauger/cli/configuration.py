"""Settings from gauger.toml and the environment: flags over environment over file over defaults."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from gauger.errors import SettingsError
from gauger.settings import Settings

PREFIX = "GAUGER_SETTING_"
#: Tables of gauger.toml that are not settings of the statistics.
OTHER_TABLES = frozenset({"networks"})


def read_file(path: Path) -> dict[str, Any]:
    """Return the tables of a settings file; nothing where there is none.

    Raises
    ------
    SettingsError
        It cannot be read, or is not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"cannot be read: {error}", where=str(path), todo="correct the file") from None


def settings_from(file: Mapping[str, Any], environment: Mapping[str, str], flags: Mapping[str, Any]) -> Settings:
    """Return the settings.

    Parameters
    ----------
    file
        Tables of gauger.toml.
    environment
        Variables; GAUGER_SETTING_WINDOWS__TARGET=0.01 sets `windows.target`.
    flags
        Dotted name -> value; None is left out.

    Raises
    ------
    SettingsError
        A value cannot be.
    """
    merged: dict[str, Any] = {}
    for name, table in file.items():
        if name not in OTHER_TABLES:
            merged[name] = dict(table) if isinstance(table, dict) else table
    for name, value in sorted(environment.items()):
        if name.startswith(PREFIX):
            _put(merged, name.removeprefix(PREFIX).lower().replace("__", "."), value)
    for name, value in flags.items():
        if value is not None:
            _put(merged, name, value)
    try:
        return Settings.model_validate(merged)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise SettingsError(first["msg"], where=f"setting {where}", todo="see `gauger check-config`") from None


def _put(merged: dict[str, Any], dotted: str, value: Any) -> None:
    *path, last = dotted.split(".")
    for part in path:
        merged = merged.setdefault(part, {})
    merged[last] = value
