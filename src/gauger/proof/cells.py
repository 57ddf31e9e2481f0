"""What is scored: distinct (context, token) of a suspect's answers, each with a weight that no key has any part in.

Text repeats itself, above all templated text, and a repeated (context, token) has the same score each time: counted
again it is no new evidence, and p-values by formula become far too small (Fernandez et al., "Three bricks", 2023,
section 3.2; Sander et al., "Watermarking makes language models radioactive", 2024, section 4). So a cell counts once,
or its repeats are weighed against what the teacher would have said (`referenced_cells`). The test by other keys is
exact either way.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from gauger.errors import InputError

Ints = NDArray[np.int64]
Words = NDArray[np.uint32]
Floats = NDArray[np.float64]

_MAX_TOKEN: Final = 2**32 - 1
#: A weight this small for each visit is the rounding error of a sum that is zero.
_NO_WEIGHT: Final = 1e-15


@dataclass(frozen=True, slots=True)
class Reference:
    """What the unmarked teacher would have said at each position of an answer.

    Attributes
    ----------
    offsets
        int64[n_tokens + 1] into the rest; an empty stretch leaves the position out.
    tokens
        int64[m], candidates.
    probabilities
        float64[m], not negative. They need not sum to one: they are renormalised, so a teacher's top k suffices.
    """

    offsets: Ints
    tokens: Ints
    probabilities: Floats


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of a suspect, in tokens of the teacher's vocabulary.

    Attributes
    ----------
    tokens
        int64[n], in [0, 2^32).
    prompt
        int64[m], what the suspect was asked. What it repeats of it is not scored.
    reference
        The teacher's word on it, or None.
    """

    tokens: Ints
    prompt: Ints
    reference: Reference | None = None


@dataclass(frozen=True, slots=True)
class Cells:
    """Distinct (context, token) with their weights, grouped by context and sorted.

    Attributes
    ----------
    contexts
        uint32[n_contexts, width], the tokens before, oldest first.
    offsets
        int64[n_contexts + 1] into `tokens`.
    tokens
        uint32[n].
    weights
        float64[n].
    n_visits
        Positions of the answers that went in.
    """

    contexts: Words
    offsets: Ints
    tokens: Words
    weights: Floats
    n_visits: int

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def rows(self) -> Words:
        """uint32[n, width], the context of each cell."""
        return np.repeat(self.contexts, np.diff(self.offsets), axis=0)


@dataclass(frozen=True, slots=True)
class Visits:
    """Positions at which an answer is scored: int64[n, width + 1] tuples, the token last, and int64[n] places."""

    tuples: Ints
    places: Ints


def visits(answer: Answer, width: int) -> Visits:
    """Return the positions of an answer with a whole context inside the answer, less what the prompt said already.

    Raises
    ------
    InputError
        A token is negative or does not fit 32 bits.
    """
    _check(answer)
    said = _tuples(answer.tokens, width)
    fresh = ~_among(said, _tuples(answer.prompt, width))
    return Visits(said[fresh], np.flatnonzero(fresh) + width)


def plain_cells(answers: Sequence[Answer], width: int) -> Cells:
    """Return every (context, token) of the answers once, with the weight 1."""
    tuples = _stacked([visits(answer, width).tuples for answer in answers], width)
    contexts, which = _distinct(tuples[:, :-1])
    pairs = np.unique(_pairs(which, tuples[:, -1]))
    return _cells(contexts, pairs, np.ones(len(pairs)), len(tuples))


def referenced_cells(answers: Sequence[Answer], width: int) -> Cells:
    """Return what was said minus what the unmarked teacher would have said in the same place.

    The weight of (context, v) is the count of v minus the teacher's probabilities of v, over all visits to the context.
    The weights of a context sum to zero, so neither frequent contexts nor what the language prefers move the
    statistic: what is left is by how much the suspect departs from the teacher towards what a key prefers.
    Positions without a reference are left out. Source: our own; no publication.
    """
    compared = [_compared(visits(answer, width), answer.reference) for answer in answers if answer.reference]
    tuples = _stacked([one.tuples for one in compared], width)
    contexts, which = _distinct(tuples[:, :-1])
    sizes = np.concatenate([np.empty(0, np.int64), *(one.sizes for one in compared)])
    candidates = np.concatenate([np.empty(0, np.int64), *(one.candidates for one in compared)])
    shares = np.concatenate([np.empty(0), *(one.shares for one in compared)])
    said, expected = _pairs(which, tuples[:, -1]), _pairs(np.repeat(which, sizes), candidates)
    pairs, place = np.unique(np.concatenate((said, expected)), return_inverse=True)
    signed = np.concatenate((np.ones(len(said)), -shares))
    weights = np.bincount(place, signed, minlength=len(pairs)).astype(np.float64)
    kept = np.abs(weights) > _NO_WEIGHT * len(tuples)
    return _cells(contexts, pairs[kept], weights[kept], len(tuples))


@dataclass(frozen=True, slots=True)
class _Compared:
    """Visits that the teacher has a word on: tuples, and for each `sizes` candidates with shares that sum to one."""

    tuples: Ints
    sizes: Ints
    candidates: Ints
    shares: Floats


def _compared(found: Visits, reference: Reference) -> _Compared:
    starts, ends = reference.offsets[found.places], reference.offsets[found.places + 1]
    mass = np.concatenate(([0.0], np.cumsum(reference.probabilities)))
    known = mass[ends] > mass[starts]
    starts, sizes = starts[known], (ends - starts)[known]
    at = np.arange(sizes.sum()) + np.repeat(starts - np.cumsum(sizes) + sizes, sizes)
    shares = reference.probabilities[at] / np.repeat(mass[ends][known] - mass[starts], sizes)
    return _Compared(found.tuples[known], sizes, reference.tokens[at], shares)


def _tuples(tokens: Ints, width: int) -> Ints:
    """Return int64[n - width, width + 1], every run of width + 1 tokens."""
    if len(tokens) <= width:
        return np.empty((0, width + 1), np.int64)
    return sliding_window_view(tokens, width + 1)


def _among(rows: Ints, others: Ints) -> NDArray[np.bool_]:
    """Return bool[n], which rows are among the others."""
    if not len(rows) or not len(others):
        return np.zeros(len(rows), np.bool_)
    kind = np.dtype((np.void, rows.itemsize * rows.shape[1]))
    return np.isin(np.ascontiguousarray(rows).view(kind).ravel(), np.ascontiguousarray(others).view(kind).ravel())


def _stacked(parts: Sequence[Ints], width: int) -> Ints:
    return np.concatenate([np.empty((0, width + 1), np.int64), *parts])


def _distinct(contexts: Ints) -> tuple[Ints, Ints]:
    """Return the distinct rows, sorted, and for each row which of them it is."""
    distinct, which = np.unique(contexts, axis=0, return_inverse=True)
    return distinct, which.ravel()


def _pairs(context: Ints, token: Ints) -> NDArray[np.uint64]:
    """Return (number of the context, token) as one number, which sorts as the pair does."""
    return (context.astype(np.uint64) << np.uint64(32)) | token.astype(np.uint64)


def _cells(contexts: Ints, pairs: NDArray[np.uint64], weights: Floats, n_visits: int) -> Cells:
    """Return distinct sorted pairs as cells."""
    offsets = np.searchsorted(pairs, np.arange(len(contexts) + 1, dtype=np.uint64) << np.uint64(32))
    return Cells(
        contexts=np.ascontiguousarray(contexts, np.uint32),
        offsets=offsets.astype(np.int64),
        tokens=(pairs & np.uint64(_MAX_TOKEN)).astype(np.uint32),
        weights=weights,
        n_visits=n_visits,
    )


def _check(answer: Answer) -> None:
    for tokens in (answer.tokens, answer.prompt):
        if len(tokens) and not 0 <= tokens.min() <= tokens.max() <= _MAX_TOKEN:
            raise InputError("a token id is negative or has more than 32 bits", todo="give ids of one vocabulary")
    reference = answer.reference
    if reference is not None and len(reference.offsets) != len(answer.tokens) + 1:
        raise InputError(
            f"the teacher's word covers {len(reference.offsets) - 1} positions of an answer of {len(answer.tokens)}",
            todo="give one list of candidates, which may be empty, for each token of the answer",
        )
