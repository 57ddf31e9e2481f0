"""What one channel says of one group of accounts."""

from typing import Any

import msgspec


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
