"""What one channel says of one group of accounts."""

import math
from typing import Any

import msgspec

#: A p-value below says no more, and rounding would say something else.
SMALLEST_P = 1e-12


def rounded_up(p_value: float) -> float:
    """Return a p-value to six significant digits, rounded up: what is written never claims more than was measured."""
    if p_value <= 0 or p_value >= 1:
        return min(max(p_value, SMALLEST_P), 1.0)
    scale = 10.0 ** (5 - math.floor(math.log10(p_value)))
    return min(1.0, math.ceil(p_value * scale - 1e-9) / scale)


def p_text(p_value: float) -> str:
    """Return a p-value to two digits, rounded up: what is shown never claims more than what was measured."""
    if p_value >= 1:
        return "1"
    scale = 10 ** (1 - math.floor(math.log10(p_value)))
    return f"{math.ceil(p_value * scale - 1e-9) / scale:.2g}"


def share_text(share: float) -> str:
    """Return a share in percent, rounded down to one decimal."""
    return f"{math.floor(share * 1000 + 1e-9) / 10:.1f}%"


class Fact(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One observed fact: a stable code, the sentence a person reads, and the numbers in it."""

    code: str
    text: str
    values: dict[str, Any]


class Evidence(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A channel's word on a group. `p_value` is null where the channel states none; `null` says what it would test."""

    channel: str
    family: str
    applicable: bool
    p_value: float | None
    null: str
    facts: list[Fact]
