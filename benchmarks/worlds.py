"""Prompts at hand, and how a world's campaign fared."""

import os
from functools import cache
from pathlib import Path

from gauger.lab import Pools, data_pools, grammar_pools
from gauger.lab.scores import Score


@cache
def pools_at_hand() -> tuple[Pools, str]:
    """Real prompts where GAUGER_DATA names their folder, else the built-in grammar."""
    folder = os.environ.get("GAUGER_DATA")
    return (data_pools(Path(folder)), "data") if folder else (grammar_pools(), "grammar")


def fared(scored: Score) -> dict[str, object]:
    """Return how the only campaign of a world fared: its finding's rank and verdict, and who was named."""
    [one] = scored.found
    return {
        "rank": one.rank,
        "verdict": one.verdict,
        "precision": one.precision.value or 0.0,
        "recall": one.recall.value or 0.0,
        "f1": one.f1.value or 0.0,
    }
