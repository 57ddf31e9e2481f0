"""The rules of the pruning benchmark against plain loops, and what is written against what was there."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from benchmarks.pruning import GROUPS, RULES, Places, by_column, pruned, scenario_of
from hypothesis import given
from hypothesis import strategies as st

from gauger.store.durable import write_parquet

TESTED_FROM = 2
#: (shingle, principal, day) of each place.
PLACES = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(0, 3)), max_size=30)


def senders(stand, shingle, when):
    return {principal for other, principal, day in stand if other == shingle and when(day)}


SLOW = {
    "every shingle": lambda stand, shingle, day: True,
    "shared on its day": lambda stand, shingle, day: len(senders(stand, shingle, day.__eq__)) > 1,
    "shared on its day, or of the tested week": lambda stand, shingle, day: (
        day >= TESTED_FROM or len(senders(stand, shingle, day.__eq__)) > 1
    ),
    "shared by the end of its day": lambda stand, shingle, day: len(senders(stand, shingle, day.__ge__)) > 1,
    "shared anywhere in the log": lambda stand, shingle, day: len(senders(stand, shingle, lambda _day: True)) > 1,
}


@pytest.mark.parametrize("rule", RULES)
@given(stand=PLACES)
def test_a_rule_keeps_what_it_says(rule, stand):
    columns = np.array(stand, np.int64).reshape(-1, 3).T
    _, shingle = np.unique(columns[0], return_inverse=True)
    kept = RULES[rule](Places(shingle.astype(np.int64), columns[1], columns[2], TESTED_FROM))
    assert kept.tolist() == [SLOW[rule](stand, one, day) for one, _, day in stand]


@given(lists=st.lists(st.lists(st.integers(0, 9), max_size=4), max_size=8), data=st.data())
def test_pruned_lists_lose_their_places_alone(lists, data):
    flat = [one for row in lists for one in row]
    kept = data.draw(st.lists(st.booleans(), min_size=len(flat), max_size=len(flat)))
    table = pa.table({"n": range(len(lists)), "shingles": pa.array(lists, pa.list_(pa.int64()))})
    left = iter(kept)
    expected = [[one for one in row if next(left)] for row in lists]
    found = pruned(table, np.array(kept, np.bool_))
    assert found["shingles"].to_pylist() == expected
    assert found.schema == table.schema
    assert found["n"].equals(table["n"])


def test_bytes_by_column_are_those_of_the_files(tmp_path):
    table = pa.table({"a": range(1000), "shingles": pa.array([[1, 2, 3]] * 1000, pa.list_(pa.int64()))})
    paths = [tmp_path / "one.parquet", tmp_path / "two.parquet"]
    for path in paths:
        write_parquet(table, path)
    found = by_column(paths)
    assert set(found) == {"a", "shingles", "footers"}
    assert found.total() == sum(path.stat().st_size for path in paths)
    assert min(found.values()) > 0


def test_every_cell_has_a_campaign_and_the_last_is_wrapped_in_125_ways():
    campaigns = {cell: scenario_of(cell, 1).campaigns for cells in GROUPS.values() for cell in cells}
    assert all(len(one) == 1 for one in campaigns.values())
    [wrapped], [bare] = campaigns["one-each/nothing/125-wrappers"], campaigns["one-each/nothing"]
    assert replace(wrapped, wrappers=bare.wrappers) == bare
    assert wrapped.wrappers == 125
