"""From evidence to a verdict (contracts §5). Statistics first, then every innocent explanation that was not excluded.

- *observed*: ranked, not certified.
- *supported*: one family's null rejected at the target.
- *campaign*: a null rejected at the target and two families, one of them text or timing.

A rejection counts only when no innocent explanation that would produce it is left standing. Persons behind the accounts,
one operator who hides nothing, one site, a viral prompt or template: each keeps the verdict at *observed*.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gauger.campaigns.candidates import Strength
from gauger.campaigns.findings import BenignExplanation, Family, Verdict
from gauger.evidence.personhood import Personhood
from gauger.evidence.records import Evidence, share_text

#: A token, or a web of tokens of the group's own, that joins this share of the customers is openly one operator or site.
OPEN_SHARE = 0.8
#: A dealt list leaves hardly any fill with two customers.
DISJOINT_SHARE = 0.8


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict and what it rests on. `p_value` is the scan-level p-value, adjusted for everything tested."""

    verdict: Verdict
    families: tuple[Family, ...]
    p_value: float | None
    explanations: tuple[BenignExplanation, ...]


def _persons(removed: Personhood) -> BenignExplanation:
    if not removed.has_power:
        outcome = "not excluded: too few items per customer to tell persons from a dealt list"
    elif removed.clears:
        outcome = "not excluded: items of one customer are more alike than chance, as with separate persons"
    else:
        outcome = "excluded: items fall on the customers as if dealt out"
    return BenignExplanation(code="separate_persons", tested=removed.has_power, outcome=outcome)


def _same_text(strength: Strength) -> BenignExplanation:
    share = f"{share_text(strength.unique_share)} of the fills stand with one customer only"
    excluded = strength.unique_share >= DISJOINT_SHARE
    return BenignExplanation(
        code="viral_prompt_or_suite", tested=True, outcome=f"{'excluded' if excluded else 'not excluded'}: {share}"
    )


def _viral_template(strength: Strength, n_items: int) -> BenignExplanation:
    per_customer = n_items / strength.n_principals
    if per_customer < 2:
        outcome = f"not excluded: {per_customer:.1f} requests per customer, as when a template goes viral"
    else:
        outcome = f"excluded: {per_customer:.1f} requests per customer"
    return BenignExplanation(code="viral_template", tested=True, outcome=outcome)


def _open(code: str, noun: str, share: float | None) -> BenignExplanation:
    if share is None:
        return BenignExplanation(code=code, tested=False, outcome=f"not tested: no {noun} is known")
    excluded = share < OPEN_SHARE
    return BenignExplanation(
        code=code,
        tested=True,
        outcome=f"{'excluded' if excluded else 'not excluded'}: one {noun} joins {share_text(share)} of the customers",
    )


def explanations(
    strength: Strength, n_items: int, removed: Personhood, open_share: Mapping[str, float | None]
) -> tuple[BenignExplanation, ...]:
    """Return the innocent explanations that were considered.

    Parameters
    ----------
    strength, n_items, removed
        What content says of the group.
    open_share
        Per kind ("payment", "network"): the share of the customers that one token, or a web of the group's own tokens,
        joins; None where nothing is known.
    """
    return (
        _persons(removed),
        _same_text(strength),
        _viral_template(strength, n_items),
        _open("one_operator_undeclared", "payment card", open_share.get("payment")),
        _open("one_site", "network", open_share.get("network")),
    )


def judge(
    evidence: Sequence[Evidence],
    adjusted: Mapping[str, float],
    *,
    conditional_target: float,
    window_p_value: float | None,
    window_target: float,
    considered: tuple[BenignExplanation, ...],
) -> Judgement:
    """Return the verdict on one candidate.

    Parameters
    ----------
    evidence
        What the conditional channels said.
    adjusted
        Channel -> p-value adjusted over everything the scan tested; certifying channels alone.
    conditional_target, window_target
        What each route may spend.
    window_p_value
        The candidate's rank among the maxima of the history windows; None on the cold-start path.
    considered
        The innocent explanations.
    """
    rejected: set[Family] = {
        one.family  # type: ignore[misc]
        for one in evidence
        if adjusted.get(one.channel, 1.0) <= conditional_target
    }
    text_certified = window_p_value is not None and window_p_value <= window_target
    families = set(rejected)
    standing = [one for one in considered if one.outcome.startswith("not excluded")]
    content = {"separate_persons", "viral_prompt_or_suite", "viral_template"}
    if text_certified or not any(one.code in content for one in standing):
        families.add("text")
    smallest = min([*adjusted.values(), *([window_p_value] if window_p_value is not None else [])], default=None)
    verdict: Verdict = "observed"
    if not standing and (rejected or text_certified):
        verdict = "campaign" if _two_families(families) else "supported"
    return Judgement(verdict=verdict, families=tuple(sorted(families)), p_value=smallest, explanations=considered)


def _two_families(families: set[Family]) -> bool:
    return len(families) >= 2 and bool(families & {"text", "timing"})
