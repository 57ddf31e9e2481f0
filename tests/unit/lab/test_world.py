import collections
import ipaddress
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from disposable_email_domains import blocklist

from gauger.errors import UsageError
from gauger.exchanges.schema import EDGE_SCHEMA, EVENT_SCHEMA
from gauger.exchanges.turns import earlier_turns
from gauger.lab import (
    SCENARIOS,
    Campaign,
    ChatPersons,
    EvaluationRuns,
    PopularAgent,
    Scenario,
    TemplateApps,
    UndeclaredKeys,
    UniversityClass,
    ViralPrompt,
    ViralTemplate,
    simulate,
)

TABLES = ("exchanges", "accounts", "events", "truth_accounts", "truth_exchanges")


def bytes_of(world):
    sink = pa.BufferOutputStream()
    for name in TABLES:
        table = getattr(world, name).combine_chunks()
        with pa.ipc.new_stream(sink, table.schema) as stream:
            stream.write_table(table)
    return sink.getvalue().to_pybytes()


def column(table, name):
    return np.array(table[name].to_pylist(), dtype=object)


def rows_of(world, label):
    """Exchanges of a class, as a table."""
    return world.exchanges.filter(pc.equal(world.truth_exchanges["class"], label))


def accounts_of(world, label):
    return world.accounts.filter(pc.equal(world.truth_accounts["class"], label))


def is_tested(world, scenario):
    start = scenario.start.timestamp() + scenario.history_weeks * 7 * 86_400
    return world.exchanges["occurred_at"].cast(pa.int64()).to_numpy() >= start * 1e6


def test_the_same_seed_gives_the_same_bytes(small, pools, world):
    assert bytes_of(simulate(small, seed=3, pools=pools)) == bytes_of(world)


def test_another_seed_gives_another_world(small, pools, world):
    other = simulate(small, seed=4, pools=pools)
    assert not set(column(other.accounts, "account_id")) & set(column(world.accounts, "account_id"))
    assert bytes_of(other) != bytes_of(world)


def test_tables_have_their_schemas_and_order(world):
    assert world.exchanges.schema.equals(EDGE_SCHEMA)
    assert world.events.schema.equals(EVENT_SCHEMA)
    keys = list(zip(world.exchanges["occurred_at"].to_pylist(), world.exchanges["account_id"].to_pylist(), strict=True))
    assert keys == sorted(keys)
    assert world.exchanges["source_row"].to_pylist() == list(range(len(world.exchanges)))
    assert world.exchanges["account_id"].null_count == 0
    assert world.exchanges["user_prompt"].null_count == 0
    assert len(set(column(world.exchanges, "request_id"))) == len(world.exchanges)


def test_the_log_lies_in_its_weeks(world, small):
    times = world.exchanges["occurred_at"].cast(pa.int64()).to_numpy() / 1e6 - small.start.timestamp()
    assert times.min() >= 0
    assert times.max() < small.weeks * 7 * 86_400
    per_week = np.bincount((times // (7 * 86_400)).astype(int))
    assert per_week.min() > 0.5 * per_week.max()


def test_truth_stands_row_for_row_beside_what_it_is_true_of(world):
    assert world.truth_accounts["account_id"].equals(world.accounts["account_id"])
    for name in ("request_id", "account_id"):
        assert world.truth_exchanges[name].equals(world.exchanges[name])
    assert set(column(world.exchanges, "account_id")) <= set(column(world.accounts, "account_id"))


def test_only_accounts_of_a_campaign_are_hostile(world):
    hostile = pc.is_valid(world.truth_exchanges["list_item"])
    assert hostile.equals(pc.is_valid(world.truth_exchanges["campaign"]))
    guilty = set(column(world.truth_exchanges.filter(hostile), "account_id"))
    named = world.truth_accounts.filter(pc.is_valid(world.truth_accounts["campaign"]))
    assert guilty == set(column(named, "account_id"))
    assert set(column(named, "class")) == {"campaign"}


def test_nobody_sends_before_signing_up_or_after_suspension(world):
    known = {row["account_id"]: row for row in world.accounts.to_pylist()}
    for row in world.exchanges.select(["account_id", "occurred_at"]).to_pylist():
        account = known[row["account_id"]]
        assert account["signed_up_at"] <= row["occurred_at"]
        assert account["suspended_at"] is None or row["occurred_at"] < account["suspended_at"]


def test_no_text_stands_in_history_and_in_the_tested_stretch_but_what_is_declared_popular(world, small):
    text = column(world.exchanges, "user_prompt")
    label = column(world.truth_exchanges, "class")
    tested = is_tested(world, small)
    in_both = set(text[tested]) & set(text[~tested])
    assert in_both
    assert in_both <= set(text[label == "evaluation"])


def test_cover_of_a_campaign_shares_no_text_with_innocents(world):
    text = column(world.exchanges, "user_prompt")
    label = column(world.truth_exchanges, "class")
    assert not set(text[label == "campaign"]) & set(text[label != "campaign"])


def test_innocents_stay_the_same_when_a_campaign_behind_them_changes(small, pools, world):
    louder = replace(small, parts=(*small.parts[:-1], Campaign(n=14, share=1.0, wrappers=20)))
    other = simulate(louder, seed=3, pools=pools)

    def innocent(one):
        table = one.exchanges.drop_columns(["source_row"])
        return table.filter(pc.not_equal(one.truth_exchanges["class"], "campaign"))

    assert innocent(other).equals(innocent(world))


def test_the_viral_prompt_is_one_text_of_many_persons(world, small):
    viral = rows_of(world, "viral_prompt")
    assert len(set(column(viral, "account_id"))) == len(viral) == 12
    assert len(set(column(viral, "user_prompt"))) == 1
    assert is_tested(world, small)[column(world.truth_exchanges, "class") == "viral_prompt"].all()


def test_the_viral_template_is_filled_differently_by_everybody(world):
    viral = rows_of(world, "viral_template")
    assert len(set(column(viral, "account_id"))) == len(set(column(viral, "user_prompt"))) == len(viral) == 12
    # Whoever sends it has a life of their own.
    counts = collections.Counter(column(world.exchanges, "account_id"))
    assert min(counts[account] for account in column(viral, "account_id")) > 5


def test_more_viral_accounts_than_persons_are_refused(only):
    with pytest.raises(UsageError, match="the parts before it hold"):
        only(ChatPersons(n=5), ViralPrompt(accounts=6))


def test_declared_keys_are_one_principal_and_undeclared_keys_are_not(world):
    declared = accounts_of(world, "declared_keys")
    assert len(declared) == 6
    assert len(set(column(declared, "principal_id"))) == len(set(column(declared, "organisation_id"))) == 1
    hidden = accounts_of(world, "undeclared_keys")
    assert len(set(column(hidden, "principal_id"))) == 5
    assert set(column(hidden, "organisation_id")) == {None}


def test_undeclared_keys_share_card_network_and_client(world):
    hidden = rows_of(world, "undeclared_keys")
    assert len(set(column(accounts_of(world, "undeclared_keys"), "payment_token"))) == 1
    assert len({address.rsplit(".", 1)[0] for address in column(hidden, "client_address")}) == 1
    assert len(set(column(hidden, "user_agent"))) == 1


def test_a_nat_is_one_network_of_persons_with_own_cards(world):
    nat = rows_of(world, "nat")
    networks = collections.Counter(address.rsplit(".", 1)[0] for address in column(nat, "client_address"))
    assert networks.most_common(1)[0][1] > 0.6 * len(nat)
    cards = [card for card in column(accounts_of(world, "nat"), "payment_token") if card]
    assert len(set(cards)) > 0.8 * len(cards)


def test_a_class_asks_about_one_assignment_from_one_campus(only):
    world = only(UniversityClass(n=30, site_share=1.0, one_card=True))
    text = column(world.exchanges, "user_prompt")
    asked = [question for question in text if question.startswith(("Assignment", "Problem sheet"))]
    owners = {row["account_id"] for row in world.exchanges.to_pylist() if row["user_prompt"] in set(asked)}
    assert len({question.split("\n\n")[0] for question in asked}) == 1
    assert len(owners) == 30
    assert len(asked) > 3 * 30
    assert len({address.rsplit(".", 1)[0] for address in column(world.exchanges, "client_address")}) == 1
    assert len(set(column(world.accounts, "payment_token"))) == 1


def test_agent_users_share_prompt_and_tools_until_a_release(only, pools):
    world = only(PopularAgent(n=30, release=True))
    scenario = Scenario(name="only", parts=())
    system, tested = column(world.exchanges, "system_prompt"), is_tested(world, scenario)
    assert len(set(system[~tested])) == len(set(system[tested])) == 1
    assert set(system[tested]) != set(system[~tested])
    assert len(set(column(world.exchanges, "tool_schema"))) == 1
    assert world.exchanges["tool_names"][0].as_py() == ["look", "open_file", "list_tree", "patch", "write_file"]
    frames = {text.split("\n")[0] for text in column(world.exchanges, "user_prompt")[tested] if "\nworkspace: " in text}
    assert len(frames) == 1


def test_an_agent_may_move_its_users_to_the_new_model_within_hours(only):
    world = only(PopularAgent(n=30, follows=True))
    released = next(row["occurred_at"] for row in world.events.to_pylist() if row["kind"] == "model_release")
    models = {True: set(), False: set()}
    for row in world.exchanges.to_pylist():
        since_h = (row["occurred_at"] - released).total_seconds() / 3_600
        if not 0 <= since_h <= 6:
            models[since_h > 0].add(row["request_model"])
    assert models == {False: {"atlas-large"}, True: {"atlas-large-2"}}


def test_an_agent_may_begin_to_run_on_a_build_service(only):
    world = only(PopularAgent(n=30, ci_share=0.4))
    tested = is_tested(world, Scenario(name="only", parts=()))
    networks = np.array([address.rsplit(".", 1)[0] for address in column(world.exchanges, "client_address")])
    (site,) = {network for network in networks[tested] if network.startswith("172.")}
    assert 0.25 < (networks[tested] == site).mean() < 0.55
    assert not (networks[~tested] == site).any()


def test_homes_change_where_people_roam_and_sites_do_not(pools):
    def homes(part, **make):
        world = simulate(Scenario(name="test", parts=(part,), weekly_exchanges=40.0, **make), seed=1, pools=pools)
        found = collections.defaultdict(set)
        for row in world.exchanges.to_pylist():
            if row["client_address"].startswith(("10.", "2001:", "172.")):
                found[row["account_id"]].add(
                    row["client_address"].rpartition(":" if ":" in row["client_address"] else ".")[0]
                )
        return [len(networks) for networks in found.values()]

    assert set(homes(ChatPersons(n=30))) == {1}
    assert np.median(homes(ChatPersons(n=30), roaming_days=10.0)) > 2
    assert set(homes(ChatPersons(n=30, shared_site=True), roaming_days=10.0)) == {1}


def test_evaluation_accounts_run_the_same_items(only, pools):
    world = only(EvaluationRuns(n=3, items=40))
    by_account = collections.defaultdict(set)
    for row in world.exchanges.to_pylist():
        by_account[row["account_id"]].add(row["user_prompt"])
    assert len({frozenset(items) for items in by_account.values()}) == 1
    assert len(next(iter(by_account.values()))) == 40


def test_a_template_can_go_into_use_in_the_tested_week(only):
    world = only(TemplateApps(n=6, from_week=4))
    assert is_tested(world, Scenario(name="only", parts=())).all()
    assert len(world.exchanges) > 20


def test_conversations_grow_by_what_was_said(world):
    by_id = collections.defaultdict(list)
    for row in rows_of(world, "chat").to_pylist():
        by_id[row["conversation_id"]].append(row)
    longest = max(by_id.values(), key=len)
    assert len(longest) > 3
    prefixes = [row["conversation_prefix"] for row in longest]
    assert prefixes[0] is None
    grown = sorted({prefix for prefix in prefixes if prefix}, key=len)
    assert all(later.startswith(earlier[:-1]) for earlier, later in pairwise(grown))
    assert {turn for prefix in grown for turn in earlier_turns(prefix)} <= {row["user_prompt"] for row in longest}


def test_persons_have_tastes_of_their_own(only, pools):
    world = only(ChatPersons(n=60, styled_share=0.0, retry_share=0.0), weekly=60.0)
    topic_of = {text: topic for topic, own in pools.topics.items() for part in own.texts.values() for text in part}
    seen = collections.defaultdict(collections.Counter)
    for row in world.exchanges.to_pylist():
        if row["user_prompt"] in topic_of:
            seen[row["account_id"]][topic_of[row["user_prompt"]]] += 1
    favourite = [max(counts.values()) / counts.total() for counts in seen.values()]
    assert np.median(favourite) > 0.3
    foreign = [counts for counts in seen.values() if any(":" in topic for topic in counts)]
    assert foreign
    assert all(len(counts) == 1 for counts in foreign)


def test_shares_of_disposable_mail_and_shared_cards_are_as_declared(only):
    accounts = only(ChatPersons(n=3_000), weekly=1.0).accounts
    domains = [address.split("@")[1] for address in column(accounts, "email")]
    assert np.mean([domain in blocklist for domain in domains]) == pytest.approx(0.04, abs=0.012)
    cards = collections.Counter(card for card in column(accounts, "payment_token") if card)
    sharing = sum(count for count in cards.values() if count > 1) / len(accounts)
    assert 0.01 < sharing < 0.035
    assert max(cards.values()) <= 3


def test_every_address_is_of_a_range_that_belongs_to_nobody(world):
    reserved = [
        ipaddress.ip_network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "198.18.0.0/15", "2001:db8::/32")
    ]
    for text in set(column(world.exchanges, "client_address")):
        address = ipaddress.ip_address(text)
        assert any(address in network for network in reserved if network.version == address.version)


def test_failed_requests_have_no_answer(world):
    failed = world.exchanges.filter(pc.not_equal(world.exchanges["http_status"], 200))
    assert 0 < len(failed) < 0.03 * len(world.exchanges)
    assert failed["response"].null_count == len(failed)
    assert set(column(failed, "error_code")) <= {"rate_limit_exceeded", "server_error"}
    assert pc.sum(failed["output_tokens"]).as_py() == 0


def test_accounts_move_to_the_successor_only_after_its_release(world):
    release = next(row for row in world.events.to_pylist() if row["kind"] == "model_release")
    moved = world.exchanges.filter(pc.equal(world.exchanges["request_model"], release["model"]))
    assert len(moved) > 0
    assert pc.min(moved["occurred_at"]).as_py() >= release["occurred_at"]


def test_the_registry_names_every_scenario_after_itself():
    assert {"demo", "quiet", "quiet-large", "pool", "one-each", "old-campaign"} <= set(SCENARIOS)
    assert all(scenario.name == name for name, scenario in SCENARIOS.items())


@pytest.mark.parametrize("name", ["quiet", "quiet-large"])
def test_quiet_scenarios_hold_no_campaign(name):
    assert SCENARIOS[name].campaigns == ()


def test_a_scenario_without_a_time_zone_is_refused():
    with pytest.raises(UsageError, match="time zone"):
        Scenario(name="naive", parts=(), start=SCENARIOS["demo"].start.replace(tzinfo=None))


def test_a_world_of_keys_can_be_undeclared_without_a_template_in_the_system_prompt(only):
    world = only(UndeclaredKeys(keys=8), ViralTemplate(accounts=0))
    assert world.exchanges["system_prompt"].null_count == len(world.exchanges)
