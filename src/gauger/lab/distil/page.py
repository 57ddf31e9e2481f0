"""The lab's document as one HTML file that needs nothing else: no script, no network, no font, no image."""

from functools import cache
from itertools import pairwise
from typing import Final

from jinja2 import Environment

from gauger.evidence.records import p_text
from gauger.lab.distil.cells import Part
from gauger.lab.distil.plots import accuracy_plot
from gauger.lab.distil.summary import Denied, Distil, Row
from gauger.lab.page import spans
from gauger.lab.summary import Spread
from gauger.report.page import page_environment, source_hash, style_sheet

#: The tables of the report: title, and what one needs to know to read it.
PARTS: Final[dict[Part, tuple[str, str]]] = {
    "traces": (
        "Accuracy by stolen traces",
        "Nothing but the number of traces differs. A student of unmarked traces is tested for a key all the same.",
    ),
    "withheld": (
        "Traces withheld or summarised",
        "The honest user still gets the same answers, without the view of the reasoning.",
    ),
    "log-probs": (
        "Log-probabilities shown",
        "Beside text alone: what is lost is negative where log-probabilities teach more.",
    ),
    "mark": (
        "Watermarks by context",
        "Context 4 is the default of serving engines; 1 is what Gauger advises, with gumbel 2 as well."
        " plain: a test of the text alone;"
        " teacher: with the unmarked teacher's word on every token.",
    ),
    "dilution": (
        "Diluted marks",
        "Only a share of what the student read is marked.",
    ),
    "canaries": (
        "Canaries by dose",
        "Forty free choices of six options, each brought out by one prompt in 128; the dose is the share of the traces"
        " that follow the plan. The student is asked each of them 20 times, beside three students who read none; p is"
        " that of gauger canary test.",
    ),
    "spoiled": (
        "Outputs spoiled on purpose",
        "Never a default of Gauger: wrong answers also reach those who were flagged by mistake. Each stands beside full"
        " traces, noise of the same size, and answers without traces; adaptive students beside those that are not.",
    ),
    "attack": (
        "Paraphrase",
        "The thief draws every word of style anew and keeps states and answers. Beside it, a thief who does not.",
    ),
    "leak": ("Leaked text", ""),
}


def render_distil(found: Distil) -> str:
    """Return the document as HTML."""
    environment = _environment()
    style = style_sheet(environment, "report.css", "bench.css", "distil.css")
    return environment.get_template("distil.html.jinja").render(
        found=found,
        headline=headline(found),
        parts=PARTS,
        plot=accuracy_plot(curve(found), found.denied, chance=found.chance, key="accuracy"),
        seeds=spans(found.setup.seeds),
        style=style,
        style_hash=source_hash(style),
    )


@cache
def _environment() -> Environment:
    environment = page_environment("gauger.lab", "gauger.report")
    environment.globals.update(range_of=range_of, difference=difference, p_of=p_of, spoken=spoken)
    return environment


def curve(found: Distil) -> list[Row]:
    """Return the rows of full traces, by rising number."""
    return sorted((row for row in found.rows if row.part == "traces"), key=lambda row: row.traces)


def headline(found: Distil) -> str:
    """Return the first thing to know: the steepest step of the curve, or without a curve what the tier is about."""
    rows = [row for row in curve(found) if row.student.median is not None]
    if not rows:
        return found.meaning
    if len(rows) == 1:
        return f"{rows[0].traces:,} stolen traces: {range_of(rows[0].student)} right."
    low, high = max(pairwise(rows), key=lambda pair: (pair[1].student.median or 0) - (pair[0].student.median or 0))
    return (
        f"A student of {low.traces:,} stolen traces answers {range_of(low.student)} of fresh tasks rightly, one of"
        f" {high.traces:,} {range_of(high.student)}; guessing gives {found.chance:.3f}."
    )


def range_of(one: Spread, digits: int = 3) -> str:
    """Return `0.940 (0.503 to 1.000)`, or the value alone where all seeds agree or there is one."""
    if one.median is None or one.low is None or one.high is None:
        return one.reason or ""
    middle, low, high = (f"{value:.{digits}f}" for value in (one.median, one.low, one.high))
    return middle if low == high else f"{middle} ({low} to {high})"


def difference(value: float | None) -> str:
    """Return what was lost, signed."""
    return "" if value is None else f"{value:+.3f}"


def p_of(one: Spread) -> str:
    """Return p-values, rounded up: `0.0001 (0.0001 to 0.02)`."""
    if one.median is None or one.low is None or one.high is None:
        return one.reason or ""
    middle, low, high = (p_text(value) for value in (one.median, one.low, one.high))
    return middle if low == high else f"{middle} ({low} to {high})"


def spoken(one: Denied) -> str:
    """Return what leaked text teaches, with a word where the curve does not reach."""
    ends = {"": "", "below": ", fewer than the curve begins with", "above": ", more than the curve ends with"}
    return f"{range_of(one.student)}{ends[one.beyond]}"
