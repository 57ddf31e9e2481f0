"""Answers of a model as text, each with the id of its prompt: lines of JSON, or one JSON list."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from gauger.errors import InputError

_SHAPE: Final = '{"id": "prompt-1", "text": "the answer"}'


@dataclass(frozen=True, slots=True)
class Fields:
    """What a record calls the prompt's id and the answer."""

    id: str = "id"
    text: str = "text"


def answers_by_prompt(path: Path, fields: Fields = Fields()) -> dict[str, str]:
    """Return the only answer to each prompt, by its id, in the order of the file.

    Raises
    ------
    InputError
        The file cannot be read, holds no answer, a record is not of this shape, or two have the same id.
    """
    found: dict[str, str] = {}
    for where, identity, text in _records(path, fields):
        if identity in found:
            raise InputError("this prompt has an answer already", where=where, todo="keep one answer for each prompt")
        found[identity] = text
    return found


def samples_by_prompt(path: Path, fields: Fields = Fields()) -> dict[str, list[str]]:
    """Return every answer to each prompt, by its id (errors: `answers_by_prompt`, but ids may repeat)."""
    found: dict[str, list[str]] = {}
    for _, identity, text in _records(path, fields):
        found.setdefault(identity, []).append(text)
    return found


def read_records(path: Path) -> list[tuple[str, Mapping[str, Any]]]:
    """Return every record of a file with its place, "FILE, line N" or "FILE, record N".

    Raises
    ------
    InputError
        The file cannot be read, is neither lines of JSON nor a JSON list, or holds nothing. It is never quoted.
    """
    try:
        content = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    except OSError as error:
        raise InputError(f"the answers cannot be read: {error.strerror}", where=str(path)) from error
    found = list(_listed(content, path) if content.lstrip().startswith(b"[") else _lines(content, path))
    if not found:
        raise InputError("there are no answers in this file", where=str(path), todo=f"write lines like {_SHAPE}")
    return found


def _records(path: Path, fields: Fields) -> Iterator[tuple[str, str, str]]:
    for where, record in read_records(path):
        identity, text = record.get(fields.id), record.get(fields.text)
        if not isinstance(identity, str | int) or isinstance(identity, bool) or not isinstance(text, str):
            raise InputError(
                f"there is no {fields.id!r} or no text {fields.text!r} here", where=where, todo=f"write {_SHAPE}"
            )
        yield where, str(identity), text


def _lines(content: bytes, path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for number, line in enumerate(content.split(b"\n"), start=1):
        if line.strip():
            yield f"{path}, line {number}", _object(_decoded(line, f"{path}, line {number}"), f"{path}, line {number}")


def _listed(content: bytes, path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    listed: Sequence[Any] = _decoded(content, str(path))
    for number, one in enumerate(listed, start=1):
        yield f"{path}, record {number}", _object(one, f"{path}, record {number}")


def _decoded(content: bytes, where: str) -> Any:
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise InputError("this is no JSON in UTF-8", where=where, todo=f"write lines like {_SHAPE}") from None


def _object(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise InputError("this is no record", where=where, todo=f"write lines like {_SHAPE}")
    return value
