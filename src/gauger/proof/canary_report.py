"""The report of canary tests: suspects and controls, times plans, and what they let one say."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from gauger.campaigns.calibration import holm
from gauger.evidence.records import p_text, rounded_up
from gauger.proof.canaries import options_shown
from gauger.proof.canary_plans import Plan
from gauger.proof.choices import ChoiceTest, choice_test
from gauger.proof.commitments import Entry
from gauger.proof.document import KeyRecord, VerdictRecord, key_record, verdict_records
from gauger.proof.examination import Role
from gauger.proof.verdicts import CANARIES, CONTROL_ALARM, DETECTED_MEANS, Control, Controls, Served

Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Answerer:
    """A model, and its answers by the id of the probe; one probe may be asked many times."""

    name: str
    role: Role
    answers: Mapping[str, Sequence[str]]


class ChoiceRow(msgspec.Struct, frozen=True, kw_only=True):
    """One test. `adjusted_p_value` is null for controls: they are no claims. p-values are rounded up.

    `n_others` is how many unrelated models said what is ordinary; without any, shares count as they are.
    """

    subject: str
    role: Role
    key: str
    p_value: float
    adjusted_p_value: float | None
    z_score: float | None
    n_canaries: int
    n_shown: int
    n_matches: int
    expected_matches: float
    n_others: int
    smallest_p: float
    wrong_picks: list[float]


class CanaryDocument(msgspec.Struct, frozen=True, kw_only=True):
    """The whole report. It holds no answer and no pick."""

    schema: str
    alpha: float
    n_tests: int
    keys: list[KeyRecord]
    tests: list[ChoiceRow]
    verdicts: list[VerdictRecord]
    detection_means: str
    no_detection_means: str


def write(
    models: Sequence[Answerer], plans: Sequence[Plan], entries: Sequence[Entry], *, alpha: float, served: Served
) -> CanaryDocument:
    """Return the report on these models under these plans, one entry of the log for each plan.

    Holm's correction is over suspects x plans.
    """
    asked = [(model, plan, entry) for model in models for plan, entry in zip(plans, entries, strict=True)]
    counts = {(model.name, plan.name): options_shown(plan.catalogue, model.answers) for model, plan, _ in asked}
    found = [_tested(model, plan, entry, counts, _others(model, models)) for model, plan, entry in asked]
    claims = [one.p_value for (model, _, _), one in zip(asked, found, strict=True) if model.role == "suspect"]
    adjusted = iter(holm(claims).tolist())
    rows = [
        _row(model, plan, one, adjusted, len(_others(model, models)))
        for (model, plan, _), one in zip(asked, found, strict=True)
    ]
    verdicts = verdict_records(rows, entries, _controls_of(rows), alpha=alpha, served=served, mark=CANARIES)
    return CanaryDocument(
        schema="gauger/canaries/1",
        alpha=alpha,
        n_tests=len(claims),
        keys=[key_record(entry) for entry in entries],
        tests=rows,
        verdicts=[_with_reach(one, rows, alpha, len(claims)) for one in verdicts],
        detection_means=DETECTED_MEANS,
        no_detection_means=CANARIES.nothing_means,
    )


def _with_reach(verdict: VerdictRecord, rows: Sequence[ChoiceRow], alpha: float, n_tests: int) -> VerdictRecord:
    """Return the verdict, and where no answers to the canaries that count could reach alpha, that they could not."""
    (row,) = (one for one in rows if (one.role, one.subject, one.key) == ("suspect", verdict.suspect, verdict.key))
    smallest = min(1.0, row.smallest_p * n_tests)
    if smallest <= alpha:
        return verdict
    limit = (
        f" This catalogue, as far as it was answered, cannot reach alpha = {alpha:g}: p is {p_text(smallest)} or more."
    )
    return msgspec.structs.replace(verdict, sentence=verdict.sentence + limit)


def _others(model: Answerer, models: Sequence[Answerer]) -> list[str]:
    """Return the controls that say what is ordinary; a control is not held against itself."""
    return [one.name for one in models if one.role == "control" and one.name != model.name]


def _tested(
    model: Answerer, plan: Plan, entry: Entry, counts: Mapping[tuple[str, str], Counts], others: Sequence[str]
) -> ChoiceTest:
    own = counts[model.name, plan.name]
    beside = [counts[name, plan.name] for name in others]
    # The wrong picks follow from what is public and from the answers: nobody can try seeds.
    rng = np.random.default_rng([int(entry.commitment[:16], 16), *own.ravel().tolist()])
    return choice_test(own, plan.catalogue.sizes, plan.picks, beside, rng=rng)


def _row(model: Answerer, plan: Plan, found: ChoiceTest, adjusted: Iterator[float], n_others: int) -> ChoiceRow:
    return ChoiceRow(
        subject=model.name,
        role=model.role,
        key=plan.name,
        p_value=rounded_up(found.p_value),
        adjusted_p_value=rounded_up(next(adjusted)) if model.role == "suspect" else None,
        z_score=None if np.isnan(found.z_score) else round(float(found.z_score), 3),
        n_canaries=len(plan.catalogue.canary),
        n_shown=found.n_shown,
        n_matches=found.n_matches,
        expected_matches=round(found.expected_matches, 2),
        n_others=n_others,
        smallest_p=rounded_up(found.smallest_p),
        wrong_picks=[rounded_up(one) for one in found.wrong_picks],
    )


def _controls_of(rows: Sequence[ChoiceRow]) -> Callable[[str, str], Controls]:
    # A model that showed no option is no control, and one whose answers could not have raised the alarm is none either.
    tested = [row for row in rows if row.role == "control" and row.n_shown]

    def of(_suspect: str, key: str) -> Controls:
        return Controls(
            negative=[
                Control(row.subject, row.p_value, is_able=row.smallest_p * len(tested) <= CONTROL_ALARM)
                for row in tested
                if row.key == key
            ],
            positive=[row.p_value for row in rows if row.role == "positive" and row.key == key],
            n_tests=len(tested),
        )

    return of
