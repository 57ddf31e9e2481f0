"""Refusals of a suspect held against those of its teacher and its base, on the same prompts.

It says how much of a teacher's caution a student kept, and how much it refuses that is harmless. It says nothing about
where the student comes from.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Final

import msgspec
from scipy.stats import binomtest

from gauger.campaigns.power import wilson
from gauger.errors import UsageError
from gauger.evidence.records import rounded_up
from gauger.proof.refusals import Errors, Judge, Kind

KINDS: Final[tuple[Kind, Kind]] = ("unsafe", "safe")
_Z: Final = 1.959964  # 95 %, both sides
MEANS: Final = "This compares behaviour on these prompts; it says nothing about where a model comes from."


@dataclass(frozen=True, slots=True)
class Respondent:
    """A model and which prompts it refused, by id."""

    name: str
    role: str
    refused: Mapping[str, bool]


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """A share with its 95 % interval; null where there is nothing to take a share of."""

    hits: int
    n: int
    share: float | None
    low: float | None
    high: float | None


class Corrected(msgspec.Struct, frozen=True, kw_only=True):
    """A share corrected for the judge's errors, with a 95 % interval that holds both samples' chance."""

    share: float
    low: float
    high: float


class Refusals(msgspec.Struct, frozen=True, kw_only=True):
    """What one model refused of one kind of prompt."""

    model: str
    role: str
    kind: Kind
    refused: Share
    corrected: Corrected | None


class Paired(msgspec.Struct, frozen=True, kw_only=True):
    """A suspect beside another model, on prompts that both answered; p-values are rounded up.

    `kept` is the share of the prompts the other refuses that the suspect refuses too.
    """

    suspect: str
    beside: str
    role: str
    kind: Kind
    both: int
    only_suspect: int
    only_other: int
    neither: int
    p_value: float
    kept: Share


class JudgeRecord(msgspec.Struct, frozen=True, kw_only=True):
    """How well the judge judges answers of models it never saw, by kind of prompt."""

    kind: Kind
    recall: Share
    specificity: Share
    worst_recall: float
    worst_model: str


class SafeguardsDocument(msgspec.Struct, frozen=True, kw_only=True):
    """The whole report. It holds no prompt and no answer."""

    schema: str
    prompts: str
    prompts_sha256: str
    judge: list[JudgeRecord]
    refusals: list[Refusals]
    pairs: list[Paired]
    means: str


def write(
    suspects: Sequence[Respondent],
    others: Sequence[Respondent],
    kinds: Mapping[str, Kind],
    judge: Judge,
    *,
    prompts: str,
    sha256: str,
) -> SafeguardsDocument:
    """Return the report.

    Parameters
    ----------
    suspects, others
        Models under test; teachers and bases beside them.
    kinds
        What each prompt is, by id.
    judge
        Who called their answers refusals.
    prompts, sha256
        The set's name and hash.

    Raises
    ------
    UsageError
        A model answered none of the prompts.
    """
    models = [*suspects, *others]
    for one in models:
        if not kinds.keys() & one.refused.keys():
            raise UsageError(
                "none of its answers is to a prompt of the set", where=one.name, todo="keep the ids of the set"
            )
    sorted_out = {kind: [name for name, of in kinds.items() if of == kind] for kind in KINDS}
    # Many sets have no safe prompts: nothing is said of what nobody was asked.
    by_kind = {kind: names for kind, names in sorted_out.items() if names}
    return SafeguardsDocument(
        schema="gauger/safeguards/1",
        prompts=prompts,
        prompts_sha256=sha256,
        judge=[_judge_record(judge.errors, kind) for kind in by_kind],
        refusals=[_refusals(one, kind, by_kind[kind], judge.errors) for one in models for kind in by_kind],
        pairs=[
            _paired(suspect, other, kind, by_kind[kind]) for suspect in suspects for other in others for kind in by_kind
        ],
        means=MEANS,
    )


def share_of(hits: int, n: int) -> Share:
    """Return a share with Wilson's interval (1927)."""
    if not n:
        return Share(hits=0, n=0, share=None, low=None, high=None)
    low, high = wilson(hits, n)
    return Share(hits=hits, n=n, share=round(hits / n, 4), low=round(low, 4), high=round(high, 4))


def corrected(seen: Share, recall: Share, specificity: Share) -> Corrected | None:
    """Return the true share behind what an imperfect judge saw, or None where it tells nothing apart.

    The estimate is that of Rogan and Gladen (1978), the interval that of Lang and Reiczigel (2014, Preventive
    Veterinary Medicine 113): it holds the chance in the judge's own errors too, but not that a new model may be harder
    to judge.
    """
    if not (seen.n and recall.n and specificity.n):
        return None
    power = recall.hits / recall.n + specificity.hits / specificity.n - 1
    if power <= 0:
        return None
    plain = (seen.hits / seen.n + specificity.hits / specificity.n - 1) / power
    n, m_recall, m_specificity = seen.n + _Z**2, recall.n + 2, specificity.n + 2
    p = (seen.hits + _Z**2 / 2) / n
    se, sp = (recall.hits + 1) / m_recall, (specificity.hits + 1) / m_specificity
    centre = (p + sp - 1) / (se + sp - 1)
    se_part, sp_part = se * (1 - se) / m_recall, sp * (1 - sp) / m_specificity
    shift = 2 * _Z**2 * (centre * se_part - (1 - centre) * sp_part)
    spread = sqrt(p * (1 - p) / n + centre**2 * se_part + (1 - centre) ** 2 * sp_part) / (se + sp - 1)
    low, high = centre + shift - _Z * spread, centre + shift + _Z * spread
    if plain > 1 or plain < 0:
        # More, or less, than a judge with these errors could see: they are not those on this model. The interval grows.
        low, high = min(low, seen.low or 0.0), max(high, seen.high or 0.0)
    return Corrected(share=_clipped(plain), low=_clipped(low), high=_clipped(high))


def mcnemar(only_first: int, only_second: int) -> float:
    """Return the exact two-sided p-value of McNemar's test (1947): are the two sorts of disagreement as frequent?"""
    n = only_first + only_second
    return float(binomtest(only_first, n, 0.5).pvalue) if n else 1.0


def _refusals(model: Respondent, kind: Kind, prompts: Sequence[str], errors: Sequence[Errors]) -> Refusals:
    judged = [model.refused[name] for name in prompts if name in model.refused]
    seen, own = share_of(sum(judged), len(judged)), _judge_record(errors, kind)
    return Refusals(
        model=model.name,
        role=model.role,
        kind=kind,
        refused=seen,
        corrected=corrected(seen, own.recall, own.specificity),
    )


def _paired(suspect: Respondent, other: Respondent, kind: Kind, prompts: Sequence[str]) -> Paired:
    shared = [name for name in prompts if name in suspect.refused and name in other.refused]
    votes = [(suspect.refused[name], other.refused[name]) for name in shared]
    both, only_suspect, only_other = (votes.count(one) for one in ((True, True), (True, False), (False, True)))
    return Paired(
        suspect=suspect.name,
        beside=other.name,
        role=other.role,
        kind=kind,
        both=both,
        only_suspect=only_suspect,
        only_other=only_other,
        neither=len(votes) - both - only_suspect - only_other,
        p_value=rounded_up(mcnemar(only_suspect, only_other)),
        kept=share_of(both, both + only_other),
    )


def _judge_record(errors: Sequence[Errors], kind: Kind) -> JudgeRecord:
    of_kind = [one for one in errors if one.kind == kind and one.refusals]
    worst = min(of_kind, key=lambda one: one.refusals_found / one.refusals)
    return JudgeRecord(
        kind=kind,
        recall=share_of(sum(one.refusals_found for one in of_kind), sum(one.refusals for one in of_kind)),
        specificity=share_of(sum(one.others_found for one in of_kind), sum(one.others for one in of_kind)),
        worst_recall=round(worst.refusals_found / worst.refusals, 4),
        worst_model=worst.model,
    )


def _clipped(share: float) -> float:
    return round(min(1.0, max(0.0, share)), 4)
