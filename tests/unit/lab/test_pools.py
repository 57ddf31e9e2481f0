import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gauger.errors import UsageError
from gauger.lab.pools import PART_ENDS, as_texts, shelf, split

texts = st.lists(st.text(min_size=1), max_size=60)


@given(texts)
def test_parts_are_disjoint_and_hold_every_text(found):
    kept = as_texts(found)
    parts = split(kept)
    assert set(parts) == set(PART_ENDS)
    assert sorted(text for part in parts.values() for text in part) == sorted(kept)


@given(texts, texts)
def test_a_text_has_one_part_whatever_stands_beside_it(found, others):
    alone, together = split(as_texts(found)), split(as_texts([*others, *found]))
    assert all(set(alone[part]) <= set(together[part]) for part in PART_ENDS)


def test_parts_have_their_declared_sizes():
    sizes = {part: len(found) / 20_000 for part, found in split(as_texts(map(str, range(20_000)))).items()}
    assert sizes == pytest.approx(
        {"history": 0.5, "tested": 0.25, "cover_history": 0.1, "cover_tested": 0.15}, abs=0.015
    )


def test_no_text_is_drawn_twice_while_the_reserve_lasts():
    own = shelf(map(str, range(100)), reserve=(f"made {number}" for number in range(900)))
    n = len(own.texts["tested"]) + len(own.reserve["tested"])
    drawn = own.draw("tested", n, rng=np.random.default_rng(0))
    assert len(drawn) == len(set(drawn)) == n


def test_the_reserve_is_opened_only_when_the_texts_are_used_up():
    own = shelf(map(str, range(100)), reserve=(f"made {number}" for number in range(900)))
    n = len(own.texts["history"])
    assert set(own.draw("history", n, rng=np.random.default_rng(0))) == set(own.texts["history"])


def test_only_the_reserve_goes_round():
    own = shelf(map(str, range(100)), reserve=(f"made {number}" for number in range(40)))
    drawn = own.draw("history", 500, rng=np.random.default_rng(0)).tolist()
    assert len(drawn) == 500
    assert all(drawn.count(text) == 1 for text in own.texts["history"])


def test_a_shelf_without_reserve_goes_round_itself():
    drawn = shelf(["one", "two", "three", "four", "five"]).draw("history", 500, rng=np.random.default_rng(0))
    assert len(drawn) == 500


def test_draw_of_an_empty_part_is_refused():
    with pytest.raises(UsageError, match="holds no text"):
        shelf([]).draw("tested", 1, rng=np.random.default_rng(0))


def test_an_unknown_list_is_refused_with_the_names_there_are(pools):
    with pytest.raises(UsageError, match="reasoning, tool_traces"):
        pools.named("lists", "poetry")
