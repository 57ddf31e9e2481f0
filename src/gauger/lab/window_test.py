"""Does a stream of queries hold others than the benign ones? One p-value, valid by construction.

The question is that of arXiv 2606.05725, which compares the maximum mean discrepancy of one embedding with the
threshold of another statistic. Here many statistics are taken of a window: mean shifts in several spaces and kernel
widths (the idea of MMDAgg, Schrab et al. 2023, and MMD-FUSE, Biggs et al. 2023), how many single texts are outlying
(Donoho and Jin 2004), and what texts of the window share that the benign never held. The whole procedure, its fusion
included, is calibrated at once:

1. Benign texts are split once, at random: *reference*, on which spaces are fitted, and *comparison*.
2. The stream's window and the comparison windows get the same statistics. What these estimate besides (means,
   covariances, ranks) is of all their texts together, blind to which window is the stream's.
3. The statistics are put on one scale and fused by a function that treats all windows alike.
4. p = (1 + comparison windows that score as high) / (1 + comparison windows).

If the windows are exchangeable the rank of the stream's is uniform whatever the statistics are worth (Vovk, Gammerman
and Shafer 2005): P(p <= a) <= a, and no p lies below 1 / (1 + comparison windows). What is exchangeable is for the
reader to say (`Exchangeable`).

Deviations: MMDAgg weighs its kernels by quantiles of each, and MMD-FUSE by a soft maximum; here squares of the positive
parts are added, which lost least on the development pairs of `benchmarks.windows`. Outlying texts are counted by the
Berk-Jones statistic, of which higher criticism is the heavy-tailed relative.
"""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from scipy import sparse
from scipy.special import ndtri

from gauger.errors import UsageError
from gauger.lab.pools import Floats, Ints, Texts
from gauger.lab.representations import OUTLYING, Look, fit_lens, fit_whitening

#: "windows": stretches of consecutive queries are, so comparison windows are disjoint stretches of the benign file.
#: "texts": single queries are, so comparison windows are drawn from the comparison texts and the window together (a
#: permutation test); false where queries come in sessions, bursts or retries.
Exchangeable = Literal["windows", "texts"]

#: Share of the benign texts that spaces are fitted on; the others compare.
FITTED: Final = 0.3

#: Fewer fitted texts than this give no directions worth the name.
LEAST_FITTED: Final = 50

#: Comparison windows that are drawn where texts are exchangeable.
N_DRAWN: Final = 999

#: Levels at which outlying texts are counted.
LEVELS: Final = np.geomspace(1e-3, 0.5, 16)

#: The mean shifts: a space, and whether it is whitened or only centred. "habit" is surface and outlyingness together.
SHIFTS: Final = (
    ("words", False),
    ("characters", False),
    ("word kernels", False),
    ("character kernels", False),
    ("habit", True),
    ("habit", False),
    ("outlyingness", True),
)
#: The scores whose outlying texts are counted; "together" is the mean of all log p-values of a text.
COUNTED: Final = ("rare words", "rare characters", "odd surface", "together")

STATISTICS: Final = (
    *(f"shift in {space}{' (whitened)' if is_whitened else ''}" for space, is_whitened in SHIFTS),
    *(f"outlying texts: {score}" for score in COUNTED),
    "novel shingles in common",
)

#: How many times faster a dense product is than a sparse one, a number of it.
DENSE: Final = 20

#: A statistic that spreads less than this over the windows is all but constant (each is stabilised: the others
#: spread by 0.2 to 1).
LEAST_SPREAD: Final = 0.1


@dataclass(frozen=True, slots=True)
class Marks:
    """What the statistics need of m texts: all of it is added up over a window.

    Attributes
    ----------
    places
        For each of `SHIFTS` float64[m, d], of mean zero and mean variance one.
    below
        float64[m, len(COUNTED) * len(LEVELS)]: 1 where the text's p-value is at most the level.
    novel
        csr[m, b]: 1 where the text holds a shingle that no fitted text holds and another of the m texts does.
    """

    places: tuple[Floats, ...]
    below: Floats
    novel: sparse.csr_array

    def __len__(self) -> int:
        return len(self.below)


def marks(look: Look) -> Marks:
    """Return the marks of texts among each other.

    Means, covariances and ranks are of all m texts, the window's and those it is compared with, blind to which is
    which. That leaves the windows exchangeable, needs no texts of its own, and spares the error of a reference's mean.
    """
    p = _p_values(np.column_stack([look.outlying, -np.log(_p_values(look.outlying)).mean(axis=1)]))
    spaces = _spaces(look, p)
    counted = [(*OUTLYING, "together").index(score) for score in COUNTED]
    return Marks(
        tuple(_whitened(spaces[space]) if whiten else _centred(spaces[space]) for space, whiten in SHIFTS),
        (p[:, counted, None] <= LEVELS).reshape(len(p), -1).astype(np.float64),
        _held_twice(look.novel),
    )


def _p_values(scores: Floats) -> Floats:
    """Return the share of the texts whose score is as high, by column: float64 of the same shape."""
    order = np.sort(scores, axis=0)
    lower = [np.searchsorted(own, column, side="left") for own, column in zip(order.T, scores.T, strict=True)]
    return 1.0 - np.column_stack(lower) / len(scores)


def _whitened(rows: Floats) -> Floats:
    return fit_whitening(rows)(rows)


def _centred(rows: Floats) -> Floats:
    spread = np.sqrt(rows.var(axis=0).mean()) if rows.size else 1.0
    return (rows - rows.mean(axis=0)) / max(float(spread), 1e-9)


def _spaces(look: Look, p: Floats) -> dict[str, Floats]:
    # Half a step off the p-value keeps its normal score finite at 1.
    outlyingness = -ndtri(p[:, : len(OUTLYING)] - 0.5 / len(p))
    return {
        "words": look.words,
        "characters": look.characters,
        "word kernels": look.word_kernels,
        "character kernels": look.character_kernels,
        "habit": np.hstack([look.surface, outlyingness]),
        "outlyingness": outlyingness,
    }


def _held_twice(shingles: sparse.csr_array) -> sparse.csr_array:
    """Return the shingles without those of one text alone, which are most and make no pair in any window."""
    holders = np.bincount(shingles.indices, minlength=shingles.shape[1])
    return shingles[:, np.flatnonzero(holders > 1)]


def statistics(marked: Marks, windows: Ints) -> Floats:
    """Return the statistics of windows, larger where they are less like the reference: float64[w, len(STATISTICS)].

    Parameters
    ----------
    windows
        int64[w, n]: the places in `marked` of each window's texts.
    """
    n_windows, n = windows.shape
    chosen = sparse.csr_array(
        (np.ones(windows.size), windows.ravel(), np.arange(n_windows + 1) * n), shape=(n_windows, len(marked))
    )
    # A dense product is the faster one where windows hold more than a few percent of the texts.
    summed = chosen.toarray() if n * DENSE > len(marked) else chosen
    # The cube root makes a weighted sum of chi-squares nearly normal (Wilson and Hilferty 1931).
    shifts = [np.cbrt(((summed @ places) ** 2).sum(axis=1) / n) for places in marked.places]
    shares = (summed @ marked.below).reshape(n_windows, len(COUNTED), len(LEVELS)) / n
    return np.column_stack([*shifts, _berk_jones(shares, n), _pairs_in_common(chosen @ marked.novel)])


def _berk_jones(shares: Floats, n: int) -> Floats:
    """Return the largest signed root of the likelihood ratio that more than a level's share of texts lies below it."""
    more = np.clip(shares, LEVELS, 1.0)
    ratio = more * np.log(more / LEVELS)
    rest = np.where(more < 1.0, (1.0 - more) * np.log((1.0 - np.minimum(more, 1 - 1e-12)) / (1.0 - LEVELS)), 0.0)
    return np.sqrt(2.0 * n * np.maximum(ratio + rest, 0.0).max(axis=-1))


def _pairs_in_common(counts: sparse.csr_array) -> Floats:
    """Return the logarithm of how many pairs of a window's texts share a novel shingle, over all shingles."""
    counts.data = counts.data * (counts.data - 1.0) / 2.0
    return np.log1p(np.asarray(counts.sum(axis=1), dtype=np.float64))


def on_one_scale(values: Floats, among: Floats) -> Floats:
    """Return statistics in units of their upper spread over the windows `among`: float64[w, k]."""
    centre = np.median(among, axis=0)
    spread = (np.quantile(among, 0.9, axis=0) - centre) / ndtri(0.9)
    return (values - centre) / np.maximum(spread, LEAST_SPREAD)


def fused(scaled: Floats) -> Floats:
    """Return the root of the sum of squares of the positive parts: float64[w]."""
    return np.sqrt((np.maximum(scaled, 0.0) ** 2).sum(axis=1))


@dataclass(frozen=True, slots=True)
class WindowTest:
    """The answer, and what it rests on.

    Attributes
    ----------
    p_value
        Of the least likely window, times the number of windows (Bonferroni), at most 1.
    target
        The share of benign streams that may raise an alarm.
    size
        Queries of a window.
    n_windows
        Windows of the stream that were tested.
    n_comparisons
        Comparison windows of each.
    n_fitted
        Benign queries that were fitted on; no comparison window holds one of them.
    exchangeable
        What was taken to be exchangeable.
    loudest
        Names of the statistics of that window that stand out most, with how many spreads they do; no verdict of
        their own.
    """

    p_value: float
    target: float
    size: int
    n_windows: int
    n_comparisons: int
    n_fitted: int
    exchangeable: Exchangeable
    loudest: tuple[tuple[str, float], ...]

    @property
    def floor(self) -> float:
        """The smallest p-value that there could have been."""
        return min(1.0, 1.0 / (self.n_comparisons + 1) * self.n_windows)

    @property
    def certifies(self) -> bool:
        """Whether an alarm was possible at the target."""
        return self.floor <= self.target

    @property
    def alarm(self) -> bool:
        """Whether the stream is told apart from the benign queries at the target."""
        return self.p_value <= self.target


def window_test(
    benign: Texts,
    stream: Texts,
    *,
    rng: np.random.Generator,
    size: int | None = None,
    target: float = 0.05,
    exchangeable: Exchangeable = "windows",
    n_drawn: int = N_DRAWN,
) -> WindowTest:
    """Return whether a stream holds queries unlike the benign ones.

    Parameters
    ----------
    benign
        object[m]: queries that are known to be innocent, in the order in which they came.
    stream
        object[n]: the queries in question, in the order in which they came.
    rng
        Splits the benign queries and draws kernels and windows.
    size
        Queries of a window; the whole stream is one by default. Of a longer stream consecutive windows are tested, and
        what is left over is not.
    target
        The share of benign streams that may raise an alarm.
    exchangeable
        What is exchangeable under the null.
    n_drawn
        Comparison windows that are drawn where texts are.

    Raises
    ------
    UsageError
        The stream is shorter than a window, or the benign queries are too few to be split.
    """
    size = len(stream) if size is None else size
    if not 0 < size <= len(stream):
        raise UsageError(
            f"a window of {size:,} does not fit in a stream of {len(stream):,} queries", todo="give a smaller size"
        )
    parts = split_benign(len(benign), size if exchangeable == "windows" else 1, rng=rng)
    compared = parts.comparison.ravel()
    if len(compared) < size:
        raise _too_few(len(benign), size)
    lens = fit_lens(benign[parts.fitted.ravel()], rng)
    look = lens.look(np.concatenate([benign[compared], stream]))
    n_windows = len(stream) // size
    found = []
    for first in range(len(compared), len(compared) + n_windows * size, size):
        window = np.arange(first, first + size)
        marked = marks(look.take(np.concatenate([window, np.arange(len(compared))])))
        found.append(
            _rank(
                statistics(marked, windows_of(len(marked), size, exchangeable=exchangeable, rng=rng, n_drawn=n_drawn))
            )
        )
    p_value, loudest = min(found, key=lambda one: one[0])
    return WindowTest(
        p_value=min(1.0, p_value * n_windows),
        target=target,
        size=size,
        n_windows=n_windows,
        n_comparisons=len(compared) // size if exchangeable == "windows" else n_drawn,
        n_fitted=parts.fitted.size,
        exchangeable=exchangeable,
        loudest=loudest,
    )


@dataclass(frozen=True, slots=True)
class Split:
    """Places of benign queries by what they serve, each int64[blocks, size of a block]; disjoint."""

    fitted: Ints
    comparison: Ints


def split_benign(n: int, block: int, *, rng: np.random.Generator) -> Split:
    """Return a random split of n queries in blocks of consecutive ones; what fills no block is left out.

    Raises
    ------
    UsageError
        The queries are too few.
    """
    blocks = rng.permutation(np.arange(n // block * block).reshape(-1, block))
    n_fitted = max(round(FITTED * len(blocks)), -(-LEAST_FITTED // block))
    if n_fitted >= len(blocks):
        raise _too_few(n, block)
    return Split(blocks[:n_fitted], blocks[n_fitted:])


def _too_few(n: int, size: int) -> UsageError:
    return UsageError(
        f"{n:,} benign queries are too few to compare windows of {size:,} with",
        todo="give more of them, or a smaller window",
    )


def windows_of(
    n: int, size: int, *, exchangeable: Exchangeable, rng: np.random.Generator, n_drawn: int = N_DRAWN
) -> Ints:
    """Return the tested window, the first `size` of n texts, and below it those it is compared with: int64[w, size].

    They are the disjoint stretches of the other texts, or `n_drawn` draws without replacement from all n.
    """
    if exchangeable == "windows":
        return np.arange(n // size * size).reshape(-1, size)
    drawn = [rng.choice(n, size, replace=False, shuffle=False) for _ in range(n_drawn)]
    return np.vstack([np.arange(size), *drawn])


def _rank(values: Floats) -> tuple[float, tuple[tuple[str, float], ...]]:
    """Return the conformal p-value of the first row among all, and the statistics that stand out most in it."""
    scaled = on_one_scale(values, values)
    scores = fused(scaled)
    loudest = np.argsort(-scaled[0], kind="stable")[:3]
    p_value = float(np.mean(scores >= scores[0]))
    return p_value, tuple((STATISTICS[k], round(float(scaled[0, k]), 2)) for k in loudest)
