"""Which findings are linked: adjusted for every pair and channel, and never from finding to finding."""

import numpy as np

from gauger.campaigns.linking import LINK_TARGET, link
from gauger.evidence.channel import Population
from gauger.evidence.channels import CHANNELS
from gauger.evidence.concentration import holdings

N = 800
GROUPS = [np.arange(start, start + 40, dtype=np.int32) for start in range(0, 240, 40)]


def _linked(cards, *, groups=GROUPS, permutations=999):
    held = holdings(np.arange(N, dtype=np.int32), np.asarray(cards, np.int32), N)
    population = Population(holdings={"payment": held}, stratum=np.zeros((N, 3), np.int32), permutations=permutations)
    return link(groups, population, CHANNELS, seed=1)


def _cards(*doors):
    """Everybody has a card of his own; half of each of these groups pays with the card named."""
    cards = np.arange(1_000, 1_000 + N)
    for group, half, card in doors:
        cards[GROUPS[group][20 * half : 20 * half + 20]] = card
    return cards


def test_doors_of_one_operator_are_linked_and_two_operators_are_not():
    found = _linked(_cards((0, 0, 7), (1, 0, 7), (3, 0, 8), (4, 0, 8)))
    assert [(one.first, one.second) for one in found] == [(0, 1), (3, 4)]
    assert all(one.channel.name == "payment" and one.p_value <= LINK_TARGET for one in found)


def test_links_are_not_followed_from_finding_to_finding():
    found = _linked(_cards((0, 0, 7), (1, 0, 7), (1, 1, 8), (2, 0, 8)))
    assert [(one.first, one.second) for one in found] == [(0, 1), (1, 2)]


def test_every_pair_pays_for_all_pairs():
    alone = _linked(_cards((0, 0, 7), (1, 0, 7)), groups=GROUPS[:2])
    among = _linked(_cards((0, 0, 7), (1, 0, 7)))
    assert among[0].p_value == 15 * alone[0].p_value


def test_without_tokens_and_without_findings_nothing_is_linked():
    empty = Population(holdings={}, stratum=np.zeros((N, 3), np.int32), permutations=99)
    assert link(GROUPS, empty, CHANNELS, seed=1) == ()
    assert _linked(_cards(), groups=[]) == ()
