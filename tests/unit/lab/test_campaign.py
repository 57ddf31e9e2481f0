import collections
import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gauger.errors import UsageError
from gauger.exchanges.turns import earlier_turns
from gauger.lab import SCENARIOS, Campaign, simulate
from gauger.lab.campaign import assign


def hostile_of(world):
    """Hostile exchanges with the truth's columns."""
    hostile = pc.is_valid(world.truth_exchanges["list_item"])
    table = world.exchanges.filter(hostile)
    return table.append_column("list_item", world.truth_exchanges.filter(hostile)["list_item"])


def slices(table):
    found = collections.defaultdict(list)
    for row in table.select(["account_id", "list_item"]).to_pylist():
        found[row["account_id"]].append(row["list_item"])
    return found


def members_of(world):
    return world.accounts.filter(pc.is_valid(world.truth_accounts["campaign"]))


@settings(max_examples=25)
@given(
    n=st.integers(1, 12),
    share=st.sampled_from([0.05, 0.1, 0.2, 0.5, 1.0]),
    assignment=st.sampled_from(["deal", "shard"]),
    timing=st.sampled_from(["diurnal", "naive"]),
    begins=st.sampled_from(["tested", "older"]),
    wrappers=st.sampled_from([0, 1, 20, 125]),
    seed=st.integers(0, 1_000),
)
def test_slices_are_disjoint_and_no_item_is_sent_twice(
    with_campaign, n, share, assignment, timing, begins, wrappers, seed
):
    world = with_campaign(
        seed=seed, n=n, share=share, assignment=assignment, timing=timing, begins=begins, wrappers=wrappers
    )
    found = slices(hostile_of(world))
    assert len(found) <= n
    items = [item for own in found.values() for item in own]
    assert len(items) == len(set(items))


@given(
    account=st.lists(st.integers(0, 9), max_size=80),
    assignment=st.sampled_from(["deal", "shard", "random", "rollouts"]),
    rollouts=st.integers(1, 8),
)
def test_assignments_keep_to_the_list(account, assignment, rollouts):
    part = Campaign(assignment=assignment, rollouts=rollouts)
    place = assign(part, np.array(account, dtype=np.int64), 80, rng=np.random.default_rng(0))
    assert len(place) == len(account)
    assert ((place >= 0) & (place < 80)).all()
    if assignment == "rollouts" and len(place):
        assert np.bincount(place).max() <= rollouts
        assert len(set(place)) == -(-len(place) // rollouts)


def test_shards_are_contiguous_and_dealt_items_go_in_order_of_time():
    account = np.array([2, 0, 1, 0, 2, 1, 0], dtype=np.int64)
    rng = np.random.default_rng(0)
    shard = assign(Campaign(assignment="shard"), account, 99, rng=rng)
    for own in (shard[account == number] for number in range(3)):
        assert (np.diff(own) == 1).all()
    assert (assign(Campaign(assignment="deal"), account, 99, rng=rng) == np.arange(7)).all()


def test_random_assignment_sends_items_to_several_accounts(with_campaign):
    found = slices(hostile_of(with_campaign(n=12, weekly=120.0, assignment="random")))
    items = collections.Counter(item for own in found.values() for item in set(own))
    assert max(items.values()) > 1


def test_rollouts_send_every_item_so_many_times(with_campaign):
    found = slices(hostile_of(with_campaign(assignment="rollouts", rollouts=4)))
    counts = collections.Counter(item for own in found.values() for item in own)
    assert collections.Counter(counts.values()).most_common(1)[0][0] == 4


@pytest.mark.parametrize("share", [1.0, 0.5, 0.2, 0.1, 0.05])
def test_the_share_is_realised(with_campaign, share):
    world = with_campaign(n=40, weekly=60.0, share=share, signups="seasoned")
    members = pa.array(members_of(world)["account_id"].to_pylist())
    tested = pc.greater_equal(world.exchanges["occurred_at"], pc.min(hostile_of(world)["occurred_at"]))
    mine = pc.and_(tested, pc.is_in(world.exchanges["account_id"], value_set=members))
    sent = world.exchanges.filter(mine)
    # All that accounts send from the first hostile exchange on is of the tested stretch; 2,400 exchanges are expected.
    assert len(hostile_of(world)) / len(sent) == pytest.approx(share, abs=0.015)


@pytest.mark.parametrize("each", [1, 3, 20])
def test_exactly_so_many_hostile_exchanges_an_account(with_campaign, each):
    found = slices(hostile_of(with_campaign(n=15, hostile_each=each)))
    assert len(found) == 15
    assert {len(own) for own in found.values()} == {each}


def test_a_campaign_of_the_tested_stretch_sends_nothing_hostile_before(with_campaign):
    scenario = SCENARIOS["pool"]
    first = pc.min(hostile_of(with_campaign())["occurred_at"]).as_py()
    assert (first - scenario.start).days >= 28


def test_an_older_campaign_keeps_its_pace_through_the_log(with_campaign):
    world = with_campaign(begins="older", hostile_each=7, signups="seasoned")
    since = hostile_of(world)["occurred_at"].cast(pa.int64()).to_numpy() / 1e6 - SCENARIOS["pool"].start.timestamp()
    assert np.bincount((since // (7 * 86_400)).astype(int)).tolist() == [8 * 7] * 5


def test_items_stand_in_the_wrapping_that_was_asked_for(with_campaign, pools):
    texts = pools.lists["coding"]
    for wrappers in (0, 1, 20):
        hostile = hostile_of(with_campaign(n=20, weekly=40.0, wrappers=wrappers))
        frames = set()
        for row in hostile.select(["user_prompt", "list_item", "system_prompt"]).to_pylist():
            assert texts[row["list_item"]] in row["user_prompt"]
            assert row["system_prompt"] is None
            frames.add(row["user_prompt"].replace(texts[row["list_item"]], "\0"))
        assert len(frames) == max(wrappers, 1)
        assert (frames == {"\0"}) == (wrappers == 0)


def test_the_wrapping_can_stand_in_the_system_prompt(with_campaign, pools):
    hostile = hostile_of(with_campaign(wrapper_in_system=True))
    assert len(set(hostile["system_prompt"].to_pylist())) == 1
    items = [pools.lists["coding"][item] for item in hostile["list_item"].to_pylist()]
    assert hostile["user_prompt"].to_pylist() == items


def test_two_seeds_give_two_wrappings(with_campaign):
    first, second = (hostile_of(with_campaign(seed=seed))["user_prompt"][0].as_py().split("\n\n")[0] for seed in (1, 2))
    assert first != second


@pytest.mark.parametrize(("share", "cards", "expected"), [(0.5, 1, [10]), (1.0, 4, [5, 5, 5, 5]), (0.0, 1, [])])
def test_cards_are_shared_by_the_share_of_accounts(with_campaign, share, cards, expected):
    world = with_campaign(n=20, payment_share=share, cards=cards)
    held = collections.Counter(card for card in members_of(world)["payment_token"].to_pylist() if card)
    assert sorted((count for count in held.values() if count > 3), reverse=True) == expected


def test_the_network_is_shared_by_the_share_of_accounts(with_campaign):
    world = with_campaign(n=20, network_share=0.5)
    members = set(members_of(world)["account_id"].to_pylist())
    behind = collections.defaultdict(set)
    for row in world.exchanges.select(["account_id", "client_address"]).to_pylist():
        if row["account_id"] in members and row["client_address"].startswith("172."):
            behind[row["client_address"].rsplit(".", 1)[0]].add(row["account_id"])
    assert [len(accounts) for accounts in behind.values()] == [10]


def test_fresh_accounts_sign_up_in_the_ten_days_before(with_campaign):
    tested = SCENARIOS["pool"].start.timestamp() + 28 * 86_400
    fresh = [tested - time.timestamp() for time in members_of(with_campaign())["signed_up_at"].to_pylist()]
    assert min(fresh) >= 0
    assert max(fresh) <= 10 * 86_400
    seasoned = members_of(with_campaign(n=40, signups="seasoned"))["signed_up_at"].to_pylist()
    assert np.median([tested - time.timestamp() for time in seasoned]) > 60 * 86_400


def test_a_naive_dispatcher_never_sleeps_and_persons_do(with_campaign):
    def night(timing):
        hostile = hostile_of(with_campaign(n=30, weekly=80.0, timing=timing, hostile_each=60))
        hour = pc.hour(hostile["occurred_at"]).to_numpy()
        own = slices(hostile.set_column(hostile.column_names.index("list_item"), "list_item", pa.array(hour)))
        # Share of each account's exchanges in its quietest third of the day.
        return np.mean([np.sort(np.bincount(hours, minlength=24))[:8].sum() / len(hours) for hours in own.values()])

    assert night("naive") > 0.1
    assert night("diurnal") < 0.05


def test_a_list_that_is_too_short_is_refused(with_campaign):
    with pytest.raises(UsageError, match="the list 'coding' holds"):
        with_campaign(n=60, weekly=200.0)


@pytest.mark.parametrize("knobs", [{"wrappers": 126}, {"share": 1.5}, {"payment_share": -0.1}, {"n": 0}])
def test_impossible_knobs_are_refused(knobs):
    with pytest.raises(UsageError):
        Campaign(**knobs)


def test_knobs_are_turned_with_replace(pools):
    scenario = SCENARIOS["one-each"]
    campaign = replace(scenario.campaigns[0], n=5)
    parts = tuple(campaign if isinstance(part, Campaign) else part for part in scenario.parts)
    world = simulate(replace(scenario, parts=parts, weekly_exchanges=5.0), seed=1, pools=pools)
    assert len(hostile_of(world)) == 5


def test_a_limited_request_is_sent_again_by_another_account_within_minutes(with_campaign):
    plain = hostile_of(with_campaign(share=0.5))
    world = with_campaign(share=0.5, limited_share=0.2)
    rows = collections.defaultdict(list)
    for row in hostile_of(world).select(["list_item", "occurred_at", "account_id", "http_status"]).to_pylist():
        rows[row["list_item"]].append(row)
    assert len(rows) == len(plain)
    again = [two for two in rows.values() if len(two) == 2]
    assert len(again) >= 0.15 * len(plain)
    for first, second in again:
        assert first["http_status"] == 429
        assert first["account_id"] != second["account_id"]
        assert 2 <= (second["occurred_at"] - first["occurred_at"]).total_seconds() < 3_600


def test_what_is_not_handed_on_is_limited_all_the_same(with_campaign):
    rows = hostile_of(with_campaign(share=0.5, limited_share=0.2, handed_on_share=0.0))
    assert len(set(rows["list_item"].to_pylist())) == len(rows)
    assert pc.sum(pc.equal(rows["http_status"], 429)).as_py() >= 0.2 * len(rows) - 1


def test_later_turns_extend_what_was_said_and_keep_the_item(with_campaign):
    plain, world = with_campaign(share=0.5), with_campaign(share=0.5, later_turns=3)
    talks = collections.defaultdict(list)
    for row in hostile_of(world).to_pylist():
        talks[row["conversation_id"]].append(row)
    assert len(talks) == len(hostile_of(plain))
    for turns in talks.values():
        assert len({(row["account_id"], row["list_item"]) for row in turns}) == 1
        assert turns[0]["conversation_prefix"] is None
        said = [json.loads(row["conversation_prefix"] or "[]") for row in turns]
        for before, after, row in zip(said, said[1:], turns[1:], strict=False):
            assert after[: len(before)] == before
            assert len(after) == len(before) + 2
            assert earlier_turns(row["conversation_prefix"])[0] == turns[0]["user_prompt"]
    assert max(map(len, talks.values())) == 4
