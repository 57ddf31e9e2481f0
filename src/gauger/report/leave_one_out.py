"""The verdict of a finding with one family of its evidence taken away."""

from typing import Final

from gauger.campaigns.findings import Evidence, Family, Finding, Verdict
from gauger.campaigns.verdicts import convicts, has_effect
from gauger.report.weighing import decisive_p

_CARRYING: Final = frozenset({"text", "timing"})
_ORDER: Final[tuple[Verdict, ...]] = ("observed", "supported", "campaign")


def leave_one_family_out(finding: Finding, target: float) -> list[tuple[Family, Verdict]]:
    """Return, for every family of the finding, the verdict that stands without it.

    The rule is that of the verdicts: *supported* needs a null rejected at the target with effect, *campaign* also rings
    and two families, one of them text or timing. It is read conservatively. The finding's own p-value rests on all
    families, so it does not count; a null is rejected only by a channel of a family that is left, whose p-value stays
    at or under the target both as the record adjusted it and after a Bonferroni correction over the channels left; and
    no verdict rises above the recorded one.

    Parameters
    ----------
    finding
        The record as it stands in findings.json.
    target
        False-alarm target of the scan, in (0, 1).

    Returns
    -------
    list of (family, verdict)
        In the order of `finding.families`.
    """
    return [(family, _verdict_without(family, finding, target=target)) for family in finding.families]


def _verdict_without(family: Family, finding: Finding, *, target: float) -> Verdict:
    left = {other for other in finding.families if other != family}
    rejecting = _rejecting(finding, left, target=target)
    verdict: Verdict = "observed"
    if rejecting:
        convicting = {evidence.family for evidence in rejecting if convicts(evidence)}
        counted = convicting | (left & {"text"})
        verdict = "campaign" if convicting and len(counted) > 1 and counted & _CARRYING else "supported"
    return min(verdict, finding.verdict, key=_ORDER.index)


def _rejecting(finding: Finding, families: set[Family], *, target: float) -> list[Evidence]:
    stated = [
        (evidence, p_value)
        for evidence in finding.evidence
        if evidence.family in families
        if (p_value := decisive_p(evidence)) is not None
    ]
    return [
        evidence
        for evidence, decisive in stated
        if has_effect(evidence) and max((evidence.p_value or 0.0) * len(stated), decisive) <= target
    ]
