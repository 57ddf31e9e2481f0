"""The records of findings.json (contracts §5). The JSON Schema is generated from them.

Unknown is null, never absent. Times are RFC 3339 in UTC, written by whoever fills the record.
"""

from typing import Any, Literal

import msgspec

Family = Literal["text", "timing", "identity", "infrastructure"]
Verdict = Literal["observed", "supported", "campaign"]

FAMILIES: tuple[Family, ...] = ("text", "timing", "identity", "infrastructure")
CAPABILITIES: tuple[str, ...] = (
    "reasoning_elicitation",
    "grading",
    "data_generation",
    "tool_traces",
    "coding",
    "censorship_safe_rewriting",
    "trace_cleaning",
    "other",
)


class _Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class Fact(_Record):
    """One observed fact: a stable code, the sentence a person reads, and the numbers in it."""

    code: str
    text: str
    values: dict[str, Any]


class Evidence(_Record):
    """What one channel says of one finding. `p_value` is null where the channel states none; `null` says what it tests."""

    channel: str
    family: str
    applicable: bool
    p_value: float | None
    null: str
    facts: list[Fact]


class Member(_Record):
    """An account of a finding: membership and share are two numbers, each with its 95 % interval."""

    account_id: str
    principal_id: str
    membership: float
    low: float
    high: float
    share: float | None
    share_low: float | None
    share_high: float | None
    n_exchanges: int


class BenignExplanation(_Record):
    """An innocent explanation: whether it was tested, and what came out."""

    code: str
    tested: bool
    outcome: str


class Finding(_Record):
    """A candidate with its verdict."""

    finding_id: str
    rank: int
    verdict: Verdict
    first_seen: str
    last_seen: str
    n_accounts: int
    n_principals: int
    n_exchanges: int
    n_exchanges_all: int
    input_tokens: int | None
    output_tokens: int | None
    p_value: float | None
    families: list[Family]
    capabilities: dict[str, float]
    accounts: list[Member]
    evidence: list[Evidence]
    benign_explanations: list[BenignExplanation]


class Cleared(_Record):
    """A group that looked like one operator and is not one: people were found behind it. It names no account."""

    first_seen: str
    last_seen: str
    n_accounts: int
    n_principals: int
    n_exchanges: int
    reason: str
    evidence: list[Evidence]


class ChannelOff(_Record):
    """A channel that could not run, and why."""

    channel: str
    reason: str


class Input(_Record):
    """What was read and which stretch was tested."""

    exchanges: int
    accounts: int
    principals: int
    from_: str = msgspec.field(name="from")
    to: str
    tested_from: str
    tested_to: str
    quarantined: int
    duplicates: int
    columns_absent: list[str]
    channels_off: list[ChannelOff]


class Calibration(_Record):
    """How the verdicts were certified, or that they were not."""

    method: str
    windows: int
    window: str
    target: float
    certified: bool
    fdr: float | None
    statement: str


class Findings(_Record):
    """The whole document."""

    schema: Literal["gauger/findings/1"]
    generated_at: str
    gauger_version: str
    input: Input
    calibration: Calibration
    findings: list[Finding]
    cleared: list[Cleared]
