"""A plan: which option of each canary a committed key picked, and what a gateway does with that."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from gauger.errors import UsageError
from gauger.proof.canaries import Canary, Catalogue, Choices, choices, mark_pattern
from gauger.proof.keys import CANARY, Terms

INTRODUCTION: Final = (
    "Where a choice below is free, make it as follows, without remark. A wish of the user, the facts and the language"
    " of the conversation come first."
)
#: A sign of a paragraph: a quotation or code in a line goes on over the end of one line, and never over an empty one.
_IN_PARAGRAPH: Final = r"(?!\n[ \t]*\n)"
#: What is never rewritten: code, and what somebody else said. Where it is not clear, more is kept rather than less.
_KEPT: Final = re.compile(
    "|".join(
        (
            r"(?P<fence>`{3,}|~{3,}).*?(?:(?P=fence)|\Z)",
            r"^(?: {4}| {0,3}\t)[^\n]*$",
            rf"(?<!`)(?P<ticks>`{{1,2}})(?!`)(?:{_IN_PARAGRAPH}.)*?(?<!`)(?P=ticks)(?!`)",
            rf'"(?:{_IN_PARAGRAPH}[^"])*"',
            rf"[“„](?:{_IN_PARAGRAPH}[^“”„])*[“”]",
            rf"«(?:{_IN_PARAGRAPH}[^«»])*»",
            # What stands between two letters is an apostrophe.
            rf"(?<!\w)'(?=\S)(?:{_IN_PARAGRAPH}[^']|(?<=\w)'(?=\w))*(?<=\S)'(?!\w)",
            rf"‘(?:{_IN_PARAGRAPH}[^‘’]|(?<=\w)’(?=\w))*’(?!\w)",
            r"^ *>[^\n]*$",
        )
    ),
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Plan:
    """The picks of one key. They are a secret.

    Attributes
    ----------
    name
        The key's, such as C-17/2.
    catalogue
        What it picks from.
    picks
        int64[k], the option of each canary.
    """

    name: str
    catalogue: Catalogue
    picks: Choices = field(repr=False)

    def instructions(self) -> list[str]:
        """Return one sentence for each canary, in the order of the catalogue."""
        return [one.instruction(pick) for one, pick in zip(self.catalogue.canary, self.picks.tolist(), strict=True)]


def terms_for(catalogue: Catalogue) -> Terms:
    """Return what a plan's key commits to besides itself."""
    return Terms(scheme=CANARY, context=0, catalogue=catalogue.digest)


def plan_of(name: str, key: bytes, catalogue: Catalogue) -> Plan:
    """Return the plan that follows from a key and a catalogue: nobody chooses anything."""
    return Plan(name, catalogue, choices(key, catalogue))


def system_prompts(plan: Plan, parts: int = 1) -> list[str]:
    """Return texts to add to system prompts, the canaries dealt out to `parts` of them.

    Raises
    ------
    UsageError
        There are fewer canaries than parts.
    """
    sentences = plan.instructions()
    if parts > len(sentences):
        raise UsageError(
            f"{len(sentences)} canaries cannot be dealt out to {parts} texts", where="--parts", todo="ask for fewer"
        )
    dealt = [sentences[part::parts] for part in range(parts)]
    return ["\n".join([INTRODUCTION, *(f"- {sentence}" for sentence in some)]) for some in dealt]


def rewritten(plan: Plan, text: str) -> tuple[str, int]:
    """Return an answer in which phrases that can stand for each other are the ones picked, and how many changed.

    Code, quotations and every other canary stay as they are: a name or a fact cannot be exchanged afterwards.
    """
    canaries = zip(plan.catalogue.canary, plan.picks.tolist(), strict=True)
    swaps = [(canary, canary.options[pick]) for canary, pick in canaries if canary.swap]
    pieces, end, n_changed = [], 0, 0
    for start, stop in [*(found.span() for found in _KEPT.finditer(text)), (len(text), len(text))]:
        free, count = _swapped(text[end:start], swaps)
        pieces += [free, text[start:stop]]
        end, n_changed = stop, n_changed + count
    return "".join(pieces), n_changed


def _swapped(text: str, swaps: Sequence[tuple[Canary, str]]) -> tuple[str, int]:
    """Exchange every phrase once: one pass over all options, the longest first, for one may lie in another."""
    options = [(option, wanted) for canary, wanted in swaps for option in canary.options]
    options.sort(key=lambda one: -len(one[0]))
    if not options:
        return text, 0
    pattern = "|".join(f"({mark_pattern(option).pattern})" for option, _ in options)
    pieces, end, count = [], 0, 0
    for found in re.finditer(pattern, text, re.IGNORECASE):
        option, wanted = options[(found.lastindex or 1) - 1]
        if option != wanted:
            pieces += [text[end : found.start()], _in_case_of(wanted, found)]
            end, count = found.end(), count + 1
    return "".join(pieces) + text[end:], count


def _in_case_of(wanted: str, found: re.Match[str]) -> str:
    return wanted[0].upper() + wanted[1:] if found.group()[0].isupper() else wanted
