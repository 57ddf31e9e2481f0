"""Which files the arguments of a command name."""

import glob
import os
import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final

from gauger.errors import InputError

STDIN: Final = "-"

#: Names of logs in a folder, compression apart; a file named outright may be called anything.
LOG_SUFFIXES: Final = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".log", ".parquet")
_COMPRESSION_SUFFIXES: Final = (".gz", ".zst")


#: A file that log rotation left behind: app.log.1, app.jsonl.2026-01-06.
_ROTATED: Final = re.compile(r"[.-](\d{1,4}|\d{4}-?\d{2}-?\d{2}([-T_.]?\d+)*)$")

#: What a folder of Gauger's own holds: a workspace, and a result.
_OWN_FILES: Final = frozenset({"state.sqlite", "findings.json"})


def find_logs(
    arguments: Sequence[str], *, others: Collection[Path] = (), skipped: list[str] | None = None
) -> list[str]:
    """Files that the arguments name, sorted, each once.

    An argument is a file, a folder (searched with all its folders for names that end in `LOG_SUFFIXES`, compressed or
    rotated or not), a glob (`logs/**/*.jsonl.gz`), or "-" for standard input, which comes first. In a folder, hidden
    files, Gauger's own folders and `others` are left out.

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
        An argument matches nothing, or is a pipe; says which.
    """
    aside = [] if skipped is None else skipped
    no_logs = {os.path.realpath(path) for path in others}
    found = {path: None for argument in arguments for path in _named(argument, no_logs, aside)}
    by_place = {_place(path): path for path in sorted(found, reverse=True)}
    return sorted(by_place.values(), key=lambda path: (path != STDIN, path))


def _place(path: str) -> str:
    return path if path == STDIN else os.path.realpath(path)


def _named(argument: str, no_logs: Collection[str], skipped: list[str]) -> list[str]:
    if argument == STDIN:
        return [argument]
    try:
        if Path(argument).is_dir():
            return _nonempty(_in_folder(Path(argument), no_logs, skipped), argument)
        if Path(argument).exists():
            return [_regular(os.path.normpath(argument))]
        matches = [path for path in glob.glob(argument, recursive=True) if Path(path).is_file()]  # noqa: PTH207
    except (OSError, ValueError) as error:  # a name too long, or with a NUL in it
        raise InputError("this cannot be a path", where=argument[:200], todo="check the argument") from error
    return _nonempty([os.path.normpath(path) for path in matches], argument)


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
