"""What account peers ask of a log: which template an exchange looks like."""

import re

import pyarrow as pa

_WORD = re.compile(r"\w+")
OPENING_WORDS = 8


def openings(exchanges: pa.Table) -> list[str]:
    """Return the first words of each exchange's system prompt and user turn, as one crude template."""
    return [
        " ".join(_WORD.findall((system or "").lower())[:OPENING_WORDS])
        + " | "
        + " ".join(_WORD.findall((user or "").lower())[:OPENING_WORDS])
        for system, user in zip(*(exchanges[c].to_pylist() for c in ("system_prompt", "user_prompt")), strict=True)
    ]


def word_set(text: str | None) -> frozenset[str]:
    """Return the distinct words of a text."""
    return frozenset(_WORD.findall((text or "").lower()))
