"""The columns of an exchange, at the edge (as a source yields it) and past it (what is kept).

An *edge* batch holds what the operator's log holds, text and addresses included. It lives only between a source and
the sketch. A *kept* row holds no text: identifiers of people and machines are pseudonyms, prompts are sketches.
"""

from typing import Final

import pyarrow as pa

TIMESTAMP: Final = pa.timestamp("us", tz="UTC")

BATCH_ROWS: Final = 65_536
BATCH_TEXT_BYTES: Final = 64 * 1024 * 1024

#: The operator's own ids, kept as given (values shaped like an e-mail address or a telephone number are pseudonymised).
IDENTIFIERS: Final = (
    "request_id",
    "conversation_id",
    "account_id",
    "api_key_id",
    "organisation_id",
    "principal_id",
    "end_user_id",
)

#: Text at the edge, dropped after the sketch.
TEXTS: Final = (
    "system_prompt",
    "user_prompt",
    "conversation_prefix",
    "tool_schema",
    "response",
    "reasoning_block",
)

_MEASURES: Final = (
    pa.field("latency_ms", pa.int32()),
    pa.field("http_status", pa.int16()),
    pa.field("error_code", pa.string()),
    pa.field("finish_reason", pa.string()),
)

_CLIENT_AND_MODEL: Final = (
    pa.field("user_agent", pa.string()),
    pa.field("client_fingerprint", pa.string()),
    pa.field("provider_name", pa.string()),
    pa.field("request_model", pa.string()),
    pa.field("response_model", pa.string()),
    pa.field("input_tokens", pa.int64()),
    pa.field("output_tokens", pa.int64()),
    pa.field("reasoning_tokens", pa.int64()),
    pa.field("temperature", pa.float64()),
    pa.field("choice_count", pa.int32()),
    pa.field("max_tokens", pa.int32()),
    pa.field("top_logprobs", pa.int32()),
    pa.field("seed", pa.int64()),
    pa.field("tool_names", pa.list_(pa.string())),
)

_ORIGIN: Final = (
    pa.field("source_file", pa.string(), nullable=False),
    pa.field("source_row", pa.int64(), nullable=False),
)

#: Without these a row is no exchange.
REQUIRED_COLUMNS: Final = ("account_id", "occurred_at")

_IDS: Final = tuple(pa.field(name, pa.string(), nullable=name not in REQUIRED_COLUMNS) for name in IDENTIFIERS)

#: What a source yields. `user_prompt` is the last user turn; `conversation_prefix` is JSON of the messages before
#: it (null on a first turn). `reasoning_block` is an encrypted or signed reasoning block as the provider returned it.
EDGE_SCHEMA: Final = pa.schema(
    [
        *_IDS,
        pa.field("occurred_at", TIMESTAMP, nullable=False),
        *_MEASURES,
        pa.field("client_address", pa.string()),
        *_CLIENT_AND_MODEL,
        *(pa.field(name, pa.large_string()) for name in TEXTS),
        *_ORIGIN,
    ]
)

#: What is known of an exchange past the edge, text apart (the sketch adds its own columns: `gauger.sketches.schema`).
#: Hashes are pseudonyms (`gauger.exchanges.pseudonyms`); `country` serves the operator's own region policy alone.
EXCHANGE_SCHEMA: Final = pa.schema(
    [
        *_IDS,
        pa.field("occurred_at", TIMESTAMP, nullable=False),
        *_MEASURES,
        pa.field("client_address_hash", pa.string()),
        pa.field("client_prefix_hash", pa.string()),
        pa.field("asn", pa.int64()),
        pa.field("network_class", pa.string()),
        pa.field("country", pa.string()),
        *_CLIENT_AND_MODEL,
        pa.field("reasoning_block_hash", pa.string()),
        *_ORIGIN,
    ]
)

QUARANTINE_SCHEMA: Final = pa.schema(
    [
        pa.field("source_file", pa.string(), nullable=False),
        pa.field("row", pa.int64()),
        pa.field("byte_offset", pa.int64()),
        pa.field("byte_length", pa.int64()),
        pa.field("column", pa.string()),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("hint", pa.string(), nullable=False),
    ]
)

#: The operator's account table after hashing (contracts §3). `region` serves the region policy alone.
ACCOUNT_SCHEMA: Final = pa.schema(
    [
        pa.field("account_id", pa.string(), nullable=False),
        pa.field("principal_id", pa.string()),
        pa.field("organisation_id", pa.string()),
        pa.field("signed_up_at", TIMESTAMP),
        pa.field("plan", pa.string()),
        pa.field("payment_token_hash", pa.string()),
        pa.field("email_hash", pa.string()),
        pa.field("email_domain_hash", pa.string()),
        pa.field("is_disposable_email", pa.bool_()),
        pa.field("verification_tier", pa.string()),
        pa.field("registered_use", pa.string()),
        pa.field("suspended_at", TIMESTAMP),
        pa.field("region", pa.string()),
    ]
)

#: Bans, suspensions and model releases: `kind` is "ban", "suspension" or "model_release".
EVENT_SCHEMA: Final = pa.schema(
    [
        pa.field("occurred_at", TIMESTAMP, nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("account_id", pa.string()),
        pa.field("model", pa.string()),
    ]
)
