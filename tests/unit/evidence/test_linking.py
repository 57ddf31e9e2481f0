"""Groups that share cards of their own are linked; strangers on a popular one are not, and chance keeps its rate."""

import numpy as np
import pytest

from gauger.evidence.concentration import holdings
from gauger.evidence.linking import linking_test

N = 600
STRATUM = np.zeros((N, 1), np.int32)
FIRST, SECOND = np.arange(40, dtype=np.int32), np.arange(40, 70, dtype=np.int32)


def _held(cards):
    return holdings(np.arange(N, dtype=np.int32), np.asarray(cards, np.int32), N)


def _cards():
    """Everybody has a card of his own."""
    return np.arange(1_000, 1_000 + N)


def _test(cards, first=FIRST, second=SECOND, *, seed=0, permutations=1_999):
    rng = np.random.default_rng(seed)
    return linking_test(_held(cards), first, second, stratum=STRATUM, permutations=permutations, rng=rng)


def test_two_doors_that_pay_with_one_card_are_linked():
    cards = _cards()
    cards[:20] = cards[40:55] = 7
    said = _test(cards)
    assert said.p_value <= 0.001
    assert (said.linked, said.n_tokens, said.n_holders) == ((20, 15), 1, 35)


def test_two_campaigns_with_a_card_each_are_not_linked():
    cards = _cards()
    cards[:20], cards[40:55] = 7, 8
    said = _test(cards)
    assert (said.p_value, said.linked, said.n_tokens) == (1.0, (0, 0), 0)


@pytest.mark.parametrize("strangers", [36, 200])
def test_a_network_that_strangers_use_more_than_both_links_nobody(strangers):
    cards = _cards()
    cards[:20] = cards[40:55] = cards[100 : 100 + strangers] = 7
    assert _test(cards).p_value == 1.0


@pytest.mark.parametrize(("n_first", "n_second"), [(3, 15), (20, 3), (7, 15), (20, 5)])
def test_a_few_of_one_group_on_the_others_card_link_nobody(n_first, n_second):
    cards = _cards()
    cards[:n_first] = cards[40 : 40 + n_second] = 7
    assert _test(cards).p_value == 1.0


def test_couples_across_two_groups_link_nobody():
    cards = _cards()
    cards[:30] = cards[40:70]
    assert _test(cards).p_value == 1.0


def test_members_of_both_groups_link_nobody():
    cards = _cards()
    cards[:30] = 7
    assert _test(cards, first=np.arange(40, dtype=np.int32), second=np.arange(30, dtype=np.int32)) is None
    both = _test(cards, first=np.arange(40, dtype=np.int32), second=np.arange(60, dtype=np.int32)[20:])
    assert (both.p_value, both.linked) == (1.0, (0, 0))


def test_below_four_known_members_there_is_no_power():
    cards = _cards()
    cards[40:67] = -1
    assert _test(cards) is None


def test_groups_drawn_at_random_are_linked_no_more_often_than_said(assert_super_uniform):
    """Rings of eight share cards; which of them are in which group is chance. No share of a group is asked for."""
    rng = np.random.default_rng(41)
    p_values = []
    for seed in range(300):
        drawn = rng.permutation(N)[:280].astype(np.int32)
        cards = rng.permutation(N) // 8
        said = _test(cards, first=drawn[:140], second=drawn[140:], seed=seed, permutations=199)
        p_values.append(said.p_value)
    assert_super_uniform(p_values)
    assert min(p_values) < 0.1, "the groups are linked enough to be tested"


def test_the_order_of_the_two_groups_and_of_their_members_plays_no_part():
    cards = _cards()
    cards[:20] = cards[40:55] = 7
    forth, back = _test(cards), _test(cards, first=SECOND[::-1].copy(), second=FIRST)
    assert forth.linked == back.linked[::-1]
    assert forth.p_value == back.p_value
