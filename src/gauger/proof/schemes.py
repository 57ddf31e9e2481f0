"""Watermarks as scores: what a key says of a token after a context. Pure numpy and compiled kernels.

Every scheme gives each (context, token) a score that looks random without the key and is high where the mark is. A test
sums scores over cells (`gauger.proof.cells`) and asks how many other keys would have given as much.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from gauger.errors import SettingsError
from gauger.proof.cells import Cells
from gauger.proof.philox import GREEN, GUMBEL, totals, uniforms, words

Keys = NDArray[np.uint64]
Words = NDArray[np.uint32]
Floats = NDArray[np.float64]

MAX_WIDTH: Final = 16
#: Wider, and a student hardly learns the mark: kgw z 17.5 at context 1 against -1.2 at 4 (docs/decisions/0020-*.md).
ADVISED_WIDTH: Final = 2


class Scheme(Protocol):
    """A watermark. A key is `n_words` words of 64 bits, drawn independently and uniformly.

    Guarantee: `scores` and `scorer` are pure and agree, so that the key in question and other keys are treated alike;
    under a random key a score has mean `mean` and standard deviation `sd` as nearly as the generator is random.
    """

    @property
    def name(self) -> str:
        """As in the command line and the commitment."""
        ...

    @property
    def width(self) -> int:
        """Tokens of context."""
        ...

    @property
    def n_words(self) -> int:
        """Words of a key."""
        ...

    @property
    def mean(self) -> float:
        """Mean score of a token under a random key."""
        ...

    @property
    def sd(self) -> float:
        """Standard deviation of that score."""
        ...

    def scores(self, key: Keys, contexts: Words, tokens: Words) -> Floats:
        """Return float64[n], the scores under one key (uint64[n_words]) of rows (uint32[n, width] and uint32[n])."""
        ...

    def scorer(self, cells: Cells) -> Callable[[Keys], Floats]:
        """Return what gives keys (uint64[k, n_words]) their weighted sums over the cells (float64[k])."""
        ...

    def tail(self, total: float, n: int) -> float:
        """Return P(sum of n independent scores >= total) under a random key: what the formula says."""
        ...


@dataclass(frozen=True, slots=True)
class Kgw:
    """Green lists: a token is green with probability `gamma`, its score is 1 if green.

    Source: Kirchenbauer et al., "A watermark for large language models" (2023), algorithm 2, and "On the reliability of
    watermarks" (2023) for contexts of 1 to 4. We deviate: each token of the vocabulary is green by its own draw, not as
    one of exactly gamma |V|, which needs no permutation of the vocabulary for each context and no |V| at all. The green
    lists are therefore not those of other implementations.
    """

    width: int
    gamma: float = 0.5
    name: str = "kgw"
    n_words: int = 1

    def __post_init__(self) -> None:
        _check_width(self.width, most=4)
        if not 0 < self.gamma < 1:
            raise SettingsError(f"gamma is {self.gamma}", where="kgw", todo="give a share between 0 and 1, such as 0.5")

    @property
    def mean(self) -> float:
        """Mean score of a token under a random key."""
        return self.gamma

    @property
    def sd(self) -> float:
        """Standard deviation of that score."""
        return float(np.sqrt(self.gamma * (1 - self.gamma)))

    @property
    def threshold(self) -> np.uint64:
        """A word below is green."""
        return np.uint64(round(self.gamma * 2**32))

    def scores(self, key: Keys, contexts: Words, tokens: Words) -> Floats:
        """Return 1 for green, 0 for red."""
        return (words(key[0], contexts, tokens) < self.threshold).astype(np.float64)

    def scorer(self, cells: Cells) -> Callable[[Keys], Floats]:
        """Return what sums over the cells."""
        return _philox_scorer(cells, GREEN, self.threshold)

    def tail(self, total: float, n: int) -> float:
        """Return the upper tail of the binomial distribution."""
        return float(stats.binom.sf(np.ceil(total) - 1, n, self.gamma))


@dataclass(frozen=True, slots=True)
class Gumbel:
    """Keyed Gumbel-max: the sampler takes the token with the largest log(u)/p; the score is -log(1 - u).

    Source: Aaronson and Kirchner (2022, talk); u is that of vLLM (`--watermark-config '{"algorithm": "gumbel", ...}'`,
    its generator "philox"), so text served by vLLM under the key's 64 bits is scored as served. vLLM counts a context
    once; we count each (context, token) once.
    """

    width: int
    name: str = "gumbel"
    n_words: int = 1
    mean: float = 1.0
    sd: float = 1.0

    def __post_init__(self) -> None:
        _check_width(self.width)

    def scores(self, key: Keys, contexts: Words, tokens: Words) -> Floats:
        """Return -log(1 - u)."""
        return -np.log1p(-self.uniforms(key, contexts, tokens))

    def uniforms(self, key: Keys, contexts: Words, tokens: Words) -> Floats:
        """Return float64[n] in (0, 1), the u of each row."""
        return uniforms(words(key[0], contexts, tokens))

    def scorer(self, cells: Cells) -> Callable[[Keys], Floats]:
        """Return what sums over the cells."""
        return _philox_scorer(cells, GUMBEL, np.uint64(0))

    def tail(self, total: float, n: int) -> float:
        """Return the upper tail of the Gamma distribution."""
        return float(stats.gamma.sf(total, n)) if n else 1.0


@dataclass(frozen=True)
class SynthId:
    """The g-values of SynthID-Text as Hugging Face Transformers draws them; the score is their mean over the depth.

    Source: Dathathri et al., "Scalable watermarking for identifying large language model outputs" (Nature, 2024), mean
    score; `SynthIDTextWatermarkingConfig` for hash and table. The hash is a linear congruence modulo 2^64 and the table
    has 2^b entries, so a g-value depends on the lowest b bits of context, token and key alone: bit d is table[(h +
    key_d) a + 1 mod 2^b]. Two things follow. The sums for *all* keys of a depth are one circular correlation, which
    makes a million other keys cheap. And a key of Transformers hides no more than 16 bits a depth. DeepMind's own
    package hashes otherwise (an initial value from all keys) and is not covered.
    """

    width: int = 4
    depth: int = 30
    table_bits: int = 16
    table_seed: int = 0
    name: str = "synthid"

    def __post_init__(self) -> None:
        _check_width(self.width)
        if self.depth < 1 or not 1 <= self.table_bits <= 20:
            raise SettingsError(
                f"depth {self.depth}, table of 2^{self.table_bits}", where="synthid", todo="give those of the server"
            )

    @property
    def n_words(self) -> int:
        """One word for each depth."""
        return self.depth

    @property
    def mean(self) -> float:
        """Mean of a g-value: that of the table, which differs from a half by more than long texts forgive."""
        return float(self.table.mean())

    @property
    def sd(self) -> float:
        """Standard deviation of a mean of `depth` g-values."""
        return float(np.sqrt(self.mean * (1 - self.mean) / self.depth))

    @cached_property
    def table(self) -> NDArray[np.uint8]:
        """uint8[2^table_bits], the bits by hash: the lowest bits of MT19937, which is torch's generator on a CPU."""
        drawn = np.random.RandomState(self.table_seed).randint(0, 2**32, 2**self.table_bits, dtype=np.uint32)
        return (drawn & 1).astype(np.uint8)

    def g_values(self, key: Keys, contexts: Words, tokens: Words) -> NDArray[np.uint8]:
        """Return uint8[n, depth], 0 or 1."""
        size = np.uint64(2**self.table_bits)
        return self.table[_absorb(self._hash(contexts, tokens)[:, None], key) % size]

    def scores(self, key: Keys, contexts: Words, tokens: Words) -> Floats:
        """Return the mean of the g-values."""
        return self.g_values(key, contexts, tokens).mean(axis=1)

    def scorer(self, cells: Cells) -> Callable[[Keys], Floats]:
        """Return what sums over the cells: one look-up for each depth."""
        size = 2**self.table_bits
        place = (self._hash(cells.rows, cells.tokens) % np.uint64(size)).astype(np.int64)
        weight = np.bincount(place, cells.weights, minlength=size)
        shifted = self.table[_absorb(np.arange(size, dtype=np.uint64), np.uint64(0)) % np.uint64(size)]
        sums = np.fft.irfft(np.conj(np.fft.rfft(weight)) * np.fft.rfft(shifted.astype(np.float64)), size)
        return lambda keys: sums[(keys % np.uint64(size)).astype(np.int64)].mean(axis=1)

    def tail(self, total: float, n: int) -> float:
        """Return the upper tail of the binomial distribution of all bits, as if no two cells shared an entry."""
        return float(stats.binom.sf(np.ceil(total * self.depth - 1e-6) - 1, n * self.depth, self.mean))

    def _hash(self, contexts: Words, tokens: Words) -> Keys:
        """Return uint64[n], the hash of context and token before a key."""
        found = np.ones(len(tokens), np.uint64)
        for column in (*contexts.T, tokens):
            found = _absorb(found, column.astype(np.uint64))
        return found


#: The schemes by name, each made of a context and of what else it needs.
SCHEMES: Final[dict[str, Callable[[int], Scheme]]] = {"kgw": Kgw, "gumbel": Gumbel, "synthid": SynthId}


def _absorb(state: Keys, value: Keys | np.uint64) -> Keys:
    """Return the next state of the linear congruence modulo 2^64 (Knuth's MMIX multiplier, increment 1)."""
    return (state + value) * np.uint64(6364136223846793005) + np.uint64(1)


def _philox_scorer(cells: Cells, kind: int, threshold: np.uint64) -> Callable[[Keys], Floats]:
    return lambda keys: totals(
        np.ascontiguousarray(keys[:, 0]), cells.contexts, cells.offsets, cells.tokens, cells.weights, kind, threshold
    )


def _check_width(width: int, *, most: int = MAX_WIDTH) -> None:
    if not 1 <= width <= most:
        raise SettingsError(
            f"the context is {width} tokens", where="--context", todo=f"give 1 to {most}; 1 or 2 leave a trace"
        )
