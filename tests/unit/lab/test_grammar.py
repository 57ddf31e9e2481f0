import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gauger.lab import grammar, grammar_pools


def test_the_built_in_pools_hold_thousands_of_distinct_prompts():
    pools = grammar_pools()
    sizes = {name: sum(map(len, own.texts.values())) for name, own in pools.topics.items()}
    assert sum(sizes.values()) > 40_000
    assert all(size > 3_000 for name, size in sizes.items() if ":" not in name)
    assert all(len(texts) == len(set(texts)) > 15_000 for texts in pools.lists.values())


def test_no_campaign_item_is_also_asked_by_innocents(pools):
    innocent = {text for own in (*pools.topics.values(), pools.code) for part in own.texts.values() for text in part}
    assert not any(innocent & set(texts) for texts in pools.lists.values())


def test_another_seed_gives_other_texts():
    one, other = (grammar_pools(seed, per_topic=50).lists["coding"] for seed in (0, 1))
    assert set(one) != set(other)


def test_a_slot_that_recurs_in_a_frame_is_filled_alike():
    made = grammar.sentences(["{a} and {a}"], {"a": ("x", "y", "z")}, 40, rng=np.random.default_rng(0))
    assert all(first == second for first, second in (text.split(" and ") for text in made))
    assert len(set(made)) == 3


def test_every_frame_has_words_for_its_slots(pools):
    texts = [text for own in (*pools.topics.values(), *pools.inputs.values()) for text in own.texts["history"]]
    assert not [text for text in texts if "{" in text or "%s" in text]


@given(st.integers(1, 125), st.integers(0, 5))
def test_wrappers_are_as_many_as_asked_for_and_distinct(n, seed):
    made = grammar.wrappers(n, rng=np.random.default_rng(seed))
    assert len(set(made)) == n


def test_all_wrappers_come_of_five_sentences_in_each_place():
    made = grammar.wrappers(125, rng=np.random.default_rng(4))
    assert len({before for before, _ in made}) == 25
    assert len({after for _, after in made}) == 5


def test_a_release_changes_whole_sentences_of_an_agent():
    before, after = grammar.agent_prompts("Kestrel", rng=np.random.default_rng(2))
    old, new = (set(prompt.split(". ")) for prompt in (before, after))
    assert len(old - new) == 6
    assert len(old & new) == 8


def test_viral_fills_are_distinct_around_one_frame():
    made = grammar.viral(60, rng=np.random.default_rng(0))
    assert len(set(made)) == 60
    head = min(map(len, made)) // 3
    tails = {text[-12:] for text in made}
    assert len(tails) == 1 or len({text[:head] for text in made}) == 1
