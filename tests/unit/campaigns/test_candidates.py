"""A campaign that rotates its wrapper is one candidate, strangers are not chained, a viral prompt has no strength."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import hypergeom

from gauger.campaigns import candidates, detection
from gauger.campaigns.candidates import Candidate, Sent, group_cores, kinds, strength, without_repeats
from gauger.evidence.mining import Core, mine_cores
from gauger.settings import CoreSettings

RULE = {"part": "user_prompt", "min_shingles": 4, "min_principals": 4, "jaccard": 0.5}
N_STRANGERS = 270


def _sentence(number, *, length=10):
    return set(range(1_000 * number, 1_000 * number + length))


def _own(counter):
    """Return eight shingles that nothing else holds."""
    start = 10_000_000 + 8 * next(counter)
    return set(range(start, start + 8))


def _strength(items, *, n_held):
    return strength(Sent.of(items), n_held=n_held)


def _counter():
    return iter(range(10**6))


def _strangers(counter, *, each=6):
    """Other customers, each with its own words."""
    return [(100 + p, _own(counter)) for p in range(N_STRANGERS) for _ in range(each)]


def _grouped(text):
    cores = mine_cores(text.postings, **RULE)
    n_principals = len(np.unique(text.items.principal))
    return group_cores(cores, text.items, path="novel", n_principals=n_principals)


@pytest.mark.parametrize("each", [4, 20])
def test_a_wrapper_rotated_over_125_variants_becomes_one_candidate(window_text, each):
    rng = np.random.default_rng(71)
    counter = _counter()
    rows = [
        (
            p,
            _sentence(rng.integers(5))
            | _sentence(10 + rng.integers(5))
            | _sentence(20 + rng.integers(5))
            | _own(counter),
        )
        for p in range(30)
        for _ in range(each)
    ]
    n_hostile = len(rows)
    found = _grouped(window_text(rows + _strangers(counter)))
    assert len(found) == 1
    assert found[0].items.tolist() == list(range(n_hostile))
    assert len(found[0].cores) >= 5
    assert found[0].strength.alone_share == 1.0


def _two_groups_and_a_phrase(*, one_in):
    """Two groups with a wrapper each; one in `one_in` requests of theirs and of strangers holds a common phrase."""
    counter = _counter()
    rows = [(p, _sentence(1) | _own(counter)) for p in range(12) for _ in range(6)]
    rows += [(20 + p, _sentence(2) | _own(counter)) for p in range(12) for _ in range(6)]
    rows += _strangers(counter)
    phrase = _sentence(50, length=6)
    return [(owner, own | phrase) if i % one_in == 0 else (owner, own) for i, (owner, own) in enumerate(rows)]


FIRST, SECOND = list(range(72)), list(range(72, 144))


def test_a_popular_phrase_does_not_chain_two_groups(window_text):
    found = [candidate.items.tolist() for candidate in _grouped(window_text(_two_groups_and_a_phrase(one_in=3)))]
    assert FIRST in found
    assert SECOND in found


def test_a_popular_phrase_on_every_request_does_not_chain_two_groups(window_text):
    found = [candidate.items.tolist() for candidate in _grouped(window_text(_two_groups_and_a_phrase(one_in=1)))]
    assert FIRST in found
    assert SECOND in found


def test_two_campaigns_on_the_same_window_stay_apart(window_text):
    counter = _counter()
    rows = [(p, _sentence(1) | _own(counter)) for p in range(15) for _ in range(5)]
    rows += [(30 + p, _sentence(2) | _own(counter)) for p in range(15) for _ in range(5)]
    found = _grouped(window_text(rows + _strangers(counter)))
    assert sorted(candidate.items.tolist() for candidate in found) == [list(range(75)), list(range(75, 150))]


def test_one_text_sent_by_many_is_no_candidate(window_text):
    counter = _counter()
    rows = [(p, _sentence(1)) for p in range(40)]
    text = window_text(rows + _strangers(counter), fill=[0] * 40 + list(range(1, 1 + 6 * N_STRANGERS)))
    assert mine_cores(text.postings, **RULE) != []
    assert _grouped(text) == []


def test_a_viral_prompt_has_no_strength_and_a_dealt_list_all_of_it(make_items):
    viral = _strength(make_items(range(40), fill=[7] * 40), n_held=17)
    dealt = _strength(make_items(np.tile(np.arange(30), 20)), n_held=17)
    assert (viral.owning_share, viral.alone_share, viral.score) == (0.0, 0.0, 0.0)
    assert (dealt.alone_share, dealt.repeat_share, dealt.n_principals) == (1.0, 0.0, 30)
    assert dealt.score > 10


@pytest.mark.parametrize("times", [2, 4, 7])
def test_a_list_of_which_every_item_is_sent_several_times_is_a_dealt_one(make_items, times):
    rng = np.random.default_rng(times)
    owner = np.concatenate([rng.permutation(30)[:times] for _ in range(400)])
    sent = _strength(make_items(owner, fill=np.repeat(np.arange(400), times)), n_held=17)
    assert (sent.rollouts, sent.owning_share, sent.alone_share) == (times, 1.0, 0.0)
    once = _strength(make_items(rng.integers(0, 30, 400), fill=np.arange(400)), n_held=17)
    assert sent.score == pytest.approx(once.score, rel=0.05)


@pytest.mark.parametrize("share", [0.1, 0.2, 0.5, 1.0])
def test_a_suite_of_which_each_account_runs_a_part_is_no_dealt_list(make_items, share):
    rng = np.random.default_rng(int(10 * share))
    owner, item = np.nonzero(rng.random((30, 400)) < share)
    run = _strength(make_items(owner, fill=item), n_held=17)
    assert run.rollouts == 1
    assert run.alone_share < 0.25


@pytest.mark.parametrize("per_item", [0.5, 1.0, 1.5, 2.0])
def test_small_parts_of_one_suite_are_never_held_to_stand_alone(make_items, per_item):
    """Thirty customers draw some items each of a public suite: few share an item, and it is a suite all the same."""
    rng = np.random.default_rng(9)
    owner, item = np.nonzero(rng.random((30, 800)) < per_item / 30)
    assert _strength(make_items(owner, fill=item), n_held=17).alone_share < 0.8


def test_common_decoys_leave_the_strength_of_a_dealt_list_as_it_is(make_items):
    owner, fill = np.tile(np.arange(30), 20), np.arange(600)
    decoys = np.tile(np.arange(1_000, 1_060), 30)
    alone = _strength(make_items(owner, fill=fill), n_held=17)
    hidden = _strength(make_items(np.r_[owner, np.repeat(np.arange(30), 60)], fill=np.r_[fill, decoys]), n_held=17)
    assert hidden.score == alone.score
    assert hidden.owning_share == 1.0
    assert hidden.alone_share == 0.25


def test_retries_of_one_customer_are_repeats_and_no_sharing(make_items):
    retried = _strength(make_items([0, 0, 0, 1, 1, 2], fill=[1, 1, 1, 2, 3, 4]), n_held=17)
    assert retried.alone_share == 1.0
    assert retried.repeat_share == pytest.approx(2 / 6)


def test_fills_that_failed_and_went_to_another_customer_stand_alone_all_the_same(make_items):
    owner, fill = np.tile(np.arange(30), 10), np.arange(300)
    again = np.arange(0, 300, 3)
    failed = np.isin(np.arange(400), again)
    handed_on = np.r_[owner, (owner[again] + 1) % 30], np.r_[fill, again]
    assert _strength(make_items(handed_on[0], fill=handed_on[1], failed=failed), n_held=17).alone_share == 1.0
    assert _strength(make_items(handed_on[0], fill=handed_on[1]), n_held=17).alone_share == 0.5


def test_strength_grows_with_customers_and_ignores_row_order(make_items):
    scores = [_strength(make_items(np.tile(np.arange(n), 3)), n_held=17).score for n in (4, 8, 16, 32)]
    assert scores == sorted(scores)
    order = np.random.default_rng(72).permutation(30)
    owner, fill = np.tile(np.arange(10), 3), np.arange(30) // 2
    shuffled = _strength(make_items(owner[order], fill=fill[order]), n_held=17)
    assert shuffled == _strength(make_items(owner, fill=fill), n_held=17)


def test_candidates_do_not_depend_on_the_order_of_the_cores(window_text):
    rng = np.random.default_rng(73)
    counter = _counter()
    rows = [
        (p, _sentence(rng.integers(5)) | _sentence(10 + rng.integers(5)) | _own(counter))
        for p in range(30)
        for _ in "abcd"
    ]
    text = window_text(rows + _strangers(counter))
    cores = mine_cores(text.postings, **RULE)
    results = []
    for order in (np.arange(len(cores)), rng.permutation(len(cores))):
        found = group_cores([cores[i] for i in order], text.items, path="novel", n_principals=300)
        results.append([(one.items.tolist(), one.strength) for one in found])
    assert results[0] == results[1]


def test_a_novel_candidate_too_weak_to_be_gated_stands_in_no_cold_ones_way(make_items, monkeypatch):
    found = {"novel": [_candidate(range(10), "novel"), _candidate(range(10, 20), "novel")]}
    found["cold"] = [_candidate(range(10), "cold"), _candidate(range(10, 20), "cold")]
    monkeypatch.setattr(detection, "MAX_GATED", 1)
    monkeypatch.setattr(detection, "candidates", lambda _data, _settings, *, path: found[path])
    data = detection.WindowData(window=None, items=make_items(range(20)), texts=(), networks=None)
    gated = detection.both_paths(data, CoreSettings(), seed=1)
    assert [one.candidate for one in gated] == [found["novel"][0], found["cold"][1]]


def _candidate(items, path):
    rows = np.array(items, np.int32)
    core = Core(part="user_prompt", shingles=np.arange(4), items=rows)
    return Candidate(path=path, cores=(core,), items=rows, strength=None)


def test_a_cold_candidate_that_a_novel_one_half_holds_is_no_second_candidate():
    novel = [_candidate(range(10), "novel")]
    same, half, other = (
        _candidate(range(10), "cold"),
        _candidate(range(5, 15), "cold"),
        _candidate(range(6, 16), "cold"),
    )
    assert without_repeats(novel, [same, half, other]) == [other]


def test_a_list_of_which_every_item_is_sent_from_two_accounts_is_a_candidate(window_text):
    counter = _counter()
    fills = [_own(counter) for _ in range(300)]
    rows = [(i % 30, _sentence(1, length=17) | own) for i, own in enumerate(fills)]
    rows += [((i + 7) % 30, _sentence(1, length=17) | own) for i, own in enumerate(fills)]
    strangers = _strangers(counter)
    fill = [*range(300), *range(300), *range(300, 300 + len(strangers))]
    assert _grouped(window_text(rows + strangers, fill=fill)) != []


def test_common_decoys_sent_from_every_account_do_not_hide_a_dealt_list(window_text):
    counter = _counter()
    rows = [(p, _sentence(1, length=17) | _own(counter)) for p in range(30) for _ in range(20)]
    decoys = [(p, _sentence(1, length=17) | {9_000_000 + d}) for p in range(30) for d in range(21)]
    strangers = _strangers(counter)
    fill = [*range(600), *(10_000 + d for _ in range(30) for d in range(21)), *range(20_000, 20_000 + len(strangers))]
    assert _grouped(window_text(rows + decoys + strangers, fill=fill)) != []


def _kinds(text):
    (found,) = [one for one in _grouped(text) if one.strength.n_principals > 20]
    return text.items.principal[found.items], kinds(found, text.items)


def test_those_who_try_wordings_and_those_who_use_the_winner_are_two_kinds(window_text):
    rng = np.random.default_rng(72)
    counter = _counter()
    tried = [
        (p, _sentence(rng.integers(8)) | _sentence(10 + rng.integers(8)) | _own(counter))
        for p in range(10)
        for _ in range(40)
    ]
    used = [(20 + p, _sentence(0) | _sentence(10) | _own(counter)) for p in range(20) for _ in range(5)]
    owner, kind = _kinds(window_text(tried + used + _strangers(counter)))
    assert len(np.unique(kind)) == 2
    assert (kind == kind[owner == 0][0]).tolist() == (owner < 10).tolist()


def test_a_rotated_wrapper_and_a_group_of_one_core_are_of_one_kind(window_text):
    rng = np.random.default_rng(73)
    counter = _counter()
    rotated = [
        (p, _sentence(rng.integers(3)) | _sentence(10 + rng.integers(3)) | _own(counter))
        for p in range(30)
        for _ in range(10)
    ]
    assert not _kinds(window_text(rotated + _strangers(counter)))[1].any()
    single = [(p, _sentence(0) | _own(counter)) for p in range(30) for _ in range(10)]
    assert not _kinds(window_text(single + _strangers(counter)))[1].any()


def test_accounts_that_keep_to_one_of_three_wordings_are_three_kinds(window_text):
    counter = _counter()
    rows = [(p, _sentence(0) | _sentence(10 + p % 3) | _own(counter)) for p in range(30) for _ in range(6)]
    owner, kind = _kinds(window_text(rows + _strangers(counter)))
    assert len(np.unique(kind)) == 3
    assert all(len(np.unique(kind[owner % 3 == wording])) == 1 for wording in range(3))


@st.composite
def _cores(draw):
    """Cores on forty items: some on the very same items, from several parts, with shingles few and many."""
    footings = draw(st.lists(st.sets(st.integers(0, 39), min_size=4, max_size=30), min_size=1, max_size=4))
    cores = []
    for number in range(draw(st.integers(2, 8))):
        n_shingles = draw(st.sampled_from([4, 5, 6, 8, 12, 20]))
        cores.append(
            Core(
                part=draw(st.sampled_from(["user_prompt", "system_prompt"])),
                shingles=np.arange(n_shingles) + 100 * number,
                items=np.array(sorted(draw(st.sampled_from(footings))), np.int32),
            )
        )
    return cores


@given(cores=_cores(), owners=st.lists(st.integers(0, 9), min_size=40, max_size=40), data=st.data())
def test_candidates_are_the_same_whatever_the_order_of_the_cores(make_items, cores, owners, data):
    items = make_items(owners)
    order = data.draw(st.permutations(cores))

    def found(given_cores):
        return [
            (one.items.tolist(), one.strength, [(core.part, core.shingles.tolist()) for core in one.cores])
            for one in group_cores(given_cores, items, path="novel", n_principals=200)
        ]

    assert found(order) == found(cores)


def test_what_a_group_has_grown_to_does_not_decide_whether_its_first_core_is_a_turn_of_phrase(make_items):
    """The longer sentence is inside what the wrapper and its twin hold together, and not rare to the wrapper alone."""
    items = make_items(np.arange(400) % 40)

    def core(first, n_shingles, rows):
        return Core(part="user_prompt", shingles=np.arange(first, first + n_shingles), items=np.array(rows, np.int32))

    wrapper, twin, sentence = core(0, 12, range(24)), core(100, 12, range(8, 30)), core(200, 18, range(20, 29))
    found = group_cores([wrapper, twin, sentence], items, path="novel", n_principals=200)
    assert [len(one.cores) for one in found] == [3]


def _belongs(core, first, held, owner_of, *, n_items, n_principals):
    """The rule by which a core joins a group, with sets: `held` are the items of the group."""
    is_short = len(first.shingles) * candidates.PHRASE_TIMES_SHORTER <= len(core.shingles)
    if is_short and len(first.items) >= candidates.PHRASE_TIMES_COMMONER * len(core.items):
        return False
    items = set(core.items.tolist())
    owners, of_group = {owner_of[one] for one in items}, {owner_of[one] for one in held}
    together, shared = len(items & held), len(owners & of_group)
    if together >= candidates.NESTED_SHARE * len(items):
        return True
    by_items = hypergeom.sf(together - 1, n_items, len(held), len(items))
    if together >= candidates.MIN_ITEMS_TOGETHER and by_items <= candidates.ITEM_P_VALUE:
        return True
    return (
        shared >= candidates.PRINCIPAL_SHARE_OF_CORE * len(owners)
        and shared >= candidates.PRINCIPAL_SHARE_OF_GROUP * len(of_group)
        and hypergeom.sf(shared - 1, n_principals, len(of_group), len(owners)) <= candidates.PRINCIPAL_P_VALUE
    )


@given(cores=_cores(), owners=st.lists(st.integers(0, 9), min_size=40, max_size=40), data=st.data())
def test_groups_are_those_of_the_rule_with_sets(make_items, cores, owners, data):
    n_items, n_principals = data.draw(st.sampled_from([(40, 10), (40, 200), (100_000, 5_000)]))
    items = make_items(owners)
    footings = [candidates._Footing.of(core, items) for core in cores]
    free, expected = list(range(len(cores))), []
    while free:
        joining, group, held, first = [free[0]], [], set(), cores[free[0]]
        while joining:
            group += joining
            held = held.union(*(cores[one].items.tolist() for one in joining))
            free = [one for one in free if one not in joining]
            rule = {"n_items": n_items, "n_principals": n_principals}
            joining = [one for one in free if _belongs(cores[one], first, held, owners, **rule)]
        expected.append(group)
    found = candidates._groups(footings, n_items, n_principals)
    assert [[footings.index(one) for one in group] for group in found] == expected
