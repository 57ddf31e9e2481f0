"""The tests of one report: suspects and controls, times keys, times methods."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from gauger.campaigns.calibration import holm
from gauger.evidence.records import rounded_up
from gauger.proof.bounds import Count, Figure, Share
from gauger.proof.cells import Answer, Cells, plain_cells, referenced_cells
from gauger.proof.looks import looked_test
from gauger.proof.radioactivity import KeyTest, Look, Method, key_test, seed_of
from gauger.proof.schemes import Scheme

Keys = NDArray[np.uint64]
Role = Literal["suspect", "control", "positive"]
Methods = Literal["auto", "plain", "both"]


@dataclass(frozen=True, slots=True)
class Subject:
    """A model whose answers are tested: a suspect, an unrelated model, or a student known to be trained on the mark."""

    name: str
    role: Role
    answers: Sequence[Answer]

    def methods(self, wanted: Methods) -> tuple[Method, ...]:
        """Return how it is tested: against the teacher wherever there is the teacher's word, unless told otherwise."""
        has_reference = any(answer.reference is not None for answer in self.answers)
        if wanted == "plain" or not has_reference:
            return ("plain",)
        return ("teacher",) if wanted == "auto" else ("plain", "teacher")


@dataclass(frozen=True, slots=True)
class KeyInQuestion:
    """A committed key as the tests take it: its name, scheme, uint64[n_words] and commitment."""

    name: str
    scheme: Scheme
    words: Keys = field(repr=False)
    commitment: str


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One test. `adjusted_p_value` is null for controls: they are no claims. p-values are rounded up.

    With `looks`, `p_value` is 1 / the largest e-value and holds wherever one stopped.
    """

    subject: str
    role: Role
    key: str
    method: Method
    p_value: Share
    adjusted_p_value: Share | None
    z_score: Figure | None
    tail_p_value: Share
    n_cells: Count
    n_positions: Count
    n_null_keys: Count
    wrong_keys: list[Share]
    looks: list[Look] = []


@dataclass(frozen=True, slots=True)
class Plan:
    """How suspects are tested.

    Attributes
    ----------
    methods
        Against the teacher where there is its word, plain, or both.
    null_keys
        Most other keys.
    first_look
        Answers at the first of several looks; None for one look at all of them.
    enough
        The e-value at which looking ends.
    """

    methods: Methods
    null_keys: int
    first_look: int | None = None
    enough: float = math.inf


def count_tests(subjects: Sequence[Subject], keys: Sequence[KeyInQuestion], methods: Methods) -> int:
    """Return how many claims there are to correct for: suspects x keys x methods."""
    return len(keys) * sum(len(one.methods(methods)) for one in subjects if one.role == "suspect")


def examine(
    subjects: Sequence[Subject],
    keys: Sequence[KeyInQuestion],
    plan: Plan,
    *,
    threads: int = 1,
    progress: Callable[[str, int, int | None], None] = lambda _step, _done, _all: None,
) -> list[Row]:
    """Return every test, by subject, key and method, with Holm's correction over the claims about suspects."""
    asked = [(one, key, method) for one in subjects for key in keys for method in one.methods(plan.methods)]
    found = []
    for done, (subject, key, method) in enumerate(asked):
        progress(f"{subject.name} · key {key.name}", done, len(asked))
        found.append(_tested(subject, key, method, plan, threads=threads))
    claims = [one.p_value for (subject, _, _), one in zip(asked, found, strict=True) if subject.role == "suspect"]
    adjusted = iter(holm(claims).tolist())
    return [_row(*asking, one, adjusted) for asking, one in zip(asked, found, strict=True)]


def _tested(subject: Subject, key: KeyInQuestion, method: Method, plan: Plan, *, threads: int) -> KeyTest:
    # Controls are no claims, and an innocent one is done in a moment: they are looked at once.
    if plan.first_look is not None and subject.role == "suspect":
        return looked_test(
            subject.answers,
            lambda some: _cells(some, key.scheme.width, method),
            key.scheme,
            key.words,
            key.commitment,
            method=method,
            null_keys=plan.null_keys,
            first=plan.first_look,
            enough=plan.enough,
            threads=threads,
        )
    cells = _cells(subject.answers, key.scheme.width, method)
    rng = np.random.default_rng(seed_of(key.commitment, cells))
    return key_test(cells, key.scheme, key.words, method=method, null_keys=plan.null_keys, rng=rng, threads=threads)


def _cells(answers: Sequence[Answer], width: int, method: Method) -> Cells:
    return plain_cells(answers, width) if method == "plain" else referenced_cells(answers, width)


def _row(subject: Subject, key: KeyInQuestion, method: Method, found: KeyTest, adjusted: Iterator[float]) -> Row:
    return Row(
        subject=subject.name,
        role=subject.role,
        key=key.name,
        method=method,
        p_value=rounded_up(found.p_value),
        adjusted_p_value=rounded_up(next(adjusted)) if subject.role == "suspect" else None,
        z_score=None if math.isnan(found.z_score) else round(found.z_score, 3),
        tail_p_value=found.tail_p,
        n_cells=found.n_cells,
        n_positions=found.n_visits,
        n_null_keys=found.n_null_keys,
        wrong_keys=[rounded_up(one) for one in found.wrong_keys],
        looks=list(found.looks),
    )
