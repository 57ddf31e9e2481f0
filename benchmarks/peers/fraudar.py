"""FRAUDAR (Hooi et al., KDD 2016): the densest block of a bipartite graph whose popular columns weigh less.

Accounts are rows, openings of prompts are columns, an edge weighs 1 / log(degree of the column + 5). Nodes are peeled
off greedily, the one that loses least first; the block is the set at which the mean weight per node was greatest. The
paper's bound under camouflage holds for that set. Re-implemented from the paper's algorithm 1.

Deviations: every account gets a score, the greatest density of a set that it was still part of; openings that one
account alone sends are left out, or the weight would prefer them to every common one, and an account without any other
scores 0.
"""

import heapq
from collections import Counter, defaultdict
from dataclasses import dataclass
from math import log

import pyarrow as pa

from benchmarks.peers.templates import openings

Node = tuple[str, str]


def densities_at_removal(edges: set[tuple[str, str]]) -> dict[str, float]:
    """Return, for each row of (row, column) edges, the greatest density of the peeled sets that hold it."""
    degree = Counter(column for _, column in edges)
    weight = {column: 1 / log(n + 5) for column, n in degree.items()}
    neighbours: dict[Node, set[Node]] = defaultdict(set)
    for row, column in edges:
        neighbours["row", row].add(("column", column))
        neighbours["column", column].add(("row", row))

    def edge(one: Node, other: Node) -> float:
        return weight[one[1] if one[0] == "column" else other[1]]

    worth = {node: sum(edge(node, other) for other in sorted(others)) for node, others in neighbours.items()}
    heap = [(value, node) for node, value in worth.items()]
    heapq.heapify(heap)
    total, best = sum(worth.values()) / 2, 0.0
    found: dict[str, float] = {}
    left = set(worth)
    while left:
        value, node = heapq.heappop(heap)
        if node not in left or value != worth[node]:
            continue  # an older entry: the heap holds one for every change
        best = max(best, total / len(left))
        if node[0] == "row":
            found[node[1]] = best
        left.remove(node)
        total -= value
        for other in neighbours[node] & left:
            worth[other] -= edge(node, other)
            heapq.heappush(heap, (worth[other], other))
    return found


@dataclass(frozen=True)
class Fraudar:
    """Score: the greatest density of a peeled set that the account was part of."""

    def score(self, exchanges: pa.Table, accounts: pa.Table) -> dict[str, float]:  # noqa: ARG002 - text alone
        edges = set(zip(exchanges["account_id"].to_pylist(), openings(exchanges), strict=True))
        degree = Counter(opening for _, opening in edges)
        found = densities_at_removal({edge for edge in edges if degree[edge[1]] > 1})
        return {name: found.get(name, 0.0) for name, _ in sorted(edges)}
