"""The filter says by how many a shingle was held, and merges in any order."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gauger.evidence.novelty import SEVERAL, empty_filter, fill_share, held_by, marks, merged, note

BITS = 12
notes = st.lists(st.tuples(st.integers(-(2**63), 2**63 - 1), st.integers(1, 5)), max_size=40)


def filled(pairs):
    cells = empty_filter(BITS)
    shingles, mark = np.array([p[0] for p in pairs], np.int64), np.array([p[1] for p in pairs], np.uint16)
    note(cells, shingles, mark)
    return cells


def test_it_counts_principals_up_to_two():
    cells = filled([(11, 1), (11, 1), (12, 1), (12, 2), (12, 1)])
    assert held_by(cells, np.array([10, 11, 12])).tolist() == [0, 1, 2]


@given(notes, st.randoms())
def test_the_order_of_notes_and_repeats_change_nothing(pairs, random):
    again = pairs + pairs[:5]
    random.shuffle(again)
    assert np.array_equal(filled(pairs), filled(again))


@given(notes, notes, notes)
def test_it_merges_like_a_set(a, b, c):
    together = filled(a + b + c)
    x, y, z = map(filled, (a, b, c))
    assert np.array_equal(merged([x, y, z], BITS), together)
    assert np.array_equal(merged([merged([z, x], BITS), y, y], BITS), together)


@given(notes, notes)
def test_strangers_in_its_cells_never_make_a_shingle_look_newer(mine, others):
    shingles = np.array([one[0] for one in mine], np.int64)
    assert (held_by(filled(mine + others), shingles) >= held_by(filled(mine), shingles)).all()


def test_few_shingles_look_known_while_it_is_not_full():
    rng = np.random.default_rng(1)
    cells = empty_filter(16)
    seen = rng.integers(-(2**63), 2**63 - 1, 16_000)
    note(cells, seen, rng.integers(1, 60_000, len(seen)).astype(np.uint16))
    fresh = rng.integers(-(2**63), 2**63 - 1, 20_000)
    assert fill_share(cells) < 0.25
    assert (held_by(cells, fresh) == 2).mean() < 0.005


def test_marks_tell_principals_apart_and_are_never_a_word_of_the_filter():
    found = marks([f"account:{n}" for n in range(5_000)])
    assert found.min() > 0
    assert found.max() < SEVERAL
    assert len(np.unique(found)) > 4_700
    assert found[:2].tolist() == marks(["account:0", "account:1"]).tolist()


@pytest.mark.parametrize("bits", [10, 22])
def test_its_size_is_fixed(bits):
    assert empty_filter(bits).nbytes == 4 << bits
