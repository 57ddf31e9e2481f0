"""A run of questions in a folder: what was asked, and every answer from the moment it came.

    run.json        to whom and how; a rerun must ask the same
    prompts.jsonl   the prompts, as given
    answers.jsonl   one line for each answer, in the order they came
    faults.jsonl    one line for each request that brought none

All private (0600), and the last two only grow: a line is on the disk before the next question of its thread. A line
that a crash cut off is cut away and its question asked again.
"""

import hashlib
import os
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import BinaryIO, Final, TypeVar

import msgspec

from gauger.errors import UsageError, WorkspaceError
from gauger.sources.endpoint import Interface
from gauger.sources.model_files import ModelFile
from gauger.sources.prompts import Question, read_prompts
from gauger.sources.replies import FATAL, LASTING, Code, Fault, Reply
from gauger.store.durable import PRIVATE_FILE, make_folder, put_in_place, storage_errors, write_file
from gauger.store.lock import writer_lock

SCHEMA: Final = "gauger/query-run/1"
RUN, PROMPTS, ANSWERS, FAULTS, LOCK = "run.json", "prompts.jsonl", "answers.jsonl", "faults.jsonl", "lock"


class LocalSuspect(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A model on this disk: all its files, one hash for them (`gauger.sources.model_files`), and the run's seed."""

    sha256: str
    files: list[ModelFile]
    seed: int


class Asked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """To whom and how: `run.json`. It holds no key. `endpoint` is null for a model on this disk: it is `local`."""

    schema: str = SCHEMA
    endpoint: str | None
    model: str
    interface: Interface
    samples: int
    max_tokens: int
    temperature: float | None
    prompts_sha256: str
    local: LocalSuspect | None = None


class Answered(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of answers.jsonl."""

    prompt: int
    sample: int
    attempts: int
    answered_at: datetime
    reply: Reply


class Failed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of faults.jsonl. Nothing of the body is kept."""

    prompt: int
    sample: int
    failed_at: datetime
    code: Code
    status: int | None


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of answers under one claimed model, in the order they came."""

    model: str | None
    since: datetime
    answers: int


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """What a run holds. More than one claimed model is a change in mid-run; `inexact` are not as they were sent."""

    questions: int
    answers: int
    empty_answers: int
    inexact_answers: int
    left: int
    requests_without_answer: dict[str, int]
    claimed_models: list[Claim]
    budget_spent: bool


_Line = TypeVar("_Line", Answered, Failed)


@dataclass(slots=True)
class QueryRun:
    """A run that is open for writing: get one from `open_run`.

    Attributes
    ----------
    folder
        Where it lies.
    asked
        To whom and how.
    questions
        All of them.
    answers, faults
        What there was when it was opened.
    """

    folder: Path
    asked: Asked
    questions: Sequence[Question]
    answers: Sequence[Answered]
    faults: Sequence[Failed]
    _files: tuple[BinaryIO, BinaryIO] = field(repr=False)
    _lock: threading.Lock = field(repr=False, default_factory=threading.Lock)
    _n_said: int = field(init=False)

    def __post_init__(self) -> None:
        self._n_said = sum(bool(one.reply.text) for one in self.answers)

    @property
    def n_said(self) -> int:
        """Answers so far that say something."""
        return self._n_said

    def left(self) -> list[Question]:
        """Return the questions that have neither an answer nor a lasting fault."""
        closed = {(one.prompt, one.sample) for one in self.answers}
        closed |= {(one.prompt, one.sample) for one in self.faults if one.code in LASTING - FATAL}
        return [one for one in self.questions if one.number not in closed]

    def keep_answer(self, question: Question, reply: Reply, attempts: int, *, now: datetime) -> None:
        """Write an answer to the disk."""
        line = Answered(prompt=question.prompt, sample=question.sample, attempts=attempts, answered_at=now, reply=reply)
        self._append(self._files[0], line)
        with self._lock:
            self._n_said += bool(reply.text)

    def keep_fault(self, question: Question, fault: Fault, *, now: datetime) -> None:
        """Write down that a request brought no answer."""
        line = Failed(
            prompt=question.prompt, sample=question.sample, failed_at=now, code=fault.code, status=fault.status
        )
        self._append(self._files[1], line)

    def _append(self, file: BinaryIO, line: Answered | Failed) -> None:
        with self._lock, storage_errors(self.folder):
            file.write(msgspec.json.encode(line) + b"\n")
            file.flush()
            os.fsync(file.fileno())


@contextmanager
def open_run(folder: Path, asked: Asked, prompts: bytes, *, now: datetime) -> Iterator[QueryRun]:
    """Open a run, a new one or one that goes on where it stopped.

    Raises
    ------
    UsageError
        The folder holds a run that asks something else.
    WorkspaceError
        It is damaged, cannot be written, or is being written by another process.
    """
    with storage_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        make_folder(folder)
    with writer_lock(folder / LOCK, now=now):
        _pin(folder, asked, prompts)
        questions = _questions(folder, asked)
        answers, faults = (_repaired(folder / name) for name in (ANSWERS, FAULTS))
        with _appending(folder / ANSWERS) as first, _appending(folder / FAULTS) as second:
            yield QueryRun(
                folder,
                asked,
                questions,
                _lines(answers, Answered, folder / ANSWERS, questions),
                _lines(faults, Failed, folder / FAULTS, questions),
                (first, second),
            )


def read_run(folder: Path) -> tuple[Asked, list[Question], list[Answered], list[Failed]]:
    """Return what a run holds so far; it may be going on.

    Raises
    ------
    UsageError
        The folder holds no run.
    WorkspaceError
        It is damaged.
    """
    asked = _asked(folder)
    questions = _questions(folder, asked)
    with storage_errors(folder):
        held = [path.read_bytes() if (path := folder / name).exists() else b"" for name in (ANSWERS, FAULTS)]
    answers, faults = (one[: one.rfind(b"\n") + 1] for one in held)
    return (
        asked,
        questions,
        _lines(answers, Answered, folder / ANSWERS, questions),
        _lines(faults, Failed, folder / FAULTS, questions),
    )


def summarise(
    questions: Sequence[Question],
    answers: Sequence[Answered],
    faults: Sequence[Failed],
    *,
    left: int,
    budget_spent: bool,
) -> Summary:
    """Return the figures of a run."""
    return Summary(
        questions=len(questions),
        answers=len(answers),
        empty_answers=sum(not one.reply.text for one in answers),
        inexact_answers=sum(not one.reply.is_exact for one in answers),
        left=left,
        requests_without_answer=dict(sorted(Counter(one.code for one in faults).items())),
        claimed_models=[_claim(list(same)) for _, same in groupby(answers, lambda one: one.reply.claimed_model)],
        budget_spent=budget_spent,
    )


def _claim(answers: Sequence[Answered]) -> Claim:
    return Claim(model=answers[0].reply.claimed_model, since=answers[0].answered_at, answers=len(answers))


def hash_of(content: bytes) -> str:
    """Return the SHA-256 of a file, 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def _pin(folder: Path, asked: Asked, prompts: bytes) -> None:
    if (folder / RUN).exists():
        if _asked(folder) != asked:
            raise UsageError(
                "this folder holds a run that asks something else: suspect, prompts or options differ",
                where=str(folder),
                todo="give the same as then, or a new --out",
            )
        return
    with storage_errors(folder):
        if (folder / ANSWERS).exists():
            raise _damaged(folder / RUN, "it is gone, and there are answers")
        # The prompts first: a folder with run.json is whole.
        for name, content in ((PROMPTS, prompts), (RUN, msgspec.json.format(msgspec.json.encode(asked)) + b"\n")):
            write_file(folder / f"{name}.new", content)
            put_in_place(folder / f"{name}.new", folder / name)


def _asked(folder: Path) -> Asked:
    try:
        return msgspec.json.decode((folder / RUN).read_bytes(), type=Asked)
    except OSError:
        raise UsageError(
            "there is no run of questions here", where=str(folder), todo="make one with `gauger prove query`"
        ) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise _damaged(folder / RUN, "it is no description of a run") from None


def _questions(folder: Path, asked: Asked) -> list[Question]:
    path = folder / PROMPTS
    with storage_errors(path):
        prompts = path.read_bytes()
    if hash_of(prompts) != asked.prompts_sha256:
        raise _damaged(path, "these are not the prompts that were asked")
    return read_prompts(prompts, where=str(path), samples=asked.samples)


def _repaired(path: Path) -> bytes:
    """Return the whole lines of a file, and cut away a line that a crash cut off."""
    with storage_errors(path):
        if not path.exists():
            return b""
        content = path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) < len(content):
            with path.open("r+b") as file:
                file.truncate(len(whole))
                os.fsync(file.fileno())
    return whole


def _lines(content: bytes, kind: type[_Line], path: Path, questions: Sequence[Question]) -> list[_Line]:
    found, known = [], {one.number for one in questions}
    for number, line in enumerate(content.split(b"\n")[:-1], start=1):
        try:
            found.append(msgspec.json.decode(line, type=kind))
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise _damaged(path, f"line {number} is none of ours") from None
        if (found[-1].prompt, found[-1].sample) not in known:
            raise _damaged(path, f"line {number} belongs to no question")
    return found


@contextmanager
def _appending(path: Path) -> Iterator[BinaryIO]:
    with storage_errors(path):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, PRIVATE_FILE)
    with os.fdopen(descriptor, "ab") as file:
        yield file


def _damaged(path: Path, fault: str) -> WorkspaceError:
    return WorkspaceError(
        f"the run is damaged: {fault}", where=str(path), todo="restore it from a backup, or begin a new run"
    )
