"""What attackers write: wrappings worded anew for every request, and the techniques of a prober."""

from collections.abc import Sequence

import numpy as np

from gauger.errors import UsageError
from gauger.lab.attack_phrases import (
    LOOSE_WORDINGS,
    TECHNIQUE_GROUPS,
    TECHNIQUE_WORDS,
    WORDINGS,
    Language,
)
from gauger.lab.grammar import sentences
from gauger.lab.pools import Ints, Texts, as_texts


def reworded(
    variant: Ints, *, share: float, languages: Sequence[Language], rng: np.random.Generator
) -> tuple[Texts, Texts]:
    """Return the wrapping of each request as the text before its item and the text after it: object[n], object[n].

    Parameters
    ----------
    variant
        int64[n], which of the campaign's fixed wordings a request starts from.
    share
        Chance that a sentence is worded anew for the request, in other words and another order; half as likely the two
        sentences before the item change places.
    languages
        One is drawn for each request.
    rng
        Source of chance.
    """
    before, after = np.empty(len(variant), dtype=object), np.empty(len(variant), dtype=object)
    spoken = rng.integers(0, len(languages), len(variant))
    for number, language in enumerate(languages):
        rows = np.flatnonzero(spoken == number)
        before[rows], after[rows] = _wordings(variant[rows], language, share=share, rng=rng)
    return before, after


def _wordings(variant: Ints, language: Language, *, share: float, rng: np.random.Generator) -> tuple[Texts, Texts]:
    groups, words = WORDINGS[language]
    loose_groups, loose_words = LOOSE_WORDINGS[language]
    said = []
    for group, loose in zip(groups, loose_groups, strict=True):
        fixed = sentences(group, words, int(variant.max(initial=-1)) + 1, rng=rng)[variant]
        fresh = sentences(loose, loose_words, len(variant), rng=rng)
        fresh = np.array([text[:1].upper() + text[1:] for text in fresh], dtype=object)
        said.append(np.where(rng.random(len(variant)) < share, fresh, fixed).astype(object))
    role, demand, form = said
    swapped = rng.random(len(variant)) < share / 2
    space = " " if language == "en" else ""
    gap = np.full(len(variant), "\n\n", dtype=object)
    return np.where(swapped, demand + space + role, role + space + demand) + gap, gap + form


def techniques(n: int, *, rng: np.random.Generator) -> Texts:
    """Return n distinct tries to make a model tell its reasoning: object[n].

    Raises
    ------
    UsageError
        The grammar has fewer.
    """
    parts = [sentences(group, TECHNIQUE_WORDS, 2 * n, rng=rng) for group in TECHNIQUE_GROUPS]
    made = as_texts(" ".join(rows) for rows in zip(*parts, strict=True))[:n]
    if len(made) < n:
        raise UsageError(f"the grammar has fewer than {n} techniques", todo="ask for fewer tries")
    return made
