"""Settings from gauger.toml and the environment: flags over environment over file over defaults."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from gauger.errors import SettingsError
from gauger.settings import Settings

FILE_NAME = "gauger.toml"
PREFIX = "GAUGER_SETTING_"
#: Tables of gauger.toml that are not settings of the statistics.
OTHER_TABLES = frozenset({"networks", "kafka"})


@dataclass(frozen=True, slots=True)
class Configuration:
    """Settings, and where each that is no default was said.

    Attributes
    ----------
    settings
        Everything that changes a result.
    origins
        Dotted name -> "gauger.toml", a variable of the environment, or "command line".
    networks
        The `[networks]` table.
    kafka
        The `[kafka]` table: options of librdkafka.
    """

    settings: Settings
    origins: Mapping[str, str]
    networks: Mapping[str, Any]
    kafka: Mapping[str, Any] = field(default_factory=dict)


def configure(folder: Path | None, environment: Mapping[str, str], flags: Mapping[str, Any]) -> Configuration:
    """Return the configuration of a workspace.

    Parameters
    ----------
    folder
        The workspace, or None where there is none.
    environment
        Variables; GAUGER_SETTING_WINDOWS__TARGET=0.01 sets `windows.target`.
    flags
        Dotted name -> value; None is left out.

    Raises
    ------
    SettingsError
        The file is not TOML, or a value cannot be.
    """
    file = {} if folder is None else read_file(folder / FILE_NAME)
    networks, kafka = (_table(file, name) for name in ("networks", "kafka"))
    said = list(_said(file, environment, flags))
    merged: dict[str, Any] = {}
    for name, value, origin in said:
        _put(merged, name, value, origin=origin)
    origins = {name: origin for name, _, origin in said}
    return Configuration(_validated(merged, origins), origins, networks, kafka)


def _table(file: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = file.get(name, {})
    if not isinstance(found, dict):
        raise SettingsError("expected a table", where=name, todo=f"write [{name}] on a line of its own")
    return found


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


def flattened(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every value of nested tables with its dotted name."""
    for name, value in table.items():
        if isinstance(value, dict):
            yield from flattened(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _said(
    file: Mapping[str, Any], environment: Mapping[str, str], flags: Mapping[str, Any]
) -> Iterator[tuple[str, Any, str]]:
    """Yield name, value and origin of every setting that was given, the strongest word last."""
    for name, value in flattened({name: value for name, value in file.items() if name not in OTHER_TABLES}):
        yield name, value, FILE_NAME
    for variable, text in sorted(environment.items()):
        if variable.startswith(PREFIX):
            name = variable.removeprefix(PREFIX).lower().replace("__", ".")
            yield name, _value(text), f"${variable}"
    for name, value in flags.items():
        if value is not None:
            yield name, value, "command line"


def _value(text: str) -> Any:
    """Return the value as TOML would read it: a number, a list, true or false; else the text itself."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _put(merged: dict[str, Any], name: str, value: Any, *, origin: str) -> None:
    *path, last = name.split(".")
    for part in path:
        merged = merged.setdefault(part, {})
        if not isinstance(merged, dict):
            raise SettingsError(
                f"{part} is a value, not a table", where=f"setting {name} ({origin})", todo="correct it"
            )
    merged[last] = value


def _validated(merged: Mapping[str, Any], origins: Mapping[str, str]) -> Settings:
    try:
        return Settings.model_validate(merged)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = ".".join(str(part) for part in first["loc"])
        origin = next((said for key, said in origins.items() if name.startswith(key)), None)
        raise SettingsError(
            first["msg"][:1].lower() + first["msg"][1:],
            where=f"setting {name}" + (f" ({origin})" if origin else ""),
            todo="`gauger check-config` lists every setting, its value and where it comes from",
        ) from None
