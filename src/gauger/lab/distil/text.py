"""The lab's document as plain text for a terminal."""

from collections.abc import Iterator, Sequence
from typing import Final

from gauger.lab.distil.page import PARTS, difference, headline, p_of, range_of, spoken
from gauger.lab.distil.summary import Distil, Row
from gauger.lab.page import spans
from gauger.lab.summary import Spread
from gauger.report.layout import Column, columns, paragraph

#: Of accuracies, on a terminal; the other documents have three.
_DIGITS: Final = 2


def distil_text(found: Distil, *, width: int) -> str:
    """Return the document as lines of plain text."""
    return "\n".join(_lines(found, width)) + "\n"


def _lines(found: Distil, width: int) -> Iterator[str]:
    yield from paragraph(headline(found), width=width)
    for part, (title, said) in PARTS.items():
        rows = [row for row in found.rows if row.part == part]
        if rows:
            yield from ("", title, "")
            yield from columns(_accuracies(rows), width=width)
            if any(row.tests for row in rows):
                yield ""
                yield from columns(_tests(rows), width=width)
            yield ""
            yield from paragraph(found.leak_means if part == "leak" else said, width=width)
    if found.denied:
        yield from ("", "Capability denied: what a student learns from what leaked before the alarm", "")
        yield from columns(
            [
                Column(title="alarm", values=[one.title for one in found.denied]),
                Column(title="leaked", values=[f"{one.leaked:,.0f}" for one in found.denied], right=True),
                Column(title="student", values=[spoken(one) for one in found.denied]),
            ],
            width=width,
        )
    yield ""
    yield from paragraph(found.limits, width=width)
    setup = found.setup
    yield from paragraph(
        f"Tier {found.tier}, seeds {spans(setup.seeds)}, {found.runs} of {found.cells * len(setup.seeds)} runs,"
        f" {found.cpu_s:,.0f} CPU seconds. Medians and, in brackets, extremes over seeds.",
        width=width,
    )


def _accuracies(rows: Sequence[Row]) -> list[Column]:
    """Return a row for each cell, and below it one for each of its controls."""
    lines = [line for row in rows for line in _with_controls(row)]
    titles = ("traces", "student", "honest user", "student lost", "user lost", "")
    return [
        Column(title=title, values=[line[place] for line in lines], right=bool(title))
        for place, title in enumerate(titles)
    ]


def _with_controls(row: Row) -> Iterator[tuple[str, ...]]:
    yield (f"{row.traces:,}", _short(row.student), _short(row.teacher), "", "", row.title)
    for one in row.controls:
        lost = (difference(one.student_lost), difference(one.teacher_lost))
        yield ("", _short(one.student), _short(one.teacher), *lost, f"beside {one.title}")


def _short(one: Spread) -> str:
    return range_of(one, _DIGITS)


def _tests(rows: Sequence[Row]) -> list[Column]:
    tests = [(row, test) for row in rows for test in row.tests]
    return [
        Column(title="traces", values=[f"{row.traces:,}" for row, _ in tests], right=True),
        Column(title="method", values=[test.method for _, test in tests]),
        Column(title="z", values=[range_of(test.z_score, 1) for _, test in tests], right=True),
        Column(title="p", values=[p_of(test.p_value) for _, test in tests], right=True),
        Column(title="test for the key", values=[row.title for row, _ in tests]),
    ]
