"""Runs of a benchmark, one JSON line each: what was run is not run again."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from gauger.errors import InputError
from gauger.lab.scores import Score

Line = TypeVar("Line")


@dataclass(frozen=True, slots=True)
class Run:
    """One world, scanned and scored.

    Attributes
    ----------
    cell, seed
        Which world.
    made_of
        Digest of everything that the result follows from (`gauger.lab.bench.made_of`); null for another detector's.
    target
        The false-alarm rate that the report promises: a share of scans.
    simulate_cpu_s, scan_cpu_s
        CPU seconds; null where another detector did it.
    sketch_bytes
        Bytes of the exchanges' sketches; null where another detector did it.
    score
        The report against the truth.
    """

    cell: str
    seed: int
    made_of: str | None
    target: float
    simulate_cpu_s: float | None
    scan_cpu_s: float | None
    sketch_bytes: int | None
    score: Score


def read_runs(path: Path) -> list[Run]:
    """Return the runs in a file (`read_lines`)."""
    return read_lines(path, Run)


def read_lines(path: Path, kind: type[Line]) -> list[Line]:
    """Return the records in a file, none if there is no file. A last line that was not finished is cut off.

    Raises
    ------
    InputError
        A line is damaged, or was written by another version.
    """
    if not path.exists():
        return []
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if len(whole) < len(content):
        os.truncate(path, len(whole))
    lines = enumerate(whole.splitlines(), start=1)
    return [_record(line, kind, f"{path}, line {number}") for number, line in lines]


def _record(line: bytes, kind: type[Line], where: str) -> Line:
    try:
        return msgspec.json.decode(line, type=kind)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise InputError(
            f"this is no run of this version: {error}", where=where, todo="delete the line, or name another folder"
        ) from error


def append_run(path: Path, run: object) -> None:
    """Write a run behind the others, whole and on the disk before this returns."""
    with path.open("ab") as file:
        file.write(msgspec.json.encode(run) + b"\n")
        file.flush()
        os.fsync(file.fileno())
