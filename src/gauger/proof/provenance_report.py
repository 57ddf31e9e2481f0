"""The report of resemblance: suspects, times teachers, and what it lets one say; never more than "consistent with"."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import msgspec
import numpy as np

from gauger.campaigns.calibration import holm
from gauger.evidence.records import p_text, rounded_up
from gauger.proof.provenance import (
    Floats,
    PairTest,
    agreement,
    check_panel,
    pair_test,
    prompts_in_common,
    runs_in_common,
)

LIMIT: Final = (
    "Resemblance is no proof of training: models share data, ancestors and habits, so they are not exchangeable, and"
    ' nothing here says more than "consistent with".'
)
NOTHING_MEANS: Final = "That proves nothing: a student need not resemble its teacher."


@dataclass(frozen=True, slots=True)
class Model:
    """A model and its answers, by prompt."""

    name: str
    answers: Mapping[str, str]


class Beside(msgspec.Struct, frozen=True, kw_only=True):
    """How far a control agrees with both sides of a pair, on the mean."""

    control: str
    with_suspect: float
    with_teacher: float


class PairRow(msgspec.Struct, frozen=True, kw_only=True):
    """One suspect and teacher. p-values are rounded up; `p_value` is the larger of the two nulls'."""

    suspect: str
    teacher: str
    similarity: float
    p_models: float
    p_prompts: float
    p_value: float
    adjusted_p_value: float
    hardest_control: str
    n_prompts: int
    n_pairs: int
    controls: list[Beside]
    word: Literal["consistent with", "nothing detected"]
    sentence: str


class ProvenanceDocument(msgspec.Struct, frozen=True, kw_only=True):
    """The whole report. It holds no word of any answer."""

    schema: str
    alpha: float
    n_tests: int
    tests: list[PairRow]
    limit: str
    no_detection_means: str


def write(
    suspects: Sequence[Model], teachers: Sequence[Model], controls: Sequence[Model], *, alpha: float
) -> ProvenanceDocument:
    """Return the report; Holm's correction is over suspects x teachers, and each pair has its own panel.

    Raises
    ------
    UsageError
        There are too few controls or prompts.
    """
    pairs = [(suspect, teacher) for suspect in suspects for teacher in teachers]
    found = [_tested([*pair, *controls], alpha=alpha, n_tests=len(pairs)) for pair in pairs]
    adjusted = holm([test.p_value for test, _ in found]).tolist()
    return ProvenanceDocument(
        schema="gauger/provenance/1",
        alpha=alpha,
        n_tests=len(pairs),
        tests=[
            _row([*pair, *controls], test, mean, p, alpha)
            for pair, (test, mean), p in zip(pairs, found, adjusted, strict=True)
        ],
        limit=LIMIT,
        no_detection_means=NOTHING_MEANS,
    )


def _tested(panel: Sequence[Model], *, alpha: float, n_tests: int) -> tuple[PairTest, Floats]:
    """Return the test of the first two models of a panel, and the mean agreement float64[n, n]."""
    answers = [one.answers for one in panel]
    prompts = prompts_in_common(answers)
    check_panel(len(panel) - 2, len(prompts), alpha=alpha, n_tests=n_tests)
    agreed = agreement(runs_in_common(answers, prompts))
    return pair_test(agreed, 0, 1), np.asarray(agreed.mean(axis=0))


def _row(panel: Sequence[Model], test: PairTest, mean: Floats, adjusted: float, alpha: float) -> PairRow:
    suspect, teacher = panel[0].name, panel[1].name
    is_near = adjusted <= alpha
    return PairRow(
        suspect=suspect,
        teacher=teacher,
        similarity=round(test.similarity, 4),
        p_models=rounded_up(test.p_models),
        p_prompts=rounded_up(test.p_prompts),
        p_value=rounded_up(test.p_value),
        adjusted_p_value=rounded_up(adjusted),
        hardest_control=panel[test.hardest].name,
        n_prompts=test.n_prompts,
        n_pairs=test.n_pairs,
        controls=[
            Beside(control=one.name, with_suspect=round(float(mean[0, i]), 4), with_teacher=round(float(mean[1, i]), 4))
            for i, one in enumerate(panel[2:], start=2)
        ],
        word="consistent with" if is_near else "nothing detected",
        sentence=_near(suspect, teacher, adjusted) if is_near else _far(suspect, teacher, adjusted),
    )


def _near(suspect: str, teacher: str, adjusted: float) -> str:
    return (
        f"Consistent with {suspect} having learned from {teacher}, or both from a third: they agree more than either"
        f" does with any control, p = {p_text(adjusted)}. {LIMIT}"
    )


def _far(suspect: str, teacher: str, adjusted: float) -> str:
    return (
        f"{suspect} was not shown to resemble {teacher} more than unrelated models do, p = {p_text(adjusted)}."
        f" {NOTHING_MEANS}"
    )
