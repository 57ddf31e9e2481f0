"""Births: innocent novelty that comes into a world while it runs, as often in its history as in what is tested.

A detector that looks for what is new meets new applications, releases, fashions and customers every week. A world whose
history holds none of them makes any test look bad, and one whose tested stretch holds none makes it look good.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from gauger.lab.scenarios import (
    Born,
    ChatPersons,
    Developers,
    EvaluationRuns,
    PopularAgent,
    Population,
    Scenario,
    TemplateApps,
    UndeclaredKeys,
    UniversityClass,
    ViralPrompt,
    ViralTemplate,
)

#: What was born this long before the log begins may still live in it.
BEFORE_WEEKS: Final = 12

Drawn = Callable[[np.random.Generator], tuple[Population, int]]


@dataclass(frozen=True, slots=True)
class BirthRates:
    """Births a week. Assumptions, not measurements: sweep them (`times`)."""

    apps: float = 0.5  # customers with a template of their own
    declared_keys: float = 0.1  # customers with 4 to 40 keys that they declare
    undeclared_keys: float = 0.05  # customers with 4 to 20 keys that they do not declare
    agents: float = 0.1  # agents that 8 to 30 strangers begin to use
    releases: float = 0.25  # of the agent that was there all along
    viral_prompts: float = 0.5  # pasted by 6 to 40 persons
    viral_templates: float = 0.5  # filled by 6 to 40 persons, once each
    suites: float = 0.25  # evaluation suites, each run by 3 to 8 accounts
    classes: float = 0.1  # of 10 to 40 students with one assignment

    def times(self, factor: float) -> "BirthRates":
        """Return all rates multiplied."""
        return BirthRates(**{field.name: factor * getattr(self, field.name) for field in fields(self)})


def living(
    rates: BirthRates,
    *,
    weeks: int,
    seed: int,
    tested_weeks: int = 1,
    tested_rates: BirthRates | None = None,
    persons: int = 90,
    weekly_exchanges: float = 30.0,
    name: str = "living",
) -> Scenario:
    """Return an innocent world with births all through.

    Parameters
    ----------
    rates
        Births a week.
    weeks
        Of the whole log; the last `tested_weeks` are the tested stretch.
    seed
        Another seed bears others at other times. Give `simulate` the same.
    tested_weeks, tested_rates
        The tested stretch, and its own rates where fashions quicken: default as before.
    persons
        Who chat, 60 or more; developers, applications and an agent's users are in proportion.
    weekly_exchanges
        Mean of an ordinary account's exchanges in a week.
    name
        Of the scenario.
    """
    rng = np.random.default_rng([seed, 104_729])
    history = weeks - tested_weeks
    stretches = [(-BEFORE_WEEKS, history, rates), (history, weeks, tested_rates or rates)]
    releases = tuple(day for first, end, own in stretches for day in _days(own.releases, max(first, 0), end, rng=rng))
    born = [
        Born(*drawn(rng), at_day=day)
        for first, end, own in stretches
        for kind, drawn in _DRAWN.items()
        for day in _days(getattr(own, kind), first, end, rng=rng)
    ]
    residents: tuple[Population, ...] = (
        ChatPersons(n=persons),
        Developers(n=persons // 4),
        TemplateApps(n=persons // 4),
        TemplateApps(n=2, keys=4),
        PopularAgent(n=persons // 3, releases=releases),
    )
    return Scenario(
        name=name,
        parts=(*residents, *born),
        history_weeks=history,
        tested_weeks=tested_weeks,
        weekly_exchanges=weekly_exchanges,
        text_days=16,
    )


def _days(rate: float, first_week: int, end_week: int, *, rng: np.random.Generator) -> Iterator[int]:
    """Yield the days of a Poisson number of births in [first_week, end_week), sorted."""
    n = rng.poisson(rate * (end_week - first_week))
    yield from sorted(rng.integers(7 * first_week, 7 * end_week, n).tolist())


def _number(low: int, high: int, rng: np.random.Generator) -> int:
    """Return a number from low to high, small ones more often: log-uniform."""
    return round(low * (high / low) ** rng.random())


#: How each kind is drawn: the part, and how many weeks it lives.
_DRAWN: Final[dict[str, Drawn]] = {
    "apps": lambda _: (TemplateApps(n=1), 12),
    "declared_keys": lambda rng: (TemplateApps(n=1, keys=_number(4, 40, rng), label="declared_keys"), 8),
    "undeclared_keys": lambda rng: (UndeclaredKeys(keys=_number(4, 20, rng)), 8),
    "agents": lambda rng: (PopularAgent(n=_number(8, 30, rng)), 12),
    "viral_prompts": lambda rng: (ViralPrompt(accounts=_number(6, 40, rng)), 1),
    "viral_templates": lambda rng: (ViralTemplate(accounts=_number(6, 40, rng)), 1),
    "suites": lambda rng: (
        EvaluationRuns(n=_number(3, 8, rng), items=100, first_item=int(rng.integers(0, 500)), runs=(0,), own=True),
        1,
    ),
    "classes": lambda rng: (UniversityClass(n=_number(10, 40, rng)), 1),
}
