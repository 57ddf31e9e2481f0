"""Births: innocent novelty all through a log."""

from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest

from gauger.lab import BirthRates, Born, ChatPersons, PopularAgent, Scenario, TemplateApps, living, simulate

NONE = BirthRates().times(0)
START = datetime(2026, 1, 5, tzinfo=UTC)


def born_in(scenario, kind=Born):
    return [part for part in scenario.parts if isinstance(part, kind)]


def times_of(world, label):
    classes = world.truth_exchanges["class"].to_pylist()
    return [t for t, c in zip(world.exchanges["occurred_at"].to_pylist(), classes, strict=True) if c == label]


def test_births_come_at_their_rate_before_the_tested_stretch_and_in_it():
    rates, quick = replace(NONE, viral_templates=2.0), replace(NONE, viral_templates=5.0)
    history = tested = 0
    for seed in range(40):
        scenario = living(rates, weeks=20, tested_weeks=5, tested_rates=quick, seed=seed)
        days = [part.at_day for part in born_in(scenario)]
        history += sum(0 <= day < 7 * 15 for day in days)
        tested += sum(day >= 7 * 15 for day in days)
    # Poisson: 1,200 and 1,000 expected, standard deviations 35 and 32.
    assert abs(history - 1_200) < 140
    assert abs(tested - 1_000) < 130


def test_releases_fall_on_days_of_the_log():
    scenario = living(replace(NONE, releases=1.0), weeks=10, seed=3)
    [agent] = born_in(scenario, PopularAgent)
    assert agent.releases
    assert list(agent.releases) == sorted(agent.releases)
    assert all(0 <= day < 70 for day in agent.releases)


def test_what_is_born_lives_from_its_day_for_its_weeks(pools):
    part = Born(TemplateApps(n=1, label="newcomer", weekly_exchanges=200.0), weeks=2, at_day=10)
    world = simulate(Scenario(name="w", parts=(ChatPersons(n=3), part)), seed=1, pools=pools)
    times = times_of(world, "newcomer")
    assert START + timedelta(days=10) <= min(times) < START + timedelta(days=12)
    assert START + timedelta(days=22) < max(times) < START + timedelta(days=24)


def test_what_was_born_before_the_log_is_seen_from_its_first_day(pools):
    part = Born(TemplateApps(n=1, label="newcomer", weekly_exchanges=200.0), weeks=2, at_day=-7)
    world = simulate(Scenario(name="w", parts=(ChatPersons(n=3), part)), seed=1, pools=pools)
    times = times_of(world, "newcomer")
    assert START <= min(times) < START + timedelta(days=1)
    assert max(times) < START + timedelta(days=7)


@pytest.mark.parametrize("days", [(9,), (9, 20)])
def test_an_agent_changes_its_prompt_on_the_day_of_each_release(days, pools):
    part = PopularAgent(n=6, releases=days)
    world = simulate(Scenario(name="w", parts=(part,)), seed=2, pools=pools)
    seen = defaultdict(set)
    for time, system in zip(
        world.exchanges["occurred_at"].to_pylist(), world.exchanges["system_prompt"].to_pylist(), strict=True
    ):
        seen[sum(time >= START + timedelta(days=day) for day in days)].add(system)
    assert [len(prompts) for _, prompts in sorted(seen.items())] == [1] * (len(days) + 1)
    assert len(set.union(*seen.values())) == len(days) + 1


def test_nothing_is_asked_by_two_persons_within_the_days_that_texts_are_dealt_to(pools):
    persons = ChatPersons(n=30, styled_share=0.0, retry_share=0.0, foreign_share=0.0)
    scenario = Scenario(name="w", parts=(persons,), text_days=8, weekly_exchanges=15.0)
    world = simulate(scenario, seed=4, pools=pools)
    asked = defaultdict(list)
    columns = ("user_prompt", "conversation_prefix", "account_id", "occurred_at")
    for prompt, prefix, account, time in zip(*(world.exchanges[name].to_pylist() for name in columns), strict=True):
        if prefix is None:
            asked[prompt].append((time, account))
    again = [
        (later[0] - earlier[0]).days
        for uses in asked.values()
        for earlier, later in pairwise(uses)
        if earlier[1] != later[1]
    ]
    assert again, "the world is too small to say anything"
    assert np.min(again) >= 7


def test_the_same_seed_gives_the_same_living_world(pools):
    one, same, other = (
        simulate(living(BirthRates(), weeks=3, seed=seed, persons=70), seed=seed, pools=pools) for seed in (5, 5, 6)
    )
    assert one.exchanges.equals(same.exchanges)
    assert not one.exchanges.equals(other.exchanges)


def test_a_living_world_is_innocent_and_holds_every_class(pools):
    rates = BirthRates().times(8)
    world = simulate(living(rates, weeks=6, seed=7, persons=60), seed=7, pools=pools)
    assert world.truth_exchanges["campaign"].null_count == len(world.exchanges)
    assert set(world.truth_exchanges["class"].to_pylist()) == {
        "chat", "developer", "app", "agent", "declared_keys", "undeclared_keys", "evaluation", "class", "viral_prompt",
        "viral_template",
    }  # fmt: skip
