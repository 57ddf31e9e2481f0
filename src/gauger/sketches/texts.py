"""Sketches of a column of texts: what the kernel needs is gathered here, and its results are put together."""

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gauger.settings import SketchSettings
from gauger.sketches import kernel
from gauger.sketches.arrow import Strings, strings
from gauger.sketches.intents import intent_cues, intent_scores
from gauger.sketches.normalise import character_tables, normalise
from gauger.sketches.schema import INTENTS, N_BANDS, N_PROJECTION
from gauger.sketches.siphash import SipKey, key_stream

#: Namespaces: equal words of different ones hash apart.
USER_TURN: Final = 1
SYSTEM_PROMPT: Final = 2
TOOL_SCHEMA: Final = 3

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class TextSketches:
    """Sketches of n texts. Hashes are 64-bit values bit-cast to int64; a text without words is zero throughout.

    Attributes
    ----------
    shingle_offsets, shingles
        int64[n + 1] and int64[m]: text i holds `shingles[shingle_offsets[i]:shingle_offsets[i + 1]]`, the distinct
        sampled shingles of its first `max_words` words in order of first occurrence.
    turn_hash
        int64[n, 2]: keyed 128-bit hash of all its words.
    intents
        float32[n, 7] in [0, 1], in the order of `INTENTS`.
    projection
        int8[n, 64]: keyed random projection of its words of topic, 32 steps to a standard deviation.
    n_words
        int32[n].
    """

    shingle_offsets: npt.NDArray[np.int64]
    shingles: npt.NDArray[np.int64]
    turn_hash: npt.NDArray[np.int64]
    intents: npt.NDArray[np.float32]
    projection: npt.NDArray[np.int8]
    n_words: npt.NDArray[np.int32]


def sketch_texts(
    texts: pa.Array, key: bytes, *, namespace: int, settings: SketchSettings, threads: int = 1
) -> TextSketches:
    """Sketch every text; the result does not depend on the number of threads or on how a column is cut.

    Parameters
    ----------
    texts
        Array of strings; a null counts as an empty text.
    key
        At least 16 secret bytes.
    namespace
        `USER_TURN`, `SYSTEM_PROMPT` or `TOOL_SCHEMA`.
    settings
        How many words are shingled, and how many shingles are kept.
    threads
        Threads that share the rows; the interpreter lock is released.

    Raises
    ------
    SettingsError
        The key is too short.
    """
    column = _Column.of(texts)
    keys, sign_table = text_keys(key, namespace)
    limits = kernel.Limits(settings.max_words, settings.sampling)
    out = _outputs(len(texts))

    def work(rows: tuple[int, int]) -> npt.NDArray[np.uint64]:
        shingles = np.empty(column.shingle_bound(rows, limits.max_words), np.uint64)
        n_shingles = kernel.sketch_rows(
            rows,
            column.texts,
            column.form,
            character_tables(),
            keys,
            intent_cues(),
            sign_table,
            limits,
            column.scratch(rows, limits.max_words),
            out._replace(shingles=shingles),
        )
        return shingles[:n_shingles]

    parts = _share_rows(work, column.texts.offsets, threads)
    return TextSketches(
        shingle_offsets=np.concatenate([np.zeros(1, np.int64), np.cumsum(out.n_shingles)]),
        shingles=(parts[0] if len(parts) == 1 else np.concatenate(parts)).view(np.int64),
        turn_hash=out.turn_hash.view(np.int64),
        intents=np.where(out.n_words[:, None] > 0, intent_scores(out.cue_sums), np.float32(0)),
        projection=out.projection,
        n_words=out.n_words.astype(np.int32),
    )


def minhash_bands(texts: pa.Array, key: bytes, *, namespace: int, threads: int = 1) -> npt.NDArray[np.int64]:
    """Return MinHash bands of whole texts, int64[n, 8]: near-duplicates share a band. No scan needs them."""
    column = _Column.of(texts)
    keys, _ = text_keys(key, namespace)
    bands = np.zeros((len(texts), N_BANDS), np.uint64)

    def work(rows: tuple[int, int]) -> None:
        scratch = column.scratch(rows, 0)
        tables, order = character_tables(), borrow_order()
        kernel.minhash_rows(rows, column.texts, column.form, tables, keys, order, scratch, bands)

    _share_rows(work, column.texts.offsets, threads)
    return bands.view(np.int64)


def hash_words(texts: pa.Array, key: bytes, *, namespace: int) -> int:
    """Exclusive or of all word hashes: the least work that any sketch of words does, for benchmarks."""
    column = _Column.of(texts)
    keys, _ = text_keys(key, namespace)
    rows = (0, len(texts))
    return int(kernel.hash_rows(rows, column.texts, column.form, character_tables(), keys, column.scratch(rows, 0)))


@lru_cache(maxsize=16)
def text_keys(key: bytes, namespace: int) -> tuple[kernel.TextKeys, npt.NDArray[np.int8]]:
    """Return what the key gives for a namespace: hash keys, and the sign vectors int8[2^12, 64] of the projection."""
    n_signs = kernel.PROJECTION_ROWS * N_PROJECTION
    stream = key_stream(key, f"gauger text {namespace}", n_bytes=9 * 8 + n_signs // 8)
    numbers = np.frombuffer(stream[:72], "<u8").astype(np.uint64)
    odd = numbers[4:7] | np.uint64(1)
    keys = kernel.TextKeys(SipKey(*numbers[:2]), SipKey(*numbers[2:4]), *odd, *numbers[7:9])
    bits = np.unpackbits(np.frombuffer(stream[72:], np.uint8), bitorder="little")
    return keys, (bits.astype(np.int8) * 2 - 1).reshape(kernel.PROJECTION_ROWS, N_PROJECTION)


@lru_cache(maxsize=1)
def borrow_order() -> npt.NDArray[np.uint8]:
    """Return for every bin an order of all bins, random but always the same: where it looks when it is empty."""
    n_bins = kernel.N_BINS
    draws = hashlib.shake_256(b"gauger borrow order").digest(n_bins * n_bins * 8)
    return np.argsort(np.frombuffer(draws, "<u8").reshape(n_bins, n_bins), axis=1).astype(np.uint8)


@dataclass(frozen=True)
class _Column:
    """Texts ready to be read: what must be normalised is, and every row's form and folded size are known."""

    texts: Strings
    form: npt.NDArray[np.uint8]
    folded_bytes: npt.NDArray[np.int64]

    @classmethod
    def of(cls, texts: pa.Array) -> "_Column":
        column = cls._survey(texts)
        rows = column.form == kernel.NORMALISE_FIRST
        if not rows.any():
            return column
        normalised = normalise(texts.filter(pa.array(rows)))
        own = cls._survey(normalised)
        column.form[rows], column.folded_bytes[rows] = own.form, own.folded_bytes
        replaced = pc.replace_with_mask(texts, pa.array(rows), normalised)
        return cls(strings(replaced), column.form, column.folded_bytes)

    @classmethod
    def _survey(cls, texts: pa.Array) -> "_Column":
        form, folded_bytes = np.zeros(len(texts), np.uint8), np.zeros(len(texts), np.int64)
        buffers = strings(texts)
        kernel.survey(buffers, character_tables(), form, folded_bytes)
        return cls(buffers, form, folded_bytes)

    def shingle_bound(self, rows: tuple[int, int], max_words: int) -> int:
        """No row can give more shingles than half the bytes of its folded text and one."""
        return int(np.minimum(self.folded_bytes[slice(*rows)] // 2 + 1, max_words).sum())

    def scratch(self, rows: tuple[int, int], max_words: int) -> kernel.Scratch:
        chunk, n_seen = kernel.CHUNK, 2 << max_words.bit_length()
        return kernel.Scratch(
            folded=np.zeros(int(self.folded_bytes[slice(*rows)].max(initial=0)) + 8, np.uint8),
            states=np.zeros((4, chunk), np.uint64),
            last=np.zeros(chunk, np.uint64),
            prefixes=np.zeros(chunk, np.uint64),
            words=np.zeros(chunk + kernel.CARRIED, np.uint64),
            plain=np.zeros(chunk + 1, np.uint64),
            pairs=np.zeros(chunk, np.uint64),
            shingles=np.zeros(chunk, np.uint64),
            bins=np.zeros(kernel.N_BINS, np.uint64),
            filled=np.zeros(kernel.N_BINS, np.uint64),
            empty=np.zeros(kernel.N_BINS, np.int64),
            seen=np.zeros(n_seen, np.uint64),
            seen_in=np.zeros(n_seen, np.int64),
            met_in=np.zeros(kernel.CUE_SLOTS, np.int64),
            cue_sums=np.zeros(len(INTENTS), np.int64),
            topics=np.zeros(chunk, np.int64),
            votes=np.zeros(N_PROJECTION, np.int32),
        )


def _outputs(n: int) -> kernel.Sketched:
    return kernel.Sketched(
        shingles=np.empty(0, np.uint64),
        n_shingles=np.zeros(n, np.int64),
        turn_hash=np.zeros((n, 2), np.uint64),
        cue_sums=np.zeros((n, len(INTENTS)), np.int64),
        projection=np.zeros((n, N_PROJECTION), np.int8),
        n_words=np.zeros(n, np.int64),
    )


def _share_rows(
    work: Callable[[tuple[int, int]], _Result], offsets: npt.NDArray[np.int64], threads: int
) -> list[_Result]:
    """Do the work on stretches of rows with about equal bytes, one per thread, results in order of rows."""
    n = len(offsets) - 1
    shares = np.linspace(offsets[0], offsets[-1], threads + 1)[1:-1]
    cuts = [0, *np.searchsorted(offsets, shares).clip(0, n).tolist(), n]
    if threads == 1:
        return [work((0, n))]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, pairwise(cuts)))
