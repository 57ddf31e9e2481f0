"""Runs of a benchmark, one JSON line each: what was run is not run again."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

import msgspec

from gauger.errors import InputError, UsageError
from gauger.lab.processes import each
from gauger.lab.scores import Score
from gauger.pipeline import Progress

Line = TypeVar("Line")
Job = TypeVar("Job")
#: The cell and the seed of a run.
Name = tuple[str, int]


class Named(Protocol):
    """What a run says of itself: its cell, its seed, and a digest of what it was made of."""

    @property
    def cell(self) -> str: ...  # noqa: D102

    @property
    def seed(self) -> int: ...  # noqa: D102

    @property
    def made_of(self) -> str | None: ...  # noqa: D102


Made = TypeVar("Made", bound=Named)


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


def kept_runs(path: Path, kind: type[Made], wanted: Mapping[Name, str], *, other: str) -> dict[Name, Made]:
    """Return which of the wanted runs are in a file.

    Parameters
    ----------
    path, kind
        As for `read_lines`.
    wanted
        The digest of what each should be made of.
    other
        What a run may have been made with instead, in words.

    Raises
    ------
    UsageError
        A run of the same name was made of something else.
    InputError
        A line is damaged, or was written by another version.
    """
    kept = {(run.cell, run.seed): run for run in read_lines(path, kind) if (run.cell, run.seed) in wanted}
    for name, run in kept.items():
        if run.made_of != wanted[name]:
            raise UsageError(
                f"{run.cell}, seed {run.seed}, was run with {other} or another version",
                where=str(path),
                todo="name another folder with --out",
            )
    return kept


def make_missing(
    path: Path,
    jobs: Mapping[Name, Job],
    kept: Mapping[Name, Made],
    run: Callable[[Job], Made],
    *,
    step: str,
    processes: int,
    progress: Progress,
) -> list[Made]:
    """Return every job's run, in order: those that were kept, and the others, each written down when it is made.

    Parameters
    ----------
    path
        Where the runs are kept.
    jobs, kept
        What is wanted, and `kept_runs` of it.
    run
        Makes a run of a job.
    step, progress
        Under which name progress is told of each run that is done.
    processes
        How many are made at a time.
    """
    done = dict(kept)
    missing: Sequence[Job] = [job for name, job in jobs.items() if name not in done]
    progress(step, len(done), len(jobs))
    for finished in each(run, missing, processes):
        append_run(path, finished)
        done[finished.cell, finished.seed] = finished
        progress(step, len(done), len(jobs))
    return [done[name] for name in jobs]


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
