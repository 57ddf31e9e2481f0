"""How a record's evidence bears on its verdict, read from the record alone."""

from typing import Final

from gauger.campaigns.findings import FAMILIES, BenignExplanation, Evidence, Fact, Finding

#: Facts that a test states, not the log: the last word of their code.
_STATISTICAL: Final = frozenset({"rank", "adjusted", "z", "no_power"})


def decisive_p(evidence: Evidence) -> float | None:
    """Return the p-value that counts: the adjusted one where the record holds it; None where there is none."""
    if not evidence.applicable or evidence.p_value is None:
        return None
    adjusted = [fact.values.get("adjusted_p_value") for fact in evidence.facts]
    return max([evidence.p_value, *(float(value) for value in adjusted if value is not None)])


def is_statistical(fact: Fact) -> bool:
    """Return whether a fact is a statement of a test, and so belongs with the inferences."""
    return fact.code.rpartition(".")[2] in _STATISTICAL


def bearing(evidence: Evidence, finding: Finding, target: float) -> str:
    """Return in a few words what a channel's outcome means for the verdict."""
    if not evidence.applicable:
        return "says nothing either way"
    p_value = decisive_p(evidence)
    if evidence.family not in FAMILIES:
        return "speaks for separate people" if p_value is not None and p_value <= target else "could only clear"
    if p_value is None:
        return "counts by its content" if evidence.family in finding.families else "ranks only"
    return "null rejected" if p_value <= target and evidence.family in finding.families else "null not rejected"


def counter_evidence(finding: Finding, target: float) -> list[Evidence]:
    """Return the channels that had power and did not reject their null, and those whose rejection clears."""
    return [evidence for evidence in finding.evidence if _speaks_against(evidence, target=target)]


def standing_explanations(finding: Finding) -> list[BenignExplanation]:
    """Return the innocent explanations that were not excluded, those that could not be tested among them."""
    return [one for one in finding.benign_explanations if not (one.tested and one.outcome.startswith("excluded"))]


def _speaks_against(evidence: Evidence, *, target: float) -> bool:
    p_value = decisive_p(evidence)
    if p_value is None:
        return False
    # Outside the families is personhood: rejecting it clears, not rejecting it proves nothing.
    return p_value > target if evidence.family in FAMILIES else p_value <= target
