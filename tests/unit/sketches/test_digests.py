"""Digests tell contents apart, and nothing else."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gauger.errors import UsageError
from gauger.exchanges.schema import TIMESTAMP
from gauger.sketches.digests import absorb_column, digest_halves, finish_rows, row_digests, start_rows

SCHEMA = pa.schema(
    [
        ("account_id", pa.string()),
        ("user_prompt", pa.large_string()),
        ("seed", pa.int64()),
        ("temperature", pa.float64()),
        ("http_status", pa.int16()),
        ("occurred_at", TIMESTAMP),
        ("tool_names", pa.list_(pa.string())),
        ("is_on", pa.bool_()),
        ("source_file", pa.string()),
        ("source_row", pa.int64()),
    ]
)

text = st.one_of(st.none(), st.text("aé\0", max_size=18))
number = st.one_of(st.none(), st.integers(-3, 3))
row = st.fixed_dictionaries(
    {
        "account_id": text,
        "user_prompt": text,
        "seed": number,
        "temperature": st.one_of(st.none(), st.sampled_from([0.0, 0.5, 1.0])),
        "http_status": number,
        "occurred_at": number,
        "tool_names": st.one_of(st.none(), st.lists(text, max_size=3)),
        "is_on": st.one_of(st.none(), st.booleans()),
    }
)
quick = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def as_table(rows):
    return pa.Table.from_pylist([{**r, "source_file": "f", "source_row": i} for i, r in enumerate(rows)], schema=SCHEMA)


def digests(table, key):
    return row_digests(table, key).to_pylist()


@quick
@given(rows=st.lists(row, max_size=8))
def test_two_rows_have_one_digest_exactly_when_they_are_equal(rows, key):
    found = digests(as_table(rows), key)
    for i, one in enumerate(rows):
        assert [found[i] == other for other in found] == [one == other for other in rows]


@quick
@given(rows=st.lists(row, max_size=8), cut=st.integers(0, 8))
def test_cuts_chunks_dictionaries_and_column_order_change_nothing(rows, cut, key):
    table = as_table(rows)
    whole = digests(table, key)
    assert digests(table[:cut], key) + digests(table[cut:], key) == whole
    assert digests(pa.concat_tables([table[:cut], table[cut:]]), key) == whole
    assert digests(table.select(table.column_names[::-1]), key) == whole
    encoded = table.set_column(0, "account_id", table["account_id"].combine_chunks().dictionary_encode())
    assert digests(encoded, key) == whole
    wide = table.set_column(0, "account_id", table["account_id"].cast(pa.large_string()))
    assert digests(wide, key) == whole


def test_bytes_beneath_a_null_do_not_count(key):
    def column(beneath):
        offsets, data = pa.py_buffer(np.array([0, 5], np.int64)), pa.py_buffer(beneath)
        return pa.Array.from_buffers(pa.large_string(), 1, [pa.py_buffer(b"\x00"), offsets, data])

    first, second = (pa.table({"user_prompt": column(b)}) for b in (b"alpha", b"bravo"))
    assert digests(first, key) == digests(second, key)


@pytest.mark.parametrize("lengths", [range(40)])
def test_texts_that_differ_in_one_byte_or_one_zero_more_differ(lengths, key):
    values = [c * n + tail for n in lengths for c in ("a", "b") for tail in ("", "\0", "\0\0")]
    found = digests(pa.table({"user_prompt": pa.array(values)}), key)
    assert len(set(found)) == len(set(values))


def test_another_name_or_key_gives_another_digest(key):
    values = pa.array(["x"])
    found = digests(pa.table({"a": values}), key)
    assert digests(pa.table({"b": values}), key) != found
    assert digests(pa.table({"a": values}), key[::-1]) != found


def test_what_cannot_be_digested_is_refused(key):
    with pytest.raises(UsageError, match="struct"):
        row_digests(pa.table({"a": pa.array([{"b": 1}])}), key)


def test_halves_are_the_bytes_of_the_digest(key):
    found = row_digests(pa.table({"a": ["x", "y", "z"]}), key)
    high, low = digest_halves(found[1:])
    for i, digest in enumerate(found.to_pylist()[1:]):
        assert int(high[i]).to_bytes(8, "big", signed=True) + int(low[i]).to_bytes(8, "big", signed=True) == digest


def test_labels_give_unrelated_hashes(key):
    hashes = []
    for label in ("one", "other"):
        states = start_rows(1, key, label)
        absorb_column(states, pa.array(["same"]))
        hashes.append(finish_rows(states)[0])
    assert hashes[0] != hashes[1]
