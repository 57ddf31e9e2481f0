"""The user's turns of a conversation, whatever stands in its place."""

import json

import pytest

from gauger.exchanges.turns import earlier_turns


def said(*messages):
    return earlier_turns(json.dumps(messages))


def message(role, content):
    return {"role": role, "content": content}


def test_messages_of_the_user_in_a_row_are_one_turn():
    assert said(message("user", "a"), message("user", "b"), message("assistant", "c"), message("user", "d")) == [
        "a\n\nb",
        "d",
    ]


def test_results_of_tools_speak_where_the_user_says_nothing():
    assert said(message("assistant", ""), message("tool", "found"), message("assistant", "x")) == ["found"]
    assert said(message("tool", "found"), message("user", "go on")) == ["go on"]


def test_answers_alone_are_no_turn():
    assert said(message("assistant", "Welcome.")) == []
    assert said() == []


@pytest.mark.parametrize(
    "prefix", ["user: what", "{}", "[1, 2]", "[[]]", "null", '"[]"', "[" * 5_000, '[{"role": "user", "content": "a"']
)
def test_what_is_no_list_of_messages_is_one_turn(prefix):
    assert earlier_turns(prefix) == [prefix]


@pytest.mark.parametrize(
    "strange",
    [
        {"role": ["user"], "content": "a"},
        {"content": {"text": "a"}},
        {"role": "user", "content": [None, 1, {"type": 3}, {"type": "text", "text": None}]},
        {"role": "user"},
        {},
        "a",
    ],
)
def test_strange_messages_are_read_as_far_as_they_can_be(strange):
    found = earlier_turns(json.dumps([strange]))
    assert len(found) <= 1
    assert all(isinstance(one, str) for one in found)


def test_lone_surrogates_do_no_harm():
    assert len(earlier_turns('[{"role": "user", "content": "\\ud800"}]')) == 1
