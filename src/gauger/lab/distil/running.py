"""A tier of the lab: teachers first, then every cell of every seed, each kept when it is done."""

import hashlib
import io
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Final

import numpy as np
import torch

from gauger.lab.distil.cells import Cell, Plan, Size
from gauger.lab.distil.model import Transformer
from gauger.lab.distil.outcomes import Run
from gauger.lab.distil.students import World, outcome, task_of, taught
from gauger.lab.distil.training import Weights, Workshop
from gauger.lab.processes import each
from gauger.lab.runs import kept_runs, make_missing
from gauger.pipeline import Progress
from gauger.store.durable import put_in_place, write_file

RUNS: Final = "runs.jsonl"
TEACHERS: Final = "teachers"
UNFINISHED: Final = "unfinished"


@dataclass(frozen=True, slots=True)
class Job:
    """A cell of a seed to be run, with the teacher of the seed, who lies in a file."""

    plan: Plan
    seed: int
    cell: Cell
    null_keys: int
    folder: Path
    workshop: Workshop


@dataclass(frozen=True, slots=True)
class _Lesson:
    """A teacher to be trained and kept."""

    plan: Plan
    seed: int
    file: Path


def run_plan(
    plan: Plan,
    seeds: Sequence[int],
    *,
    out: Path,
    null_keys: int | None = None,
    device: str = "cpu",
    weights: Weights | None = None,
    processes: int = 1,
    progress: Progress = lambda _step, _done, _all: None,
) -> list[Run]:
    """Return the runs of a tier, cells within seeds. Each is written down when it is done, and not made again.

    Parameters
    ----------
    plan, seeds
        Every cell is run with every seed.
    out
        Folder that holds, or will hold, runs.jsonl and the teachers.
    null_keys
        Most other keys of each test; by default each cell's.
    device
        Where students are trained, as PyTorch calls it.
    weights
        What students begin as; None for a random start of the tier's size.
    processes
        How many students are trained at a time.
    progress
        Told of each teacher and each cell that is done, and with one process of each step.

    Raises
    ------
    UsageError
        The folder holds a run of the same name that was made of something else.
    InputError
        runs.jsonl is damaged.
    """
    # A callback cannot follow a job into another process.
    told = {"progress": progress} if processes == 1 else {}
    workshop = Workshop(device, weights, out / UNFINISHED, **told)
    jobs = {
        (cell.name, seed): Job(plan, seed, cell, null_keys or cell.null_keys, out, workshop)
        for seed in seeds
        for cell in plan.cells
    }
    (out / TEACHERS).mkdir(parents=True, exist_ok=True)
    wanted = {name: made_of(job) for name, job in jobs.items()}
    kept = kept_runs(out / RUNS, Run, wanted, other="other lengths, keys, students")
    _train_teachers([job for name, job in jobs.items() if name not in kept], processes, progress)
    return make_missing(out / RUNS, jobs, kept, run_job, step="students", processes=processes, progress=progress)


def run_job(job: Job) -> Run:
    """Return one cell's run."""
    world = _world(job.plan, job.seed, job.folder, job.workshop)
    started = time.process_time()
    found = outcome(world, job.cell, null_keys=job.null_keys)
    return Run(job.cell.name, job.seed, made_of(job), round(time.process_time() - started, 3), found)


def made_of(job: Job) -> str:
    """Return a digest of what a run follows from: cell, lengths of training, other keys, students' start, versions."""
    weights = job.workshop.weights
    student = f"{job.plan.student} {job.workshop.device} {None if weights is None else weights.sha256}"
    return _digest(_lengths(job.plan), repr(job.cell), str(job.null_keys), student)


def _train_teachers(jobs: Sequence[Job], processes: int, progress: Progress) -> None:
    files = {_teacher_file(job.plan, job.seed, job.folder): job for job in jobs}
    lessons = [_Lesson(job.plan, job.seed, file) for file, job in files.items() if not file.exists()]
    progress("teachers", len(files) - len(lessons), len(files))
    for place, _ in enumerate(each(_teach, lessons, processes), start=1 + len(files) - len(lessons)):
        progress("teachers", place, len(files))


def _teach(lesson: _Lesson) -> None:
    content = io.BytesIO()
    weights = taught(lesson.plan, lesson.seed).state_dict()
    np.savez(content, **{name: one.numpy() for name, one in weights.items()})
    aside = lesson.file.with_suffix(".new")
    write_file(aside, content.getvalue())
    put_in_place(aside, lesson.file)


@lru_cache(maxsize=1)
def _world(plan: Plan, seed: int, folder: Path, workshop: Workshop) -> World:
    teacher = Transformer(Size())
    with np.load(_teacher_file(plan, seed, folder), allow_pickle=False) as kept:
        teacher.load_state_dict({name: torch.from_numpy(kept[name]) for name in kept.files})
    return World(plan, seed, task_of(seed), teacher, workshop)


def _teacher_file(plan: Plan, seed: int, folder: Path) -> Path:
    return folder / TEACHERS / f"seed-{seed}-{_digest(str(plan.teacher_steps))}.npz"


def _lengths(plan: Plan) -> str:
    return f"{plan.teacher_steps} {plan.student_steps} {plan.questions} {plan.answers}"


def _digest(*said: str) -> str:
    versions = (version("gauger"), version("torch"), version("numpy"))
    return hashlib.blake2b("\0".join((*said, *versions)).encode(), digest_size=8).hexdigest()
