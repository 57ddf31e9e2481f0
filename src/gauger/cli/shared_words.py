"""Which words of several texts are the same: runs of four words that texts of two accounts share.

Words are those of the sketch, near enough for the eye: runs of letters and numbers, and every Han, kana or hangul
character by itself; case and compatibility forms do not count.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

#: Words of a run, as in the sketch (`SketchSettings.shingle_words`).
RUN_WORDS: Final = 4

_ALONE: Final = r"\u1100-\u11ff\u3040-\u30ff\u3130-\u318f\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff"
_WORD: Final = re.compile(rf"[{_ALONE}]|[^\W_{_ALONE}]+")

Run = tuple[str, ...]


class Stretch(NamedTuple):
    """Characters from `start` to just before `end`."""

    start: int
    end: int


class _Word(NamedTuple):
    text: str
    start: int
    end: int


def runs_of(text: str) -> set[Run]:
    """Return every run of four words of a text."""
    return {run for _, run in _runs(_words(text))}


def shared_runs(texts: Iterable[tuple[str, str]]) -> frozenset[Run]:
    """Return the runs that stand in texts of two accounts or more.

    Parameters
    ----------
    texts
        Account and text.
    """
    holders: dict[Run, set[str]] = {}
    for account, text in texts:
        for run in runs_of(text):
            holders.setdefault(run, set()).add(account)
    return frozenset(run for run, accounts in holders.items() if len(accounts) > 1)


def shared_stretches(text: str, shared: frozenset[Run]) -> list[Stretch]:
    """Return the stretches of a text that shared runs cover, in order; words side by side are one stretch."""
    words = _words(text)
    is_shared = [False] * len(words)
    for index, run in _runs(words):
        if run in shared:
            is_shared[index : index + RUN_WORDS] = [True] * RUN_WORDS
    found: list[Stretch] = []
    for index, word in enumerate(words):
        if not is_shared[index]:
            continue
        if found and index and is_shared[index - 1]:
            found[-1] = Stretch(found[-1].start, word.end)
        else:
            found.append(Stretch(word.start, word.end))
    return found


def _words(text: str) -> list[_Word]:
    return [
        _Word(unicodedata.normalize("NFKC", found[0]).casefold(), found.start(), found.end())
        for found in _WORD.finditer(text)
    ]


def _runs(words: Sequence[_Word]) -> Iterator[tuple[int, Run]]:
    for index in range(len(words) - RUN_WORDS + 1):
        yield index, tuple(word.text for word in words[index : index + RUN_WORDS])
