"""The verdict on one candidate: its truth table, and what may never happen."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gauger.campaigns.calibration import Split
from gauger.campaigns.candidates import Strength
from gauger.campaigns.findings import BenignExplanation
from gauger.campaigns.verdicts import SPARING, explanations, judge, share_with_several
from gauger.evidence.channels import CHANNELS
from gauger.evidence.personhood import Personhood
from gauger.evidence.records import Evidence, Fact

CONTENT = ("separate_persons", "viral_prompt_or_suite", "viral_template")
OPEN = ("one_operator_undeclared", "one_site")
CERTIFYING = {name: channel.family for name, channel in CHANNELS.items()}
TARGET = 0.05


def _evidence(names):
    return [_said(name, family=CHANNELS[name].family, linked=30, ringed=30) for name in names]


def _said(channel, *, family, **counts):
    facts = [Fact(code=f"{channel}.shared", text="", values=counts | {"members": 30})]
    return Evidence(channel=channel, family=family, applicable=True, p_value=1e-4, null="", facts=facts)


def _considered(standing):
    return tuple(
        BenignExplanation(code=code, tested=True, outcome="not excluded: x" if code in standing else "excluded: x")
        for code in (*CONTENT, *OPEN)
    )


def _judge(adjusted, standing=(), *, window_p_value=None, conditional=TARGET, window=0.0, considered=None):
    return judge(
        _evidence(CHANNELS),
        adjusted,
        split=Split(conditional=conditional, window=window),
        window_p_value=window_p_value,
        considered=_considered(standing) if considered is None else considered,
    )


ADJUSTED = st.dictionaries(st.sampled_from(sorted(CERTIFYING)), st.sampled_from([1e-4, 0.024, 0.026, 0.3, 1.0]))
STANDING = st.sets(st.sampled_from([*CONTENT, *OPEN]))
WINDOW_P = st.sampled_from([None, 0.01, 0.025, 0.2])


@given(ADJUSTED, STANDING, WINDOW_P, st.booleans())
def test_the_verdict_follows_its_truth_table(adjusted, standing, window_p_value, two_routes):
    conditional, window = (TARGET / 2, TARGET / 2) if two_routes else (TARGET, 0.0)
    said = _judge(adjusted, standing, window_p_value=window_p_value, conditional=conditional, window=window)
    rejected = {CERTIFYING[name] for name, p in adjusted.items() if p <= conditional}
    certified = window_p_value is not None and window_p_value <= window
    text = {"text"} if certified or not standing & set(CONTENT) else set()
    assert set(said.families) == rejected | text
    families = text | {CERTIFYING[name] for name, p in adjusted.items() if p <= conditional and name not in SPARING}
    if not (rejected or certified):
        assert said.verdict == "observed"
    elif standing or len(families) < 2 or not families & {"text", "timing"}:
        assert said.verdict == "supported"
    else:
        assert said.verdict == "campaign"


@given(ADJUSTED, STANDING, WINDOW_P, st.booleans())
def test_a_campaign_has_a_rejection_two_families_and_text_or_timing(adjusted, standing, window_p_value, two_routes):
    conditional, window = (TARGET / 2, TARGET / 2) if two_routes else (TARGET, 0.0)
    said = _judge(adjusted, standing, window_p_value=window_p_value, conditional=conditional, window=window)
    if said.verdict == "campaign":
        assert len(said.families) >= 2
        assert set(said.families) & {"text", "timing"}
        assert any(p <= conditional for p in adjusted.values()) or window_p_value <= window
    if len(said.families) < 2:
        assert said.verdict != "campaign"
    if not set(said.families) & {"text", "timing"}:
        assert said.verdict != "campaign"


@given(ADJUSTED, STANDING, WINDOW_P)
def test_no_campaign_while_an_innocent_explanation_stands(adjusted, standing, window_p_value):
    said = _judge(adjusted, standing, window_p_value=window_p_value, conditional=0.025, window=0.025)
    assert said.verdict != "campaign" or not standing


@given(st.sampled_from([1e-4, 1.0]), st.sampled_from([1e-4, 1.0]), st.sets(st.sampled_from(CONTENT), min_size=1))
def test_identity_with_infrastructure_never_makes_a_campaign_where_content_is_open(payment, network, standing):
    adjusted = {"payment": payment, "network": network, "reasoning_block": network}
    said = _judge(adjusted, standing)
    assert said.verdict in {"observed", "supported"}
    assert "text" not in said.families


def test_identity_with_infrastructure_never_makes_a_campaign_where_content_was_not_considered():
    assert _judge({"payment": 1e-4, "network": 1e-4}, considered=()).verdict != "campaign"


def test_without_a_stated_p_value_nothing_is_rejected():
    said = _judge({})
    assert said.verdict == "observed"
    assert said.p_value is None


@pytest.mark.parametrize("p_value", [0.03, 0.05])
def test_the_stated_p_value_is_at_most_the_target_only_where_a_route_rejects(p_value):
    said = _judge({"payment": p_value}, window_p_value=0.5, conditional=TARGET / 2, window=TARGET / 2)
    assert said.verdict == "observed"
    assert said.p_value > TARGET


def test_a_route_that_was_given_nothing_states_no_p_value():
    said = _judge({"payment": 0.4}, window_p_value=0.2, conditional=TARGET, window=0.0)
    assert said.p_value == 0.4


def _strength(*, alone_share=1.0, n_principals=30):
    return Strength(
        score=50.0,
        rollouts=1,
        alone_share=alone_share,
        owning_share=1.0,
        repeat_share=0.0,
        n_held=17.0,
        n_principals=n_principals,
    )


DEALT = Personhood(p_value=0.6, z=-0.1, n_pairs=500, excess_high=0.01)
PERSONS = Personhood(p_value=0.001, z=9.0, n_pairs=500, excess_high=0.3, p_value_unlike=0.001)
NO_POWER = Personhood(p_value=None, z=None, n_pairs=10)


@pytest.mark.parametrize("retries", [0, 1, 5])
def test_a_request_that_is_sent_again_makes_no_template_of_several_fills(make_items, retries):
    owner = np.repeat(np.arange(10), 1 + retries)
    again = make_items([*owner, 0, 1, 2], fill=[*owner, 50, 51, 52])
    assert share_with_several(again) == 0.3


def _standing(strength=None, several=0.9, removed=DEALT, open_share=None):
    shares = {"payment": 0.5, "network": 0.2} if open_share is None else open_share
    said = explanations(_strength() if strength is None else strength, several, removed, shares)
    return {one.code for one in said if one.outcome.startswith("not excluded")}


def test_a_dealt_list_of_many_items_behind_several_cards_leaves_no_explanation():
    assert _standing() == set()


@pytest.mark.parametrize(
    ("left", "code"),
    [
        ({"removed": PERSONS}, "separate_persons"),
        ({"removed": NO_POWER}, "separate_persons"),
        ({"removed": replace(DEALT, p_value=0.04, excess_high=0.04)}, "separate_persons"),
        ({"removed": replace(DEALT, excess_high=0.07)}, "separate_persons"),
        ({"strength": _strength(alone_share=0.79)}, "viral_prompt_or_suite"),
        ({"several": 0.49}, "viral_template"),
        ({"open_share": {"payment": 0.8, "network": 0.2}}, "one_operator_undeclared"),
        ({"open_share": {"payment": 0.1, "network": 0.9}}, "one_site"),
    ],
)
def test_each_innocent_explanation_stands_on_its_own_ground(left, code):
    assert _standing(**left) == {code}


def test_every_explanation_is_stated_whether_or_not_it_was_tested():
    said = explanations(_strength(), 0.9, DEALT, {})
    assert [one.code for one in said] == [*CONTENT, *OPEN]
    assert [one.tested for one in said] == [True, True, True, False, False]


def test_a_missing_account_table_never_raises_the_verdict():
    adjusted = {"network": 1e-4}
    order = ["observed", "supported", "campaign"]
    with_table = explanations(_strength(), 0.9, DEALT, {"payment": 1.0, "network": 0.2})
    without = explanations(_strength(), 0.9, DEALT, {"network": 0.2})
    verdicts = [order.index(_judge(adjusted, considered=considered).verdict) for considered in (with_table, without)]
    assert verdicts[1] <= verdicts[0]


@pytest.mark.parametrize(
    ("linked", "ringed", "verdict"),
    [(15, 15, "campaign"), (10, 10, "campaign"), (15, 9, "supported"), (15, 0, "supported"), (5, 5, "observed")],
)
def test_only_rings_on_the_groups_own_tokens_make_a_campaign(linked, ringed, verdict):
    assert _verdict_on(_said("payment", family="identity", linked=linked, ringed=ringed)) == verdict


def _verdict_on(said):
    return judge(
        [said],
        {said.channel: 1e-4},
        split=Split(conditional=TARGET, window=0.0),
        window_p_value=None,
        considered=_considered(()),
    ).verdict


@pytest.mark.parametrize(
    ("family", "counts", "verdict"),
    [
        ("identity", {}, "observed"),
        ("infrastructure", {}, "observed"),
        ("identity", {"ringed": 15}, "observed"),
        ("infrastructure", {"linked": 15}, "supported"),
        ("timing", {}, "observed"),
        ("timing", {"linked": 15, "ringed": 15}, "campaign"),
    ],
)
def test_a_channel_must_state_how_many_customers_are_concerned(family, counts, verdict):
    assert _verdict_on(_said("some", family=family, **counts)) == verdict


@pytest.mark.parametrize(("excess", "verdict"), [(30.0, "supported"), (7.0, "supported"), (5.0, "observed")])
def test_moves_beyond_what_others_do_are_looked_at_and_never_a_campaign(excess, verdict):
    moved = Fact(code="pivot.moved", text="", values={"moved": 30, "excess": excess, "members": 30})
    assert verdict == _verdict_on(
        Evidence(channel="pivot", family="timing", applicable=True, p_value=1e-4, null="", facts=[moved])
    )


@pytest.mark.parametrize(("taken", "verdict"), [(30, "supported"), (5, "observed")])
def test_accounts_that_were_taken_over_are_looked_at_and_never_a_campaign(taken, verdict):
    elsewhere = Fact(code="take_over.elsewhere", text="", values={"taken": taken, "contrasted": 30, "members": 30})
    assert verdict == _verdict_on(
        Evidence(channel="take_over", family="identity", applicable=True, p_value=1e-4, null="", facts=[elsewhere])
    )
