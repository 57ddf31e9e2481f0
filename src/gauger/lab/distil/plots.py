"""Accuracy over stolen traces as SVG: median and range over seeds, and where alarms would have stopped the thief.

Colours and type come from the page's style sheet by class, as in `gauger.lab.curves`.
"""

from collections.abc import Iterator, Sequence
from math import log
from typing import Final

from markupsafe import Markup

from gauger.lab.distil.summary import Denied, Row

WIDTH: Final = 760
_HEIGHT: Final = 340
_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 20, 16, 48
#: Pixels between labels of the axis, and lines of labels of alarms.
_APART: Final = 34
_LANE: Final = 16


def accuracy_plot(rows: Sequence[Row], alarms: Sequence[Denied], *, chance: float, key: str) -> Markup:
    """Return a plot; x is logarithmic, y runs from 0 to 100 %. Nothing where there is no curve.

    Parameters
    ----------
    rows
        By rising number of traces.
    alarms
        Leaked exchanges, each a vertical line with the accuracy that they bought.
    chance
        Accuracy of guessing.
    key
        Unique in the page.
    """
    known = [row for row in rows if row.student.median is not None]
    return Markup("").join(_plot(known, alarms, chance, key)) if len(known) > 1 else Markup("")


def _plot(rows: Sequence[Row], alarms: Sequence[Denied], chance: float, key: str) -> Iterator[Markup]:
    xs = [float(row.traces) for row in rows]
    yield Markup(
        '<svg class="curve wide" viewBox="0 0 {0} {1}" width="{0}" height="{1}" role="img"'
        ' aria-labelledby="{2}-title {2}-desc"><title id="{2}-title">Accuracy of students by stolen traces</title>'
        '<desc id="{2}-desc">{3}</desc>'
    ).format(WIDTH, _HEIGHT, key, _said(rows, alarms))
    yield from _axes(xs)
    yield Markup('<path class="chance" d="M{} {}H{}"/>').format(_LEFT, _number(_y(chance)), WIDTH - _RIGHT)
    yield from _alarms(alarms, xs)
    yield from _curve(rows, xs)
    yield Markup("</svg>")


def _said(rows: Sequence[Row], alarms: Sequence[Denied]) -> str:
    """Return the plot in words, which is what a reader who does not see it gets."""
    points = ", ".join(f"{row.student.median:.3f} at {row.traces:,}" for row in rows)
    stops = " ".join(
        f"{one.title}: {one.leaked:,.0f} leaked, {one.student.median:.3f}."
        for one in alarms
        if one.student.median is not None
    )
    return f"Median accuracy: {points}. {stops}".strip()


def _axes(xs: Sequence[float]) -> Iterator[Markup]:
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        y = _number(_y(share))
        yield Markup('<path class="grid" d="M{} {}H{}"/><text class="tick" x="{}" y="{}">{}%</text>').format(
            _LEFT, y, WIDTH - _RIGHT, _LEFT - 7, _number(_y(share) + 4), int(100 * share)
        )
    last = -float(_APART)
    for value in xs:
        x = _x(value, xs)
        yield Markup('<path class="axis" d="M{} {}v5"/>').format(_number(x), _number(_y(0)))
        if x - last >= _APART:
            yield Markup('<text class="time" x="{}" y="{}">{}</text>').format(_number(x), _y(0) + 19, f"{value:,.0f}")
            last = x
    yield Markup('<text class="time" x="{}" y="{}">stolen traces</text>').format((_LEFT + WIDTH) / 2, _HEIGHT - 8)


def _alarms(alarms: Sequence[Denied], xs: Sequence[float]) -> Iterator[Markup]:
    for number, one in enumerate(sorted(alarms, key=lambda one: one.leaked), start=1):
        if one.student.median is None:
            continue
        x = _x(min(max(one.leaked, xs[0]), xs[-1]), xs)
        y = _TOP + _LANE * number
        yield Markup(
            '<path class="alarm" d="M{0} {1}V{2}"/><circle class="alarm" cx="{0}" cy="{3}" r="8"/>'
            '<text class="alarm" x="{0}" y="{4}">{5}</text>'
        ).format(_number(x), _TOP, _number(_y(0)), y, y + 4, number)


def _curve(rows: Sequence[Row], xs: Sequence[float]) -> Iterator[Markup]:
    places = [(_x(row.traces, xs), row.student) for row in rows]
    upper = [f"{_number(x)} {_number(_y(one.high or 0.0))}" for x, one in places]
    lower = [f"{_number(x)} {_number(_y(one.low or 0.0))}" for x, one in reversed(places)]
    middle = [f"{_number(x)} {_number(_y(one.median or 0.0))}" for x, one in places]
    yield Markup('<path class="spread" d="M{}Z"/>').format("L".join([*upper, *lower]))
    yield Markup('<path class="line line-0" d="M{}"/>').format("L".join(middle))
    for point in middle:
        x, y = point.split()
        yield Markup('<circle class="mark line-0" cx="{}" cy="{}" r="3.5"/>').format(x, y)


def _x(value: float, xs: Sequence[float]) -> float:
    left, right = _LEFT + 16, WIDTH - _RIGHT - 16
    return left + (right - left) * log(value / xs[0]) / log(xs[-1] / xs[0])


def _y(share: float) -> float:
    return _TOP + (1 - share) * (_HEIGHT - _TOP - _BOTTOM)


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
