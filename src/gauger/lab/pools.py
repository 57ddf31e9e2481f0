"""Pools: the texts and arrival times that worlds are made of.

A text is put into one part, once, by a hash of the text itself. Innocents draw from *history* or *tested* by the time
of the exchange, accounts of a campaign draw their cover from *cover_history* or *cover_tested*, and campaign lists are
kept apart. So no text stands in both history and the tested stretch but an account's own repetition or a part that is
declared popular (an evaluation suite, a fixed prompt), and a detector cannot know a text from elsewhere.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from gauger.errors import UsageError

Texts = NDArray[np.object_]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Part = Literal["history", "tested", "cover_history", "cover_tested"]

#: An absent text, for `numpy.where`.
NOTHING: Final = np.array(None, dtype=object)

#: Upper ends of the parts on the unit interval of the hash: half, a quarter, a tenth, the rest.
PART_ENDS: Final[Mapping[Part, float]] = {"history": 0.50, "tested": 0.75, "cover_history": 0.85, "cover_tested": 1.0}


def as_texts(values: Iterable[str]) -> Texts:
    """Return distinct texts that are not blank, in order of first occurrence: object[n]."""
    kept = [text for text in dict.fromkeys(values) if text.strip()]
    return np.array(kept, dtype=object) if kept else np.empty(0, dtype=object)


def place(text: str) -> float:
    """Return where a text stands on the unit interval: a fixed hash, so a text has one part in every world."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=6).digest(), "big") / 2**48


def split(texts: Texts) -> dict[Part, Texts]:
    """Return the texts of each part; the parts are disjoint and together hold every text."""
    places = np.array([place(text) for text in texts], dtype=np.float64)
    part = np.searchsorted(np.array(list(PART_ENDS.values())), places, side="right")
    return {name: texts[part == number] for number, name in enumerate(PART_ENDS)}


@dataclass(frozen=True, slots=True)
class Shelf:
    """The texts of one topic by part, and a reserve that is opened when each text was drawn once.

    With few texts and many persons, texts that came again and again would stand in many accounts, each time with the
    account's own words around them, and look like what a campaign sends.
    """

    texts: Mapping[Part, Texts]
    reserve: Mapping[Part, Texts]

    def draw(self, part: Part, n: int, *, rng: np.random.Generator, turn: int = 0, turns: int = 1) -> Texts:
        """Return n texts of a part in random order: object[n].

        No text comes twice while the reserve lasts; then the reserve goes round. A shelf without reserve goes round
        itself. Of every `turns` texts only the one whose turn it is is drawn, so that draws of other turns share none.

        Raises
        ------
        UsageError
            The part holds no text.
        """
        first, reserve = self.texts[part][turn::turns], self.reserve[part][turn::turns]
        if len(first) + len(reserve) == 0:
            raise UsageError("a shelf of the pools holds no text", where=part, todo="give pools with more texts")
        drawn = [rng.permutation(first)[:n]]
        missing = n - len(drawn[0])
        again = reserve if len(reserve) else first
        while missing > 0:
            drawn.append(rng.permutation(again)[:missing])
            missing -= len(drawn[-1])
        return rng.permutation(np.concatenate(drawn))


def shelf(texts: Iterable[str], *, reserve: Iterable[str] = ()) -> Shelf:
    """Return a shelf of texts, split into parts; a text of the reserve that is also among the texts is left out."""
    first = as_texts(texts)
    known = set(first)
    return Shelf(split(first), split(as_texts(text for text in reserve if text not in known)))


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What is resampled to say when the next request comes.

    Attributes
    ----------
    turns
        int64[k], exchanges of one conversation, at least 1.
    think_s
        float64[k], seconds between two turns of a conversation.
    machine_gaps
        float64[k], gaps between requests that programs send, as multiples of their mean.
    output_tokens
        int64[k], tokens of an answer.
    """

    turns: Ints
    think_s: Floats
    machine_gaps: Floats
    output_tokens: Ints


@dataclass(frozen=True, slots=True)
class Pools:
    """Everything that worlds draw from. One `Pools` serves any number of worlds.

    Attributes
    ----------
    topics
        What persons ask, by topic. A topic whose name begins with a language and a colon ("zh:daily") is asked by
        persons of that language alone.
    code
        What developers ask about their project.
    inputs
        End users' words for single-template applications, by line of business.
    follow_ups
        Later turns of a conversation.
    answers
        object[k], answers of the model: short stand-ins, nothing reads them but the sketch's caller.
    lists
        What campaigns ask, by name: object[k] of distinct texts, in no other pool.
    suites
        Items of evaluation suites, by name: object[k].
    arrivals
        When requests come.
    """

    topics: Mapping[str, Shelf]
    code: Shelf
    inputs: Mapping[str, Shelf]
    follow_ups: Shelf
    answers: Texts
    lists: Mapping[str, Texts]
    suites: Mapping[str, Texts]
    arrivals: Arrivals

    def named(self, kind: Literal["lists", "suites"], name: str) -> Texts:
        """Return a list or a suite by name.

        Raises
        ------
        UsageError
            There is none of that name.
        """
        found: Mapping[str, Any] = getattr(self, kind)
        if name not in found:
            raise UsageError(
                f"the pools hold no {kind[:-1]} {name!r}", todo=f"choose one of {', '.join(sorted(found))}"
            )
        texts: Texts = found[name]
        return texts
