import itertools

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gauger.campaigns.findings import FAMILIES, Evidence, Fact, Finding
from gauger.report import leave_one_family_out

TARGET = 0.05
ORDER = ("observed", "supported", "campaign")
CHANNEL = {"text": "template_core", "timing": "a_channel_to_come", "identity": "payment", "infrastructure": "network"}

LINKED = Fact(code="x.shared", text="", values={"linked": 9, "ringed": 9, "members": 9})


def _adjusted(p_value: float) -> Fact:
    return Fact(code="x.adjusted", text="", values={"adjusted_p_value": p_value})


def finding(verdict: str, p_values: dict[str, float | None], *, channels=CHANNEL, adjusted=None) -> Finding:
    evidence = [
        Evidence(
            channel=channels[family],
            family=family,
            applicable=True,
            p_value=p_value,
            null="",
            facts=[LINKED] if adjusted is None else [LINKED, _adjusted(adjusted)],
        )
        for family, p_value in p_values.items()
    ]
    return Finding(
        finding_id="c-a",
        rank=1,
        verdict=verdict,
        first_seen="2026-01-01T00:00:00Z",
        last_seen="2026-01-02T00:00:00Z",
        n_accounts=5,
        n_principals=5,
        n_exchanges=10,
        n_exchanges_all=20,
        input_tokens=None,
        output_tokens=None,
        p_value=0.0001,
        families=list(p_values),
        capabilities={},
        accounts=[],
        evidence=evidence,
        benign_explanations=[],
    )


def without(found: Finding) -> dict[str, str]:
    return dict(leave_one_family_out(found, TARGET))


def test_three_strong_families_stand_without_any_one():
    assert without(finding("campaign", {"text": 0.001, "timing": 0.001, "identity": 0.001})) == {
        "text": "campaign",
        "timing": "campaign",
        "identity": "campaign",
    }


def test_identity_with_infrastructure_is_never_a_campaign():
    assert without(finding("campaign", {"text": 0.001, "identity": 0.0001, "infrastructure": 0.0001}))["text"] == (
        "supported"
    )


def test_text_that_states_no_p_value_cannot_stand_alone():
    assert without(finding("campaign", {"text": None, "identity": 0.001})) == {
        "text": "supported",
        "identity": "observed",
    }


def test_text_without_p_value_is_a_second_family_where_another_rejects():
    verdicts = without(finding("campaign", {"text": None, "timing": 0.001, "identity": 0.001}))
    assert verdicts == {"text": "campaign", "timing": "campaign", "identity": "campaign"}


def test_channels_left_pay_for_their_number():
    verdicts = without(finding("campaign", {"text": 0.001, "timing": 0.03, "identity": 0.03}))
    assert verdicts == {"text": "observed", "timing": "supported", "identity": "supported"}


def test_shared_tokens_without_rings_make_no_campaign():
    found = finding("campaign", {"text": None, "identity": 0.0001, "infrastructure": 0.0001})
    couples = Fact(code="network.shared", text="", values={"linked": 10, "ringed": 0, "members": 20})
    evidence = [
        msgspec.structs.replace(one, facts=[couples]) if one.channel == "network" else one for one in found.evidence
    ]
    left = without(msgspec.structs.replace(found, evidence=evidence))
    assert (left["identity"], left["infrastructure"]) == ("supported", "campaign")


def test_recorded_adjustment_counts():
    verdicts = without(finding("campaign", {"text": 0.001, "identity": 0.001}, adjusted=0.2))
    assert verdicts == {"text": "observed", "identity": "observed"}


def test_channel_without_power_counts_for_nothing():
    found = finding("supported", {"text": 0.001, "identity": 0.001})
    silent = [msgspec.structs.replace(evidence, applicable=False) for evidence in found.evidence]
    assert set(without(msgspec.structs.replace(found, evidence=silent)).values()) == {"observed"}


def test_finding_without_families_has_nothing_to_leave_out():
    assert leave_one_family_out(finding("observed", {}), TARGET) == []


P_VALUES = st.dictionaries(st.sampled_from(FAMILIES), st.none() | st.floats(0, 1))


@given(st.sampled_from(ORDER), P_VALUES)
def test_taking_evidence_away_never_raises_the_verdict(verdict, p_values):
    assert all(ORDER.index(left) <= ORDER.index(verdict) for left in without(finding(verdict, p_values)).values())


@given(P_VALUES, st.floats(0, 1))
def test_smaller_p_values_never_lower_a_verdict(p_values, factor):
    smaller = {family: None if p is None else p * factor for family, p in p_values.items()}
    before, after = without(finding("campaign", p_values)), without(finding("campaign", smaller))
    assert all(ORDER.index(after[family]) >= ORDER.index(before[family]) for family in before)


@pytest.mark.parametrize("pair", list(itertools.combinations(FAMILIES, 2)))
def test_no_single_family_is_ever_a_campaign(pair):
    assert "campaign" not in without(finding("campaign", dict.fromkeys(pair, 0.0001))).values()


def test_accounts_that_were_taken_over_are_no_second_family():
    found = finding("campaign", {"text": None, "identity": 0.0001, "timing": 0.0001})
    elsewhere = Fact(code="take_over.elsewhere", text="", values={"taken": 20, "contrasted": 20, "members": 20})
    evidence = [
        msgspec.structs.replace(one, channel="take_over", facts=[elsewhere]) if one.family == "identity" else one
        for one in found.evidence
    ]
    assert without(msgspec.structs.replace(found, evidence=evidence))["text"] == "supported"
