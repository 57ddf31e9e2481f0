"""Attacks of the lab: each is labelled exactly, and its knobs do what they say."""

import collections
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from gauger.errors import UsageError
from gauger.exchanges.turns import earlier_turns
from gauger.lab import (
    SCENARIOS,
    Campaign,
    ChatPersons,
    CompromisedKeys,
    MixedPathways,
    PoolFailover,
    PopularAgent,
    Probe,
    ReplayedReasoning,
    Reseller,
    Scenario,
    ServeAndHarvest,
    simulate,
)

WEEK_S = 7 * 86_400
TESTED_S = SCENARIOS["pool"].start.timestamp() + 4 * WEEK_S
THREATS = list(SCENARIOS)[list(SCENARIOS).index("synchronised") :]

ATTACKS = {
    "pathways": MixedPathways(pathways=(Campaign(n=5), Campaign(n=4, list_name="agentic", with_tools=True))),
    "failover": PoolFailover(pool=Campaign(name="failover", n=8, exchanges=30.0), second_n=5),
    "serve-and-harvest": ServeAndHarvest(
        pool=Campaign(name="serve-and-harvest", n=6, exchanges=20.0), end_users=20, harness="own"
    ),
    "reseller": Reseller(pool=Campaign(name="reseller", n=10, exchanges=20.0, share=0.1, signups="seasoned")),
    "probe": Probe(pool=Campaign(name="probe", n=6, exchanges=20.0), tries=200, explorers=3),
    "replay": ReplayedReasoning(pool=Campaign(name="replay", n=6, exchanges=20.0, share=0.5)),
    "compromised": CompromisedKeys(pool=Campaign(name="compromised", n=6, hostile_each=4)),
}


def worlds_of(part, pools, *, seed=1, **make):
    scenario = Scenario(name="test", parts=(ChatPersons(n=25), part), weekly_exchanges=20.0, **make)
    return simulate(scenario, seed=seed, pools=pools)


@pytest.fixture(scope="module")
def attacked(pools):
    return {name: worlds_of(part, pools) for name, part in ATTACKS.items()}


def labelled(world):
    """The log with the truth's columns."""
    table = world.exchanges
    for name in ("class", "campaign", "list_item"):
        table = table.append_column(name, world.truth_exchanges[name])
    return table.append_column("since_s", pa.array(table["occurred_at"].cast(pa.int64()).to_numpy() / 1e6 - TESTED_S))


def hostile_of(world):
    table = labelled(world)
    return table.filter(pc.is_valid(table["list_item"]))


def members_of(world):
    return world.accounts.filter(pc.is_valid(world.truth_accounts["campaign"]))


def column(table, name):
    return np.array(table[name].to_pylist(), dtype=object)


@pytest.mark.parametrize("name", ATTACKS)
def test_the_truth_names_the_campaign_of_exactly_the_hostile_exchanges(name, attacked):
    world = attacked[name]
    table = labelled(world)
    assert pc.is_valid(table["list_item"]).equals(pc.is_valid(table["campaign"]))
    hostile = hostile_of(world)
    assert set(column(hostile, "campaign")) == {name}
    assert set(column(hostile, "class")) == {"campaign"}
    assert set(column(hostile, "account_id")) == set(column(members_of(world), "account_id"))
    assert hostile["list_item"].to_numpy().min() >= 0


@pytest.mark.parametrize("name", ATTACKS)
def test_the_same_seed_gives_the_same_attack(name, attacked, pools):
    again = worlds_of(ATTACKS[name], pools)
    assert again.exchanges.equals(attacked[name].exchanges)
    assert again.truth_exchanges.equals(attacked[name].truth_exchanges)
    assert not worlds_of(ATTACKS[name], pools, seed=2).exchanges.equals(again.exchanges)


@pytest.mark.parametrize("name", ATTACKS)
def test_innocents_are_the_same_without_the_attack(name, attacked, pools):
    alone = simulate(
        Scenario(name="test", parts=(ChatPersons(n=25),), weekly_exchanges=20.0), seed=1, pools=pools
    ).exchanges.drop_columns(["source_row"])
    innocents = labelled(attacked[name])
    innocents = innocents.filter(pc.equal(innocents["class"], "chat")).select(alone.column_names)
    assert innocents.combine_chunks().equals(alone.combine_chunks())


@pytest.mark.parametrize("name", ATTACKS)
def test_every_item_has_one_text_at_its_heart(name, attacked, pools):
    """Hostile requests of the same number carry the same item."""
    lists = {"failover": "coding", "reseller": "coding", "compromised": "coding"}
    hostile = hostile_of(attacked[name])
    rows = zip(column(hostile, "list_item"), column(hostile, "user_prompt"), strict=True)
    if name in lists:
        assert all(pools.lists[lists[name]][item] in said for item, said in rows)
    elif name == "probe":
        assert all(pools.lists["coding"][item - 200] in said for item, said in rows if item >= 200)
    elif name == "replay":
        begun = column(hostile, "conversation_prefix")
        assert all(
            pools.lists["coding"][item] in (earlier_turns(before)[0] if before else said)
            for before, (item, said) in zip(begun, rows, strict=True)
        )
    elif name == "pathways":
        both = [*pools.lists["coding"], *pools.lists["agentic"]]
        assert all(both[item] in said for item, said in rows)
    else:
        assert set(column(hostile, "list_item")) == set(range(1 + max(column(hostile, "list_item"))))


@pytest.mark.parametrize("name", [*THREATS, "pivot-alone", "compromised-proxies"])
def test_each_threat_of_the_survey_has_a_scenario_with_one_campaign(name):
    scenario = SCENARIOS[name]
    assert [one.name for one in scenario.campaigns] == [name]


@pytest.mark.parametrize("name", THREATS)
def test_each_threat_is_simulated_and_labelled(name, pools):
    scenario = SCENARIOS[name]
    small = (ChatPersons(n=30), PopularAgent(n=5), scenario.parts[-1])
    world = simulate(replace(scenario, parts=small, weekly_exchanges=10.0), seed=1, pools=pools)
    hostile = hostile_of(world)
    assert len(hostile) >= 100
    assert set(column(hostile, "campaign")) == {name}
    known = set(column(members_of(world), "account_id"))
    assert set(column(hostile, "account_id")) <= known
    assert not any(name in tools for tools in column(hostile, "tool_schema") if tools)
    assert len(known) < len(world.accounts)


def test_there_are_twelve_threats():
    assert len(THREATS) == 12


# -- pathways


def test_pathways_differ_and_are_one_campaign(pools):
    part = MixedPathways(
        pathways=(
            Campaign(n=6, plan="free", payment_share=0.0, exchanges=20.0),
            Campaign(n=7, plan="api", list_name="agentic", with_tools=True, one_client=True, exchanges=20.0),
            Campaign(n=5, plan="team", exchanges=20.0),
        )
    )
    world = worlds_of(part, pools)
    assert collections.Counter(column(members_of(world), "plan")) == {"free": 6, "api": 7, "team": 5}
    hostile = hostile_of(world)
    equipped = hostile.filter(pc.is_valid(hostile["tool_schema"]))
    assert len(set(column(equipped, "user_agent"))) == 1
    assert len(set(column(equipped, "account_id"))) == 7
    assert min(column(equipped, "list_item")) >= len(pools.lists["coding"])


# -- failover


def test_the_second_pool_signs_up_and_goes_on_within_hours(pools):
    for takeover_h in (2.0, 24.0):
        part = replace(ATTACKS["failover"], takeover_h=takeover_h, banned_day=2.0, ban_spread_h=1.0)
        world = worlds_of(part, pools)
        members = members_of(world).to_pylist()
        first = {row["account_id"] for row in members if row["suspended_at"]}
        assert (len(first), len(members)) == (8, 13)
        bans = [(row["suspended_at"].timestamp() - TESTED_S) / 3_600 for row in members if row["suspended_at"]]
        assert 48 <= min(bans) <= max(bans) <= 49
        hostile = hostile_of(world)
        second = hostile.filter(pc.invert(pc.is_in(hostile["account_id"], value_set=pa.array(sorted(first)))))
        begins = column(second, "since_s").astype(float).min() / 3_600
        assert 48 + takeover_h <= begins <= 48 + takeover_h + 3
        joined = [row["signed_up_at"].timestamp() - TESTED_S for row in members if not row["suspended_at"]]
        assert all(48 <= since / 3_600 <= 48 + takeover_h for since in joined)
        assert world.events.filter(pc.equal(world.events["kind"], "suspension")).num_rows >= 8


def test_what_the_first_pool_could_not_send_the_second_sends(attacked):
    hostile = hostile_of(attacked["failover"])
    status = column(hostile, "http_status")
    assert collections.Counter(status)[403] >= 8
    refused = set(column(hostile, "list_item")[np.isin(status, (403,))])
    served = set(column(hostile, "list_item")[status != 403])
    assert refused <= served
    known = {row["account_id"]: row["suspended_at"] for row in members_of(attacked["failover"]).to_pylist()}
    for row in hostile.select(["account_id", "occurred_at", "http_status"]).to_pylist():
        suspended = known[row["account_id"]]
        assert (row["http_status"] == 403) == (suspended is not None and row["occurred_at"] >= suspended)


def test_the_injected_suffix_is_the_same_in_every_request(pools):
    hostile = hostile_of(worlds_of(PoolFailover(pool=Campaign(name="f", n=8, wrapper_as_suffix=True)), pools))
    items = [pools.lists["coding"][item] for item in hostile["list_item"].to_pylist()]
    said = hostile["user_prompt"].to_pylist()
    assert len({text.removeprefix(item) for text, item in zip(said, items, strict=True)}) == 1
    assert all(text.startswith(item) for text, item in zip(said, items, strict=True))


def test_the_second_pool_has_cards_of_its_own_or_those_of_the_first(pools):
    def cards(*, second_cards):
        pool = Campaign(name="failover", n=8, payment_share=1.0, cards=2)
        world = worlds_of(PoolFailover(pool=pool, second_n=6, second_cards=second_cards), pools)
        rows = members_of(world).to_pylist()
        return [{row["payment_token"] for row in rows if bool(row["suspended_at"]) is gone} for gone in (True, False)]

    first, second = cards(second_cards=True)
    assert not first & second
    first, second = cards(second_cards=False)
    assert first == second


# -- relays


def test_harvested_dialogues_are_what_persons_say(attacked, pools):
    asked = {text for own in pools.topics.values() for part in own.texts.values() for text in part}
    follow_ups = {text for part in pools.follow_ups.texts.values() for text in part}
    said = column(hostile_of(attacked["serve-and-harvest"]), "user_prompt")
    assert np.mean([text in asked or text in follow_ups for text in said]) > 0.5


def test_the_harness_is_the_popular_agents_or_an_own_one_or_none(pools):
    def prompts(harness):
        service = replace(ATTACKS["serve-and-harvest"], harness=harness)
        scenario = Scenario(name="test", parts=(PopularAgent(n=5), service), weekly_exchanges=10.0)
        table = labelled(simulate(scenario, seed=1, pools=pools))
        by_class = {
            name: set(column(table.filter(pc.equal(table["class"], name)), "system_prompt"))
            for name in ("agent", "campaign")
        }
        return by_class["agent"], by_class["campaign"]

    agent, service = prompts("popular")
    assert agent == service
    agent, service = prompts("own")
    assert len(service) == 1
    assert not agent & service
    assert prompts("none")[1] == {None}


def test_a_popular_harness_needs_a_popular_agent(pools):
    with pytest.raises(UsageError, match="no agent comes before"):
        worlds_of(ServeAndHarvest(), pools)


def test_a_conversation_stays_on_one_account_for_an_hour(attacked):
    for name in ("reseller", "serve-and-harvest"):
        talks = collections.defaultdict(list)
        for row in labelled(attacked[name]).to_pylist():
            if row["class"] == ("relay_user" if name == "reseller" else "campaign"):
                talks[row["conversation_id"]].append((row["since_s"], row["account_id"]))
        long = [talk for talk in talks.values() if len(talk) > 1]
        assert len(long) > 20
        for talk in long:
            begin = min(talk)[0]
            assert len({account for at, account in talk if at - begin < 3_600 - 1}) == 1


def test_unrelated_persons_meet_on_an_account(attacked):
    table = labelled(attacked["reseller"])
    honest = table.filter(pc.equal(table["class"], "relay_user"))
    talks = collections.defaultdict(set)
    for account, talk in zip(column(honest, "account_id"), column(honest, "conversation_id"), strict=True):
        talks[account].add(talk)
    assert len(talks) == 10
    assert min(map(len, talks.values())) > 10


@pytest.mark.parametrize("share", [0.01, 0.1])
def test_the_resellers_accounts_are_honest_but_for_the_share(pools, share):
    pool = Campaign(name="reseller", n=40, exchanges=60.0, share=share, signups="seasoned", one_client=True)
    world = worlds_of(Reseller(pool=pool), pools)
    table = labelled(world)
    tested = table.filter(pc.and_(pc.greater_equal(table["since_s"], 0.0), pc.not_equal(table["class"], "chat")))
    assert pc.is_valid(tested["list_item"]).to_numpy().mean() == pytest.approx(share, abs=0.012)
    assert len(set(column(tested, "user_agent"))) == 1
    sent = collections.Counter(column(tested, "account_id"))
    bad = collections.Counter(column(tested.filter(pc.is_valid(tested["list_item"])), "account_id"))
    assert max(bad[account] / sent[account] for account in sent) <= share + 0.05


def test_a_reseller_may_have_hundreds_of_accounts(pools):
    pool = Campaign(name="reseller", n=200, exchanges=3.0, share=0.05, signups="seasoned")
    world = worlds_of(Reseller(pool=pool, end_users_each=2.0), pools)
    assert len(members_of(world)) == 200


# -- probe


def test_tries_are_distinct_and_mostly_refused(attacked):
    hostile = hostile_of(attacked["probe"])
    tries = hostile.filter(pc.less(hostile["list_item"], 200))
    assert len(tries) == len(set(column(tries, "user_prompt"))) == 200
    assert np.mean(column(tries, "http_status") == 400) == 0.95
    assert len(set(column(tries, "account_id"))) == 3
    assert max(column(tries, "since_s")) <= 3 * 86_400


def test_the_winner_was_not_refused_and_is_scaled_up_afterwards(attacked):
    hostile = hostile_of(attacked["probe"])
    scaled = hostile.filter(pc.greater_equal(hostile["list_item"], 200))
    winner = {said.split("\n\n")[0] for said in column(scaled, "user_prompt")}
    assert len(winner) == 1
    tries = hostile.filter(pc.less(hostile["list_item"], 200))
    (row,) = tries.filter(pc.equal(tries["user_prompt"], winner.pop())).to_pylist()
    assert row["http_status"] == 200
    assert min(column(scaled, "since_s")) >= 3 * 86_400
    assert not set(column(scaled, "account_id")) & set(column(tries, "account_id"))


# -- stolen keys


def test_stolen_keys_belong_to_customers_who_go_on_as_before(attacked):
    world = attacked["compromised"]
    victims = world.truth_accounts.filter(pc.is_valid(world.truth_accounts["campaign"]))
    assert set(column(victims, "class")) == {"chat"}
    hostile = hostile_of(world)
    assert set(collections.Counter(column(hostile, "account_id")).values()) == {4}
    assert len(set(column(hostile, "user_agent"))) == 1
    assert len({address.rsplit(".", 1)[0] for address in column(hostile, "client_address")}) == 1
    table = labelled(world)
    own = table.filter(pc.equal(table["class"], "chat"))
    assert not set(column(own, "client_address")) & set(column(hostile, "client_address"))
    assert set(column(hostile, "account_id")) <= set(column(own, "account_id"))


def test_stolen_keys_may_be_used_from_some_home_at_a_time(pools):
    stolen = Campaign(name="c", n=10, hostile_each=10)
    hostile = hostile_of(worlds_of(CompromisedKeys(pool=stolen, proxies=True), pools))
    assert len({address.rsplit(".", 1)[0] for address in column(hostile, "client_address")}) > 90


@pytest.mark.parametrize("days", [1.0, 4.0])
def test_stolen_keys_are_used_for_some_days(pools, days):
    world = worlds_of(CompromisedKeys(pool=Campaign(name="c", n=10, hostile_each=10), days=days), pools)
    since = column(hostile_of(world), "since_s").astype(float)
    assert since.min() >= 0
    assert days * 86_400 * 0.8 < since.max() - since.min() <= days * 86_400


def test_more_keys_than_persons_cannot_be_stolen(pools):
    with pytest.raises(UsageError, match="26 keys are to be stolen and the parts before hold"):
        worlds_of(CompromisedKeys(pool=Campaign(name="c", n=26, hostile_each=1)), pools)


@pytest.mark.parametrize(
    ("kind", "knobs"),
    [
        (MixedPathways, {"pathways": ()}),
        (PoolFailover, {"second_n": 0}),
        (PoolFailover, {"takeover_h": -1.0}),
        (ServeAndHarvest, {"end_users": 0}),
        (Reseller, {"sticky_s": 0.0}),
        (Probe, {"tries": 0}),
        (Probe, {"refused_share": 1.0}),
        (CompromisedKeys, {"days": 0.0}),
        (CompromisedKeys, {"pool": Campaign()}),
    ],
)
def test_impossible_attacks_are_refused(kind, knobs):
    with pytest.raises(UsageError):
        kind(**knobs)


def test_replays_are_later_turns_of_what_another_account_asked_and_carry_its_block(only):
    pool = Campaign(name="replay", n=6, share=0.5, payment_share=0.0)
    world = only(ReplayedReasoning(pool=pool, replayed_share=0.5, tries=2))
    hostile = world.exchanges.filter(pc.is_valid(world.truth_exchanges["list_item"]))
    by_block = collections.defaultdict(list)
    for row in hostile.to_pylist():
        if row["reasoning_block"]:
            by_block[row["reasoning_block"]].append(row)
    assert len({row["account_id"] for row in hostile.to_pylist()}) == 6
    shared = [rows for rows in by_block.values() if len(rows) > 1]
    assert len(shared) > 0.8 * len(by_block)
    for begun, *replays in shared:
        if begun["conversation_prefix"] is None:
            assert all(earlier_turns(row["conversation_prefix"]) == [begun["user_prompt"]] for row in replays)
            assert begun["account_id"] not in {row["account_id"] for row in replays}


def test_a_conversation_carries_one_block_and_no_other_has_it(pools):
    persons = Scenario(name="persons", parts=(ChatPersons(n=40),), weekly_exchanges=20.0)
    assert simulate(persons, seed=1, pools=pools).exchanges["reasoning_block"].to_pylist().count(None) > 1_000
    world = simulate(replace(persons, reasoning_share=0.5), seed=1, pools=pools)
    blocks = collections.defaultdict(set)
    for row in world.exchanges.to_pylist():
        if row["reasoning_block"]:
            blocks[row["reasoning_block"]].add((row["account_id"], row["conversation_id"]))
    assert all(len(held) == 1 for held in blocks.values())
    accounts = {account for held in blocks.values() for account, _ in held}
    assert 8 <= len(accounts) <= 32
