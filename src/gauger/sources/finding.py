"""Which files the arguments of a command name."""

import glob
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from gauger.errors import InputError

STDIN: Final = "-"

#: Names of logs in a folder, compression apart; a file named outright may be called anything.
LOG_SUFFIXES: Final = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".log", ".parquet")
_COMPRESSION_SUFFIXES: Final = (".gz", ".zst")


def find_logs(arguments: Sequence[str]) -> list[str]:
    """Files that the arguments name, sorted, each once.

    An argument is a file, a folder (searched with all its folders for names that end in `LOG_SUFFIXES`, compressed
    or not; hidden ones are left out), a glob (`logs/**/*.jsonl.gz`), or "-" for standard input, which comes first.

    Raises
    ------
    InputError
        An argument matches nothing; says which.
    """
    found = {path: None for argument in arguments for path in _named(argument)}
    by_place = {_place(path): path for path in sorted(found, reverse=True)}
    return sorted(by_place.values(), key=lambda path: (path != STDIN, path))


def _place(path: str) -> str:
    return path if path == STDIN else os.path.realpath(path)


def _named(argument: str) -> list[str]:
    if argument == STDIN:
        return [argument]
    try:
        if Path(argument).is_dir():
            return _nonempty(list(_in_folder(Path(argument))), argument)
        if Path(argument).exists():
            return [os.path.normpath(argument)]
        matches = [path for path in glob.glob(argument, recursive=True) if Path(path).is_file()]  # noqa: PTH207
    except (OSError, ValueError) as error:  # a name too long, or with a NUL in it
        raise InputError("this cannot be a path", where=argument[:200], todo="check the argument") from error
    return _nonempty([os.path.normpath(path) for path in matches], argument)


def _in_folder(folder: Path) -> Iterator[str]:
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (os.path.normpath(Path(place) / name) for name in files if _is_log(name))


def _is_log(name: str) -> bool:
    for suffix in _COMPRESSION_SUFFIXES:
        name = name.removesuffix(suffix)
    return name.lower().endswith(LOG_SUFFIXES) and not name.startswith(".")


def _nonempty(paths: list[str], argument: str) -> list[str]:
    if not paths:
        raise InputError(
            "no log is here",
            where=argument,
            todo=f"name a file, a glob, or a folder with files that end in {', '.join(LOG_SUFFIXES)}",
        )
    return paths
