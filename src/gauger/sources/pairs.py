"""A request and its answer as two bodies, with the gateway's own fields beside them.

    {"request": {...}, "response": {...}, "timestamp": "...", "account_id": "...", "client_ip": "...", ...}

Neither API tells who called, from where or when: those come from the fields beside, whose usual names are known here.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from gauger.sources.batches import ReadOptions
from gauger.sources.bodies import Row, exchanged
from gauger.sources.faults import WRONG_TYPE
from gauger.sources.headers import client_fingerprint, plain_headers
from gauger.sources.json_text import as_object, opened
from gauger.sources.source import Refused

#: Canonical column -> names that gateways give it; the first that is there counts.
_BESIDE: Final[Mapping[str, tuple[str, ...]]] = {
    "occurred_at": ("occurred_at", "timestamp", "time", "created_at", "request_time", "start_time", "startTime", "ts"),
    "account_id": ("account_id", "account", "user_id", "user", "customer_id", "workspace_id", "tenant_id"),
    "request_id": ("request_id", "id", "correlation_id"),
    "conversation_id": ("conversation_id", "session_id", "thread_id"),
    "api_key_id": ("api_key_id", "api_key_hash", "key_id"),
    "organisation_id": ("organisation_id", "organization_id", "org_id"),
    "principal_id": ("principal_id",),
    "end_user_id": ("end_user_id", "end_user"),
    "latency_ms": ("latency_ms", "duration_ms"),
    "http_status": ("http_status", "status_code", "status"),
    "error_code": ("error_code",),
    "client_address": ("client_address", "client_ip", "ip", "remote_addr", "x_forwarded_for"),
    "user_agent": ("user_agent",),
    "client_fingerprint": ("client_fingerprint", "ja4", "ja3"),
    "provider_name": ("provider_name", "provider"),
}
_NAMES: Final = frozenset(name for names in _BESIDE.values() for name in names)


def request_of(record: Mapping[str, object]) -> dict[str, object]:
    """Body of the request; empty when there is none."""
    return as_object(record.get("request"))


def response_of(record: Mapping[str, object]) -> dict[str, object]:
    """Body of the answer; empty when there is none."""
    return as_object(record.get("response"))


def is_pair(record: Mapping[str, object]) -> bool:
    """Whether a record holds a request's body."""
    request = request_of(record)
    return "messages" in request or "input" in request or "prompt" in request


def pair_row(record: Mapping[str, object], options: ReadOptions) -> Row:
    """Values by canonical column of a pair.

    Raises
    ------
    Refused
        There is no request.
    """
    del options
    request = request_of(record)
    if not request:
        raise Refused(WRONG_TYPE, column="user_prompt")
    row = exchanged(request, record.get("response"))
    row.update(_client(record))
    row.update(_beside(record))
    return row


def _beside(record: Mapping[str, object]) -> Row:
    row: Row = {}
    for column, name in _places(_NAMES.intersection(record)):
        value = record[name]
        if value is not None and value != "":
            row[column] = value
    return row


@lru_cache(maxsize=256)
def _places(known: frozenset[str]) -> tuple[tuple[str, str], ...]:
    """Of `_BESIDE` what a record with these of its names has, what counts most last: one log has few shapes."""
    return tuple((column, name) for column, names in _BESIDE.items() for name in reversed(names) if name in known)


def _client(record: Mapping[str, object]) -> Row:
    """Return what the headers of the request say of the client."""
    given = record.get("headers") or record.get("request_headers")
    headers = plain_headers(opened(given)) if given else {}
    if not headers:
        return {}
    told: Row = {
        "client_address": headers.get("x-forwarded-for"),
        "user_agent": headers.get("user-agent"),
        "client_fingerprint": client_fingerprint(headers),
    }
    return {column: value for column, value in told.items() if value is not None}
