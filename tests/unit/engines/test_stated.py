"""What rows state of their owners, kept by code, gives the owners that the rows themselves give."""

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from gauger.engines.stated import Stated
from gauger.exchanges.principals import principals
from gauger.sketches.schema import SKETCH_SCHEMA

NAMES = ("account_id", "principal_id", "organisation_id")
SCHEMA = pa.schema([SKETCH_SCHEMA.field(name) for name in NAMES])
SAID = st.tuples(st.sampled_from("abcd"), st.sampled_from([None, "p", "q", "n/a"]), st.sampled_from([None, "x", "y"]))


@given(st.lists(st.lists(SAID, min_size=1, max_size=8), min_size=1, max_size=12), st.integers(1, 4))
def test_owners_are_those_of_the_rows_whatever_was_forgotten(batches, n_waiting):
    stated, waiting = Stated(None), []
    for batch in batches:
        rows = pa.Table.from_pylist([dict(zip(NAMES, one, strict=True)) for one in batch], SCHEMA)
        waiting = [*waiting, (rows, stated.codes(rows))][-n_waiting:]
        codes = np.concatenate([codes for _, codes in waiting])
        stated.forget(codes)
        table = pa.concat_tables([rows for rows, _ in waiting])
        expected = dict(zip(*principals(table, None).to_pydict().values(), strict=True))
        owned = stated.owned(codes)
        assert owned.account_ids == tuple(sorted(expected))
        names = [owned.account_ids[code] for code in owned.account]
        assert names == table["account_id"].to_pylist()
        assert [owned.principal_ids[code] for code in owned.principal] == [expected[name] for name in names]


def test_what_no_row_needs_is_not_held():
    stated = Stated(None)
    for hour in range(50):
        rows = pa.Table.from_pylist([dict.fromkeys(NAMES, f"{hour}-{k}") for k in range(10)], SCHEMA)
        codes = stated.codes(rows)
        stated.owned(codes)
        stated.forget(codes)
    assert len(stated._said) == len(stated._code) == len(stated._principal) == 10
