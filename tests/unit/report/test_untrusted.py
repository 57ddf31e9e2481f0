import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gauger.report.untrusted import MAX_SHOWN, cells, shorten, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("acct-1", "acct-1"),
        ("客户-1", "客户-1"),
        ("a\u202eb", "a<U+202E>b"),
        ("a\u200bb", "a<U+200B>b"),
        ("a\x1b[31mb", "a<U+001B>[31mb"),
        ("a\nb", "a<U+000A>b"),
        ("a\u00a0b", "a<U+00A0>b"),
        ("\ud800", "<U+D800>"),
    ],
)
def test_what_hides_is_spelled_out(text, shown):
    assert visible(text) == shown


@given(st.text(st.characters()))
def test_visible_text_holds_no_hidden_character(text):
    assert not {unicodedata.category(character) for character in visible(text)} & {
        "Cc",
        "Cf",
        "Cs",
        "Co",
        "Cn",
        "Zl",
        "Zp",
    }


def test_long_text_keeps_head_and_tail():
    text = "tenant/" + "x" * 500 + "/key-9"
    shown = shorten(text)
    assert len(shown) == MAX_SHOWN
    assert shown.startswith("tenant/xxx")
    assert shown.endswith("xxx/key-9")
    assert "..." in shown


def test_wide_and_combining_characters_count_as_a_terminal_shows_them():
    assert cells("abc") == 3
    assert cells("客户") == 4
    assert cells("e\u0301") == 1
