"""Timing: do different customers of the group send within the same minute more often than their hours explain?

Statistic: pairs of items of two principals within 60 seconds. Null: inside each hour, principals start independently
of each other. Draws shift every principal's items of an hour by one random offset around that hour, so what a
principal does by itself, bursts included, stays as it is. Clocks that start jobs on the full hour and mornings that
ramp up reject it too, so it is shown and never counts towards a verdict (docs/decisions/0005).
"""

from dataclasses import dataclass
from typing import Final

import numba as nb
import numpy as np

from gauger.evidence.channel import Group, Population
from gauger.evidence.items import HOUR_US
from gauger.evidence.permutation import sequential_p_value
from gauger.evidence.records import Evidence, Fact

LAG_US = 60_000_000
MIN_PRINCIPALS = 4
MIN_ITEMS = 100
#: Bounds the cost: the first items of a larger group are looked at.
MAX_ITEMS = 5_000


@nb.njit(cache=True, nogil=True)
def _close_pairs(order, times, principal):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
    pairs = 0
    start = 0
    for i in range(len(order)):
        here = order[i]
        while times[here] - times[order[start]] > LAG_US:
            start += 1
        for j in range(start, i):
            pairs += principal[order[j]] != principal[here]
    return pairs


@dataclass(frozen=True, slots=True)
class Synchrony:
    """The channel."""

    name: str = "synchrony"
    family: str = "timing"
    certifies: bool = False

    def evaluate(self, group: Group, population: Population, *, rng: np.random.Generator) -> Evidence:
        """Return the channel's word on the group."""
        times = group.items.occurred_at[:MAX_ITEMS]
        principal = group.items.principal[:MAX_ITEMS]
        hour = times // HOUR_US
        _, block = np.unique(np.stack([principal.astype(np.int64), hour]), axis=1, return_inverse=True)
        block = block.ravel()
        n_blocks = int(block.max()) + 1

        def pairs(at: np.ndarray) -> int:
            return int(_close_pairs(np.argsort(at, kind="stable"), at, principal))

        def draw(size: int) -> np.ndarray:
            shifts = rng.integers(0, HOUR_US, size=(size, n_blocks))
            return np.array(
                [pairs(hour * HOUR_US + (times % HOUR_US + shift[block]) % HOUR_US) for shift in shifts], float
            )

        observed = pairs(times)
        enough = len(group.principals) >= MIN_PRINCIPALS and len(group.items) >= MIN_ITEMS
        p_value = sequential_p_value(observed, draw, permutations=population.permutations) if enough else None
        text = f"{observed:,} pairs of different customers sent within 60 seconds of each other."
        facts = [Fact(code="synchrony.pairs", text=text, values={"pairs": observed})]
        if not enough:
            facts.append(
                Fact(
                    code="synchrony.no_power",
                    text=f"No power: fewer than {MIN_ITEMS} items or {MIN_PRINCIPALS} customers.",
                    values={},
                )
            )
        return Evidence(
            channel=self.name,
            family=self.family,
            applicable=enough,
            p_value=p_value,
            null="inside each hour, customers start independently of each other",
            facts=facts,
        )


SYNCHRONY: Final = Synchrony()
