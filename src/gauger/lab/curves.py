"""Power curves as SVG: shares with their limits over a knob, one line for each way the campaign was built.

Colours and type come from the page's style sheet by class. Lines differ in their marks too, for eyes and printers that
do not tell the colours apart.
"""

from collections.abc import Iterator, Sequence
from math import log
from typing import Final

from markupsafe import Markup

from gauger.lab.summary import Curve, CurvePoint, Line

WIDTH: Final = 440
_HEIGHT: Final = 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 16, 14, 46
#: Pixels between the marks of two lines at one place.
_APART: Final = 7

_MARKS: Final = (
    "M{x} {y}m-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0Z",  # disc
    "M{x} {y}m-4 -4h8v8h-8Z",  # square
    "M{x} {y}m0 -5l5 9h-10Z",  # triangle
    "M{x} {y}m0 -5l5 5l-5 5l-5 -5Z",  # diamond
    "M{x} {y}m-4 -4l8 8m0 -8l-8 8",  # cross
)
#: Lines that can be told apart; the page's style sheet has a colour for each.
MAX_LINES: Final = len(_MARKS)

AXES: Final = {
    "share": "hostile share of an account's exchanges",
    "accounts": "accounts of the campaign",
    "requests": "hostile exchanges of each account",
}
MEASURES: Final = {"first_three": "Found among the first three findings", "campaign": "Found as a campaign"}


def curve_plot(curve: Curve, *, key: str) -> Markup:
    """Return a plot of a curve; x is logarithmic, y runs from 0 to 100 %. `key` is unique in the page."""
    return Markup("").join(_plot(curve, key))


def line_mark(number: int) -> Markup:
    """Return the mark of a line, for the legend."""
    return Markup('<svg class="mark" viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">{}</svg>').format(
        _mark(number, 6, 6)
    )


def shown_x(curve: Curve, x: float) -> str:
    """Return a place on the axis as it is written: a share as a percentage, a number as it is."""
    return f"{100 * x:g}%" if curve.axis == "share" else f"{x:g}"


def _plot(curve: Curve, key: str) -> Iterator[Markup]:
    title = f"{MEASURES[curve.measure]}, by {AXES[curve.axis]}"
    yield Markup(
        '<svg class="curve" viewBox="0 0 {0} {1}" width="{0}" height="{1}" role="img"'
        ' aria-labelledby="{2}-title {2}-desc"><title id="{2}-title">{3}</title><desc id="{2}-desc">{4}</desc>'
    ).format(WIDTH, _HEIGHT, key, title, " ".join(_said(curve, line) for line in curve.lines))
    xs = sorted({point.x for line in curve.lines for point in line.points})
    yield from _axes(curve, xs)
    for number, line in enumerate(curve.lines):
        shift = _APART * (number - (len(curve.lines) - 1) / 2)
        yield from _line(number, [(_x(point.x, xs) + shift, point) for point in line.points if point.rate.n])
    yield Markup("</svg>")


def _said(curve: Curve, line: Line) -> str:
    """Return a line in words, which is what a reader who does not see the plot gets."""
    points = ", ".join(f"{point.rate.hits} of {point.rate.n} at {shown_x(curve, point.x)}" for point in line.points)
    return f"{line.name}: {points}."


def _axes(curve: Curve, xs: Sequence[float]) -> Iterator[Markup]:
    for share in (0.0, 0.5, 1.0):
        y = _y(share)
        yield Markup('<path class="grid" d="M{} {}H{}"/><text class="tick" x="{}" y="{}">{}%</text>').format(
            _LEFT, _number(y), WIDTH - _RIGHT, _LEFT - 7, _number(y + 4), int(100 * share)
        )
    for x in xs:
        yield Markup('<path class="axis" d="M{0} {1}v5"/><text class="time" x="{0}" y="{2}">{3}</text>').format(
            _number(_x(x, xs)), _y(0), _y(0) + 19, shown_x(curve, x)
        )
    yield Markup('<text class="time" x="{}" y="{}">{}</text>').format(
        (_LEFT + WIDTH - _RIGHT) / 2, _HEIGHT - 6, AXES[curve.axis]
    )


def _line(number: int, places: Sequence[tuple[float, CurvePoint]]) -> Iterator[Markup]:
    steps = "L".join(f"{_number(x)} {_number(_y(point.rate.rate or 0.0))}" for x, point in places)
    if len(places) > 1:
        yield Markup('<path class="line line-{}" d="M{}"/>').format(number % MAX_LINES, steps)
    for x, point in places:
        yield Markup('<path class="limits line-{}" d="M{} {}V{}"/>').format(
            number % MAX_LINES, _number(x), _number(_y(point.rate.low or 0.0)), _number(_y(point.rate.high or 0.0))
        )
        yield _mark(number, x, _y(point.rate.rate or 0.0))


def _mark(number: int, x: float, y: float) -> Markup:
    path = _MARKS[number % MAX_LINES].format(x=_number(x), y=_number(y))
    return Markup('<path class="mark line-{}" d="{}"/>').format(number % MAX_LINES, path)


def _x(value: float, xs: Sequence[float]) -> float:
    """Return where a value stands; the outermost stand a little inside, so that the marks of all lines fit."""
    left, right = _LEFT + 28, WIDTH - _RIGHT - 28
    if xs[0] == xs[-1]:
        return (left + right) / 2
    return left + (right - left) * log(value / xs[0]) / log(xs[-1] / xs[0])


def _y(share: float) -> float:
    return _TOP + (1 - share) * (_HEIGHT - _TOP - _BOTTOM)


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
