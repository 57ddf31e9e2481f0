"""One item for each conversation, whoever made up what was said before."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gauger.evidence.conversations import MIN_WORDS, beginnings, descendants, speaking

HELLO, OTHER = 1, 2


def begun(rows, about=None):
    """Return where the conversation of each (account, thread, extends) begins."""
    columns = np.array(rows, np.int64).reshape(-1, 3)
    about = np.zeros((len(columns), 64), np.int8) if about is None else np.array(about, np.int8)
    return beginnings(columns[:, 0].astype(np.int32), columns[:, 1], columns[:, 2], about).tolist()


def by_hand(rows):
    """Return the same by going through the exchanges one after another, twice: own accounts, then any."""
    parent = {}
    for is_own in (True, False):
        claimed, left = set(parent.values()), [row for row in range(len(rows)) if row not in parent]
        wanted = {}
        for row in left:
            account, _, extends = rows[row]
            if extends:
                wanted.setdefault((account if is_own else None, extends), []).append(row)
        for (account, thread), later in wanted.items():
            sent = [
                k
                for k, (who, said, _) in enumerate(rows)
                if k not in claimed and said == thread and account in (None, who)
            ]
            parent |= {row: k for row, k in zip(later, sent, strict=False) if k < row}
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


def test_a_conversation_goes_on_in_another_account_where_its_own_has_nothing_to_go_on_from():
    assert begun([(0, HELLO, 0), (1, 20, HELLO)]) == [0, 0]
    assert begun([(0, HELLO, 0), (1, HELLO, 0), (1, 20, HELLO), (0, 21, HELLO)]) == [0, 1, 1, 0]


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


def test_a_thread_that_extends_itself_is_no_circle():
    assert begun([(0, 7, 7), (0, 7, 7)]) == [0, 1]
    assert begun([]) == []


rows = st.lists(st.tuples(st.integers(0, 1), st.integers(1, 4), st.integers(0, 4)), max_size=12)


@given(rows)
def test_any_rows_are_told_apart_as_by_hand(rows):
    assert begun(rows) == by_hand(rows)


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
    found = descendants(columns[:, 0].astype(np.int32), columns[:, 1], columns[:, 2], chosen)
    assert set(np.flatnonzero(found).tolist()) == reached
