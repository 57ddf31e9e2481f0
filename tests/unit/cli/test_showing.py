"""Exhibits on the screen: marked, harmless and cut where they are long."""

import re

import pytest

from gauger.cli.exhibits import Exhibit, Exhibits
from gauger.cli.shared_words import shared_runs
from gauger.cli.showing import render_exhibits

FRAME = "Explain each single step in order for {} and then stop"


@pytest.fixture
def shown():
    """Render user turns, one an account; the last one is the innocent one."""

    def render(*turns: str, styled: bool = False, width: int = 80) -> str:
        exhibits = [
            Exhibit(f"acct-{n}", None, "2026-01-01T00:00:00Z", "a.jsonl", n, {"user_prompt": turn})
            for n, turn in enumerate(turns)
        ]
        shared = {
            part: shared_runs([(one.account_id, one.texts.get(part, "")) for one in exhibits[:-1]])
            for part in ("system_prompt", "tool_schema", "user_prompt")
        }
        return render_exhibits(
            Exhibits(tuple(exhibits[:-1]), shared, tuple(exhibits[-1:]), 0, 9), width=width, styled=styled
        )

    return render


def test_shared_words_stand_in_brackets_where_there_is_no_terminal(shown):
    text = shown(FRAME.format("tides"), FRAME.format("moons"), "please explain each single step of this")
    assert text.count("[Explain each single step in order for] tides [and then stop]") == 0
    assert text.count("[Explain each single step in order for]") == 2
    assert "please [explain each single step] of this" in text


def test_shared_words_are_bold_and_underlined_in_a_terminal(shown):
    text = shown(FRAME.format("tides"), FRAME.format("moons"), "other", styled=True)
    assert "\x1b[1;4mExplain each single step in order for\x1b[0m tides" in text
    assert "[Explain" not in text


def test_a_mark_is_closed_at_the_end_of_a_line_and_opened_on_the_next(shown):
    long = " ".join(f"word{n}" for n in range(40))
    lines = shown(long, long, "other", styled=True, width=60).splitlines()
    marked = [line for line in lines if "word" in line]
    assert len(marked) > 8
    for line in marked:
        assert line.count("\x1b[1;4m") == line.count("\x1b[0m") == 1
        assert line.endswith("\x1b[0m")


@pytest.mark.parametrize("evil", ["\x1b]0;owned\x07", "\x1b[2J", "\u202e", "\r", "\x9b31m", "\ue000", "\x00"])
def test_control_characters_of_a_prompt_are_spelt_out(evil, shown):
    text = shown(f"say {evil} now", FRAME.format("x"), f"{evil}")
    assert evil not in text
    assert f"<U+{ord(evil[0]):04X}>" in text


def test_line_breaks_are_kept_and_tabs_are_blanks(shown):
    text = shown("first\n\tsecond\r\nthird", "x", "y")
    assert re.search(r"first\n +second\n +third", text)


def test_a_long_text_is_cut_to_what_lies_around_the_shared_words(shown):
    frame = "explain each single step in order"
    long = "lorem " * 2_000 + frame + " ipsum" * 2_000
    text = shown(long, frame, "other")
    first = text.split("(2)")[0]
    assert f"[{frame}]" in first
    assert "characters) ..." in first
    assert len(first) < 1_200


def test_a_long_text_without_shared_words_shows_its_head(shown):
    text = shown("alpha " + "beta " * 2_000, "x", "y")
    assert "alpha" in text
    assert len(text.split("(2)")[0]) < 2_500
