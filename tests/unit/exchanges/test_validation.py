from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gauger.exchanges.schema import EDGE_SCHEMA, QUARANTINE_SCHEMA
from gauger.exchanges.validation import (
    REQUIRED_MISSING,
    REQUIRED_OUT_OF_RANGE,
    VALUE_OUT_OF_RANGE,
    validate,
)

TOKENS = [
    "input_tokens",
    "output_tokens",
    "reasoning_tokens",
    "max_tokens",
    "choice_count",
    "top_logprobs",
    "latency_ms",
]


def test_a_batch_without_fault_comes_back_as_it_was(edge):
    batch = edge({"http_status": 200, "temperature": 1.0, "input_tokens": 0}, {"http_status": None})
    table, quarantine = validate(batch)
    assert table.equals(batch)
    assert quarantine.num_rows == 0
    assert quarantine.schema == QUARANTINE_SCHEMA


@pytest.mark.parametrize("column", TOKENS)
def test_a_negative_count_becomes_null_and_is_named_without_its_value(edge, column):
    table, quarantine = validate(edge({column: 5}, {column: -7531}))
    assert table[column].to_pylist() == [5, None]
    (note,) = quarantine.to_pylist()
    assert (note["source_file"], note["row"], note["column"]) == ("a.jsonl", 1, column)
    assert note["reason"] == VALUE_OUT_OF_RANGE
    assert "7531" not in str(note)


@pytest.mark.parametrize("column", ["max_tokens", "top_logprobs"])
def test_minus_one_for_no_limit_is_unknown_and_no_fault(edge, column):
    table, quarantine = validate(edge({column: -1}, {column: -2}, {column: 1}))
    assert table[column].to_pylist() == [None, None, 1]
    assert quarantine["row"].to_pylist() == [1]


@pytest.mark.parametrize(("status", "kept"), [(99, None), (100, 100), (599, 599), (600, None), (0, None), (-1, None)])
def test_http_status_lies_between_100_and_599(edge, status, kept):
    table, _ = validate(edge({"http_status": status}))
    assert table["http_status"].to_pylist() == [kept]


@pytest.mark.parametrize(
    ("given_", "kept"),
    [(0.0, 0.0), (10.0, 10.0), (10.01, None), (-0.01, None), (float("nan"), None), (float("inf"), None)],
)
def test_temperature_lies_between_0_and_10(edge, given_, kept):
    table, quarantine = validate(edge({"temperature": given_}))
    assert table["temperature"].to_pylist() == [kept]
    assert quarantine.num_rows == (kept is None)


@pytest.mark.parametrize(
    ("moment", "is_kept"),
    [
        (datetime(2014, 12, 31, 23, 59, 59, 999999, tzinfo=UTC), False),
        (datetime(2015, 1, 1, tzinfo=UTC), True),
        (datetime(2099, 12, 31, tzinfo=UTC), True),
        (datetime(2100, 1, 1, tzinfo=UTC), False),
        (datetime(1970, 1, 21, tzinfo=UTC), False),
    ],
)
def test_a_row_of_an_impossible_time_leaves_the_table(edge, moment, is_kept):
    table, quarantine = validate(edge({"occurred_at": moment}, {}))
    assert table.num_rows == 1 + is_kept
    assert quarantine["reason"].to_pylist() == [REQUIRED_OUT_OF_RANGE] * (not is_kept)
    assert quarantine["row"].to_pylist() == [0] * (not is_kept)


@pytest.mark.parametrize("account", [None, "", "  ", "\t"])
def test_a_row_without_an_account_leaves_the_table(edge, account):
    table, quarantine = validate(edge({}, {"account_id": account}))
    assert table["source_row"].to_pylist() == [0]
    (note,) = quarantine.to_pylist()
    assert (note["row"], note["column"], note["reason"]) == (1, "account_id", REQUIRED_MISSING)


def test_a_row_with_two_faults_is_reported_once_and_its_optional_values_not_at_all(edge):
    table, quarantine = validate(edge({"occurred_at": None, "account_id": None, "http_status": 7}))
    assert table.num_rows == 0
    assert [(note["column"], note["reason"]) for note in quarantine.to_pylist()] == [("occurred_at", REQUIRED_MISSING)]


def test_every_bad_value_of_a_row_is_reported(edge):
    table, quarantine = validate(edge({"http_status": 7, "temperature": 11.0, "input_tokens": 3}))
    assert sorted(quarantine["column"].to_pylist()) == ["http_status", "temperature"]
    assert table["input_tokens"].to_pylist() == [3]


NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "account_id": st.sampled_from(["a", "", None]),
            "http_status": st.none() | st.integers(-(2**15), 2**15 - 1),
            "temperature": st.none() | st.floats(),
            "input_tokens": st.none() | st.integers(-(2**63), 2**63 - 1),
            "occurred_at": st.none() | st.integers(-2200, 9000).map(lambda weeks: NOON + timedelta(weeks=weeks)),
        }
    )
)


@given(ROWS)
def test_validating_twice_changes_nothing_more(edge, rows):
    once, quarantine = validate(edge(*rows))
    twice, nothing = validate(once)
    assert once.schema == EDGE_SCHEMA
    assert twice.equals(once)
    assert nothing.num_rows == 0
    lost = pc.sum(pc.not_equal(quarantine["reason"], VALUE_OUT_OF_RANGE)).as_py() or 0
    assert once.num_rows + lost == len(rows)


def test_a_chunked_batch_gives_what_a_whole_one_gives(edge):
    rows = [{"http_status": 7}, {"http_status": 200}, {"account_id": None}]
    whole = edge(*rows)
    chunked = pa.concat_tables([whole.slice(0, 1), whole.slice(1)])
    for one, two in zip(validate(whole), validate(chunked), strict=True):
        assert one.equals(two)
