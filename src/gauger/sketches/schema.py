"""The columns that a sketch adds to an exchange, and the table of parts that many exchanges repeat."""

from typing import Final

import pyarrow as pa

from gauger.exchanges.schema import EXCHANGE_SCHEMA

#: Kinds of intent, in the order of the `intents` column. The last one absorbs the rest.
INTENTS: Final = (
    "reasoning_elicitation",
    "grading",
    "data_generation",
    "tool_traces",
    "coding",
    "censorship_safe_rewriting",
    "trace_cleaning",
)

N_BANDS: Final = 8
N_PROJECTION: Final = 64

SKETCH_COLUMNS: Final = (
    # occurred_at as int64 microseconds since the epoch: engines compare times as integers, where they agree exactly.
    pa.field("occurred_us", pa.int64(), nullable=False),
    # Distinct keyed 4-gram hashes of the user turn, in order of first occurrence, without the parts below.
    pa.field("shingles", pa.list_(pa.int64()), nullable=False),
    # Keyed 128-bit hash of the whole normalised user turn: which slot fill it is.
    pa.field("turn_hash_high", pa.int64(), nullable=False),
    pa.field("turn_hash_low", pa.int64(), nullable=False),
    pa.field("projection", pa.binary(N_PROJECTION), nullable=False),  # 64 signed bytes
    pa.field("intents", pa.list_(pa.float32(), len(INTENTS)), nullable=False),  # in steps of 1/128
    pa.field("n_words", pa.int32(), nullable=False),
    # Keyed ids of the system prompt and of the tool schema; 0 where there is none. They point into PART_SCHEMA.
    pa.field("system_part", pa.int64(), nullable=False),
    pa.field("tool_part", pa.int64(), nullable=False),
    # Keyed hash of the user's turns so far, and of those before this one (0: none): the `thread` of the request that
    # this one goes on from, where that is in the log (`gauger.evidence.conversations`).
    pa.field("thread", pa.int64(), nullable=False),
    pa.field("extends", pa.int64(), nullable=False),
    # Keyed 128-bit digest of every edge column but source_file and source_row: equal content, equal digest.
    pa.field("digest_high", pa.int64(), nullable=False),
    pa.field("digest_low", pa.int64(), nullable=False),
)

SKETCH_SCHEMA: Final = pa.schema([*EXCHANGE_SCHEMA, *SKETCH_COLUMNS])

#: System prompts and tool schemas, sketched once each: `kind` is "system_prompt" or "tool_schema".
PART_SCHEMA: Final = pa.schema(
    [
        pa.field("part", pa.int64(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("shingles", pa.list_(pa.int64()), nullable=False),
        pa.field("n_words", pa.int32(), nullable=False),
    ]
)
