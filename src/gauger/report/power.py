"""What would have been found: the answer that a report without findings owes its reader."""

from dataclasses import dataclass

from gauger.campaigns.findings import Verdict


@dataclass(frozen=True, kw_only=True)
class PowerRow:
    """Campaigns of one size planted into the reader's own log, and how many of them were found.

    `verdict` is the least verdict that counted as found. `low` and `high` bound the rate found / planted (95 %).
    """

    n_accounts: int
    exchanges_per_account: int
    verdict: Verdict
    planted: int
    found: int
    low: float
    high: float
