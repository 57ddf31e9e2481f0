"""From a value of a log to a value of a column: one converter per column of `EDGE_SCHEMA`.

A converter returns the value, None for "not there", or `Bad`; it never raises. Empty text counts as not there.
"""

import hashlib
import math
import re
from collections.abc import Callable, Mapping
from datetime import tzinfo
from decimal import Decimal
from functools import partial
from typing import Any, Final

from gauger.exchanges.schema import IDENTIFIERS, TEXTS
from gauger.sources.faults import NOT_A_NUMBER, OUT_OF_RANGE, WRONG_TYPE, Bad
from gauger.sources.json_text import opened
from gauger.sources.times import Elapsed, microseconds, milliseconds, moments

Converter = Callable[[object, tzinfo], object]

_MAX_NUMBER_CHARACTERS: Final = 40
_DURATION_BITS: Final = 32
#: How a key in the clear begins.
_CLEAR_KEY: Final = "sk-"
_WITH_PORT: Final = re.compile(r"^(?:\[([^\]]*)\](?::\d{1,5})?|([^:]*):\d{1,5})$")


def text(value: object, zone: tzinfo) -> str | Bad | None:
    """Take text as given."""
    del zone
    if isinstance(value, str):
        return value or None
    if value is None:
        return None
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace") or None
    return WRONG_TYPE


def identifier(value: object, zone: tzinfo) -> str | Bad | None:
    """Take an id or a name as given; a whole number becomes its digits."""
    if isinstance(value, bool):
        return WRONG_TYPE
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int | Decimal):
        found = f"{value:d}" if isinstance(value, int) else f"{value:f}"
        return found if len(found) <= _MAX_NUMBER_CHARACTERS else OUT_OF_RANGE
    return text(value, zone)


def key_identifier(value: object, zone: tzinfo) -> str | Bad | None:
    """Like `identifier`, but a secret key in the clear becomes its SHA-256, as LiteLLM stores its own keys."""
    found = identifier(value, zone)
    if isinstance(found, str) and found.startswith(_CLEAR_KEY):
        return hashlib.sha256(found.encode("utf-8", "replace")).hexdigest()
    return found


def client_address(value: object, zone: tzinfo) -> str | Bad | None:
    """First hop of an X-Forwarded-For list, without a port."""
    if isinstance(value, list):
        value = value[0] if value else None
    found = text(value, zone)
    if not isinstance(found, str):
        return found
    hop = found.split(",", 1)[0].strip()
    if ":" not in hop and "[" not in hop:
        return hop or None
    with_port = _WITH_PORT.match(hop)
    if with_port is None:
        return hop or None
    return with_port[1] or with_port[2] or None


def _number(value: object) -> int | float | Bad | None:
    """Read the number in a value: whole ones as int, and never NaN."""
    if value is None or isinstance(value, bool):
        return None if value is None else WRONG_TYPE
    if isinstance(value, str):
        return _number_in(value.strip())
    if isinstance(value, int):
        return value
    if isinstance(value, Decimal):
        value = float(value)
    if not isinstance(value, float):
        return WRONG_TYPE
    if math.isnan(value):
        return NOT_A_NUMBER
    return int(value) if value.is_integer() else value


def _number_in(written: str) -> int | float | Bad | None:
    if not written:
        return None
    if len(written) > _MAX_NUMBER_CHARACTERS:
        return NOT_A_NUMBER
    try:
        return int(written)
    except ValueError:
        pass
    try:
        return _number(float(written))
    except ValueError:
        return NOT_A_NUMBER


def integer(value: object, zone: tzinfo, *, bits: int) -> int | Bad | None:
    """Read a whole number of that many bits, signed; 5.0 and "5" are whole, 5.5 is not."""
    del zone
    found = _number(value)
    if not isinstance(found, int | float):
        return found
    bound = 1 << (bits - 1)
    if not -bound <= found < bound:
        return OUT_OF_RANGE
    return found if isinstance(found, int) else WRONG_TYPE


def rounded(value: object, zone: tzinfo, *, bits: int) -> int | Bad | None:
    """Like `integer`, fractions rounded."""
    found = _number(value)
    return integer(round(found) if isinstance(found, float) and math.isfinite(found) else found, zone, bits=bits)


def duration(value: object, zone: tzinfo) -> int | Bad | None:
    """Read milliseconds, fractions rounded, or the time between two moments."""
    found = milliseconds(value, zone) if type(value) is Elapsed else value
    return found if isinstance(found, Bad) else rounded(found, zone, bits=_DURATION_BITS)


def real(value: object, zone: tzinfo) -> float | Bad | None:
    """Read a finite number."""
    del zone
    found = _number(value)
    if not isinstance(found, int | float):
        return found
    try:
        return float(found) if math.isfinite(found) else OUT_OF_RANGE
    except OverflowError:
        return OUT_OF_RANGE


def names(value: object, zone: tzinfo) -> list[str] | Bad | None:
    """Read a list of names; of a mixed list the ones that are text."""
    del zone
    found = opened(value)
    if found is None or found == "":
        return None
    if not isinstance(found, list):
        return WRONG_TYPE
    return [name for name in found if isinstance(name, str) and name]


#: Column of `EDGE_SCHEMA`, its origin apart -> converter.
CONVERTERS: Final[Mapping[str, Converter]] = {
    **dict.fromkeys(IDENTIFIERS, identifier),
    "account_id": key_identifier,
    "api_key_id": key_identifier,
    "occurred_at": microseconds,
    "latency_ms": duration,
    "http_status": partial(integer, bits=16),
    "error_code": identifier,
    "finish_reason": text,
    "client_address": client_address,
    "user_agent": text,
    "client_fingerprint": text,
    "provider_name": text,
    "request_model": text,
    "response_model": text,
    "input_tokens": partial(integer, bits=64),
    "output_tokens": partial(integer, bits=64),
    "reasoning_tokens": partial(integer, bits=64),
    "temperature": real,
    "choice_count": partial(integer, bits=32),
    "max_tokens": partial(integer, bits=32),
    "top_logprobs": partial(integer, bits=32),
    "seed": partial(integer, bits=64),
    "tool_names": names,
    **dict.fromkeys(TEXTS, text),
}

_EMPTY_ROW: Final[Mapping[str, object]] = dict.fromkeys(CONVERTERS)


def empty_row() -> dict[str, object]:
    """Return a new row with all columns of `CONVERTERS` in their order, None in each: what a source fills."""
    return dict(_EMPTY_ROW)


#: Converters that leave a text as it is.
_AS_GIVEN: Final = (text, identifier)

#: Kinds of values that are equal only when they read the same.
_COMPARABLE: Final = ({str}, {int}, {float})


def converted_column(column: str, values: list[object], zone: tzinfo) -> tuple[list[object], dict[int, Bad]]:
    """Values of one column, converted, and by its place what is bad in them, where the value is None.

    The same as one by one. Values that are all of one kind are read together where they can be, else each different
    one is converted once.
    """
    converter = CONVERTERS[column]
    kinds = set(map(type, values))
    kinds.discard(type(None))
    if not kinds:
        return values, {}
    if len(kinds) == 1 and (together := _together(converter, next(iter(kinds)), values, zone)) is not None:
        return together, {}
    if kinds in _COMPARABLE:
        known = {value: converter(value, zone) for value in set(values)}
        found = [known[value] for value in values]
        may_be_bad = Bad in set(map(type, known.values()))
    else:
        found = [value if type(value) is Bad else converter(value, zone) for value in values]
        may_be_bad = True
    bad = {at: value for at, value in enumerate(found) if type(value) is Bad} if may_be_bad else {}
    return ([None if type(value) is Bad else value for value in found] if bad else found), bad


def _together(converter: Converter, kind: type, values: list[Any], zone: tzinfo) -> list[Any] | None:
    """Values of one kind, some of them None, as their converter reads them; None where it must be asked."""
    if converter is microseconds:
        return moments(values, zone)
    if kind is Elapsed:
        return _durations(values, zone)
    if kind is int:
        bits = _bits(converter)
        return values if bits and _fit(values, bits) else None
    if kind is not str:
        return None
    is_as_given = converter in _AS_GIVEN or (converter is key_identifier and not _has_clear_key(values))
    return [value or None for value in values] if is_as_given else None


def _has_clear_key(values: list[str | None]) -> bool:
    return any([value.startswith(_CLEAR_KEY) for value in values if value])  # noqa: C419 - a generator takes longer


def _bits(converter: Converter) -> int:
    """Bits of the whole numbers that a converter takes as they are; 0 where it takes none."""
    if converter is duration:
        return _DURATION_BITS
    return converter.keywords["bits"] if isinstance(converter, partial) else 0


def _fit(values: list[Any], bits: int) -> bool:
    """Whether whole numbers, some of them None, are of that many bits, signed."""
    known = [value for value in values if value is not None]
    bound = 1 << (bits - 1)
    return -bound <= min(known) and max(known) < bound


def _durations(values: list[Any], zone: tzinfo) -> list[int] | None:
    """Milliseconds of durations whose times can be read at once."""
    if None in values:
        return None
    begins, ends = moments([value.begin for value in values], zone), moments([value.end for value in values], zone)
    if begins is None or ends is None:
        return None
    found = [round((end - begin) / 1000) for begin, end in zip(begins, ends, strict=True)]
    return found if _fit(found, _DURATION_BITS) else None
