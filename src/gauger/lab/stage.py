"""The stage: what every builder of a population stands on, and what it returns."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gauger.lab.accounts import DAY_S, Cast, ordinary
from gauger.lab.clock import WEEK_S, Agenda, Rhythm, agenda, from_start
from gauger.lab.dialogues import Script
from gauger.lab.pools import Ints, Part, Pools, Shelf, Texts
from gauger.lab.scenarios import Scenario

Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Stage:
    """What a builder stands on.

    Attributes
    ----------
    scenario
        The world's make.
    pools
        Texts and arrivals.
    rng
        The part's own source of chance.
    first_account
        Row in the world of the part's first account.
    site
        Number of the part's own network, distinct from those of other parts.
    persons
        int64, rows in the world of the persons who were there through the tested stretch.
    began_s
        Where the scenario's start lies in the world's log, in seconds; above 0 for a part that is born later.
    harness
        System prompt and tools of the last popular agent before this part; None without one.
    """

    scenario: Scenario
    pools: Pools
    rng: np.random.Generator
    first_account: int
    site: int
    persons: Ints
    began_s: float = 0.0
    harness: tuple[str, str] | None = None

    @property
    def log_s(self) -> float:
        """Length of the log in seconds."""
        return float(self.scenario.weeks * WEEK_S)

    @property
    def tested_s(self) -> float:
        """Start of the tested stretch in seconds."""
        return float(self.scenario.history_weeks * WEEK_S)

    def accounts(self, n: int, *, label: str, rate: float | None = None, floor: float = 0.0) -> Cast:
        """Return n ordinary accounts of this part."""
        mean = self.scenario.weekly_exchanges if rate is None else rate
        return ordinary(
            n, label=label, rate=mean, first_home=self.first_account, log_s=self.log_s, rng=self.rng, floor=floor
        )

    def weekly_counts(self, cast: Cast) -> Ints:
        """Return Poisson exchanges by account and week: int64[n, weeks]."""
        return self.rng.poisson(cast.rate[:, None], (len(cast), self.scenario.weeks))

    def plan(self, cast: Cast, rhythm: Rhythm, counts: Ints | None = None) -> Agenda:
        """Return when the accounts of a cast send what they send."""
        own = self.weekly_counts(cast) if counts is None else counts
        profile = from_start(cast.profile, self.scenario.start.weekday())
        return agenda(own, profile=profile, rhythm=rhythm, rng=self.rng)

    def is_tested(self, plan: Agenda) -> Bools:
        """Return which exchanges of a plan lie in the tested stretch."""
        return np.asarray(plan.week >= self.scenario.history_weeks)

    def fresh(self, shelf: Shelf, plan: Agenda) -> Texts:
        """Return a text of the shelf for each exchange that is no retry, and an empty one for retries."""
        turns = np.full(len(plan), "", dtype=object)
        rows = np.flatnonzero(~plan.is_retry)
        turns[rows] = self.draw(shelf, plan, rows)
        return turns

    def draw(self, shelf: Shelf, plan: Agenda, rows: Ints, *, cover: bool = False) -> Texts:
        """Return one text for each of some exchanges of a plan: object[rows].

        Texts of the tested stretch are others than those of history; where the scenario deals its texts by days, texts
        of a day are others than those of the days around it.
        """
        days = self.scenario.text_days
        turn = (self.began_s + plan.at_s[rows]) // DAY_S % days if days else self.is_tested(plan)[rows]
        drawn = np.empty(len(rows), dtype=object)
        for number in np.unique(turn):
            its = np.flatnonzero(turn == number)
            part: Part = "history" if days or not number else "tested"
            hidden: Part = "cover_history" if part == "history" else "cover_tested"
            kept = {"turn": int(number), "turns": days} if days else {}
            drawn[its] = shelf.draw(hidden if cover else part, len(its), rng=self.rng, **kept)
        return drawn


@dataclass(frozen=True, slots=True)
class Troupe:
    """What a builder returns: accounts (None for a part that overlays others) and their exchanges.

    `campaign` names the campaign that an overlay's exchanges belong to; accounts of a cast carry their own.
    """

    cast: Cast | None
    script: Script
    campaign: str | None = None
