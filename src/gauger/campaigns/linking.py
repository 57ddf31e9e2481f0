"""Which findings are doors of one operator: groups that stand on different exchanges and share cards or networks.

A link joins two findings, each with its own verdict, and changes neither: what convicts one door says nothing of an
account that came through another (docs/decisions/0012). Links are not followed from finding to finding.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from gauger.campaigns.calibration import holm
from gauger.evidence.channel import Channel, Population, TokenChannel
from gauger.evidence.linking import Linking, linking_test

Codes = NDArray[np.int32]

#: Share of scans in which a link may be stated by chance; it comes on top of the verdicts' target.
LINK_TARGET = 0.01
#: A scan tests more pairs than candidates: so many times the draws of a conditional test are made.
DRAWS_FACTOR = 10


@dataclass(frozen=True, slots=True)
class Linked:
    """Two findings, by their place, that a channel links; `p_value` is adjusted for every pair and channel (Holm)."""

    first: int
    second: int
    channel: TokenChannel
    p_value: float
    outcome: Linking


def link(
    groups: Sequence[Codes], population: Population, channels: Mapping[str, Channel], *, seed: int
) -> tuple[Linked, ...]:
    """Return the links between groups, in their order.

    Parameters
    ----------
    groups
        Distinct principals of each finding.
    population
        Everybody active in the tested stretch.
    channels
        The conditional channels; those on shared tokens link.
    seed
        Seed of the random groups.
    """
    tested = [
        Linked(first=first, second=second, channel=channel, p_value=outcome.p_value, outcome=outcome)
        for first, second in combinations(range(len(groups)), 2)
        for order, channel in enumerate(channels.values())
        if isinstance(channel, TokenChannel) and channel.kind in population.holdings
        if (
            outcome := linking_test(
                population.holdings[channel.kind],
                groups[first],
                groups[second],
                stratum=population.stratum,
                permutations=DRAWS_FACTOR * population.permutations,
                rng=np.random.default_rng([seed, 3, order, *_place(groups[first]), *_place(groups[second])]),
            )
        )
        is not None
    ]
    adjusted = holm([one.p_value for one in tested])
    return tuple(
        Linked(one.first, one.second, one.channel, float(p_value), one.outcome)
        for one, p_value in zip(tested, adjusted, strict=True)
        if p_value <= LINK_TARGET
    )


def _place(group: Codes) -> tuple[int, int]:
    """Return what tells a group's draws apart, whatever else was found."""
    return int(group[0]), len(group)
