"""Sketches of exchanges: user turns one by one, system prompts and tool schemas once for all that repeat them."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gauger.errors import UsageError
from gauger.settings import SketchSettings
from gauger.sketches.arrow import whole
from gauger.sketches.digests import absorb_column, digest_halves, finish_rows, start_rows
from gauger.sketches.schema import INTENTS, N_PROJECTION, PART_SCHEMA, SKETCH_SCHEMA
from gauger.sketches.texts import SYSTEM_PROMPT, TOOL_SCHEMA, USER_TURN, TextSketches, sketch_texts
from gauger.sketches.threads import sketch_threads

#: Column of the part -> namespace of its words. A part's `kind` is the name of the column.
PARTS: Final = {"system_prompt": SYSTEM_PROMPT, "tool_schema": TOOL_SCHEMA}


@dataclass(frozen=True)
class Sketches:
    """What is kept of a batch of exchanges.

    Attributes
    ----------
    rows
        Table of `SKETCH_SCHEMA`, row for row as they came.
    parts
        Table of `PART_SCHEMA`: the distinct system prompts and tool schemas, sorted by `part`.
    """

    rows: pa.Table
    parts: pa.Table


def sketch_exchanges(
    kept: pa.Table, texts: pa.Table, key: bytes, *, settings: SketchSettings, threads: int = 1
) -> Sketches:
    """Sketch a batch of exchanges.

    Parameters
    ----------
    kept
        Table of `EXCHANGE_SCHEMA`.
    texts
        The text columns of the same rows, and `digest` (`row_digests` of the edge rows).
    key
        The workspace's text key, at least 16 bytes.
    settings
        How many words are shingled, and how many shingles are kept.
    threads
        Threads of the kernel.

    Raises
    ------
    UsageError
        The tables differ in length, or the batch holds more than 2^31 shingles.
    SettingsError
        The key is too short.
    """
    if kept.num_rows != texts.num_rows:
        raise UsageError(f"{kept.num_rows} exchanges came with {texts.num_rows} rows of text")
    turns = sketch_texts(whole(texts["user_prompt"]), key, namespace=USER_TURN, settings=settings, threads=threads)
    encoded = {kind: _Parts.of(texts[kind], key, kind) for kind in PARTS}
    digest_high, digest_low = digest_halves(whole(texts["digest"]))
    extends, thread = sketch_threads(whole(texts["conversation_prefix"]), whole(texts["user_prompt"]), key)
    columns = {
        **{name: kept[name] for name in kept.column_names},
        "occurred_us": kept["occurred_at"].cast(pa.int64()),
        "shingles": _lists(turns),
        "turn_hash_high": turns.turn_hash[:, 0],
        "turn_hash_low": turns.turn_hash[:, 1],
        "projection": _projections(turns),
        "intents": pa.FixedSizeListArray.from_arrays(_rounded(turns.intents).ravel(), len(INTENTS)),
        "n_words": turns.n_words,
        "system_part": encoded["system_prompt"].of_row,
        "tool_part": encoded["tool_schema"].of_row,
        "thread": thread,
        "extends": extends,
        "digest_high": digest_high,
        "digest_low": digest_low,
    }
    tables = [parts.sketched(key, settings=settings, threads=threads) for parts in encoded.values()]
    return Sketches(
        rows=pa.table([columns[name] for name in SKETCH_SCHEMA.names], schema=SKETCH_SCHEMA),
        parts=pa.concat_tables(tables).sort_by("part"),
    )


def _rounded(scores: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return scores in steps of 1/128: they describe, decide nothing, and take three bytes in place of fifteen."""
    return (np.round(scores * 128) / 128).astype(np.float32)


@dataclass(frozen=True)
class _Parts:
    """A text column, each distinct text once.

    `ids` are those of `distinct`; `of_row` is the id of every row, 0 where there is no text.
    """

    kind: str
    distinct: pa.Array
    ids: npt.NDArray[np.int64]
    of_row: npt.NDArray[np.int64]

    @classmethod
    def of(cls, column: pa.ChunkedArray, key: bytes, kind: str) -> "_Parts":
        encoded = whole(column).dictionary_encode()
        states = start_rows(len(encoded.dictionary), key, f"part {kind}")
        absorb_column(states, encoded.dictionary)
        ids = finish_rows(states)
        ids[ids == 0] = 1
        ids[_is_empty(encoded.dictionary).to_numpy(zero_copy_only=False)] = 0
        ids = np.append(ids, 0)
        indices = encoded.indices.fill_null(len(ids) - 1).to_numpy()
        return cls(kind, encoded.dictionary, ids[:-1], ids[indices])

    def sketched(self, key: bytes, *, settings: SketchSettings, threads: int) -> pa.Table:
        """Return the parts that hold text, as a table of `PART_SCHEMA`."""
        texts = self.distinct.filter(pa.array(self.ids != 0))
        sketches = sketch_texts(texts, key, namespace=PARTS[self.kind], settings=settings, threads=threads)
        kinds = pa.repeat(pa.scalar(self.kind), len(texts))
        ids = self.ids[self.ids != 0]
        columns = [ids, kinds, _lists(sketches), sketches.n_words]
        return pa.table(columns, schema=PART_SCHEMA)


def _is_empty(texts: pa.Array | pa.ChunkedArray) -> pa.Array:
    return pc.equal(pc.fill_null(pc.binary_length(whole(texts)), 0), 0)


def _lists(sketches: TextSketches) -> pa.Array:
    if len(sketches.shingles) > np.iinfo(np.int32).max:
        raise UsageError("a batch holds more than 2^31 shingles", todo="sketch fewer rows at a time")
    return pa.ListArray.from_arrays(sketches.shingle_offsets.astype(np.int32), sketches.shingles)


def _projections(sketches: TextSketches) -> pa.Array:
    n_rows = len(sketches.projection)
    return pa.Array.from_buffers(pa.binary(N_PROJECTION), n_rows, [None, pa.py_buffer(sketches.projection)])
