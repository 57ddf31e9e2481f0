"""One exchange is counted once, two are counted twice."""

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from gauger.engines.duckdb import duck_engine
from gauger.engines.fetch import duplicate_rows
from gauger.engines.relations import repeated_keys, repeated_requests


def _dropped(tmp_path, rows):
    names = ("request_id", "digest_high", "digest_low", "source_file", "source_row", "origin")
    types = (pa.string(), pa.int64(), pa.int64(), pa.string(), pa.int64(), pa.string())
    columns = list(zip(*((*row, "1")[: len(names)] for row in rows), strict=True))
    table = pa.table({n: pa.array(c, t) for n, c, t in zip(names, columns, types, strict=True)})
    with duck_engine(scratch=tmp_path, threads=1, memory_bytes=200_000_000) as engine:
        kept = engine.keep("rows", table)
        repeated = engine.fetch(repeated_requests(kept, repeated_keys(kept)))
    dropped, clashes = duplicate_rows(repeated)
    return set(dropped["source_row"].to_pylist()), clashes


def test_equal_id_and_content_is_counted_once(tmp_path):
    assert _dropped(tmp_path, [("r", 1, 1, "a", 0), ("r", 1, 1, "b", 5), ("s", 1, 1, "b", 6)]) == ({5}, 0)


def test_equal_id_with_other_content_is_kept_and_counted_as_a_clash(tmp_path):
    assert _dropped(tmp_path, [("r", 1, 1, "a", 0), ("r", 2, 2, "a", 1)]) == (set(), 2)


def test_without_ids_equal_rows_of_one_file_are_two_and_of_two_files_one(tmp_path):
    rows = [(None, 7, 7, "a", 0), (None, 7, 7, "a", 1), (None, 7, 7, "b", 3, "2")]
    assert _dropped(tmp_path, rows) == ({3}, 0)


def test_without_ids_equal_rows_of_a_log_that_was_renamed_while_it_grew_are_two(tmp_path):
    assert _dropped(tmp_path, [(None, 7, 7, "a", 0), (None, 7, 7, "a.1", 1)]) == (set(), 0)


@given(st.lists(st.tuples(st.sampled_from("rst"), st.integers(0, 2)), min_size=1, max_size=12))
def test_one_row_of_each_id_and_content_stays(pairs):
    rows = [
        {
            "request_id": i,
            "digest_high": d,
            "digest_low": d,
            "copy": 0,
            "source_file": "f",
            "source_row": n,
            "origin": "1",
        }
        for n, (i, d) in enumerate(pairs)
    ]
    dropped, _ = duplicate_rows(pa.Table.from_pylist(rows))
    assert len(rows) - len(dropped) == len(set(pairs))
