"""Small plots as SVG: a series over time, a bar, an interval.

Colours and type come from the page's style sheet by class, so a plot follows light, dark and print. Text inside a plot
is the plot's own; words from a log stand beside it in the page.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import log10
from typing import Final

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from gauger.report.moments import MONTHS, duration
from gauger.report.numbers import count
from gauger.report.timeline import Marker, Timeline

_US: Final = 1_000_000
_HOUR_S: Final = 3_600
_DAY_S: Final = 86_400
_TICKS_S: Final = (
    *(h * _HOUR_S for h in (1, 2, 3, 6, 12)),
    *(d * _DAY_S for d in (1, 2, 4, 7, 10, 14, 28, 56, 112, 224, 448, 896, 1792, 3584)),
)
_YEARS_FROM_S: Final = 56 * _DAY_S  # steps from which a label needs its year

_LEFT: Final = 52
_RIGHT: Final = 14
_LANE: Final = 18
_TITLE: Final = 18
_UPPER: Final = 96
_LOWER: Final = 56
_GAP: Final = 16
_AXIS: Final = 22
_HALF_CHARACTER: Final = 3.8
_BIN_ROOM: Final = 4  # pixels a bin needs to be told from its neighbour


def bar(share: float) -> Markup:
    """Return a bar of `share` in [0, 1]; the number stands beside it in the page."""
    return Markup(
        '<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true" focusable="false">'
        '<rect class="track" width="100" height="8"/><rect class="fill" width="{}" height="8"/></svg>'
    ).format(_number(100 * share))


def interval(point: float, low: float, high: float) -> Markup:
    """Return an interval of a share in [0, 1] with its point; the numbers stand beside it in the page."""
    left, middle, right = (_number(120 * share) for share in (low, point, high))
    return Markup(
        '<svg class="interval" viewBox="-4 0 128 12" aria-hidden="true" focusable="false">'
        '<path class="track" d="M0 6h120"/><path class="range" d="M{0} 3v6M{0} 6H{1}M{1} 3v6"/>'
        '<circle cx="{2}" cy="6" r="3"/></svg>'
    ).format(left, right, middle)


def max_bins(width: int) -> int:
    """Return how many bins a timeline plot of this width can show apart."""
    return (width - _LEFT - _RIGHT) // _BIN_ROOM


def timeline(series: Timeline, *, tested_us: tuple[int, int], key: str, width: int) -> Markup:
    """Return a plot of two panels on one time axis: attributed exchanges, and all exchanges of the same accounts.

    The panels have scales of their own, because an account's attributed share may be a hundredth of its traffic.

    Parameters
    ----------
    series
        A timeline without gaps, at least one bin (`gauger.report.timeline.coarsened`).
    tested_us
        The tested stretch, microseconds since 1970 in UTC.
    key
        Unique in the page: it names the plot's title and description.
    width
        Width in pixels, which is also how large the type is meant to be seen.
    """
    lanes = marker_lanes(series, width=width)
    return Markup("").join(_timeline(series, _Frame.of(series, width=width, lanes=lanes), lanes, tested_us, key))


def marker_lanes(series: Timeline, *, width: int) -> list[tuple[int, int, Marker]]:
    """Return (number, lane, marker) of the markers inside the plot, in time, so that no two numbers touch."""
    frame = _Frame.of(series, width=width, lanes=[])
    ends: list[float] = []
    placed = []
    for number, marker in enumerate(markers_shown(series), start=1):
        x = frame.x(marker.at_us)
        lane = next((lane for lane, end in enumerate(ends) if x - end >= _LANE), len(ends))
        ends[lane : lane + 1] = [x]
        placed.append((number, lane, marker))
    return placed


def markers_shown(series: Timeline) -> list[Marker]:
    """Return the markers inside the series, in time."""
    if not len(series):
        return []
    start, end = _span(series)
    inside = [marker for marker in series.markers if start <= marker.at_us <= end]
    return sorted(inside, key=lambda marker: (marker.at_us, marker.label))


def time_ticks(start_us: int, end_us: int, *, room: int) -> list[tuple[int, str]]:
    """Return round times in the stretch and their labels, so few that the labels fit into `room` pixels."""
    span_s = (end_us - start_us) // _US
    step_s = next((step for step in _TICKS_S if (span_s // step + 1) * label_room(step) <= room), None)
    if step_s is None:
        return []
    step_us = step_s * _US
    first = -(-start_us // step_us) * step_us
    return [(time_us, _tick_label(time_us, step_s)) for time_us in range(first, end_us + 1, step_us)]


def label_room(step_s: int) -> int:
    """Return the pixels that a label of the time axis takes, with the gap to the next one."""
    return 84 if step_s >= _YEARS_FROM_S else 56


def round_ceiling(largest: int) -> int:
    """Return the smallest round number (1, 2, 4, 6, 8, 10, 20, 40, ...) that is not under `largest`."""
    if largest <= 1:
        return 1
    power = 10 ** int(log10(largest))
    return next(step * power for step in (1, 2, 4, 6, 8, 10, 20) if step * power >= largest)


@dataclass(frozen=True, kw_only=True)
class _Frame:
    """Where things are: pixels from the top left."""

    start_us: int
    end_us: int
    width: int
    top: int

    @staticmethod
    def of(series: Timeline, *, width: int, lanes: Sequence[tuple[int, int, Marker]]) -> "_Frame":
        start, end = _span(series)
        n_lanes = 1 + max((lane for _, lane, _ in lanes), default=-1)
        return _Frame(start_us=start, end_us=end, width=width, top=n_lanes * _LANE)

    @property
    def right(self) -> int:
        return self.width - _RIGHT

    @property
    def upper(self) -> int:
        """Base line of the upper panel."""
        return self.top + _TITLE + _UPPER

    @property
    def lower(self) -> int:
        """Base line of the lower panel."""
        return self.upper + _GAP + _TITLE + _LOWER

    @property
    def height(self) -> int:
        return self.lower + _AXIS

    def x(self, time_us: int) -> float:
        part = (time_us - self.start_us) / (self.end_us - self.start_us)
        return _LEFT + min(1.0, max(0.0, part)) * (self.right - _LEFT)


def _timeline(
    series: Timeline,
    frame: _Frame,
    lanes: Sequence[tuple[int, int, Marker]],
    tested_us: tuple[int, int],
    key: str,
) -> Iterator[Markup]:
    unit = duration(series.width_s)
    yield Markup(
        '<svg class="timeline" viewBox="0 0 {0} {1}" width="{0}" height="{1}" role="img"'
        ' aria-labelledby="{2}-title {2}-desc"><title id="{2}-title">{3}</title><desc id="{2}-desc">{4}</desc>'
    ).format(frame.width, frame.height, key, f"Exchanges per {unit}", _description(series, unit=unit))
    yield from _tested(frame, tested_us)
    yield from _panel(
        [(series.attributed, "attributed")], frame, base=frame.upper, height=_UPPER, title=f"Attributed, per {unit}"
    )
    yield from _panel(
        [(series.all_exchanges, "all"), (series.attributed, "attributed")],
        frame,
        base=frame.lower,
        height=_LOWER,
        title="All exchanges of these accounts",
    )
    yield from _time_axis(frame)
    yield from _markers(frame, lanes)
    yield Markup("</svg>")


def _description(series: Timeline, *, unit: str) -> str:
    attributed, total = int(series.attributed.sum()), int(series.all_exchanges.sum())
    most = int(series.attributed.max())
    return (
        f"{count(attributed)} of {count(total)} exchanges of these accounts are attributed to the finding,"
        f" at most {count(most)} per {unit}."
    )


def _tested(frame: _Frame, tested_us: tuple[int, int]) -> Iterator[Markup]:
    left, right = (frame.x(time_us) for time_us in tested_us)
    if right > left:
        yield Markup('<rect class="tested" x="{}" y="{}" width="{}" height="{}"/>').format(
            _number(left), frame.top, _number(right - left), frame.lower - frame.top
        )


def _panel(
    layers: Sequence[tuple[NDArray[np.int64], str]], frame: _Frame, *, base: int, height: int, title: str
) -> Iterator[Markup]:
    top = round_ceiling(max(int(counts.max()) for counts, _ in layers))
    for value in (0, top) if top % 2 else (0, top // 2, top):
        y = base - height * value / top
        yield Markup('<path class="grid" d="M{} {}H{}"/><text class="tick" x="{}" y="{}">{}</text>').format(
            _LEFT, _number(y), frame.right, _LEFT - 7, _number(y + 4), _short(value)
        )
    for counts, name in layers:
        yield Markup('<path class="{}" d="{}"/>').format(name, _area(counts, frame, base=base, scale=height / top))
    yield Markup('<text class="panel" x="{}" y="{}">{}</text>').format(_LEFT, base - height - 7, title)


def _area(counts: NDArray[np.int64], frame: _Frame, *, base: int, scale: float) -> str:
    """Return a stepped area: one step where neighbours differ."""
    width = (frame.right - _LEFT) / len(counts)
    steps = [f"M{_LEFT} {base}"]
    previous = None
    for index, value in enumerate(counts.tolist()):
        if value != previous:
            steps.append(f"H{_number(_LEFT + index * width)}V{_number(base - value * scale)}")
            previous = value
    return "".join([*steps, f"H{frame.right}V{base}Z"])


def _time_axis(frame: _Frame) -> Iterator[Markup]:
    for time_us, label in time_ticks(frame.start_us, frame.end_us, room=frame.right - _LEFT):
        x = frame.x(time_us)
        yield Markup('<path class="axis" d="M{} {}v5"/>').format(_number(x), frame.lower)
        if x + _HALF_CHARACTER * len(label) <= frame.width:
            yield Markup('<text class="time" x="{}" y="{}">{}</text>').format(_number(x), frame.lower + 18, label)
    yield Markup('<path class="axis" d="M{} {}H{}"/>').format(_LEFT, frame.lower, frame.right)


def _markers(frame: _Frame, lanes: Sequence[tuple[int, int, Marker]]) -> Iterator[Markup]:
    for number, lane, marker in lanes:
        x, y = _number(frame.x(marker.at_us)), lane * _LANE + _LANE // 2
        yield Markup(
            '<path class="event" d="M{0} {1}V{2}"/><circle class="event" cx="{0}" cy="{1}" r="8"/>'
            '<text class="event" x="{0}" y="{3}">{4}</text>'
        ).format(x, y, frame.lower, y + 4, number)


def _span(series: Timeline) -> tuple[int, int]:
    return int(series.starts_us[0]), int(series.starts_us[-1]) + series.width_s * _US


def _tick_label(time_us: int, step_s: int) -> str:
    time = datetime.fromtimestamp(time_us // _US, tz=UTC)
    if step_s < _DAY_S and (time.hour or time.minute):
        return f"{time:%H:%M}"
    return f"{time.day} {MONTHS[time.month - 1]}" + (f" {time.year}" if step_s >= _YEARS_FROM_S else "")


def _short(value: int) -> str:
    """Return a round number in few characters: 200, 4k, 20M."""
    for size, suffix in ((1_000_000, "M"), (1_000, "k")):
        if value >= size and not value * 10 % size:
            return f"{value / size:g}{suffix}"
    return str(value)


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
