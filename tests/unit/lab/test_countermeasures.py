"""What campaigns do against being found: every knob does what it says, and nothing else."""

import collections

import numpy as np
import pyarrow.compute as pc
import pytest

from gauger.errors import UsageError
from gauger.lab import Campaign, ChatPersons, Countermeasures, Scenario, simulate
from gauger.lab.dialogues import RETRY_TAILS

DAY_S = 86_400


@pytest.fixture(scope="module")
def sent(with_campaign, pools):
    """Hostile exchanges of a campaign with some countermeasures, as rows with what stands around the item."""

    def build(knobs=None, *, lists=("coding",), **others):
        world = with_campaign(
            **{"n": 12, "weekly": 30.0, "signups": "seasoned", **others},
            list_name=lists[0],
            more_lists=lists[1:],
            countermeasures=Countermeasures(**(knobs or {})),
        )
        texts = np.concatenate([pools.lists[name] for name in lists])
        hostile = pc.is_valid(world.truth_exchanges["list_item"])
        rows = world.exchanges.filter(hostile).to_pylist()
        begin = world.exchanges["occurred_at"][0].as_py().replace(hour=0, minute=0, second=0, microsecond=0)
        for row, item in zip(rows, world.truth_exchanges.filter(hostile)["list_item"].to_pylist(), strict=True):
            row["item"], row["text"] = item, texts[item]
            row["frame"] = row["user_prompt"].replace(texts[item], "\0")
            row["day"] = (row["occurred_at"] - begin).total_seconds() / DAY_S
        return rows

    return build


@pytest.mark.parametrize(("share", "low", "high"), [(0.0, 1, 1), (0.3, 20, 0.9), (1.0, 0.95, 1.0)])
def test_paraphrase_words_wrappings_anew(sent, share, low, high):
    rows = sent({"paraphrase": share, "languages": ("zh",)})
    frames = len({row["frame"] for row in rows})
    bounds = [limit * len(rows) if isinstance(limit, float) else limit for limit in (low, high)]
    assert bounds[0] <= frames <= bounds[1]
    assert all(row["text"] in row["user_prompt"] for row in rows)


def test_full_paraphrase_shares_few_sentences(sent):
    def most_common(share):
        rows = sent({"paraphrase": share})
        last = collections.Counter(row["frame"].split("\0")[1].strip() for row in rows)
        return last.most_common(1)[0][1] / len(rows)

    assert most_common(1.0) < 0.1 < 0.4 < most_common(0.5)


def test_wrappings_come_in_the_languages_asked_for(sent):
    rows = sent({"languages": ("en", "zh", "ja")})
    spoken = collections.Counter(
        "ja"
        if any("ぁ" <= c <= "ヶ" for c in row["frame"])
        else "zh"
        if any("一" <= c <= "鿿" for c in row["frame"])
        else "en"
        for row in rows
    )
    assert min(spoken.values()) > 0.2 * len(rows)
    assert len({row["frame"] for row in rows}) == 3


def test_lists_are_shuffled_together(sent, pools):
    rows = sent(lists=("reasoning", "zh_reasoning", "ja_reasoning"), wrappers=0)
    ends = np.cumsum([len(pools.lists[name]) for name in ("reasoning", "zh_reasoning", "ja_reasoning")])
    counts = np.bincount(np.searchsorted(ends, [row["item"] for row in rows], side="right"))
    assert counts.min() > 0.2 * len(rows)


def test_wrappings_take_turns(sent):
    rows = sent({"rotation_days": 1.0}, wrappers=20)
    by_day = collections.defaultdict(set)
    for row in rows:
        by_day[int(row["day"])].add(row["frame"])
    assert {len(frames) for frames in by_day.values()} == {1}
    assert len(set.union(*by_day.values())) == len(by_day) == 7


def test_accounts_may_keep_to_one_wrapping_each(sent):
    rows = sent({"own_wrapping": True}, wrappers=5)
    frames = collections.defaultdict(set)
    for row in rows:
        frames[row["account_id"]].add(row["frame"])
    assert {len(own) for own in frames.values()} == {1}
    assert len(set.union(*frames.values())) == 5


def test_retries_are_edited_and_follow_within_minutes(sent):
    rows = sent({"retry_share": 0.25})
    first = {}
    retries = []
    for row in sorted(rows, key=lambda row: (row["item"], row["user_prompt"])):
        if row["item"] in first:
            retries.append((first[row["item"]], row))
        first.setdefault(row["item"], row)
    assert len(retries) == round(0.25 * len(first))
    for source, again in retries:
        assert source["account_id"] == again["account_id"]
        assert again["user_prompt"].removeprefix(source["user_prompt"]) in RETRY_TAILS
        assert 8 <= (again["occurred_at"] - source["occurred_at"]).total_seconds() <= 181


def test_decoys_are_the_same_in_all_accounts_and_are_cover(with_campaign):
    plain, decoyed = (with_campaign(n=9, signups="seasoned", countermeasures=Countermeasures(decoys=k)) for k in (0, 3))
    assert len(decoyed.exchanges) - len(plain.exchanges) == 27
    cover = pc.and_(
        pc.is_null(decoyed.truth_exchanges["list_item"]), pc.equal(decoyed.truth_exchanges["class"], "campaign")
    )
    said = collections.defaultdict(set)
    for row in decoyed.exchanges.filter(cover).to_pylist():
        said[row["user_prompt"]].add(row["account_id"])
    assert sum(len(accounts) == 9 for accounts in said.values()) == 3


def test_a_poisoned_history_holds_a_part_of_the_list(sent):
    rows = sent({"poisoned_share": 0.1})
    early = [row for row in rows if row["day"] < 28]
    late = [row for row in rows if row["day"] >= 28]
    assert len(early) == round(0.1 * len(late))
    assert {row["frame"] for row in early} == {row["frame"] for row in late}
    assert not {row["item"] for row in early} & {row["item"] for row in late}


def test_fresh_accounts_cannot_poison():
    with pytest.raises(UsageError, match="seasoned"):
        Campaign(countermeasures=Countermeasures(poisoned_share=0.1))


@pytest.mark.parametrize("providers", [2, 5])
def test_the_list_is_spread_over_providers(sent, providers):
    all_here = sent({}, weekly=80.0)
    rows = sent({"providers": providers}, weekly=80.0)
    assert len(rows) / len(all_here) == pytest.approx(1 / providers, rel=0.25)
    assert len({row["item"] for row in rows}) == len(rows)


def test_rounds_bring_the_accounts_together(sent):
    def gap(timing, jitter_s=0.0):
        rows = sent(timing=timing, jitter_s=jitter_s, hostile_each=20)
        at = np.sort([row["occurred_at"].timestamp() for row in rows])
        return np.median(np.diff(at))

    assert gap("jittered") < 0.001
    assert 1 < gap("jittered", jitter_s=60.0) < 60
    assert gap("naive") > 300


def test_half_of_the_traffic_moves_to_the_new_model_within_a_day(pools):
    scenario = Scenario(
        name="pivot",
        parts=(ChatPersons(n=5), Campaign(name="pivot", n=40, pivot_share=0.5)),
        release_at=0.85,
    )
    world = simulate(scenario, seed=1, pools=pools)
    release = next(row["occurred_at"] for row in world.events.to_pylist() if row["kind"] == "model_release")
    assert (release - scenario.start).days >= 28
    models = {"before": [], "after": []}
    for row in world.exchanges.filter(pc.is_valid(world.truth_exchanges["list_item"])).to_pylist():
        hours = (row["occurred_at"] - release).total_seconds() / 3_600
        if hours < 0 or hours >= 24:
            models["before" if hours < 0 else "after"].append(row["request_model"] == "atlas-large-2")
    assert not any(models["before"])
    assert np.mean(models["after"]) == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize(
    "knobs",
    [
        {"paraphrase": 1.2},
        {"retry_share": -0.1},
        {"languages": ()},
        {"providers": 0},
        {"decoys": -1},
        {"rotation_days": 0},
    ],
)
def test_impossible_countermeasures_are_refused(knobs):
    with pytest.raises(UsageError):
        Countermeasures(**knobs)


def test_a_negative_jitter_is_refused():
    with pytest.raises(UsageError, match="jitter_s"):
        Campaign(jitter_s=-1.0)


def test_innocents_are_the_same_whatever_a_campaign_does(with_campaign):
    def innocents(**knobs):
        world = with_campaign(n=9, signups="seasoned", **knobs)
        return world.exchanges.filter(pc.equal(world.truth_exchanges["class"], "chat")).drop_columns(["source_row"])

    plain = innocents()
    evading = Countermeasures(
        paraphrase=0.5, languages=("ja",), rotation_days=2.0, retry_share=0.3, decoys=2, poisoned_share=0.2, providers=2
    )
    for knobs in ({"countermeasures": evading}, {"timing": "jittered", "pivot_share": 0.5, "one_client": True}):
        assert innocents(**knobs).combine_chunks().equals(plain.combine_chunks())


def test_all_countermeasures_together_are_seeded(with_campaign):
    evading = Countermeasures(paraphrase=0.5, languages=("zh", "en"), retry_share=0.3, decoys=2, poisoned_share=0.2)
    one, again = (with_campaign(n=9, signups="seasoned", countermeasures=evading) for _ in range(2))
    assert one.exchanges.equals(again.exchanges)
    assert one.truth_exchanges.equals(again.truth_exchanges)
