"""Does a student show a key? Asked by `gauger.proof`, with the unmarked teacher's word on every token."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gauger.lab.distil.task import PAD
from gauger.proof.cells import Answer, Reference
from gauger.proof.examination import KeyInQuestion, Plan, Row, Subject, examine

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

#: Tokens that the teacher gives less than this are left out of its word: any cut that no key had part in is valid.
_LEAST: Final = 1e-3


@dataclass(frozen=True, slots=True)
class Shown:
    """What one test of a student gave.

    Attributes
    ----------
    method
        "teacher": against the unmarked teacher's word; "plain": without it; "canaries": free choices.
    p_value, z_score
        Exact, by other keys or picks; in standard deviations, None without cells.
    n_cells, n_null_keys
        Distinct (context, token), and other keys drawn; canaries shown, and 0, since all other picks are counted.
    wrong_keys
        p-values of keys, or picks, nobody used.
    """

    method: str
    p_value: float
    z_score: float | None
    n_cells: int
    n_null_keys: int
    wrong_keys: tuple[float, ...]


def as_answers(prompts: Ints, responses: Ints, taught: Floats) -> list[Answer]:
    """Return responses as the tests take them.

    Parameters
    ----------
    prompts, responses
        int64[n, p] and int64[n, t].
    taught
        float64[n, t, VOCABULARY], the unmarked teacher's probabilities at each place.
    """
    return [
        _answer(prompt, response[response != PAD], word[response != PAD])
        for prompt, response, word in zip(prompts, responses, taught, strict=True)
    ]


def tests(answers: Sequence[Answer], key: KeyInQuestion, *, null_keys: int) -> tuple[Shown, ...]:
    """Return the plain and the teacher-referenced test of one student and key."""
    rows = examine([Subject("student", "suspect", answers)], [key], Plan(methods="both", null_keys=null_keys))
    return tuple(_shown(row) for row in rows)


def _answer(prompt: Ints, tokens: Ints, word: Floats) -> Answer:
    place, token = np.nonzero(word >= _LEAST)
    offsets = np.searchsorted(place, np.arange(len(tokens) + 1)).astype(np.int64)
    return Answer(tokens, prompt, Reference(offsets, token.astype(np.int64), word[place, token]))


def _shown(row: Row) -> Shown:
    return Shown(
        method=row.method,
        p_value=row.p_value,
        z_score=row.z_score,
        n_cells=row.n_cells,
        n_null_keys=row.n_null_keys,
        wrong_keys=tuple(row.wrong_keys),
    )
