"""Prompts for a suspect: one JSON object on a line, a text or the messages of a conversation."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from gauger.errors import InputError

_SHAPE: Final = '{"prompt": "..."} or {"messages": [{"role": "user", "content": "..."}]}'


class _Message(msgspec.Struct, frozen=True):
    role: str
    content: str


class _Record(msgspec.Struct, frozen=True):
    id: str | int | None = None
    prompt: str | None = None
    messages: list[_Message] = []


@dataclass(frozen=True, slots=True)
class Question:
    """One question: which line of the prompts, which of its samples (both from 0), what is asked, and the line's id."""

    prompt: int
    sample: int
    text: str
    messages: tuple[dict[str, Any], ...]
    id: str | None = None

    @property
    def number(self) -> tuple[int, int]:
        """What tells it from every other question of a run."""
        return self.prompt, self.sample


def read_prompts(content: bytes, *, where: str, samples: int) -> list[Question]:
    """Return the questions in a file of prompts, all first samples before any second; empty lines are passed over.

    Raises
    ------
    InputError
        There is none, or a line is no prompt; the message never quotes it.
    """
    lines = enumerate(content.split(b"\n"), start=1)
    prompts = [_record(line, f"{where}, line {number}") for number, line in lines if line.strip()]
    if not prompts:
        raise InputError("there are no prompts in this file", where=where, todo=f"write lines like {_SHAPE}")
    return [_question(one, number, sample) for sample in range(samples) for number, one in enumerate(prompts)]


def read_file(path: Path) -> bytes:
    """Return a file of prompts as it is; there are some, and every line is one.

    Raises
    ------
    InputError
        It cannot be read, or is none (`read_prompts`).
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"the prompts cannot be read: {error.strerror}", where=str(path)) from error
    read_prompts(content, where=str(path), samples=1)
    return content


def _record(line: bytes, where: str) -> _Record:
    try:
        record = msgspec.json.decode(line, type=_Record)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise _no_prompt(where) from None
    if (record.prompt is None) == (not record.messages):
        raise _no_prompt(where)
    return record


def _question(record: _Record, number: int, sample: int) -> Question:
    name = None if record.id is None else str(record.id)
    if record.prompt is not None:
        return Question(number, sample, record.prompt, ({"role": "user", "content": record.prompt},), name)
    text = "\n".join(one.content for one in record.messages)
    messages = tuple({"role": one.role, "content": one.content} for one in record.messages)
    return Question(number, sample, text, messages, name)


def _no_prompt(where: str) -> InputError:
    return InputError("this is no prompt", where=where, todo=f"write lines like {_SHAPE}")
