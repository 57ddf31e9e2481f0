"""Openness: which share of the group one token, or a web of its own tokens, joins."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gauger.evidence import openness
from gauger.evidence.concentration import holdings


def _held(pairs, n_principals):
    owner, token = np.array(sorted(pairs), dtype=np.int32).reshape(-1, 2).T
    return holdings(owner, token, n_principals)


def _members(*principals):
    return np.array(principals, np.int32)


def open_share(held, members, n_items=None):
    """The share with one item a member unless given."""
    return openness.open_share(held, np.sort(members), np.ones(len(members), np.int64) if n_items is None else n_items)


def test_strangers_who_match_a_firms_template_once_do_not_hide_the_firm():
    """Twelve keys on one card send forty items each, six strangers one."""
    held = _held([(p, 0) for p in range(12)] + [(p, p) for p in range(12, 18)], 20)
    members = np.arange(18, dtype=np.int32)
    assert open_share(held, members) == 12 / 18
    assert open_share(held, members, np.r_[np.full(12, 40), np.ones(6, int)]) == 480 / 486


def test_one_card_behind_all_is_open():
    assert open_share(_held([(p, 0) for p in range(5)], 9), _members(0, 1, 2, 3, 4)) == 1.0


def test_a_chain_of_the_groups_own_cards_is_open():
    pairs = [(p, t) for t in range(4) for p in (t, t + 1)]
    assert open_share(_held(pairs, 9), _members(0, 1, 2, 3, 4)) == 1.0


def test_a_chain_through_tokens_of_many_strangers_is_not():
    pairs = [(p, t) for t in range(4) for p in (t, t + 1)] + [(p, t) for p in range(5, 20) for t in range(4)]
    assert open_share(_held(pairs, 20), _members(0, 1, 2, 3, 4)) == 2 / 5


def test_a_popular_network_that_holds_the_whole_group_is_one_site():
    assert open_share(_held([(p, 0) for p in range(200)], 200), _members(3, 50, 70, 9)) == 1.0


def test_strangers_with_their_own_cards_join_only_themselves():
    assert open_share(_held([(p, p) for p in range(10)], 10), _members(0, 1, 2, 3)) == 0


def test_a_firm_with_two_cards_is_open():
    assert open_share(_held([(p, p % 2) for p in range(6)], 9), _members(0, 1, 2, 3, 4, 5)) == 1.0


def test_members_whose_card_is_unknown_might_be_on_it():
    assert open_share(_held([(p, 0) for p in range(3)], 9), _members(0, 1, 2, 3)) == 1.0


def test_fewer_than_half_known_members_say_nothing():
    assert open_share(_held([(0, 0), (8, 0)], 9), _members(0, 1, 2)) is None


def _slow(pairs, members):
    holders = {}
    for owner, token in pairs:
        holders.setdefault(token, set()).add(owner)
    inside = {m for m in members if any(owner == m for owner, _ in pairs)}
    if len(inside) < 2 or 2 * len(inside) < len(members):
        return None
    shared = [owners for owners in holders.values() if len(owners) > 1]
    single = max((len(owners & inside) for owners in shared), default=0)
    own = [owners & inside for owners in shared if 2 * len(owners & inside) >= len(owners)]
    sets = [{m} for m in inside]
    for joined in own:
        touched = [s for s in sets if s & joined]
        sets = [s for s in sets if not s & joined] + ([set().union(*touched)] if touched else [])
    joined = sum(len(s) for s in sets if len(s) > 1)
    return (max(single, joined) + len(members) - len(inside)) / len(members)


@given(
    st.sets(st.tuples(st.integers(0, 9), st.integers(0, 6)), min_size=1, max_size=30),
    st.sets(st.integers(0, 9), min_size=1),
)
def test_open_share_agrees_with_the_slow_union(pairs, members):
    assert open_share(_held(pairs, 10), _members(*sorted(members))) == _slow(pairs, members)
