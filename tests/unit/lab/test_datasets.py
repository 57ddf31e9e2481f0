import numpy as np
import pytest

from gauger.errors import InputError
from gauger.lab import SCENARIOS, data_pools, simulate
from gauger.lab.datasets import conversations
from gauger.lab.pools import PART_ENDS


def request(at_ms, length, *blocks):
    return {"timestamp": at_ms, "input_length": length, "hash_ids": list(blocks)}


def test_requests_that_extend_one_another_are_one_conversation():
    turns, gaps = conversations(
        [
            request(0, 2_300, 0, 1, 2, 3, 4),
            request(1_000, 2_400, 0, 1, 2, 3, 9),  # goes on: all but the last block are those of the first
            request(61_000, 2_900, 0, 1, 2, 3, 9, 10),
            request(70_000, 2_200, 7, 1, 2, 3, 4),  # begins otherwise
            request(90_000, 400, 0),  # too short to tell
        ]
    )
    assert sorted(turns) == [1, 3]
    assert gaps.tolist() == [1.0, 60.0]


def test_a_shorter_request_is_a_new_conversation():
    turns, gaps = conversations([request(0, 2_300, 0, 1, 2, 3, 4), request(5_000, 2_200, 0, 1, 2, 3, 4)])
    assert turns.tolist() == [1, 1]
    assert len(gaps) == 0


def test_an_absent_folder_is_named(tmp_path):
    with pytest.raises(InputError, match="a data set is absent") as refused:
        data_pools(tmp_path)
    assert str(tmp_path) in str(refused.value)


@pytest.fixture(scope="module")
def real_pools(data_folder):
    return data_pools(data_folder)


@pytest.mark.data
def test_no_real_prompt_has_two_parts(real_pools):
    parts = {
        part: {text for own in (*real_pools.topics.values(), real_pools.code) for text in own.texts[part]}
        for part in PART_ENDS
    }
    assert sum(map(len, parts.values())) == len(set().union(*parts.values())) > 10_000


@pytest.mark.data
def test_no_campaign_item_is_asked_by_innocents(real_pools):
    innocent = {
        text
        for own in (*real_pools.topics.values(), real_pools.code, *real_pools.inputs.values())
        for shelf in (own.texts, own.reserve)
        for part in shelf.values()
        for text in part
    }
    assert len(real_pools.lists["tool_traces"]) > 7_000
    assert len(real_pools.lists["coding"]) > 4_000
    assert not any(innocent & set(texts) for texts in real_pools.lists.values())


@pytest.mark.data
def test_arrivals_come_from_the_traces(real_pools):
    arrivals = real_pools.arrivals
    assert len(arrivals.think_s) > 3_000
    assert 60 < np.median(arrivals.think_s) < 300
    assert (arrivals.turns == 1).mean() > 0.6
    assert arrivals.machine_gaps.mean() == pytest.approx(1.0, abs=0.05)
    assert len(arrivals.output_tokens) == 28_185


@pytest.mark.data
def test_a_world_of_real_prompts_is_seeded(real_pools):
    one, again = (simulate(SCENARIOS["one-each"], seed=5, pools=real_pools) for _ in range(2))
    assert one.exchanges.equals(again.exchanges)
    assert 80_000 < len(one.exchanges) < 120_000
