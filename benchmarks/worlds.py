"""Prompts at hand, and how a world's campaign fared."""

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from gauger.campaigns.findings import Finding, Findings
from gauger.lab import Pools, World, data_pools, grammar_pools


@cache
def pools_at_hand() -> tuple[Pools, str]:
    """Real prompts where GAUGER_DATA names their folder, else the built-in grammar."""
    folder = os.environ.get("GAUGER_DATA")
    return (data_pools(Path(folder)), "data") if folder else (grammar_pools(), "grammar")


@dataclass(frozen=True)
class Match:
    """The finding that names most of a campaign's accounts."""

    rank: int | None
    verdict: str | None
    precision: float
    recall: float
    families: tuple[str, ...] = ()
    n_findings: int = 0


def best_match(found: Findings, world: World, campaign: str) -> Match:
    """Return the first finding most of whose accounts, or which most of the campaign's accounts, belong to it."""
    truth = world.truth_accounts.to_pydict()
    members = {a for a, c in zip(truth["account_id"], truth["campaign"], strict=True) if c == campaign}

    def overlap(one: Finding) -> int:
        return len(members & {account.account_id for account in one.accounts})

    hits = [one for one in found.findings if overlap(one) >= 0.5 * max(len(one.accounts), 1)]
    if not hits:
        return Match(None, None, 0.0, 0.0, n_findings=0)
    best = max(hits, key=lambda one: (overlap(one), -one.rank))
    named = len(best.accounts)
    return Match(
        rank=best.rank,
        verdict=best.verdict,
        precision=overlap(best) / named,
        recall=overlap(best) / len(members),
        families=tuple(best.families),
        n_findings=len(hits),
    )
