"""Dismissals and confirmations: recorded with who and why, taken back, listed."""

import json

import pytest


@pytest.fixture
def said(gauger, scanned):
    return lambda *arguments: gauger(*arguments, "--workspace", scanned.workspace)


def standing(said) -> list[tuple[str, str]]:
    rows = json.loads(said("decisions", "--json").out)
    return [(one["finding_id"], one["kind"]) for one in rows if one["stands"]]


def test_a_decision_stands_until_it_is_taken_back(said, scanned):
    assert said("dismiss", scanned.finding, "--reason", "a class", "--by", "anna").code == 0
    assert standing(said) == [(scanned.finding, "dismiss")]
    assert said("dismiss", scanned.finding, "--undo", "--by", "anna").code == 0
    assert standing(said) == []
    assert [one["kind"] for one in json.loads(said("decisions", "--json").out)] == ["dismiss", "undo"]


def test_the_later_decision_stands(said, scanned):
    said("dismiss", scanned.finding, "--reason", "a class")
    said("confirm", scanned.finding, "--reason", "it was no class")
    assert standing(said) == [(scanned.finding, "confirm")]


def test_the_list_shows_who_and_why_and_spells_out_control_characters(said, scanned):
    said("dismiss", scanned.finding, "--reason", "a\x1b[2Jclass", "--by", "anna")
    text = said("decisions").out
    assert "anna" in text
    assert "a<U+001B>[2Jclass" in text
    assert "\x1b" not in text


def test_without_decisions_the_list_says_so(said):
    assert said("decisions").out == "Nothing was decided yet.\n"


def test_by_default_the_user_decides(said, scanned, monkeypatch):
    monkeypatch.setenv("LOGNAME", "berta")
    said("confirm", scanned.finding, "--reason", "x")
    assert json.loads(said("decisions", "--json").out)[0]["by"] == "berta"


@pytest.mark.parametrize(
    ("arguments", "wrong"),
    [
        (["dismiss", "FINDING"], "needs a reason"),
        (["dismiss", "FINDING", "--reason", " "], "needs 'reason'"),
        (["dismiss", "c-aaaaaaaaaaaa", "--reason", "x"], "no scan of this workspace found it"),
        (["dismiss", "FINDING", "--undo"], "nothing was decided about it"),
    ],
)
def test_a_word_that_cannot_be_is_refused_and_nothing_is_recorded(arguments, wrong, said, scanned):
    shown = said(*[scanned.finding if one == "FINDING" else one for one in arguments])
    assert shown.code == 2
    assert wrong in shown.err
    assert standing(said) == []


def test_a_confirmation_is_not_taken_back_by_undoing_a_dismissal(said, scanned):
    said("confirm", scanned.finding, "--reason", "x")
    shown = said("dismiss", scanned.finding, "--undo")
    assert shown.code == 2
    assert "it is confirmed" in shown.err
    assert standing(said) == [(scanned.finding, "confirm")]
