import math
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gauger.errors import UsageError
from gauger.exchanges.schema import EDGE_SCHEMA
from gauger.sources.faults import REASONS, Bad
from gauger.sources.times import microseconds, zone_of
from gauger.sources.values import CONVERTERS

BERLIN = ZoneInfo("Europe/Berlin")
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.decimals()
    | st.datetimes()
    | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def seconds(value, zone=UTC):
    found = microseconds(value, zone)
    return found / 1_000_000 if isinstance(found, int) else found


def test_every_column_has_a_converter_and_no_other():
    assert set(CONVERTERS) == set(EDGE_SCHEMA.names) - {"source_file", "source_row"}


@given(value=ANYTHING, column=st.sampled_from(sorted(CONVERTERS)))
def test_whatever_a_log_holds_fits_the_column_or_is_bad(value, column):
    found = CONVERTERS[column](value, BERLIN)
    if isinstance(found, Bad):
        assert found.reason in REASONS
    elif not (isinstance(found, str) and any("\ud800" <= mark <= "\udfff" for mark in found)):
        assert len(pa.array([found], EDGE_SCHEMA.field(column).type)) == 1


EARLY, LATE = datetime(1970, 1, 2), datetime(9000, 1, 1)  # noqa: DTZ001 - hypothesis wants bounds without a zone


@given(st.datetimes(EARLY, LATE, timezones=st.timezones()))
def test_a_time_written_in_any_zone_is_the_same_moment(moment):
    assert microseconds(moment.isoformat(), UTC) == microseconds(moment, UTC)


@given(st.integers(min_value=1_000_000_000, max_value=9_999_999_999))
def test_numbers_of_any_unit_are_the_same_moment(second):
    found = {microseconds(second * 1000**power, UTC) for power in range(4)}
    assert found == {second * 1_000_000}


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2025-11-21T08:00:00Z", 1763712000),
        ("2025-11-21 08:00:00.5", 1763712000.5),
        ("2025-11-21 08:00:00 UTC", 1763712000),
        ("2025-11-21T09:00:00+01:00", 1763712000),
        ("2025-11-21T08:00:00.123456789Z", 1763712000.123456),
        ("20251121", 1763683200),
        ("1763712000", 1763712000),
        ("1763712000123", 1763712000.123),
        (1763712000.25, 1763712000.25),
        (Decimal("1763712000.25"), 1763712000.25),
    ],
)
def test_times_as_logs_write_them(written, expected):
    assert seconds(written) == expected


def test_time_without_a_zone_is_in_the_zone_of_the_options():
    assert seconds("2025-07-01 12:00:00", BERLIN) == seconds("2025-07-01T10:00:00Z")


@pytest.mark.parametrize(
    "value", ["yesterday", "2025-13-01", math.nan, math.inf, True, [], {}, 10**400, "9" * 500, "0001-01-01T00:00+05:00"]
)
def test_no_time_is_made_of_what_is_none(value):
    assert microseconds(value, UTC) == Bad("bad_time")


def test_zone_that_does_not_exist_is_a_usage_error():
    for name in ("Middle/Earth", "../../etc/passwd", ""):
        with pytest.raises(UsageError, match="time zone"):
            zone_of(name)


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("input_tokens", 5.0, 5),
        ("input_tokens", "5", 5),
        ("input_tokens", "", None),
        ("input_tokens", 5.5, Bad("wrong_type")),
        ("input_tokens", True, Bad("wrong_type")),
        ("input_tokens", 2**63, Bad("out_of_range")),
        ("input_tokens", math.nan, Bad("not_a_number")),
        ("input_tokens", "many", Bad("not_a_number")),
        ("http_status", 40_000, Bad("out_of_range")),
        ("latency_ms", 12.6, 13),
        ("latency_ms", math.inf, Bad("out_of_range")),
        ("temperature", "0.7", 0.7),
        ("temperature", math.inf, Bad("out_of_range")),
        ("account_id", 17, "17"),
        ("account_id", 17.0, "17"),
        ("account_id", " spaced ", " spaced "),
        ("account_id", {}, Bad("wrong_type")),
        ("user_prompt", "", None),
        ("user_prompt", 5, Bad("wrong_type")),
        ("tool_names", '["a", "b"]', ["a", "b"]),
        ("tool_names", ["a", None, 5], ["a"]),
        ("client_address", "198.51.100.7:443", "198.51.100.7"),
        ("client_address", "[2001:db8::1]:443", "2001:db8::1"),
        ("client_address", "2001:db8::1", "2001:db8::1"),
        ("client_address", " 198.51.100.7 , 10.0.0.1", "198.51.100.7"),
        ("client_address", ["198.51.100.7", "10.0.0.1"], "198.51.100.7"),
        ("client_address", "81.2.69.***", "81.2.69.***"),
        ("client_address", "", None),
    ],
)
def test_values(column, value, expected):
    assert CONVERTERS[column](value, UTC) == expected
