"""Which files the arguments of a command name."""

import glob
import os
import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from gauger.errors import InputError
from gauger.sources.places import settled

STDIN: Final = "-"

#: Names of logs in a folder, compression apart; a file named outright may be called anything.
LOG_SUFFIXES: Final = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".log", ".parquet")
_COMPRESSION_SUFFIXES: Final = (".gz", ".zst")

#: What begins like an address; every path may be written in a way that does not.
_SCHEME: Final = re.compile(r"(?P<name>[A-Za-z][A-Za-z0-9+.-]*)://")

#: A file that log rotation left behind: app.log.1, app.jsonl.2026-01-06.
_ROTATED: Final = re.compile(r"[.-](\d{1,4}|\d{4}-?\d{2}-?\d{2}([-T_.]?\d+)*)$")

#: What a folder of Gauger's own holds: a workspace, and a result.
_OWN_FILES: Final = frozenset({"state.sqlite", "findings.json"})


def find_logs(
    arguments: Sequence[str], *, others: Collection[Path] = (), skipped: list[str] | None = None
) -> list[str]:
    """Return the logs that the arguments name, sorted, each once.

    An argument is a file, a folder (searched with all its folders for names that end in `LOG_SUFFIXES`, compressed or
    rotated or not), a glob (`logs/**/*.jsonl.gz`), or "-" for standard input, which comes first. In a folder, hidden
    files, Gauger's own folders and `others` are left out. Files, folders and globs may lie at an address
    (`s3://bucket/logs/*.gz`); `file://` before a path is taken off.

    Parameters
    ----------
    arguments
        What was named.
    others
        Files in a folder that are no logs: the account table, the events.
    skipped
        Takes the files of folders that are not read because of their names.

    Raises
    ------
    InputError
        An argument matches nothing, is a pipe, or an address that may not be read; says which.
    """
    aside = [] if skipped is None else skipped
    no_logs = {os.path.realpath(path) for path in others}
    found = {path: None for argument in arguments for path in _named(argument, no_logs, aside)}
    by_place = {path if path == STDIN else settled(path): path for path in sorted(found, reverse=True)}
    return sorted(by_place.values(), key=lambda path: (path != STDIN, path))


def _named(argument: str, no_logs: Collection[str], skipped: list[str]) -> list[str]:
    if argument == STDIN:
        return [argument]
    if (scheme := _SCHEME.match(argument)) and scheme["name"] != "file":
        return _nonempty(_at_address(argument, skipped), argument)
    if scheme:
        argument = _path_of(argument)
    try:
        if Path(argument).is_dir():
            return _nonempty(_in_folder(Path(argument), no_logs, skipped), argument)
        if Path(argument).exists():
            return [_regular(os.path.normpath(argument))]
        matches = [path for path in glob.glob(argument, recursive=True) if Path(path).is_file()]  # noqa: PTH207
    except (OSError, ValueError) as error:  # a name too long, or with a NUL in it
        raise InputError("this cannot be a path", where=argument[:200], todo="check the argument") from error
    return _nonempty([os.path.normpath(path) for path in matches], argument)


def _at_address(argument: str, skipped: list[str]) -> list[str]:
    from gauger.sources.addresses import Address, found_at  # noqa: PLC0415 - Arrow's file systems take a while

    address = Address.of(argument)
    found, is_folder = found_at(address)
    if not is_folder:
        return found
    own = {name.rpartition("/")[0] + "/" for name in found if name.rpartition("/")[2] in _OWN_FILES}
    seen = [name for name in found if not name.startswith(tuple(own)) and not _is_hidden(name, address.name)]
    skipped.extend(name for name in seen if not _is_log(name))
    return [name for name in seen if _is_log(name)]


def _is_hidden(name: str, folder: str) -> bool:
    return "/." in "/" + name.removeprefix(folder)


def _path_of(argument: str) -> str:
    """Return the path that a file:// address names."""
    parts = urlsplit(argument)
    if parts.netloc not in ("", "localhost"):
        raise InputError("this file is on another machine", where=argument, todo="write it like file:///logs/a.jsonl")
    return unquote(argument.partition("://")[2].removeprefix(parts.netloc))


def _regular(path: str) -> str:
    """Refuse a pipe: a log is read twice, to know it again by its content."""
    if not Path(path).is_file():
        raise InputError("this is no file but a pipe or a device", where=path, todo="give it to standard input, as -")
    return path


def _in_folder(folder: Path, no_logs: Collection[str], skipped: list[str]) -> list[str]:
    found: list[str] = []
    for place, folders, files in os.walk(folder, onerror=_refuse):
        if not _OWN_FILES.isdisjoint(files):
            folders.clear()
            continue
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            path = os.path.normpath(Path(place) / name)
            if name.startswith(".") or os.path.realpath(path) in no_logs:
                continue
            (found if _is_log(name) and Path(path).is_file() else skipped).append(path)
    return found


def _refuse(error: OSError) -> None:
    raise InputError(
        f"the folder cannot be read: {error.strerror}", where=str(error.filename), todo="check that you may read it"
    ) from error


def _is_log(name: str) -> bool:
    name = name.lower()
    for suffix in _COMPRESSION_SUFFIXES:
        name = name.removesuffix(suffix)
    return _ROTATED.sub("", name).endswith(LOG_SUFFIXES)


def _nonempty(paths: list[str], argument: str) -> list[str]:
    if not paths:
        raise InputError(
            "no log is here",
            where=argument,
            todo=f"name a file, a glob, or a folder with files that end in {', '.join(LOG_SUFFIXES)}",
        )
    return paths
