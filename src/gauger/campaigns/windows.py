"""Which stretch is tested, and the disjoint history windows it is compared with (detection.md §4).

Every window, history or tested, is read with the same length of log just before it (its look-back), and windows are
disjoint. n history windows certify nothing below 1/(n + 1).

Clocks fail: a row dated a year off must neither become the end of the log nor make a year of empty weeks a history.
So rows that stand far apart from all others bound no window, and empty weeks are no history.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gauger.errors import UsageError
from gauger.settings import WindowSettings

DAY_US = 86_400_000_000
HOUR_US = DAY_US // 24
DEFAULT_TESTED_DAYS = 7
SHORT_LOG_SHARE = 0.25
MIN_TESTED_US = 60_000_000
#: Most history windows that are read: enough to certify 1 in 1,000.
MAX_HISTORY = 1_000

#: Resolution at which the log's activity is known.
MINUTE_US = 60_000_000
#: Rows beyond a gap as long as this, together at most this share of the log, have a wrong clock, or might as well.
STRAY_GAP_US = 7 * DAY_US
STRAY_SHARE = 0.01
#: A history window is compared with only where it had as good a chance of a large maximum: at least this share of the
#: tested stretch's exchanges, and in its look-back at most this multiple of those in the tested stretch's.
MIN_TRAFFIC = 0.9
MAX_LOOK_BACK_TRAFFIC = 1.1


@dataclass(frozen=True, slots=True)
class Activity:
    """How many exchanges stand in each minute of the log.

    Attributes
    ----------
    minute
        int64[n], ascending, minutes since the epoch that hold an exchange.
    count
        int64[n], positive.
    first_us, last_us
        Times of the first and the last exchange.
    """

    minute: NDArray[np.int64]
    count: NDArray[np.int64]
    first_us: int
    last_us: int

    def between(self, start_us: int, end_us: int) -> int:
        """Return the number of exchanges in the minutes that begin in [start_us, end_us), both to the minute below."""
        inside = np.searchsorted(self.minute, [start_us // MINUTE_US, end_us // MINUTE_US])
        return int(self.count[inside[0] : inside[1]].sum())

    @property
    def n_exchanges(self) -> int:
        """Exchanges in all."""
        return int(self.count.sum())

    def without_strays(self) -> "Activity":
        """Return the activity without the few exchanges at either end that stand far apart from all others."""
        breaks = np.flatnonzero(np.diff(self.minute) * MINUTE_US >= STRAY_GAP_US) + 1
        sizes = np.array([part.sum() for part in np.split(self.count, breaks)])
        few = STRAY_SHARE * self.n_exchanges
        kept = np.flatnonzero((np.cumsum(sizes) > few) & (np.cumsum(sizes[::-1])[::-1] > few))
        bounds = np.r_[0, breaks, len(self.minute)]
        start, end = int(bounds[kept[0]]), int(bounds[kept[-1] + 1])
        return Activity(
            minute=self.minute[start:end],
            count=self.count[start:end],
            first_us=self.first_us if start == 0 else int(self.minute[start]) * MINUTE_US,
            last_us=self.last_us if end == len(self.minute) else int(self.minute[end - 1] + 1) * MINUTE_US - 1,
        )


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch [start_us, end_us) and the start of its look-back, microseconds since the epoch."""

    start_us: int
    end_us: int
    look_back_us: int


@dataclass(frozen=True, slots=True)
class Plan:
    """The tested window and the history windows before it, the latest first."""

    tested: Window
    history: tuple[Window, ...]

    @property
    def smallest_p_value(self) -> float:
        """The smallest p-value the history can certify for one tested window."""
        return 1 / (len(self.history) + 1)


def plan_windows(activity: Activity, settings: WindowSettings, *, history_until_us: int | None = None) -> Plan:
    """Return the windows of a log.

    Parameters
    ----------
    activity
        When the log holds exchanges.
    settings
        Lengths; by default the tested stretch is the last 7 days, or the last quarter of a log shorter than 28 days.
    history_until_us
        Where history ends and the tested stretch begins; overrides the length in `settings`.

    Raises
    ------
    UsageError
        Less than a minute of log is left to test.
    """
    log = activity.without_strays()
    first_us, end = _whole_hours(log.first_us, log.last_us + 1)
    if history_until_us is not None:
        start = max(history_until_us, first_us)
        if start > first_us and end - start < MIN_TESTED_US:
            raise UsageError(
                "less than a minute of log is left to test", where="--history-until", todo="choose an earlier time"
            )
    else:
        default = min(DEFAULT_TESTED_DAYS * DAY_US, int((end - first_us) * SHORT_LOG_SHARE))
        length = int(settings.tested_days * DAY_US) if settings.tested_days else max(default, 1)
        start = max(end - length, first_us)
    look_back = settings.look_back_windows * (end - start)
    tested = Window(start_us=start, end_us=end, look_back_us=max(start - look_back, first_us))
    return Plan(tested=tested, history=_history(log, tested, first_us=first_us, look_back=look_back))


def _history(log: Activity, tested: Window, *, first_us: int, look_back: int) -> tuple[Window, ...]:
    """Return the disjoint windows before the tested one, the latest first, that compare with it.

    Little traffic makes a small maximum, and a long memory leaves little that is new: a Monday after a quiet weekend
    is compared with Mondays, and a grown service not with the small one it was.
    """
    length = tested.end_us - tested.start_us
    wanted = MIN_TRAFFIC * log.between(tested.start_us, tested.end_us)
    remembered = MAX_LOOK_BACK_TRAFFIC * log.between(tested.start_us - look_back, tested.start_us)
    history: list[Window] = []
    end = tested.start_us
    while end - length - look_back >= first_us and len(history) < MAX_HISTORY:
        window = Window(start_us=end - length, end_us=end, look_back_us=end - length - look_back)
        before = log.between(window.look_back_us, window.start_us)
        if before <= remembered and log.between(window.start_us, window.end_us) >= wanted:
            history.append(window)
        end -= length
    return tuple(history)


def _whole_hours(start_us: int, end_us: int) -> tuple[int, int]:
    """Return the stretch widened to whole hours, so that a log of 28 days holds 28; shorter than two days: as it is."""
    if end_us - start_us < 2 * DAY_US:
        return start_us, end_us
    return start_us // HOUR_US * HOUR_US, -(-end_us // HOUR_US) * HOUR_US
