"""From evidence to a verdict (contracts §5). Statistics first, then every innocent explanation that was not excluded.

- *observed*: ranked, not certified.
- *supported*: one family's null rejected at the target.
- *campaign*: a null rejected at the target and two families, one of them text or timing.

A rejection counts when its effect is more than a couple's, and towards *campaign* only where rings of customers share
tokens that are the group's own, or take over from one another what failed: couples, and strangers on a popular card,
make no campaign. Text counts as a family
when nothing else explains how the fills fell on the accounts: persons, a viral prompt, a viral template. Nothing is
called *campaign* while any innocent explanation stands: those, and a group that is openly one operator or one site. An
explanation that could not be tested is not excluded, so what the logs lack never raises a verdict.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gauger.campaigns.calibration import Split
from gauger.campaigns.candidates import Strength
from gauger.campaigns.findings import BenignExplanation, Family, Verdict
from gauger.evidence.items import Items
from gauger.evidence.personhood import Personhood
from gauger.evidence.records import Evidence, share_text

#: A token, or a web of the group's own tokens, that joins this share of the customers, or customers with this share of
#: the items, is openly one operator or site.
OPEN_SHARE = 0.8
#: A dealt list leaves hardly any fill with two customers.
DISJOINT_SHARE = 0.8
#: Customers with several fills each, below which a template may have gone viral.
SEVERAL_SHARE = 0.5
#: Shared tokens count when they link this many customers, and this share of them: significance alone says little.
MIN_LINKED, MIN_LINKED_SHARE = 4, 0.2
#: Towards *campaign* they count when rings (three or more on tokens that are mostly the group's) hold these.
MIN_RINGED, MIN_RINGED_SHARE = 6, 1 / 3
#: Channels that count towards *supported* only: a response would fall on those who were robbed, or on the users of a
#: program that moved them to a new model.
SPARING = frozenset({"take_over", "pivot"})
#: Explanations of how fills fell on accounts, and of what accounts share.
CONTENT = frozenset({"separate_persons", "viral_prompt_or_suite", "viral_template"})
STRUCTURE = frozenset({"one_operator_undeclared", "one_site"})


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict and what it rests on. `p_value` is the scan-level p-value, adjusted for everything tested."""

    verdict: Verdict
    families: tuple[Family, ...]
    p_value: float | None
    explanations: tuple[BenignExplanation, ...]


def _explanation(code: str, *, excluded: bool, because: str, tested: bool = True) -> BenignExplanation:
    return BenignExplanation(
        code=code, tested=tested, outcome=f"{'excluded' if excluded else 'not excluded'}: {because}"
    )


def _persons(removed: Personhood) -> BenignExplanation:
    code = "separate_persons"
    if removed.excludes:
        return _explanation(code, excluded=True, because="items fall on the customers as if dealt out")
    if not removed.has_power:
        because = "too few items per customer to tell persons from a dealt list"
        return _explanation(code, excluded=False, because=because, tested=False)
    because = "items of one customer may be more alike than chance, as with separate persons"
    return _explanation(code, excluded=False, because=because)


def _same_text(strength: Strength) -> BenignExplanation:
    excluded = strength.alone_share >= DISJOINT_SHARE
    because = f"{share_text(strength.alone_share)} of the fills stand with one customer only"
    return _explanation("viral_prompt_or_suite", excluded=excluded, because=because)


def share_with_several(items: Items) -> float:
    """Return the share of the principals that sent at least two fills: a request sent again is no second one."""
    sent = np.unique(np.column_stack([items.principal, items.turn]), axis=0)
    return float((np.unique(sent[:, 0], return_counts=True)[1] > 1).mean())


def _viral_template(several: float) -> BenignExplanation:
    because = f"{share_text(several)} of the customers sent it with more than one fill"
    return _explanation("viral_template", excluded=several >= SEVERAL_SHARE, because=because)


def _open(code: str, noun: str, share: float | None) -> BenignExplanation:
    if share is None:
        because = f"the {noun} of fewer than half of the customers is known"
        return _explanation(code, excluded=False, because=because, tested=False)
    because = f"shared {noun}s join {share_text(share)} of the customers or of their items"
    return _explanation(code, excluded=share < OPEN_SHARE, because=because)


def explanations(
    strength: Strength, several: float, removed: Personhood, open_share: Mapping[str, float | None]
) -> tuple[BenignExplanation, ...]:
    """Return the innocent explanations that were considered.

    Parameters
    ----------
    strength, several, removed
        What content says of the group: its fills, the share of customers with several fills, and personhood.
    open_share
        Per kind ("payment", "network"): the share of the customers, or of their items, that one token, or a web of the
        group's own tokens, joins; None where too little is known.
    """
    return (
        _persons(removed),
        _same_text(strength),
        _viral_template(several),
        _open("one_operator_undeclared", "payment card", open_share.get("payment")),
        _open("one_site", "network", open_share.get("network")),
    )


def has_effect(evidence: Evidence) -> bool:
    """Return whether more than a couple of customers are concerned: linked, taken over, or moved beyond what others do.

    A channel that states none of these numbers has none.
    """
    counts = ("linked", "taken", "excess")
    return any(_reaches(evidence, count, at_least=MIN_LINKED, share=MIN_LINKED_SHARE) for count in counts)


def convicts(evidence: Evidence) -> bool:
    """Return whether a rejection counts towards *campaign*.

    It does where rings of customers share tokens that are the group's own, or take over from one another what failed.
    """
    has_rings = _reaches(evidence, "ringed", at_least=MIN_RINGED, share=MIN_RINGED_SHARE)
    return has_rings and evidence.channel not in SPARING


def _reaches(evidence: Evidence, count: str, *, at_least: int, share: float) -> bool:
    """Return whether a channel states a number of members, and it is large enough wherever it is stated."""
    counted = [fact.values for fact in evidence.facts if {count, "members"} <= fact.values.keys()]
    return len(counted) > 0 and all(one[count] >= max(at_least, share * one["members"]) for one in counted)


def judge(
    evidence: Sequence[Evidence],
    adjusted: Mapping[str, float],
    *,
    split: Split,
    window_p_value: float | None,
    considered: tuple[BenignExplanation, ...],
) -> Judgement:
    """Return the verdict on one candidate.

    Parameters
    ----------
    evidence
        What the conditional channels said.
    adjusted
        Channel -> p-value adjusted over everything the scan tested.
    split
        What each route may spend.
    window_p_value
        The candidate's rank among the maxima of the history windows; None on the cold-start path.
    considered
        The innocent explanations.
    """
    rejecting = [one for one in evidence if adjusted.get(one.channel, 1.0) <= split.conditional and has_effect(one)]
    rejected: set[Family] = {one.family for one in rejecting}  # type: ignore[misc]
    convicting: set[Family] = {one.family for one in rejecting if convicts(one)}  # type: ignore[misc]
    ranks = split.window_certifies and window_p_value is not None
    content_certified = ranks and window_p_value is not None and window_p_value <= split.window
    excluded = {one.code for one in considered if one.tested and one.outcome.startswith("excluded")}
    text: set[Family] = {"text"} if content_certified or excluded >= CONTENT else set()
    families = rejected | text
    verdict: Verdict = "observed"
    if rejected or content_certified:
        is_campaign = _two_families(convicting | text) and excluded >= CONTENT | STRUCTURE
        verdict = "campaign" if is_campaign else "supported"
    return Judgement(
        verdict=verdict,
        families=tuple(sorted(families)),
        p_value=_stated(adjusted, window_p_value if ranks else None, split),
        explanations=considered,
    )


def _stated(adjusted: Mapping[str, float], window_p_value: float | None, split: Split) -> float | None:
    """Return the scan-level p-value: at most the target where an open route rejects, whatever the effect."""
    target = split.conditional + split.window
    paid = [min(1.0, p * (target / split.conditional)) for p in adjusted.values()]
    if window_p_value is not None:
        paid.append(min(1.0, window_p_value * (target / split.window)))
    return min(paid, default=None)


def _two_families(families: set[Family]) -> bool:
    return len(families) >= 2 and bool(families & {"text", "timing"})
