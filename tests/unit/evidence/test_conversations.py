"""One item for each conversation, whoever made up what was said before."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gauger.evidence.conversations import MIN_WORDS, Said, beginnings, descendants, speaking

HELLO, OTHER = 1, 2


def begun(rows, about=None, failed=None, times=None):
    """Return where the conversation of each (account, thread, extends) begins."""
    columns = np.array(rows, np.int64).reshape(-1, 3)
    n = len(columns)
    said = Said(
        account=columns[:, 0].astype(np.int32),
        occurred_at=np.arange(n) if times is None else np.array(times),
        thread=columns[:, 1],
        extends=columns[:, 2],
        projection=np.zeros((n, 64), np.int8) if about is None else np.array(about, np.int8),
        failed=np.zeros(n, np.bool_) if failed is None else np.array(failed, np.bool_),
    )
    return beginnings(said).tolist()


def by_hand(rows, failed):
    """Return the same, one exchange after another: from one of its own account, then from what nobody else said."""
    parent = {}
    for row, (account, _, extends) in enumerate(rows):
        free = [k for k in range(row) if k not in parent.values() and not failed[k]]
        own = [k for k in free if rows[k][:2] == (account, extends)]
        if extends and own:
            parent[row] = own[0]
    taken = set(parent.values())
    for row, (_, _, extends) in enumerate(rows):
        same = [k for k in range(len(rows)) if rows[k][1] == extends]
        is_free = len(same) == 1 and not failed[same[0]] and same[0] < row and same[0] not in taken
        if extends and row not in parent and is_free:
            parent[row] = same[0]
            taken.add(same[0])
    first = list(range(len(rows)))
    for row in range(len(rows)):
        first[row] = first[parent[row]] if row in parent else row
    return first


def test_turns_that_go_on_from_one_another_are_one_conversation():
    assert begun([(0, 10, 0), (0, 11, 10), (1, 10, 0), (0, 12, 11), (1, 11, 10)]) == [0, 0, 2, 0, 2]


def test_a_turn_that_was_made_up_begins_a_conversation():
    assert begun([(0, 20 + n, HELLO) for n in range(5)]) == list(range(5))


def test_one_greeting_is_gone_on_from_once():
    assert begun([(0, HELLO, 0), *((0, 20 + n, HELLO) for n in range(4))]) == [0, 0, 2, 3, 4]


def test_as_many_greetings_are_gone_on_from_as_were_sent():
    assert begun([(0, HELLO, 0), (0, HELLO, 0), *((0, 20 + n, HELLO) for n in range(3))]) == [0, 1, 0, 1, 4]


def test_what_comes_before_the_request_that_it_repeats_begins_a_conversation():
    assert begun([(0, 11, 10), (0, 10, 0)]) == [0, 1]


def test_one_that_goes_on_from_nothing_leaves_the_others_as_they_are():
    clean = [row for n in range(5) for row in [(0, HELLO, 0), (0, 20 + n, HELLO)]]
    assert begun(clean) == [0, 0, 2, 2, 4, 4, 6, 6, 8, 8]
    assert begun([(0, 19, HELLO), *clean]) == [0, 1, 1, 3, 3, 5, 5, 7, 7, 9, 9]


def test_a_request_that_was_turned_away_is_not_gone_on_from():
    assert begun([(0, HELLO, 0), (0, 20, HELLO)], failed=[True, False]) == [0, 1]
    assert begun([(0, HELLO, 0), (0, HELLO, 0), (0, 20, HELLO)], failed=[True, False, False]) == [0, 1, 1]


def test_turns_of_one_moment_go_on_whatever_their_order():
    assert begun([(0, 20, HELLO), (0, HELLO, 0)], times=[5, 5]) == [1, 1]


def test_a_conversation_goes_on_in_another_account_from_what_nobody_else_said():
    assert begun([(0, HELLO, 0), (1, 20, HELLO)]) == [0, 0]
    assert begun([(0, HELLO, 0), (1, HELLO, 0), (1, 20, HELLO), (0, 21, HELLO)]) == [0, 1, 1, 0]


def test_what_several_said_hides_nothing_of_another_account():
    assert begun([(0, HELLO, 0), (1, HELLO, 0), (2, 20, HELLO), (3, 21, HELLO)]) == [0, 1, 2, 3]


def test_one_greeting_of_any_account_is_gone_on_from_once():
    assert begun([(0, HELLO, 0), *((1 + n, 20 + n, HELLO) for n in range(3))]) == [0, 0, 2, 3]


def test_a_few_retries_of_a_turn_are_no_items_and_many_are():
    rng = np.random.default_rng(1)
    same, other = rng.integers(-60, 60, (2, 64))
    rows = [(0, HELLO, 0), *((0, 20 + n, HELLO) for n in range(5)), (0, 30, 21)]
    assert begun(rows, [other, *[same] * 5, other]) == [0, 0, 0, 0, 4, 5, 0]
    assert begun(rows, [other, same, other, other, same, same, other]) == [0, 0, 2, 3, 0, 0, 2]


def test_what_another_account_sends_again_is_no_retry():
    same = np.random.default_rng(1).integers(-60, 60, 64)
    assert begun([(0, HELLO, 0), (0, 20, HELLO), (1, 21, HELLO)], [same] * 3) == [0, 0, 2]


def test_no_rows_are_no_conversations():
    assert begun([]) == []


#: What each thread extends: hashes chain, so that no thread extends two, nor itself.
EXTENDS = {1: 0, 2: 0, 3: 1, 4: 1, 5: 3, 6: 2, 7: 9}
rows = st.lists(st.tuples(st.integers(0, 1), st.integers(1, 7)).map(lambda row: (*row, EXTENDS[row[1]])), max_size=14)


@given(rows, st.data())
def test_any_rows_are_told_apart_as_by_hand(rows, data):
    failed = data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows)))
    assert begun(rows, failed=failed) == by_hand(rows, failed)


@given(rows, st.data())
def test_each_conversation_speaks_through_its_first_turn_of_some_length(rows, data):
    first = np.array(begun(rows), np.int32)
    sizes = st.sampled_from([0, 1, MIN_WORDS - 1, MIN_WORDS, 99])
    n_words = np.array(data.draw(st.lists(sizes, min_size=len(rows), max_size=len(rows))), np.int64)
    assert speaking(first, n_words).tolist() == sorted(
        min(np.flatnonzero(first == one).tolist(), key=lambda row: (n_words[row] < MIN_WORDS, row))
        for one in set(first.tolist())
    )


@given(rows, st.data())
def test_descendants_are_what_goes_on_from_the_chosen(rows, data):
    columns = np.array(rows, np.int64).reshape(-1, 3)
    chosen = np.array(data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows))), np.bool_)
    reached = set(np.flatnonzero(chosen).tolist())
    while True:
        more = {
            k for k, (who, _, told) in enumerate(rows) if told and any((who, told) == rows[r][:2] for r in reached)
        } | reached
        if more == reached:
            break
        reached = more
    found = descendants(columns[:, 0].astype(np.int32), columns[:, 1], columns[:, 2], np.stack([chosen, ~chosen]))
    assert set(np.flatnonzero(found[0]).tolist()) == reached
