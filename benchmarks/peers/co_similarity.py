"""Co-similarity networks: accounts that send similar texts within a minute of each other, time after time.

The method of the coordination-network-toolkit (QUT Digital Observatory) for posts, asked of prompts: an edge weighs the
number of pairs of exchanges of two accounts at most 60 s apart whose words overlap (Jaccard 0.5 and more). No null.

Deviation: pairs are compared within sliding windows of time only, so the cost is the number of pairs in a minute.
"""

from collections import Counter
from dataclasses import dataclass

import pyarrow as pa

from benchmarks.peers.templates import word_set

WINDOW_US = 60_000_000
JACCARD = 0.5


def edges(times: list[int], names: list[str], texts: list[frozenset[str]]) -> Counter[tuple[str, str]]:
    """Return how many similar pairs within the window each pair of accounts has; times in microseconds, ascending."""
    found: Counter[tuple[str, str]] = Counter()
    first = 0
    for k, now in enumerate(times):
        while times[first] < now - WINDOW_US:
            first += 1
        for j in range(first, k):
            if names[j] != names[k] and _jaccard(texts[j], texts[k]) >= JACCARD:
                found[min(names[j], names[k]), max(names[j], names[k])] += 1
    return found


def _jaccard(left: frozenset[str], right: frozenset[str]) -> float:
    return len(left & right) / max(len(left | right), 1)


@dataclass(frozen=True)
class CoSimilarity:
    """Score: the total weight of the account's edges."""

    def score(self, exchanges: pa.Table, accounts: pa.Table) -> dict[str, float]:  # noqa: ARG002 - needs the log alone
        ordered = exchanges.select(["occurred_at", "account_id", "user_prompt"]).sort_by("occurred_at")
        names = ordered["account_id"].to_pylist()
        times = ordered["occurred_at"].cast(pa.int64()).to_pylist()
        degree = dict.fromkeys(names, 0.0)
        for pair, n in edges(times, names, [word_set(text) for text in ordered["user_prompt"].to_pylist()]).items():
            for name in pair:
                degree[name] += n
        return degree
