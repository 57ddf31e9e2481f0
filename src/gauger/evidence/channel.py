"""What a channel is given and what it returns."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gauger.evidence.changes import Moves, Visits
from gauger.evidence.concentration import Concentration, Holdings, concentration_test
from gauger.evidence.items import Items
from gauger.evidence.records import Evidence, Fact


@dataclass(frozen=True, slots=True)
class Population:
    """Everybody active in the tested stretch, by principal code.

    Attributes
    ----------
    holdings
        Tokens by kind: "payment", "network", "reasoning_block". A kind that the logs and the account table do
        not give is absent.
    stratum
        int32[n_principals, 3]: activity, plan and most used model. Geography is in no stratum.
    permutations
        Most random groups to draw.
    moves
        Who went over to a new model; None where none newly appeared.
    visits
        Where the stretch's items came from; None where no network is known.
    any_failed
        Whether any item of the stretch is known to have failed.
    """

    holdings: Mapping[str, Holdings]
    stratum: NDArray[np.int32]
    permutations: int
    moves: Moves | None = None
    visits: Visits | None = None
    any_failed: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """A candidate as channels see it: its items, their rows in the stretch, and its distinct principals, sorted."""

    items: Items
    rows: NDArray[np.int32]
    principals: NDArray[np.int32]


class Channel(Protocol):
    """One kind of evidence.

    `evaluate` is pure and deterministic given `rng`; below its minimum of data it returns `applicable=False` and no
    p-value.
    """

    @property
    def name(self) -> str:
        """Stable name, as in findings.json."""
        ...

    @property
    def family(self) -> str:
        """Channels of one family fail together."""
        ...

    @property
    def null(self) -> str:
        """The hypothesis that is tested, in words."""
        ...

    @property
    def draws(self) -> bool:
        """Whether its p-values come from random groups; if not they are exact, however small."""
        ...

    def evaluate(self, group: Group, population: Population, *, rng: np.random.Generator) -> Evidence:
        """Return the channel's word on the group."""
        ...


def word(channel: Channel, p_value: float | None, facts: list[Fact]) -> Evidence:
    """Return a channel's word on a group; without a p-value it is not applicable."""
    return Evidence(
        channel=channel.name,
        family=channel.family,
        applicable=p_value is not None,
        p_value=p_value,
        null=channel.null,
        facts=facts,
    )


@dataclass(frozen=True, slots=True)
class TokenChannel:
    """A channel that asks whether members share tokens of one kind beyond chance.

    Attributes
    ----------
    kind
        Key in `Population.holdings`.
    noun
        One token as a person would say it, singular: "payment card".
    """

    name: str
    family: str
    kind: str
    noun: str
    draws: bool = True

    @property
    def null(self) -> str:
        """The hypothesis that is tested, in words."""
        return f"which accounts are in the group is independent of their {self.noun}, given plan, model and activity"

    def concentration(self, group: Group, population: Population, *, rng: np.random.Generator) -> Concentration | None:
        """Return the test's outcome, or None where tokens of this kind are not known at all."""
        held = population.holdings.get(self.kind)
        if held is None:
            return None
        return concentration_test(
            held, group.principals, stratum=population.stratum, permutations=population.permutations, rng=rng
        )

    def evaluate(self, group: Group, population: Population, *, rng: np.random.Generator) -> Evidence:
        """Return the channel's word on the group."""
        outcome = self.concentration(group, population, rng=rng)
        if outcome is None:
            facts = [Fact(code=f"{self.name}.absent", text=f"No {self.noun} is known in these logs.", values={})]
        else:
            facts = self._facts(outcome, len(group.principals))
        return word(self, None if outcome is None else outcome.p_value, facts)

    def _facts(self, outcome: Concentration, n_members: int) -> list[Fact]:
        facts = [
            Fact(
                code=f"{self.name}.shared",
                text=f"{outcome.linked} of {n_members} customers share one {self.noun} with another of the group"
                f" (known for {outcome.n_known});"
                f" {outcome.ringed} are in rings of three or more that are mostly the group's.",
                values={
                    "linked": outcome.linked,
                    "ringed": outcome.ringed,
                    "members": n_members,
                    "known": outcome.n_known,
                    "pairs": outcome.n_pairs,
                    "component": outcome.component,
                },
            )
        ]
        if outcome.largest > 1:
            facts.append(
                Fact(
                    code=f"{self.name}.largest",
                    text=f"One {self.noun} is held by {outcome.largest} of the group"
                    f" and by {outcome.largest_degree} customers in all.",
                    values={"group": outcome.largest, "all": outcome.largest_degree},
                )
            )
        if outcome.p_value is None:
            facts.append(
                Fact(
                    code=f"{self.name}.no_power", text="No power: fewer than four members with a known one.", values={}
                )
            )
        return facts
