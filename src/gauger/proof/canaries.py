"""Canaries: choices that are nobody's business and that a secret makes for us, with a prompt that brings each one out.

A canary is a choice among options that are equally right: a name for a made-up engineer, where a list of the seasons
begins, how an answer ends. Facts are never chosen. The key picks one option of each canary; answers served to a
campaign follow the picks, and who trains on them inherits some. No access to a model's probabilities is needed.

Interaction marks after "Asking Back" (2026, arXiv 2605.16462); ours are picked by a key, so that a test can be exact.
"""

import hashlib
import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.resources import files
from typing import Final, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from gauger.errors import SettingsError
from gauger.exchanges.pseudonyms import derive_key

Counts = NDArray[np.int64]
Choices = NDArray[np.int64]
Look = Literal["first", "end"]

CATALOGUE_FILE: Final = "canaries.toml"
#: Where "end" looks: the last characters of an answer.
END_CHARACTERS: Final = 200
QUESTION: Final = "?"
_ID: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_CATALOGUE: Final = b"gauger/canary-catalogue/1\n"


class Canary(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One free choice.

    Attributes
    ----------
    id
        Its name; the secret's pick depends on it.
    kind
        name, pick, order, wording or ending: for the reader.
    when, say
        The instruction is "{when}, {say}", with the option for "{option}".
    options
        Two or more, all equally right.
    marks
        For each option the words that betray it, without regard to case; by default the option itself. "?" stands for
        an answer whose last character it is.
    look
        The option is that of the first mark in the answer, or of the last one at its end.
    swap
        The options are phrases that can stand for each other in any sentence: a text may be rewritten.
    probes
        Prompts that leave the choice to the model. None of them holds a mark.
    """

    id: str
    kind: Literal["name", "pick", "order", "wording", "ending"]
    when: str
    say: str
    options: list[str]
    probes: list[str]
    marks: list[list[str]] | None = None
    look: Look = "first"
    swap: bool = False

    @property
    def marks_by_option(self) -> list[list[str]]:
        """The marks of each option."""
        return [[option] for option in self.options] if self.marks is None else self.marks

    def instruction(self, option: int) -> str:
        """Return the sentence that tells a model to choose this option."""
        return f"{self.when}, {self.say.replace('{option}', self.options[option])}."


class Catalogue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The canaries that a key picks from."""

    canary: list[Canary]

    @property
    def digest(self) -> str:
        """What a plan commits to besides its key: SHA-256 of every word of the catalogue, in hexadecimal."""
        return hashlib.sha256(_CATALOGUE + msgspec.json.encode(self, order="sorted")).hexdigest()

    @property
    def sizes(self) -> Counts:
        """Options of each canary, int64[k]."""
        return np.array([len(one.options) for one in self.canary], np.int64)

    @property
    def probes(self) -> dict[str, str]:
        """Every probe by its id, "canary/number"."""
        return {f"{one.id}/{n}": text for one in self.canary for n, text in enumerate(one.probes, start=1)}


@lru_cache(maxsize=1)
def shipped_catalogue() -> Catalogue:
    """Return the catalogue that comes with the package. It is public: only the picks are secret."""
    return parse_catalogue((files("gauger.proof") / CATALOGUE_FILE).read_bytes(), where=CATALOGUE_FILE)


def parse_catalogue(content: bytes, *, where: str) -> Catalogue:
    """Read a catalogue in TOML.

    Raises
    ------
    SettingsError
        It is no TOML, has other fields, or a canary does not hold together.
    """
    try:
        found = msgspec.convert(tomllib.loads(content.decode()), Catalogue)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        reason = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
        raise _unfit(f"the catalogue cannot be read: {reason}", where) from None
    check_catalogue(found, where=where)
    return found


def check_catalogue(catalogue: Catalogue, *, where: str) -> None:
    """Refuse a catalogue whose canaries could not be told apart or would give themselves away.

    Raises
    ------
    SettingsError
        It does not hold together; the message says which canary and why.
    """
    if not catalogue.canary:
        raise _unfit("the catalogue holds no canary", where)
    ids = [one.id for one in catalogue.canary]
    for canary in catalogue.canary:
        fault = _fault(canary) or ("its id stands twice" if ids.count(canary.id) > 1 else None)
        if fault:
            raise _unfit(f"canary {canary.id!r}: {fault}", where)


def choices(key: bytes, catalogue: Catalogue) -> Choices:
    """Return the option that a key picks of each canary: int64[k], independent and uniform.

    A pick is 256 bits of HKDF-SHA-256 modulo the number of options: a bias below 2^-200.
    """
    drawn = (int.from_bytes(derive_key(key, f"canary/{one.id}"), "big") for one in catalogue.canary)
    return np.array([number % size for number, size in zip(drawn, catalogue.sizes.tolist(), strict=True)], np.int64)


def option_shown(canary: Canary, text: str) -> int | None:
    """Return the option that an answer shows, or None."""
    searched = text.rstrip()[-END_CHARACTERS:] if canary.look == "end" else text
    found = [
        (place, len(mark), option)
        for option, marks in enumerate(canary.marks_by_option)
        for mark in marks
        if (place := _place(mark, searched, last=canary.look == "end")) is not None
    ]
    if not found:
        return None
    # Of two marks at one place the longer one: "rose" does not stand for "rosemary tea".
    return max(found)[2] if canary.look == "end" else min(found, key=lambda one: (one[0], -one[1]))[2]


def options_shown(catalogue: Catalogue, answers: Mapping[str, Sequence[str]]) -> Counts:
    """Return how often each option is shown: int64[k, most options], by answers to each probe's id.

    Answers that show no option count nowhere; so do answers to other prompts.
    """
    counts = np.zeros((len(catalogue.canary), int(catalogue.sizes.max())), np.int64)
    for row, canary in enumerate(catalogue.canary):
        for number in range(1, len(canary.probes) + 1):
            for text in answers.get(f"{canary.id}/{number}", ()):
                if (option := option_shown(canary, text)) is not None:
                    counts[row, option] += 1
    return counts


def mark_pattern(mark: str) -> re.Pattern[str]:
    """Return what finds a mark as whole words."""
    before, after = (r"(?<!\w)" if mark[0].isalnum() else ""), (r"(?!\w)" if mark[-1].isalnum() else "")
    return re.compile(before + re.escape(mark) + after, re.IGNORECASE)


_pattern = lru_cache(maxsize=None)(mark_pattern)


def _place(mark: str, text: str, *, last: bool) -> int | None:
    if mark == QUESTION:
        return len(text) - 1 if text.endswith(QUESTION) else None
    places = [found.start() for found in _pattern(mark).finditer(text)]
    return (places[-1] if last else places[0]) if places else None


def _fault(canary: Canary) -> str | None:
    marks = canary.marks_by_option
    flat = [mark.casefold() for one in marks for mark in one]
    faults = {
        "its id is not made of small letters, digits and hyphens": not _ID.fullmatch(canary.id),
        "it needs two options or more": len(canary.options) < 2,
        "options and marks are not as many": len(marks) != len(canary.options),
        "an option has no mark, or an empty one": not all(marks) or not all(mark.strip() for mark in flat),
        "two options have the same mark": len(set(flat)) != len(flat),
        "there is no {option} in what it says": "{option}" not in canary.say,
        "it needs a probe": not canary.probes,
        "what can be swapped has no marks but its options, and is looked for first": canary.swap
        and (canary.marks is not None or canary.look != "first"),
        "a probe holds a mark": any(_is_in(probe, flat) for probe in canary.probes),
    }
    return next((fault for fault, found in faults.items() if found), None)


def _is_in(probe: str, marks: Sequence[str]) -> bool:
    return any(mark.strip() and mark != QUESTION and _pattern(mark).search(probe) for mark in marks)


def _unfit(fault: str, where: str) -> SettingsError:
    return SettingsError(fault, where=where, todo="see docs/how-to/canaries.md for what a catalogue holds")
