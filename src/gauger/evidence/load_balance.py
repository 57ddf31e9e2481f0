"""Timing: does the group's total stay steadier than independent customers would leave it?

A dispatcher that keeps a constant rate over many accounts makes one account's silence another's work. Statistic: the
variance of the group's items per 15 minutes, small being telling. Null: customers keep their own daily rhythm and
their own working days and weekends, but are otherwise independent; draws exchange every principal's working days among
themselves, and its weekend days among themselves. A dispatcher that gives each request to an account at random leaves
nothing to see. A duty rota rejects the null too, so it is shown and never counts (docs/decisions/0005).
"""

from dataclasses import dataclass
from typing import Final

import numba as nb
import numpy as np

from gauger.evidence.channel import Group, Population
from gauger.evidence.items import DAY_US
from gauger.evidence.permutation import sequential_p_value
from gauger.evidence.records import Evidence, Fact

BIN_US = 900_000_000
BINS_PER_DAY = DAY_US // BIN_US
MIN_DAYS = 3
#: 1 January 1970 was a Thursday: day 3 of a week that begins on Monday.
EPOCH_WEEKDAY = 3
FIRST_WEEKEND_DAY = 5
MIN_PRINCIPALS = 8
MIN_ITEMS = 200


@nb.njit(cache=True, nogil=True)
def _variance(day, bin_of_day, owner, moved, counts):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
    counts[:] = 0
    for i in range(len(day)):
        counts[moved[owner[i], day[i]] * BINS_PER_DAY + bin_of_day[i]] += 1
    mean = len(day) / len(counts)
    total = 0.0
    for count in counts:
        total += (count - mean) ** 2
    return total / len(counts)


def _kinds_of_day(start_us: int, n_days: int) -> list[np.ndarray]:
    """Return the working days and the weekend days of the stretch; day d begins at the time of day it begins at."""
    middle = (start_us + DAY_US // 2) // DAY_US + np.arange(n_days)
    weekend = (middle + EPOCH_WEEKDAY) % 7 >= FIRST_WEEKEND_DAY
    return [np.flatnonzero(~weekend), np.flatnonzero(weekend)]


def _moved(kinds: list[np.ndarray], n_principals: int, rng: np.random.Generator) -> np.ndarray:
    """Return int64[n_principals, n_days]: where each principal's days go, within their kind."""
    moved = np.empty((n_principals, sum(len(kind) for kind in kinds)), np.int64)
    for kind in kinds:
        moved[:, kind] = rng.permuted(np.tile(kind, (n_principals, 1)), axis=1)
    return moved


@dataclass(frozen=True, slots=True)
class LoadBalance:
    """The channel."""

    name: str = "load_balance"
    family: str = "timing"
    certifies: bool = False

    def evaluate(self, group: Group, population: Population, *, rng: np.random.Generator) -> Evidence:
        """Return the channel's word on the group."""
        since = group.items.occurred_at - population.start_us
        n_days = int((population.end_us - population.start_us) // DAY_US)
        whole = since < n_days * DAY_US
        day = since[whole] // DAY_US
        bin_of_day = (since[whole] % DAY_US) // BIN_US
        owner = np.searchsorted(group.principals, group.items.principal[whole])
        n_principals = len(group.principals)
        enough = n_days >= MIN_DAYS and n_principals >= MIN_PRINCIPALS and len(day) >= MIN_ITEMS
        p_value = None
        facts = []
        if enough:
            counts = np.zeros(n_days * BINS_PER_DAY, np.int64)

            kinds = _kinds_of_day(population.start_us, n_days)

            def variance(moved: np.ndarray) -> float:
                return float(_variance(day, bin_of_day, owner, moved, counts))

            def draw(size: int) -> np.ndarray:
                return np.array([-variance(_moved(kinds, n_principals, rng)) for _ in range(size)])

            observed = variance(np.tile(np.arange(n_days), (n_principals, 1)))
            p_value = sequential_p_value(-observed, draw, permutations=population.permutations)
            mean = len(day) / len(counts)
            facts.append(
                Fact(
                    code="load_balance.dispersion",
                    text=f"Items per 15 minutes: mean {mean:.2f}, variance {observed:.2f}.",
                    values={"mean": round(mean, 4), "variance": round(observed, 4)},
                )
            )
        else:
            facts.append(
                Fact(
                    code="load_balance.no_power",
                    text=f"No power: needs {MIN_DAYS} whole days, {MIN_PRINCIPALS} customers and {MIN_ITEMS} items.",
                    values={"days": n_days, "customers": n_principals, "items": len(day)},
                )
            )
        return Evidence(
            channel=self.name,
            family=self.family,
            applicable=enough,
            p_value=p_value,
            null="customers keep their own daily rhythm, working days and weekends, and are otherwise independent",
            facts=facts,
        )


LOAD_BALANCE: Final = LoadBalance()
