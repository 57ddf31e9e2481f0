"""Times as a person reads them: always UTC, independent of the locale."""

from datetime import UTC, datetime

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_MICROSECONDS = 1_000_000


def moment(rfc3339: str) -> str:
    """Return an RFC 3339 time as `3 Nov 2026, 14:05 UTC`."""
    time = _utc(rfc3339)
    return f"{_date(time)}, {time:%H:%M} UTC"


def day(rfc3339: str) -> str:
    """Return an RFC 3339 time as `3 Nov 2026`."""
    return _date(_utc(rfc3339))


def stretch(start: str, end: str) -> str:
    """Return a stretch of time as `3 Nov 2026, 00:00 to 10 Nov 2026, 00:00 UTC`."""
    return f"{moment(start).removesuffix(' UTC')} to {moment(end)}"


def epoch_us(rfc3339: str) -> int:
    """Return an RFC 3339 time as microseconds since 1970 in UTC."""
    delta = _utc(rfc3339) - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * _MICROSECONDS + delta.microseconds


def from_epoch_us(time_us: int) -> str:
    """Return microseconds since 1970 as an RFC 3339 time in UTC."""
    return datetime.fromtimestamp(time_us // _MICROSECONDS, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def duration(seconds: int) -> str:
    """Return a length of time in its largest whole unit: `hour`, `6 hours`, `2 days`, `week`."""
    for unit, size in (("week", 604_800), ("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)):
        number, rest = divmod(seconds, size)
        if number and not rest:
            return unit if number == 1 else f"{number} {unit}s"
    raise ValueError(f"a length of time is positive, not {seconds} s")


def _utc(rfc3339: str) -> datetime:
    time = datetime.fromisoformat(rfc3339)
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _date(time: datetime) -> str:
    return f"{time.day} {MONTHS[time.month - 1]} {time.year}"
