"""Numbers of texts, fitted on reference texts alone: n-gram spaces, kernels of several widths, surface, rarity.

No embedding model is needed. Hashed n-grams of words and of characters are weighed and projected on their leading
directions (latent semantic analysis, Deerwester et al. 1990); random Fourier features (Rahimi and Recht 2007) turn
the words' space into Gaussian kernels of several widths, so that the mean of a column is a kernel mean.
"""

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from gauger.lab.pools import Floats, Ints, Texts

Hashes = NDArray[np.uint64]

#: Buckets of hashed n-grams, as a power of two.
BUCKET_BITS: Final = 18

#: Orders of the n-grams, and words of a shingle.
WORD_ORDERS: Final = (1, 2)
CHARACTER_ORDERS: Final = (3, 5)
SHINGLE_WORDS: Final = 4

#: Directions kept of each n-gram space, and random features of each kernel width.
N_DIRECTIONS: Final = 64
N_FOURIER: Final = 32

#: Widths of the kernels as multiples of the median distance.
WIDTHS: Final = (0.5, 1.0, 2.0)

#: Which of a text's neighbours in the reference counts: the first may be a near-duplicate by chance.
NEIGHBOUR: Final = 3

#: Characters of a text that are looked at.
MAX_CHARACTERS: Final = 5_000

_WORD: Final = re.compile(r"\w+|[^\w\s]")
_MULTIPLIER: Final = np.uint64(0x9E3779B97F4A7C15)
_MIXER: Final = np.uint64(0xBF58476D1CE4E5B9)


@dataclass(frozen=True, slots=True)
class Symbols:
    """Texts as sequences of hashed symbols: `values[k]` belongs to text `row[k]`; rows ascend."""

    values: Hashes
    row: Ints
    n_texts: int


def words(texts: Texts) -> Symbols:
    """Return the words and punctuation marks of each text, in lower case."""
    return _symbols([[zlib.crc32(word.encode()) for word in _WORD.findall(_head(text).lower())] for text in texts])


def characters(texts: Texts) -> Symbols:
    """Return the UTF-8 bytes of each text, in lower case."""
    return _symbols([np.frombuffer(_head(text).lower().encode(), dtype=np.uint8) for text in texts])


def _head(text: str) -> str:
    return text[:MAX_CHARACTERS]


def _symbols(sequences: Sequence[Sequence[int] | NDArray[np.uint8]]) -> Symbols:
    lengths = np.array([len(one) for one in sequences], dtype=np.int64)
    values = np.concatenate([np.asarray(one, dtype=np.uint64) for one in sequences] or [np.empty(0, np.uint64)])
    return Symbols(values, np.repeat(np.arange(len(lengths)), lengths), len(lengths))


def gram_counts(symbols: Symbols, orders: Sequence[int]) -> sparse.csr_array:
    """Return how often each text holds the n-grams of each bucket: float32[n_texts, 2**BUCKET_BITS]."""
    rows, buckets = zip(*(_grams(symbols, order) for order in orders), strict=True)
    row, bucket = np.concatenate(rows), np.concatenate(buckets)
    counts = sparse.coo_array(
        (np.ones(len(row), dtype=np.float32), (row, bucket)), shape=(symbols.n_texts, 1 << BUCKET_BITS)
    )
    return counts.tocsr()


def _grams(symbols: Symbols, order: int) -> tuple[Ints, Ints]:
    """Return the text and the bucket of every n-gram that lies inside one text."""
    n = max(len(symbols.values) - order + 1, 0)
    hashed = np.full(n, order, dtype=np.uint64)
    for offset in range(order):
        hashed = (hashed + symbols.values[offset : offset + n]) * _MULTIPLIER
        hashed = (hashed ^ (hashed >> np.uint64(29))) * _MIXER
    inside = symbols.row[:n] == symbols.row[order - 1 : order - 1 + n]
    return symbols.row[:n][inside], (hashed >> np.uint64(64 - BUCKET_BITS)).astype(np.int64)[inside]


@dataclass(frozen=True, slots=True)
class GramSpace:
    """The leading directions of weighed n-gram counts, and how rare each n-gram is in the reference.

    Attributes
    ----------
    rarity
        float32[2**BUCKET_BITS]: log((n + 1) / (df + 1)) over the n reference texts.
    kept
        int64[b]: the buckets that at least two reference texts hold; a lone n-gram has no direction in common.
    directions
        float32[b, k]: right singular vectors of the reference over those, by falling singular value.
    """

    rarity: NDArray[np.float32]
    kept: Ints
    directions: NDArray[np.float32]

    def places(self, counts: sparse.csr_array) -> Floats:
        """Return the texts' unit vectors along the directions, zero for a text without n-grams: float64[m, k]."""
        return _unit(np.asarray(self.weighed(counts)[:, self.kept] @ self.directions, dtype=np.float64))

    def weighed(self, counts: sparse.csr_array) -> sparse.csr_array:
        """Return unit rows of (1 + log count) x rarity."""
        return _weighed(counts, self.rarity)

    def mean_rarity(self, counts: sparse.csr_array) -> Floats:
        """Return the mean rarity of each text's n-grams, 0 for a text without any: float64[m]."""
        total = np.asarray(counts.sum(axis=1), dtype=np.float64)
        return np.asarray(counts @ self.rarity, dtype=np.float64) / np.maximum(total, 1.0)


def fit_gram_space(counts: sparse.csr_array, rng: np.random.Generator) -> GramSpace:
    """Return the space of the reference's n-grams (randomised range finder of Halko et al. 2011, two power steps)."""
    df = np.bincount(counts.indices, minlength=counts.shape[1])
    rarity = np.log((counts.shape[0] + 1) / (df + 1)).astype(np.float32)
    kept = np.flatnonzero(df >= 2)
    rows = _weighed(counts, rarity)[:, kept]
    sketch = rows @ rng.standard_normal((len(kept), N_DIRECTIONS + 16), dtype=np.float32)
    for _ in range(2):
        sketch = rows @ (rows.T @ np.linalg.qr(sketch)[0])
    basis = np.linalg.qr(sketch)[0]
    directions = np.linalg.svd(np.asarray((rows.T @ basis).T), full_matrices=False)[2][:N_DIRECTIONS].T
    return GramSpace(rarity, kept, np.ascontiguousarray(directions))


def _weighed(counts: sparse.csr_array, rarity: NDArray[np.float32]) -> sparse.csr_array:
    rows = counts.copy()
    rows.data = (1 + np.log(rows.data)) * rarity[rows.indices]
    length = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1), dtype=np.float32))
    rows.data /= np.repeat(np.maximum(length, np.float32(1e-9)), np.diff(rows.indptr))
    return rows


def _unit(rows: Floats) -> Floats:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)


@dataclass(frozen=True, slots=True)
class Kernels:
    """Random Fourier features of Gaussian kernels: `cos(x @ frequencies + phases)`, one block of columns a width."""

    frequencies: Floats
    phases: Floats

    def features(self, places: Floats) -> Floats:
        """Return float64[m, widths x N_FOURIER]; products of rows are nearly the kernels' sum."""
        return np.cos(places @ self.frequencies + self.phases) * np.sqrt(2.0 / N_FOURIER)


def fit_kernels(places: Floats, rng: np.random.Generator) -> Kernels:
    """Return features of kernels whose widths are multiples of the median distance among the reference's places."""
    drawn = places[rng.integers(len(places), size=(2, 2_000))]
    distance = float(np.median(np.linalg.norm(drawn[0] - drawn[1], axis=1))) or 1.0
    frequencies = [rng.standard_normal((places.shape[1], N_FOURIER)) / (width * distance) for width in WIDTHS]
    return Kernels(np.hstack(frequencies), rng.uniform(0, 2 * np.pi, len(WIDTHS) * N_FOURIER))


SURFACE: Final = (
    "log characters", "log words", "word length", "letters", "digits", "capitals", "punctuation", "lines", "not ASCII",
    "compression",
)  # fmt: skip


def surface(texts: Texts) -> Floats:
    """Return length, kinds of characters and compressibility of each text: float64[m, len(SURFACE)]."""
    return np.array([_surface(_head(text)) for text in texts], dtype=np.float64).reshape(len(texts), len(SURFACE))


def _surface(text: str) -> tuple[float, ...]:
    coded = text.encode()
    n = max(len(text), 1)
    n_words = len(text.split())
    letters = sum(map(str.isalpha, text))
    digits = sum(map(str.isdigit, text))
    blanks = sum(map(str.isspace, text))
    return (
        np.log1p(len(text)),
        np.log1p(n_words),
        (n - blanks) / max(n_words, 1),
        letters / n,
        digits / n,
        sum(map(str.isupper, text)) / n,
        (n - letters - digits - blanks) / n,
        np.log1p(text.count("\n")),
        (len(coded) - len(text)) / n,
        len(zlib.compress(coded, 1)) / max(len(coded), 1),
    )


def distance_to_neighbour(places: Floats, reference: Floats, *, rank: int = NEIGHBOUR) -> Floats:
    """Return one minus the cosine to the `rank`-th nearest reference place: float64[m]."""
    rank = min(rank, len(reference))
    nearest = [
        np.partition(block @ reference.T, len(reference) - rank, axis=1)[:, len(reference) - rank]
        for block in np.array_split(places, len(places) // 2_000 + 1)
    ]
    return 1.0 - np.concatenate(nearest)


@dataclass(frozen=True, slots=True)
class Whitening:
    """An affine map after which reference rows have mean zero and, but for the ridge, unit covariance."""

    mean: Floats
    turn: Floats

    def __call__(self, rows: Floats) -> Floats:
        """Return float64[m, d] of float64[m, d]."""
        return np.asarray((rows - self.mean) @ self.turn)


#: What is added to every variance in whitening, as a multiple of the mean variance.
RIDGE: Final = 0.01


def fit_whitening(rows: Floats) -> Whitening:
    """Return the whitening of reference rows, float64[m, d] with m > 1 and d > 1."""
    variance, directions = np.linalg.eigh(np.cov(rows.T))
    floor = RIDGE * max(float(variance.mean()), 1e-12)
    return Whitening(rows.mean(axis=0), directions / np.sqrt(np.maximum(variance, 0.0) + floor))


@dataclass(frozen=True, slots=True)
class Look:
    """What is seen of m texts.

    Attributes
    ----------
    words, characters
        float64[m, k], unit vectors in the n-gram spaces.
    word_kernels, character_kernels
        float64[m, len(WIDTHS) * N_FOURIER], their random features.
    surface
        float64[m, len(SURFACE)], whitened and clipped: one odd text shall not make up a window's mean.
    outlying
        float64[m, len(OUTLYING)]: larger is further from the reference.
    novel
        csr[m, 2**BUCKET_BITS]: 1 where the text holds a shingle of four words that no fitted text holds.
    """

    words: Floats
    characters: Floats
    word_kernels: Floats
    character_kernels: Floats
    surface: Floats
    outlying: Floats
    novel: sparse.csr_array

    def take(self, texts: Ints) -> "Look":
        """Return what is seen of some of the texts, int64[k]."""
        return Look(*(getattr(self, field.name)[texts] for field in fields(self)))


OUTLYING: Final = ("rare words", "rare characters", "far in words", "far in characters", "odd surface")


@dataclass(frozen=True, slots=True)
class Lens:
    """How texts are seen, fitted on reference texts (`fit_lens`)."""

    words: GramSpace
    characters: GramSpace
    fitted_words: Floats
    fitted_characters: Floats
    word_kernels: Kernels
    character_kernels: Kernels
    surface: Whitening
    known: NDArray[np.bool_]

    def look(self, texts: Texts) -> Look:
        """Return what is seen of texts, object[m]. A text's numbers depend on that text alone."""
        in_words, in_characters = words(texts), characters(texts)
        word_counts = gram_counts(in_words, WORD_ORDERS)
        character_counts = gram_counts(in_characters, CHARACTER_ORDERS)
        word_places, character_places = self.words.places(word_counts), self.characters.places(character_counts)
        odd = self.surface(surface(texts))
        outlying = (
            self.words.mean_rarity(word_counts),
            self.characters.mean_rarity(character_counts),
            distance_to_neighbour(word_places, self.fitted_words),
            distance_to_neighbour(character_places, self.fitted_characters),
            np.linalg.norm(odd, axis=1),
        )
        return Look(
            word_places,
            character_places,
            self.word_kernels.features(word_places),
            self.character_kernels.features(character_places),
            np.clip(odd, -5.0, 5.0),
            np.column_stack(outlying),
            _novel(gram_counts(in_words, (SHINGLE_WORDS,)), self.known),
        )


def fit_lens(texts: Texts, rng: np.random.Generator) -> Lens:
    """Return the lens of reference texts, object[m] with m > 1."""
    in_words = words(texts)
    word_counts = gram_counts(in_words, WORD_ORDERS)
    character_counts = gram_counts(characters(texts), CHARACTER_ORDERS)
    word_space, character_space = fit_gram_space(word_counts, rng), fit_gram_space(character_counts, rng)
    shingles = gram_counts(in_words, (SHINGLE_WORDS,))
    word_places, character_places = word_space.places(word_counts), character_space.places(character_counts)
    return Lens(
        word_space,
        character_space,
        word_places,
        character_places,
        fit_kernels(word_places, rng),
        fit_kernels(character_places, rng),
        fit_whitening(surface(texts)),
        np.bincount(shingles.indices, minlength=shingles.shape[1]) > 0,
    )


def _novel(shingles: sparse.csr_array, known: NDArray[np.bool_]) -> sparse.csr_array:
    shingles.data = (~known[shingles.indices]).astype(np.float64)
    shingles.eliminate_zeros()
    return shingles
