"""Conversations as items, requests that are handed on, reasoning blocks that are replayed: nothing else is shared."""

from dataclasses import replace

import pytest

from gauger.lab import (
    Campaign,
    ChatPersons,
    Countermeasures,
    Developers,
    ReplayedReasoning,
    Scenario,
    TemplateApps,
    simulate,
)
from gauger.lab.grammar import grammar_pools
from gauger.lab.scanning import scan_world
from gauger.settings import Settings

ALONE = Campaign(name="alone", n=24, exchanges=40.0, list_name="reasoning", payment_share=0.0, timing="naive")


@pytest.fixture(scope="module")
def found():
    """The campaign's finding in a small world, and the world."""
    pools = grammar_pools(per_topic=1_500)

    def scan(attack, **make):
        parts = (ChatPersons(n=60), Developers(n=15), TemplateApps(n=15), attack)
        scenario = replace(Scenario(name="test", parts=parts, history_weeks=2, weekly_exchanges=20.0), **make)
        world = simulate(scenario, seed=612, pools=pools)
        truth = world.truth_accounts.to_pylist()
        members = {row["account_id"] for row in truth if row["campaign"]}
        findings = scan_world(world, key=612, settings=Settings()).report.findings.findings
        mine = [one for one in findings if {account.account_id for account in one.accounts} & members]
        assert {account.account_id for account in mine[0].accounts} == members
        return mine[0], world

    return scan


def _fills(finding):
    [core] = [one for one in finding.evidence if one.channel == "template_core"]
    return core.facts[0].values["items"]


def test_later_turns_are_attributed_and_are_no_fills(found):
    alone, plain = found(ALONE)
    talks, world = found(replace(ALONE, later_turns=3))
    hostile = len(plain.exchanges) - plain.truth_exchanges["list_item"].null_count
    assert _fills(talks) == _fills(alone)
    assert alone.n_exchanges == hostile
    assert talks.n_exchanges == len(world.exchanges) - world.truth_exchanges["list_item"].null_count > 3.9 * hostile


@pytest.mark.parametrize("greeting", ["made_up", "sent"])
def test_a_greeting_before_each_request_hides_nothing(found, greeting):
    alone, plain = found(ALONE)
    greeted, _ = found(replace(ALONE, countermeasures=Countermeasures(greeting=greeting)))
    assert greeted.rank == alone.rank == 1
    # A request that looks like another after the same greeting may pass for a retry of it.
    assert 0.99 * _fills(alone) <= _fills(greeted) <= _fills(alone)
    assert greeted.n_exchanges == len(plain.exchanges) - plain.truth_exchanges["list_item"].null_count


def test_a_campaign_that_hands_on_what_is_limited_is_one_and_one_that_does_not_is_observed(found):
    handed_on, _ = found(replace(ALONE, limited_share=0.04))
    assert (handed_on.verdict, set(handed_on.families)) == ("campaign", {"text", "timing"})
    kept, _ = found(replace(ALONE, limited_share=0.04, handed_on_share=0.0))
    assert (kept.verdict, set(kept.families)) == ("observed", {"text"})


def test_replayed_reasoning_blocks_make_a_campaign_among_customers_with_blocks_of_their_own(found):
    replayed, _ = found(ReplayedReasoning(pool=replace(ALONE, hostile_each=40)), reasoning_share=0.4)
    assert (replayed.verdict, set(replayed.families)) == ("campaign", {"text", "infrastructure"})
