"""The records of a score: a truth, a report, and every figure of the one against the other."""

from dataclasses import dataclass
from typing import Final, Literal

import pyarrow as pa

from gauger.campaigns.findings import Findings, Verdict

#: Verdicts from the strongest to the weakest.
VERDICTS: Final[tuple[Verdict, ...]] = ("campaign", "supported", "observed")
PER: Final = 100_000
FIRST: Final = 3
PRECISION: Final = 0.99

NO_CAMPAIGN: Final = "no campaign was planted"
NO_INNOCENT: Final = "the truth has no innocent account"
NOTHING_NAMED: Final = "no account was named"
NO_ACCOUNT_TABLE: Final = "the report has no accounts.parquet"
NO_EXCHANGE_TABLE: Final = "the report has no exchanges.parquet"


@dataclass(frozen=True, slots=True)
class Figure:
    """A number, or null and the reason why there is none."""

    value: float | None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Truth:
    """What is true of a log.

    Attributes
    ----------
    accounts
        Table of `gauger.lab.world.TRUTH_ACCOUNTS_SCHEMA`: every account once.
    exchanges
        Table of `TRUTH_EXCHANGES_SCHEMA`: every exchange once; with a further column `occurred_at`, where the times
        are known.
    """

    accounts: pa.Table
    exchanges: pa.Table


@dataclass(frozen=True, slots=True)
class Report:
    """What a detector said of a log.

    Attributes
    ----------
    findings
        The document of findings.json.
    accounts
        Table of accounts.parquet (finding_id, account_id at least: those that are listed or touched), or None.
    exchanges
        Table of exchanges.parquet (finding_id, account_id, request_id at least; `score`, where a detector has one of
        its own), or None.
    """

    findings: Findings
    accounts: pa.Table | None = None
    exchanges: pa.Table | None = None


@dataclass(frozen=True, slots=True)
class Named:
    """Innocent accounts that findings list, each once, under the strongest verdict that lists it."""

    campaign: int
    supported: int
    observed: int


@dataclass(frozen=True, slots=True)
class ClassAlarms:
    """False alarms in one class of innocent accounts; rates are per 100,000 accounts of the class."""

    label: str
    accounts: int
    named: Named
    campaign_per_100_000: float
    supported_per_100_000: float
    observed_per_100_000: float


@dataclass(frozen=True, slots=True)
class FalseAlarms:
    """What befell the innocent.

    Attributes
    ----------
    campaign_findings, false_campaigns
        Findings with the verdict *campaign*, and those of them most of whose accounts are innocent.
    false_classes
        The classes of the innocent accounts in the false campaigns, sorted.
    named
        All innocent accounts that were named.
    campaign_per_100_000, supported_per_100_000, observed_per_100_000
        The same per 100,000 innocent accounts.
    classes
        The same by class, sorted by label.
    """

    campaign_findings: int
    false_campaigns: int
    false_classes: tuple[str, ...]
    named: Named
    campaign_per_100_000: Figure
    supported_per_100_000: Figure
    observed_per_100_000: Figure
    classes: tuple[ClassAlarms, ...]


@dataclass(frozen=True, slots=True)
class CampaignScore:
    """What became of one planted campaign.

    Attributes
    ----------
    rank, verdict
        Of the finding that found it, or null.
    findings
        How many findings are of it; more than one means that it came in pieces.
    precision, recall, f1
        Of the accounts that those findings list together.
    leaked
        Its hostile exchanges before the alarm (see `Score.leaked`).
    """

    campaign: str
    accounts: int
    hostile_exchanges: int
    rank: int | None
    verdict: Verdict | None
    findings: int
    precision: Figure
    recall: Figure
    f1: Figure
    leaked: Figure


@dataclass(frozen=True, slots=True)
class Recall:
    """Shares of the planted campaigns: by the rank of the finding that found each, and by its verdict."""

    first: Figure
    first_three: Figure
    any: Figure
    campaign: Figure
    supported: Figure
    observed: Figure


@dataclass(frozen=True, slots=True)
class Clusters:
    """How the accounts are grouped, whatever the groups are called; an account in no group is one by itself."""

    bcubed_precision: Figure
    bcubed_recall: Figure
    adjusted_rand_index: Figure


@dataclass(frozen=True, slots=True)
class ExchangeScore:
    """Hostile exchanges among those attributed, by score."""

    average_precision: Figure
    recall_at_99_precision: Figure


@dataclass(frozen=True, slots=True)
class VerdictScore:
    """What the findings of this verdict or a stronger one say, as if there were no others.

    Attributes
    ----------
    precision, recall, f1
        Of all accounts that they list, against those of all campaigns.
    clusters, exchanges
        The same findings as groups of accounts, and by the exchanges attributed to them.
    """

    verdict: Verdict
    precision: Figure
    recall: Figure
    f1: Figure
    clusters: Clusters
    exchanges: ExchangeScore


@dataclass(frozen=True, slots=True)
class Score:
    """A report against the truth; false alarms first.

    Attributes
    ----------
    accounts, innocent_accounts, exchanges, hostile_exchanges, campaigns
        What the truth holds.
    false_alarms, recall, found
        False alarms; recall of campaigns; each campaign.
    by_verdict
        Accounts, groups and exchanges: of the findings of verdict *campaign*, with those that are *supported*, of all.
    leaked
        Hostile exchanges that happened before the alarm. A scan of a batch raises its alarm at the end of the tested
        stretch, so these are those up to `tested_to`; a campaign that is not found has leaked all that the log holds.
    touched, touched_per_100_000
        Innocent accounts that a finding lists or to which it attributes an exchange, of any verdict.
    """

    schema: Literal["gauger/score/1"]
    accounts: int
    innocent_accounts: int
    exchanges: int
    hostile_exchanges: int
    campaigns: int
    false_alarms: FalseAlarms
    recall: Recall
    found: tuple[CampaignScore, ...]
    by_verdict: tuple[VerdictScore, ...]
    leaked: Figure
    touched: Figure
    touched_per_100_000: Figure
