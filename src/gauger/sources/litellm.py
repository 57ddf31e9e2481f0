"""LiteLLM: dumps of `LiteLLM_SpendLogs` (JSON, CSV, Parquet) and lines of `StandardLoggingPayload`.

Written against LiteLLM 1.109. The two differ in names; the same call in both has the same account and the same texts.
Retries are kept: they are traffic.
"""

import re
from collections.abc import Mapping
from typing import Final

from gauger.exchanges.schema import TEXTS
from gauger.sources.batches import ReadOptions
from gauger.sources.bodies import Row, exchanged, reasoning_tokens
from gauger.sources.headers import client_fingerprint, plain_headers
from gauger.sources.json_text import as_object, opened
from gauger.sources.times import Elapsed

#: What LiteLLM writes in place of a text it was told not to keep. Shared by all accounts, so it must not look like one.
_REDACTED: Final = frozenset({"redacted-by-litellm", "REDACTED_BY_LITELM", "REDACTED_BY_LITELLM"})

_LONGEST_REDACTED: Final = max(map(len, _REDACTED))

#: What LiteLLM puts in the middle of a text it shortened, and how that begins.
_MARK: Final = "(litellm_truncated"
_SHORTENED: Final = re.compile(r"(?:\.\.\. )?\(litellm_truncated[^)]{0,400}\)(?: \.\.\.)?")

#: Name in the logging payload -> column of SpendLogs that holds the same.
_SPEND_LOG_NAMES: Final = {
    "user_api_key_user_id": "user",
    "user_api_key_team_id": "team_id",
    "user_api_key_hash": "api_key",
    "user_api_key_org_id": "organization_id",
    "user_api_key_end_user_id": "end_user",
}

#: SpendLogs writes str(None) for an id that is not there.
_NOTHING: Final = frozenset({"", "None"})


class LiteLLMSource:
    """Source for the logs of a LiteLLM proxy."""

    name = "litellm"

    def columns_absent(self, options: ReadOptions) -> frozenset[str]:
        """Columns of `EDGE_SCHEMA` that LiteLLM does not know."""
        del options
        return frozenset({"principal_id"})

    def matches(self, record: Mapping[str, object]) -> bool:
        """Whether a record is a spend log or a logging payload."""
        return "startTime" in record and ("request_id" in record or "id" in record or "litellm_call_id" in record)

    def row(self, record: Mapping[str, object], options: ReadOptions) -> Mapping[str, object]:
        """Values by canonical column."""
        metadata = as_object(record.get("metadata"))
        server_request = as_object(record.get("proxy_server_request"))
        row = exchanged(_request_body(record, server_request), record.get("response"))
        row.update(_outcome(record, metadata, row))
        row.update(_identity(record, metadata, options))
        row.update(_circumstances(record, metadata, server_request))
        row["latency_ms"] = _latency(record)
        for column in TEXTS:
            if isinstance(text := row.get(column), str) and (len(text) <= _LONGEST_REDACTED or _MARK in text):
                row[column] = _as_sent(text)
        return row


def _request_body(record: Mapping[str, object], server_request: Mapping[str, object]) -> dict[str, object]:
    """Body of the request: what the caller sent, else the logged messages with the model's parameters."""
    sent = as_object(server_request.get("body")) or server_request
    body = {**as_object(record.get("model_parameters")), **sent}
    messages = opened(record.get("messages"))
    if messages and not (isinstance(messages, str) and messages in _REDACTED):
        body.pop("input", None)
        body.pop("prompt", None)
        body["messages"] = messages
    return body


def _as_sent(text: str) -> str | None:
    """Text without what LiteLLM wrote into it; None when nothing else is left."""
    return None if text in _REDACTED else _SHORTENED.sub("\n", text)


def _identity(record: Mapping[str, object], metadata: Mapping[str, object], options: ReadOptions) -> Row:
    call_id = _given(record.get("litellm_call_id")) or _given(metadata.get("litellm_call_id"))
    return {
        "request_id": call_id or _given(record.get("request_id")) or _given(record.get("id")),
        "conversation_id": _given(record.get("session_id")) or _given(record.get("trace_id")),
        "account_id": _account(record, metadata, options.account_fields),
        "api_key_id": _named(record, metadata, "user_api_key_hash") or _given(metadata.get("user_api_key")),
        "organisation_id": _named(record, metadata, "user_api_key_org_id"),
        "end_user_id": _given(record.get("end_user")) or _given(metadata.get("user_api_key_end_user_id")),
    }


def _account(record: Mapping[str, object], metadata: Mapping[str, object], fields: tuple[str, ...]) -> object:
    for field in fields:
        if account := _named(record, metadata, field):
            return account
    return None


def _named(record: Mapping[str, object], metadata: Mapping[str, object], field: str) -> object:
    """Value of a field of the logging payload, wherever either dump keeps it."""
    return (
        _given(metadata.get(field))
        or _given(record.get(_SPEND_LOG_NAMES.get(field, field)))
        or _given(record.get(field))
    )


def _given(value: object) -> object:
    return None if value is None or (isinstance(value, str) and value in _NOTHING) else value


def _circumstances(
    record: Mapping[str, object], metadata: Mapping[str, object], server_request: Mapping[str, object]
) -> Row:
    headers: dict[str, str] = {}
    for given in (metadata.get("headers"), server_request.get("headers"), metadata.get("requester_custom_headers")):
        if given:
            headers.update(plain_headers(given))
    agent = _given(metadata.get("user_agent")) or _given(record.get("user_agent"))
    address = _given(record.get("requester_ip_address")) or _given(metadata.get("requester_ip_address"))
    return {
        "occurred_at": record.get("startTime"),
        "client_address": address,
        "user_agent": agent or headers.get("user-agent"),
        "client_fingerprint": client_fingerprint(headers),
        "provider_name": _given(record.get("custom_llm_provider")),
        "request_model": _given(record.get("model_group")) or _given(record.get("model")),
    }


def _outcome(record: Mapping[str, object], metadata: Mapping[str, object], answer: Row) -> Row:
    error = as_object(record.get("error_information")) or as_object(metadata.get("error_information"))
    code = error.get("error_code")
    reasoning = answer.get("reasoning_tokens")
    return {
        "http_status": code if _is_http_status(code) else None,
        "error_code": _given(error.get("error_class")) or _given(code) or answer.get("error_code"),
        "response_model": answer.get("response_model") or _given(record.get("model")),
        "input_tokens": record.get("prompt_tokens", answer.get("input_tokens")),
        "output_tokens": record.get("completion_tokens", answer.get("output_tokens")),
        "reasoning_tokens": reasoning_tokens(metadata.get("usage_object")) if reasoning is None else reasoning,
    }


def _is_http_status(code: object) -> bool:
    return isinstance(code, str | int) and len(str(code)) == len("429") and str(code).isdigit()


def _latency(record: Mapping[str, object]) -> object:
    told = record.get("request_duration_ms")
    return Elapsed(record.get("startTime"), record.get("endTime")) if told is None or told == "" else told
