"""Shared words: runs of four that texts of two accounts hold."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from gauger.cli.shared_words import RUN_WORDS, runs_of, shared_runs, shared_stretches

FRAME = "Explain each step in order: {}, then stop there."


def marked(text: str, *others: str) -> list[str]:
    shared = shared_runs([(f"account-{n}", one) for n, one in enumerate((text, *others))])
    return [text[start:end] for start, end in shared_stretches(text, shared)]


def test_the_frame_is_marked_and_the_fill_is_not():
    text = FRAME.format("how do tides work, roughly")
    assert marked(text, FRAME.format("why is the sky so blue")) == ["Explain each step in order"]


def test_a_run_of_three_words_is_not_enough():
    assert marked("one two three four", "one two three five") == []


def test_two_texts_of_one_account_share_nothing():
    assert shared_runs([("a", "one two three four"), ("a", "one two three four")]) == frozenset()


def test_case_punctuation_and_compatibility_forms_do_not_count():
    assert marked("Ｔｈｅ—quick, BROWN_fox!", "the quick brown fox") == ["Ｔｈｅ—quick, BROWN_fox"]


def test_han_characters_are_words_by_themselves():
    assert marked("请一步一步解释这道题：光合作用", "请一步一步解释这道题：黑洞") == ["请一步一步解释这道题"]
    assert marked("abc光合作用", "光合作用xyz") == ["光合作用"]


@given(st.text(), st.text())
def test_marks_lie_in_the_text_in_order_and_cover_whole_runs(left, right):
    shared = shared_runs([("a", left), ("b", right)])
    assert shared == runs_of(left) & runs_of(right)
    stretches = shared_stretches(left, shared)
    assert bool(stretches) == bool(shared)
    for before, after in pairwise(stretches):
        assert before.end <= after.start
    for start, end in stretches:
        assert 0 <= start < end <= len(left)
        assert len(left[start:end]) >= RUN_WORDS


@given(st.text())
def test_a_text_shares_all_its_runs_with_itself(text):
    shared = shared_runs([("a", text), ("b", text)])
    assert shared == runs_of(text)
