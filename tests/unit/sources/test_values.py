import math
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gauger.errors import UsageError
from gauger.exchanges.schema import EDGE_SCHEMA
from gauger.sources.faults import REASONS, Bad
from gauger.sources.times import Elapsed, Instant, microseconds, moments, zone_of
from gauger.sources.values import CONVERTERS, converted_column

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


WRITTEN = st.sampled_from(
    ["2026-01-01T00:00:00.123456+05:30", "2026-02-28 23:59:59.5Z", "2024-02-29", "20260101", "0001-01-01T00:00:00Z"]
)
#: Times of one kind, most of them good, some a mark or two away from one.
TIMES = st.one_of(
    st.lists(st.datetimes(timezones=st.none() | st.timezones()).map(str) | WRITTEN, min_size=1, max_size=3),
    st.lists(
        st.builds(
            lambda text, at, mark: text[:at] + mark + text[at + 1 :],
            WRITTEN,
            st.integers(0, 33),
            st.sampled_from([*"0123456789+-:.,TZz W\u0662\ud800", "", "00"]),
        ),
        min_size=1,
        max_size=2,
    ),
    st.lists(st.floats() | st.floats(1.7e9, 1.8e9), min_size=1, max_size=3),
    st.lists(st.integers(-(2**60), 2**60).map(Instant), min_size=1, max_size=3),
)


@settings(max_examples=400)
@example(values=["0000-12-31T23:59:59-23:59"], zone=UTC)
@given(values=TIMES, zone=st.sampled_from([UTC, BERLIN]))
def test_times_read_at_once_are_times_read_one_by_one(values, zone):
    found = moments(values, zone)
    assert found is None or found == [microseconds(value, zone) for value in values]


@given(begins=TIMES, ends=TIMES, zone=st.sampled_from([UTC, BERLIN]))
def test_durations_read_at_once_are_durations_read_one_by_one(begins, ends, zone):
    values = [Elapsed(begin, end) for begin, end in zip(begins, ends, strict=False)]
    found, bad = converted_column("latency_ms", values, zone)
    alone = [CONVERTERS["latency_ms"](value, zone) for value in values]
    assert [bad.get(at, value) for at, value in enumerate(found)] == alone


def test_usual_times_are_read_at_once():
    texts = ["2026-01-01T00:00:00.123456+05:30", "2026-01-01T00:00:00Z"]
    for values in (texts, [1767571212.25, 1767571213.5], ["2025-11-20 08:00:00.125", "2025-11-20 08:00:01"]):
        assert moments(values, UTC) == [microseconds(value, UTC) for value in values]


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
