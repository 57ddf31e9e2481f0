"""Which stretch is tested, and the disjoint history windows it is compared with (detection.md §4).

Every window, history or tested, is read with the same length of log just before it (its look-back), and windows are
disjoint. n history windows certify nothing below 1/(n + 1).
"""

from dataclasses import dataclass

from gauger.errors import UsageError
from gauger.settings import WindowSettings

DAY_US = 86_400_000_000
HOUR_US = DAY_US // 24
DEFAULT_TESTED_DAYS = 7
SHORT_LOG_SHARE = 0.25
MIN_TESTED_US = 60_000_000
#: Most history windows that are read: enough to certify 1 in 1,000.
MAX_HISTORY = 1_000


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


def plan_windows(first_us: int, last_us: int, settings: WindowSettings, *, history_until_us: int | None = None) -> Plan:
    """Return the windows of a log that runs from `first_us` to `last_us`, both inclusive.

    Parameters
    ----------
    first_us, last_us
        Times of the first and the last exchange.
    settings
        Lengths; by default the tested stretch is the last 7 days, or the last quarter of a log shorter than 28 days.
    history_until_us
        Where history ends and the tested stretch begins; overrides the length in `settings`.
    """
    first_us, end = _whole_hours(first_us, last_us + 1)
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
    length = end - start
    look_back = settings.look_back_windows * length
    history: list[Window] = []
    edge = start
    while edge - length - look_back >= first_us and len(history) < MAX_HISTORY:
        history.append(Window(start_us=edge - length, end_us=edge, look_back_us=edge - length - look_back))
        edge -= length
    tested = Window(start_us=start, end_us=end, look_back_us=max(start - look_back, first_us))
    return Plan(tested=tested, history=tuple(history))


def _whole_hours(start_us: int, end_us: int) -> tuple[int, int]:
    """Return the stretch widened to whole hours, so that a log of 28 days holds 28; shorter than two days: as it is."""
    if end_us - start_us < 2 * DAY_US:
        return start_us, end_us
    return start_us // HOUR_US * HOUR_US, -(-end_us // HOUR_US) * HOUR_US
