"""JSON as strangers write it: decoded fast when it is good, leniently when it can be, and never with a traceback."""

import json
from typing import Final

import msgspec

from gauger.sources.faults import NESTED, NOT_JSON, Bad

_DECODER: Final = msgspec.json.Decoder()
_ENCODER: Final = msgspec.json.Encoder(order="deterministic", enc_hook=str)

#: Digits of the longest integer worth holding; no column is wider than 64 bits.
_MAX_DIGITS: Final = 40

#: JSON kept as text inside JSON or CSV is opened this many times: a dump of a dump, no deeper.
_MAX_WRAPPINGS: Final = 2


def decode(data: bytes) -> object:
    """Value of a JSON text, or `Bad` when it has none.

    Strict first. What strict JSON refuses but can be understood is kept: NaN, numbers beyond 64 bits, control
    characters inside strings; invalid UTF-8 and lone surrogates become U+FFFD. Of a duplicate key the last counts.
    """
    try:
        return _DECODER.decode(data)
    except RecursionError:
        return NESTED
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return _decode_leniently(data)


def _decode_leniently(data: bytes) -> object:
    try:
        value = json.loads(data.decode("utf-8", "replace"), strict=False, parse_int=_whole)
        return _without_surrogates(value)
    except RecursionError:
        return NESTED
    except ValueError:
        return NOT_JSON


def _whole(digits: str) -> int | float:
    return int(digits) if len(digits) <= _MAX_DIGITS else float("inf")


def _without_surrogates(value: object) -> object:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {_without_surrogates(key): _without_surrogates(item) for key, item in value.items()}
    return value


def canonical(value: object) -> str:
    """JSON text with sorted keys and no spaces: equal for equal values. NaN and infinity are null."""
    return _ENCODER.encode(value).decode()


def opened(value: object) -> object:
    """Value with JSON text opened, as CSV dumps and JSON columns hold it; anything else as it is."""
    if not isinstance(value, str):
        return value
    for _ in range(_MAX_WRAPPINGS):
        if not isinstance(value, str) or not value.lstrip().startswith(("{", "[", '"')):
            return value
        inner = decode(value.encode("utf-8", "replace"))
        if isinstance(inner, Bad):
            return value
        value = inner
    return value


def as_object(value: object) -> dict[str, object]:
    """Value as a JSON object, opened when it is text; empty when it is anything else."""
    if isinstance(value, str):
        value = opened(value)
    return value if isinstance(value, dict) else {}
