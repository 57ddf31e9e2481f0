"""Times as logs write them, in microseconds since 1970 (UTC)."""

import re
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import pyarrow as pa

from gauger.errors import UsageError
from gauger.sources.faults import BAD_TIME, Bad

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

#: The years 1 to 9999, what every later reader of a timestamp can show.
_EARLIEST: Final = (datetime(1, 1, 1, tzinfo=UTC) - _EPOCH) // _MICROSECOND
_DAY: Final = timedelta(days=1) // _MICROSECOND
_LATEST: Final = (datetime(9999, 12, 31, tzinfo=UTC) - _EPOCH) // _MICROSECOND

#: Unit -> how many make a second.
UNITS: Final = {"seconds": 1, "milliseconds": 1_000, "microseconds": 1_000_000, "nanoseconds": 1_000_000_000}
_MICROSECONDS: Final = UNITS["microseconds"]

#: A bare number below this is in that unit: 1e11 s is the year 5138, 1e11 ms is 1973. No log needs more care.
_UNIT_BELOW: Final = ((1e11, "seconds"), (1e14, "milliseconds"), (1e17, "microseconds"))

#: No time before the year 10,000 is a greater number, in nanoseconds even.
_BEYOND: Final = 1e21

_NUMBER: Final = re.compile(r"[+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?", re.ASCII)
_DATE: Final = re.compile(r"(?:19|20)\d\d[01]\d[0-3]\d", re.ASCII)

#: What Arrow reads texts as: with a zone in each, or with none in any.
_AWARE: Final = pa.timestamp("us", "UTC")
_NAIVE: Final = pa.timestamp("us")

#: A number in text is at most this long; longer ones are not times.
_MAX_NUMBER_CHARACTERS: Final = 32


class Instant(int):
    """Microseconds since 1970 whose unit is settled."""

    __slots__ = ()


class Elapsed(msgspec.Struct, frozen=True, gc=False):
    """A duration as a log has it that names the two times alone."""

    begin: object
    end: object


def zone_of(name: str) -> tzinfo:
    """Time zone of that name.

    Raises
    ------
    UsageError
        No such zone.
    """
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:  # KeyError: unknown; ValueError, OSError: not a name of a zone
        raise UsageError(
            f"no time zone is called {name!r}",
            where="--timezone",
            todo="use a name such as UTC or Europe/Berlin",
        ) from error


def microseconds(value: object, zone: tzinfo) -> int | Bad | None:
    """Microseconds since 1970 of a time in any of the ways logs write one; None when there is none.

    Text is RFC 3339 or ISO 8601 (a space for the T, no seconds, a date alone are fine), or a number. A time without a
    zone is in `zone`; a local time that a clock change repeats is the first of the two. Numbers are seconds,
    milliseconds, microseconds or nanoseconds since 1970, told apart by their size.
    """
    if value is None or value == "":
        return None
    if isinstance(value, Instant):
        return int(value) if _EARLIEST <= value <= _LATEST else BAD_TIME
    if isinstance(value, str):
        return _from_text(value.strip(), zone)
    if isinstance(value, datetime):
        return _from_datetime(value, zone)
    if isinstance(value, date):
        return _from_datetime(datetime(value.year, value.month, value.day, tzinfo=zone), zone)
    return from_number(value, None)


def milliseconds(elapsed: Elapsed, zone: tzinfo) -> float | Bad | None:
    """Milliseconds between two times; None where one of them is not there or the first cannot be read."""
    begin, end = microseconds(elapsed.begin, zone), microseconds(elapsed.end, zone)
    if isinstance(end, Bad):
        return end
    return None if begin is None or end is None or isinstance(begin, Bad) else (end - begin) / 1000


def moments(values: list[Any], zone: tzinfo) -> list[int] | None:
    """`microseconds` of the times of many records at once; None where they must be read one by one."""
    kinds = set(map(type, values))
    if kinds == {float}:
        return _from_floats(values)
    if kinds == {Instant}:
        return values if _are_times(min(values), max(values)) else None
    return _from_texts(values, zone) if kinds == {str} else None


def _from_floats(values: list[float]) -> list[int] | None:
    """Moments of numbers that are all of one unit, as those of one log are."""
    numbers = np.array(values)
    sizes = np.abs(numbers)
    most = sizes.max()
    if not most < _BEYOND or _unit_of(sizes.min()) != _unit_of(most):  # nor is one NaN
        return None
    found = np.rint(numbers * (_MICROSECONDS / UNITS[_unit_of(most)]))
    return found.astype(np.int64).tolist() if _are_times(found.min(), found.max()) else None


def _from_texts(values: list[str], zone: tzinfo) -> list[int] | None:
    """Moments of texts that Arrow takes: what it takes, it reads as `microseconds` does, but in the year 0."""
    for kind in (_AWARE, _NAIVE) if zone is UTC else (_AWARE,):
        try:
            found = pa.array(values, pa.string()).cast(kind).cast(pa.int64()).to_pylist()
        except (pa.ArrowInvalid, UnicodeEncodeError):
            continue
        return found if _are_times(min(found) - _DAY, max(found)) else None
    return None


def _are_times(first: float, last: float) -> bool:
    return first >= _EARLIEST and last <= _LATEST


def from_number(value: object, unit: str | None) -> Instant | Bad:
    """Microseconds since 1970 of a number in `unit`, a key of `UNITS`; None tells the unit by the size."""
    if isinstance(value, str) and len(value) <= _MAX_NUMBER_CHARACTERS:
        try:
            value = float(value)
        except ValueError:
            return BAD_TIME
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return BAD_TIME
    try:
        number = float(value)
    except OverflowError:
        return BAD_TIME
    if not abs(number) < _BEYOND:  # nor is NaN
        return BAD_TIME
    per_second = UNITS[unit or _unit_of(number)]
    if isinstance(value, int):  # exact, where a float would round a time in nanoseconds
        moment = value * _MICROSECONDS // per_second
    else:
        moment = round(number * (_MICROSECONDS / per_second))
    return Instant(moment) if _EARLIEST <= moment <= _LATEST else BAD_TIME


def _unit_of(number: float) -> str:
    for bound, unit in _UNIT_BELOW:
        if abs(number) < bound:
            return unit
    return "nanoseconds"


def _from_text(text: str, zone: tzinfo) -> int | Bad:
    if _NUMBER.fullmatch(text) and not _DATE.fullmatch(text):
        return from_number(text, None)
    try:
        moment = datetime.fromisoformat(text.removesuffix(" UTC") + "+00:00" if text.endswith(" UTC") else text)
    except ValueError:
        return BAD_TIME
    return _from_datetime(moment, zone)


def _from_datetime(moment: datetime, zone: tzinfo) -> int | Bad:
    try:
        aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)
        found = (aware - _EPOCH) // _MICROSECOND
    except (OverflowError, ValueError):
        return BAD_TIME
    return found if _EARLIEST <= found <= _LATEST else BAD_TIME
