"""The records of findings.json (contracts §5). The JSON Schema is generated from them.

Unknown is null, never absent. Times are RFC 3339 in UTC, written by whoever fills the record.
"""

from typing import Literal

import msgspec

from gauger.evidence.records import Evidence, Fact

__all__ = [
    "CAPABILITIES",
    "FAMILIES",
    "BenignExplanation",
    "Calibration",
    "ChannelOff",
    "Cleared",
    "Evidence",
    "Fact",
    "Family",
    "Finding",
    "Findings",
    "Input",
    "Link",
    "Member",
    "Verdict",
]

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


class Member(_Record, frozen=True):
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


class BenignExplanation(_Record, frozen=True):
    """An innocent explanation: whether it was tested, and what came out."""

    code: str
    tested: bool
    outcome: str


class Finding(_Record, frozen=True):
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


class Cleared(_Record, frozen=True):
    """A group that looked like one operator and is not one: people were found behind it. It names no account."""

    first_seen: str
    last_seen: str
    n_accounts: int
    n_principals: int
    n_exchanges: int
    reason: str
    evidence: list[Evidence]


class Link(_Record, frozen=True):
    """Two findings whose accounts share tokens that are mostly theirs: doors of one operator, perhaps.

    Each has a verdict of its own, which no link changes.
    """

    findings: list[str]
    channel: str
    family: Family
    p_value: float
    facts: list[Fact]


class ChannelOff(_Record, frozen=True):
    """A channel that could not run, and why."""

    channel: str
    reason: str


class Input(_Record, frozen=True):
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


class WeekOfHistory(_Record, frozen=True):
    """History windows that begin in one week, those that would have alarmed, and how many were to be expected."""

    from_: str = msgspec.field(name="from")
    windows: int
    alarms: int
    expected: float


class HistoryCheck(_Record, frozen=True):
    """Each history window ranked among those before it: would they have alarmed as rarely as promised?"""

    level: float
    windows: int
    alarms: int
    expected: float
    p_value: float
    weeks: list[WeekOfHistory]


class Calibration(_Record, frozen=True):
    """How the verdicts were certified, or that they were not."""

    method: str
    windows: int
    window: str
    target: float
    certified: bool
    fdr: float | None
    statement: str
    history_check: HistoryCheck | None = None  # absent in documents of earlier versions


class Findings(_Record, frozen=True):
    """The whole document."""

    schema: Literal["gauger/findings/1"]
    generated_at: str
    gauger_version: str
    input: Input
    calibration: Calibration
    findings: list[Finding]
    cleared: list[Cleared]
    links: list[Link] = []  # absent in documents of earlier versions
