"""A benchmark as one HTML file that needs nothing else: no script, no network, no font, no image."""

from collections.abc import Sequence
from functools import cache
from typing import Final

from jinja2 import Environment

from gauger.lab.curves import MEASURES, curve_plot, line_mark
from gauger.lab.summary import Bench, Outcome, Validity
from gauger.report.numbers import error_rate, percent_interval
from gauger.report.page import page_environment, source_hash, style_sheet

TONES: Final[dict[Outcome, str]] = {
    "shown": "good",
    "not contradicted": "weak",
    "broken": "bad",
    "not defined": "weak",
}


def render_bench(bench: Bench) -> str:
    """Return a benchmark as one HTML document."""
    environment = _environment()
    style = style_sheet(environment, "report.css", "bench.css")
    size = bench.cost.sketch_bytes_per_million
    return environment.get_template("bench.html.jinja").render(
        bench=bench,
        headline=headline(bench),
        outcome=outcome(bench.validity),
        explanation=explanation(bench.validity),
        tone=TONES[bench.validity.outcome],
        curves=bench.curves,
        megabytes="not defined" if size.value is None else decimal(size.value / 1e6, 0),
        seeds=spans(bench.setup.seeds),
        style=style,
        style_hash=source_hash(style),
    )


@cache
def _environment() -> Environment:
    environment = page_environment("gauger.lab", "gauger.report")
    environment.globals.update(decimal=decimal, curve_plot=curve_plot, line_mark=line_mark, measures=MEASURES)
    return environment


def headline(bench: Bench) -> str:
    """Return the first thing to know."""
    worlds = bench.validity.worlds
    return f"{worlds.hits:,} of {worlds.n:,} worlds raised a false campaign"


def outcome(validity: Validity) -> str:
    """Return whether the promised rate holds, in words."""
    if validity.nominal.value is None:
        return f"No statement on the false-alarm rate: {validity.nominal.reason}"
    promised = error_rate(validity.nominal.value)
    return {
        "shown": f"Validity: the rate is at most the {promised} that was promised",
        "not contradicted": f"Validity: too few seeds to show that the rate is at most {promised}",
        "broken": f"Validity is broken: the rate is above the {promised} that was promised",
        "not defined": "No statement on the false-alarm rate",
    }[validity.outcome]


def explanation(validity: Validity) -> str:
    """Return the rate with its limits."""
    worlds = validity.worlds
    if worlds.low is None or worlds.high is None:
        return worlds.reason or ""
    return f"Share of worlds with a false campaign, 95% limits: {percent_interval(worlds.low, worlds.high)}."


def decimal(value: float, digits: int) -> str:
    """Return a number with separators and so many digits behind the point."""
    return f"{value:,.{digits}f}"


def spans(seeds: Sequence[int]) -> str:
    """Return numbers as spans: `1 to 3, 7`."""
    found: list[list[int]] = []
    for seed in sorted(seeds):
        if found and seed == found[-1][1] + 1:
            found[-1][1] = seed
        else:
            found.append([seed, seed])
    return ", ".join(str(first) if first == last else f"{first} to {last}" for first, last in found)
