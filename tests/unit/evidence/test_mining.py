"""Template cores are found where shingles stand together, and nowhere else."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from gauger.evidence.mining import Postings, mine_cores, postings_in_order


def _postings(sets: list[set[int]], principals: list[int]) -> Postings:
    shingles = np.array(sorted(set().union(*sets)), dtype=np.int64)
    code = {value: index for index, value in enumerate(shingles)}
    pairs = sorted((item, code[s]) for item, shingle_set in enumerate(sets) for s in shingle_set)
    return postings_in_order(
        np.array([p[0] for p in pairs], dtype=np.int32),
        np.array([p[1] for p in pairs], dtype=np.int32),
        shingles=shingles,
        principal=np.array(principals, dtype=np.int32),
    )


def _slow(postings: Postings, *, min_shingles: int, min_principals: int, jaccard: float) -> list[tuple]:
    """The same greedy rule with Python sets."""
    standing = {}
    for item, code in zip(postings.item.tolist(), postings.code.tolist(), strict=True):
        standing.setdefault(code, set()).add(item)
    owners = {c: {int(postings.principal[i]) for i in items} for c, items in standing.items()}
    order = sorted(standing, key=lambda c: (-len(owners[c]), -len(standing[c]), min(standing[c]), postings.shingles[c]))
    used, cores = set(), []
    for seed in order:
        if seed in used:
            continue
        members = [
            c
            for c in standing
            if c not in used
            and standing[c] & standing[seed]
            and len(standing[c] & standing[seed]) >= jaccard * len(standing[c] | standing[seed])
        ]
        used.update(members)
        if len(members) < min_shingles:
            continue
        items = [i for i in range(postings.n_items) if 2 * sum(i in standing[c] for c in members) >= len(members)]
        if len({int(postings.principal[i]) for i in items}) >= min_principals:
            cores.append((sorted(int(postings.shingles[c]) for c in members), items))
    return cores


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.sets(st.integers(0, 14), max_size=8), st.integers(0, 4)), min_size=1, max_size=14),
    st.sampled_from([0.3, 0.5, 0.8]),
)
def test_kernel_agrees_with_the_slow_rule(rows, jaccard):
    sets = [row[0] for row in rows]
    if not set().union(*sets):
        return
    postings = _postings(sets, [row[1] for row in rows])
    rule = {"min_shingles": 2, "min_principals": 2, "jaccard": jaccard}
    found = [(core.shingles.tolist(), core.items.tolist()) for core in mine_cores(postings, part="user_prompt", **rule)]
    assert found == _slow(postings, **rule)


def test_a_wrapper_around_disjoint_items_is_one_core():
    wrapper = set(range(100, 110))
    sets = [wrapper | {1000 + 3 * i, 1001 + 3 * i, 1002 + 3 * i} for i in range(12)] + [{1, 2, 3, 4}] * 2
    cores = mine_cores(
        _postings(sets, [*range(12), 12, 12]), part="user_prompt", min_shingles=4, min_principals=3, jaccard=0.5
    )
    assert [set(core.shingles.tolist()) for core in cores] == [wrapper]
    assert cores[0].items.tolist() == list(range(12))


def test_nothing_shared_gives_no_core():
    empty = postings_in_order(
        np.empty(0, np.int32),
        np.empty(0, np.int32),
        shingles=np.empty(0, np.int64),
        principal=np.zeros(3, np.int32),
    )
    assert mine_cores(empty, part="user_prompt", min_shingles=4, min_principals=3, jaccard=0.5) == []


@given(st.sets(st.tuples(st.integers(0, 9), st.integers(0, 6)), max_size=40), st.randoms(use_true_random=False))
def test_postings_in_any_order_come_out_sorted(pairs, random):
    rows = list(pairs)
    random.shuffle(rows)
    item, code = (np.array([row[place] for row in rows], np.int32) for place in (0, 1))
    found = postings_in_order(item, code, shingles=np.arange(7), principal=np.arange(10, dtype=np.int32))
    assert list(zip(found.item.tolist(), found.code.tolist(), strict=True)) == sorted(pairs)
    by_shingle = [(int(one), shingle) for shingle in range(7) for one in found.standing.of(shingle)]
    assert by_shingle == sorted(pairs, key=lambda pair: pair[::-1])


ROWS = st.lists(st.tuples(st.sets(st.integers(0, 9), max_size=6), st.integers(0, 3)), min_size=1, max_size=12)


@given(ROWS, st.integers(1, 4))
def test_shingles_of_too_few_principals_leave_and_the_rest_are_coded_anew(rows, least):
    sets, owners = [row[0] for row in rows], [row[1] for row in rows]
    held_by = {s: len({owner for held, owner in rows if s in held}) for s in set().union(*sets)}
    found = _postings(sets, owners).shared_by(least)
    shared = sorted(s for s, n in held_by.items() if n >= least)
    assert found.shingles.tolist() == shared
    standing = [(int(item), int(found.shingles[code])) for item, code in zip(found.item, found.code, strict=True)]
    assert standing == [(item, s) for item, held in enumerate(sets) for s in sorted(held) if s in shared]


@given(ROWS, st.sets(st.integers(0, 9)))
def test_cores_of_chosen_shingles_are_those_of_items_that_hold_no_others(rows, chosen):
    sets, owners = [row[0] for row in rows], [row[1] for row in rows]
    postings, alone = _postings(sets, owners), _postings([held & chosen for held in sets], owners)
    rule = {"part": "user_prompt", "min_shingles": 2, "min_principals": 2, "jaccard": 0.5}
    found = mine_cores(postings, np.isin(postings.shingles, list(chosen)), **rule)
    expected = mine_cores(alone, **rule)
    assert [core.shingles.tolist() for core in found] == [core.shingles.tolist() for core in expected]
    assert [core.items.tolist() for core in found] == [core.items.tolist() for core in expected]
