"""Strings that came from a log, made safe to look at.

An account id is whatever its owner chose: it may hold terminal escapes, newlines that fake a line of the report, or
marks that turn the reading direction. Markup is escaped where markup is made; here only the eye is protected.
"""

import unicodedata

#: Controls, formats (bidirectional and zero-width marks), surrogates, private use, unassigned, line breaks.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})

MAX_SHOWN = 64


def visible(text: str) -> str:
    """Return the text with every character that does not show as itself written as `<U+202E>`."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(character) for character in text)


def shorten(text: str, size: int = MAX_SHOWN) -> str:
    """Return the text made visible, its middle replaced by an ellipsis where it has more than `size` characters."""
    if len(text) <= size:
        return visible(text)
    tail = size // 4
    head = size - tail - 3
    return f"{visible(text[:head])}...{visible(text[-tail:])}"


def cells(text: str) -> int:
    """Return how many columns of a terminal the text takes."""
    if text.isascii():
        return len(text)
    return sum(_cells(character) for character in text)


def _shown(character: str) -> str:
    category = unicodedata.category(character)
    # A no-break or ideographic space looks like a space and is none.
    if category in _HIDDEN or (category == "Zs" and character != " "):
        return f"<U+{ord(character):04X}>"
    return character


def _cells(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
