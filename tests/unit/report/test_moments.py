from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gauger.report.moments import day, duration, epoch_us, from_epoch_us, moment, stretch


def test_times_are_read_in_utc():
    assert moment("2026-11-03T16:05:00+02:00") == "3 Nov 2026, 14:05 UTC"
    assert moment("2026-11-03T14:05:00Z") == "3 Nov 2026, 14:05 UTC"
    assert day("2026-11-03T23:30:00-01:00") == "4 Nov 2026"
    assert stretch("2026-01-01T00:00:00Z", "2026-01-07T23:59:59.999999Z") == (
        "1 Jan 2026, 00:00 to 7 Jan 2026, 23:59 UTC"
    )


@given(st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2200, 1, 1)))  # noqa: DTZ001 (made UTC below)
def test_epoch_is_exact_to_the_microsecond(time):
    time = time.replace(tzinfo=UTC)
    us = epoch_us(time.isoformat())
    assert divmod(us, 1_000_000)[1] == time.microsecond
    assert from_epoch_us(us) == time.strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (3_600, "hour"),
        (21_600, "6 hours"),
        (86_400, "day"),
        (1_209_600, "2 weeks"),
        (900, "15 minutes"),
        (7, "7 seconds"),
    ],
)
def test_length_of_time_is_named_by_its_largest_whole_unit(seconds, text):
    assert duration(seconds) == text
