"""What the headers of a request say about the program that sent it."""

from collections.abc import Mapping
from typing import Final

#: Fingerprints that an edge computed; the first one there counts.
_EDGE_FINGERPRINTS: Final = ("ja4", "x-ja4", "cf-ja4", "x-ja4-fingerprint", "ja3", "x-ja3", "x-ja3-hash", "cf-ja3-hash")

#: Client libraries made by one generator describe themselves under this prefix.
_STAINLESS: Final = "x-stainless-"

#: What differs between two calls of one client says nothing about the client.
_VARYING: Final = frozenset({"x-stainless-retry-count", "x-stainless-read-timeout", "x-stainless-timeout"})


def plain_headers(headers: object) -> dict[str, str]:
    """Headers with lower-case names, those apart that are not text."""
    if not headers or not isinstance(headers, dict):
        return {}
    return {name.lower(): value for name, value in headers.items() if isinstance(name, str) and isinstance(value, str)}


def client_fingerprint(headers: Mapping[str, str]) -> str | None:
    """Fingerprint of the client: the edge's TLS fingerprint, else what its library says of itself."""
    for name in _EDGE_FINGERPRINTS:
        if headers.get(name):
            return headers[name]
    told = sorted(name for name in headers if name.startswith(_STAINLESS) and name not in _VARYING)
    return "; ".join(f"{name.removeprefix(_STAINLESS)}={headers[name]}" for name in told) or None
