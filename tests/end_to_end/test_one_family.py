"""No single family of evidence, nor identity with infrastructure, ever yields a campaign verdict."""

from dataclasses import replace

import pytest

from gauger.lab import (
    SCENARIOS,
    Campaign,
    ChatPersons,
    CompromisedKeys,
    Developers,
    PopularAgent,
    TemplateApps,
    simulate,
)

SEEDS = (1, 2, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(3, 13)))
N = 24
INNOCENT = (ChatPersons(n=70), Developers(n=10), TemplateApps(n=10), PopularAgent(n=20))

#: Ordinary chat and nothing in common.
NOTHING = Campaign(
    name="ring", n=N, exchanges=25.0, share=0.0, payment_share=0.0, network_share=0.0, signups="seasoned"
)
#: A list dealt out in one wrapping, by a program that loads all accounts evenly.
DEALT = replace(NOTHING, share=0.5)

WORLDS = {
    "identity: one card": replace(NOTHING, payment_share=1.0),
    "identity: one card and one burst of sign-ups": replace(NOTHING, payment_share=1.0, signups="fresh"),
    "infrastructure: one network": replace(NOTHING, network_share=1.0),
    "identity and infrastructure": replace(NOTHING, payment_share=1.0, network_share=1.0, signups="fresh"),
    "identity and half the infrastructure": replace(NOTHING, payment_share=0.6, network_share=0.5, signups="fresh"),
    "identity: stolen keys, bare items": CompromisedKeys(
        pool=Campaign(name="ring", n=N, hostile_each=6, wrappers=0), proxies=True
    ),
    "timing: all move to the new model within a day": replace(NOTHING, pivot_share=1.0),
    "timing: one work queue without a wrapping": replace(DEALT, wrappers=0, timing="naive"),
    "text: one wrapping": DEALT,
    "text: one wrapping in the system prompt": replace(DEALT, wrapper_in_system=True),
}


def ring_world(part, *, seed, pools):
    scenario = replace(
        SCENARIOS["demo"], name="one-family", history_weeks=3, weekly_exchanges=25.0, parts=(*INNOCENT, part)
    )
    return simulate(scenario, seed=seed, pools=pools)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("family", WORLDS)
def test_one_family_alone_is_no_campaign(family, seed, grammar, written, scan, tmp_path):
    logs = written(ring_world(WORLDS[family], seed=seed, pools=grammar), tmp_path / "logs", format="parquet")
    scanned = scan(logs.folder / "exchanges.parquet", options=logs.tables)
    assert len(logs.members) == N
    assert "campaign" not in scanned.verdicts


def test_a_card_among_strangers_of_a_popular_template_is_no_campaign(grammar, written, scan, tmp_path):
    logs = written(ring_world(WORLDS["identity: one card"], seed=2, pools=grammar), tmp_path / "logs", format="parquet")
    scanned = scan(logs.folder / "exchanges.parquet", options=logs.tables, key=2)
    assert "campaign" not in scanned.verdicts


def test_the_same_ring_with_a_wrapping_and_a_card_is_one(grammar, written, scan, tmp_path):
    """The worlds above are silent because something is missing, not because nothing is ever said."""
    # The test of personhood is one of chance: over seeds 1 to 8 and keys 1 to 3 its p-value on this ring ran from 0.01
    # to 0.95, and in three of those 24 scans it was at or below 0.05, which leaves the group *supported*.
    part = replace(DEALT, share=0.5, payment_share=0.5, signups="fresh")
    logs = written(ring_world(part, seed=5, pools=grammar), tmp_path / "logs", format="parquet")
    assert scan(logs.folder / "exchanges.parquet", options=logs.tables).accounts("campaign") >= logs.members
