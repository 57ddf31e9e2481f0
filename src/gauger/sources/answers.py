"""Answers of a suspect as token ids: one JSON object on a line."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import msgspec
import numpy as np

from gauger.errors import InputError
from gauger.proof.cells import Answer, Reference
from gauger.proof.commitments import is_hex

_SHAPE: Final = '{"tokens": [1, 2], "prompt": [3], "candidates": [[], [2, 5]], "probabilities": [[], [0.9, 0.1]]}'


class _Record(msgspec.Struct, frozen=True, forbid_unknown_fields=False):
    tokens: list[int]
    prompt: list[int] = []
    candidates: list[list[int]] | None = None
    probabilities: list[list[float]] | None = None
    model_sha256: str | None = None
    first_look: Annotated[int, msgspec.Meta(ge=1)] | None = None


@dataclass(frozen=True, slots=True)
class AnswerFile:
    """A file of answers as it was read.

    Attributes
    ----------
    content
        Its bytes, by which it can be known again.
    answers
        What they say.
    model_sha256
        The hash of the model's files where a model on this disk was asked (`gauger.sources.model_files`), else None.
    first_look
        Answers at the first look where the suspect was asked look by look, else None.
    """

    content: bytes
    answers: list[Answer]
    model_sha256: str | None = None
    first_look: int | None = None


def read_answer_file(path: Path) -> AnswerFile:
    """Return a file with its answers; empty lines are passed over.

    `tokens` are those of the answer and `prompt` those of the question, in the teacher's vocabulary; `candidates` and
    `probabilities` say for each token of the answer what the unmarked teacher would have put there. `model_sha256`
    names the model where the answers are those of one on this disk.

    Raises
    ------
    InputError
        The file cannot be read, holds no answer, a line is not of this shape, or the lines are not all of one
        model and one way of asking; the message never quotes it.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"the answers cannot be read: {error.strerror}", where=str(path)) from error
    lines = enumerate(content.split(b"\n"), start=1)
    read = [_answer(line, f"{path}, line {number}") for number, line in lines if line.strip()]
    if not read:
        raise InputError("there are no answers in this file", where=str(path), todo=f"write lines like {_SHAPE}")
    origins = {origin for _, origin in read}
    if len(origins) > 1:
        raise InputError(
            "these are answers of more than one model, or not all asked look by look",
            where=str(path),
            todo="make a file for each",
        )
    return AnswerFile(content, [answer for answer, _ in read], *origins.pop())


def _answer(line: bytes, where: str) -> tuple[Answer, tuple[str | None, int | None]]:
    """Return an answer, the hash of the model that gave it, and how many were awaited at the first look."""
    try:
        record = msgspec.json.decode(line, type=_Record)
        tokens, prompt = _ids(record.tokens), _ids(record.prompt)
        reference, origin = _reference(record), (_hash(record.model_sha256), record.first_look)
    except (msgspec.DecodeError, OverflowError, ValueError, RecursionError):
        raise InputError("this is no answer in token ids", where=where, todo=f"write lines like {_SHAPE}") from None
    return Answer(tokens, prompt, reference), origin


def _hash(text: str | None) -> str | None:
    if text is not None and not is_hex(text):
        raise ValueError("this is no SHA-256")
    return text


def _reference(record: _Record) -> Reference | None:
    if record.candidates is None and record.probabilities is None:
        return None
    candidates, shares = record.candidates or [], record.probabilities or []
    sizes = [len(one) for one in candidates]
    if sizes != [len(one) for one in shares] or len(sizes) != len(record.tokens):
        raise ValueError("candidates and probabilities do not match the tokens")
    probabilities = np.array([share for position in shares for share in position], np.float64)
    if not (np.isfinite(probabilities).all() and (probabilities >= 0).all()):
        raise ValueError("a probability is negative or no number")
    offsets = np.concatenate(([0], np.cumsum(sizes))).astype(np.int64)
    return Reference(offsets, _ids([token for position in candidates for token in position]), probabilities)


def _ids(tokens: list[int]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    ids = np.array(tokens, np.int64)
    if len(ids) and not 0 <= ids.min() <= ids.max() < 2**32:
        raise ValueError("a token id is negative or has more than 32 bits")
    return ids
