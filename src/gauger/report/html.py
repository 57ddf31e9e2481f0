"""A report as one HTML file that needs nothing else: no script, no network, no font, no image."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from gauger.campaigns.findings import Fact, Finding, Findings
from gauger.report import moments, numbers, plots, sentences, weighing
from gauger.report.files import ReportFiles
from gauger.report.leave_one_out import leave_one_family_out
from gauger.report.timeline import Timeline, coarsened
from gauger.report.untrusted import shorten, visible

#: Longest lists of one page; the files beside the report hold everything.
MAX_SECTIONS: Final = 50
MAX_ROWS: Final = 200

#: A plot for a desk and one for a telephone; the style sheet shows one of them.
PLOT_WIDTHS: Final = (("wide", 1000), ("narrow", 360))


def render_html(
    findings: Findings,
    *,
    timelines: Mapping[str, Timeline],
    links: ReportFiles,
) -> str:
    """Return a report as one HTML document.

    Everything that came from a log is escaped, and characters that would hide or turn text are spelled out.

    Parameters
    ----------
    findings
        The document of findings.json.
    timelines
        Timelines by finding id. A finding without one gets no plot.
    links
        Files beside the report.
    """
    environment = _environment()
    style = _style(environment)
    return environment.get_template("report.html.jinja").render(
        document=findings,
        links=links,
        plots_by_finding=_plots(findings, timelines),
        markers={finding_id: plots.markers_shown(series) for finding_id, series in timelines.items()},
        style=Markup(style),  # noqa: S704 (the package's own file)
        style_hash=_source_hash(style),
        max_rows=MAX_ROWS,
        max_sections=MAX_SECTIONS,
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("gauger.report"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalized,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        plots=plots,
        numbers=numbers,
        sentences=sentences,
        weighing=weighing,
        leave_one_family_out=leave_one_family_out,
    )
    environment.filters.update(
        count=numbers.count,
        percent=numbers.percent,
        error_rate=numbers.error_rate,
        p=numbers.p_value,
        day=moments.day,
        moment=moments.moment,
        rfc3339=moments.from_epoch_us,
        id=shorten,
        words=sentences.words,
    )
    environment.tests.update(statistical=weighing.is_statistical, any_counted=_any_counted)
    return environment


def _any_counted(facts: Sequence[Fact]) -> bool:
    return not all(map(weighing.is_statistical, facts))


def _finalized(value: object) -> object:
    # Every value that is printed passes here, so no template can forget it.
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _plots(findings: Findings, timelines: Mapping[str, Timeline]) -> dict[str, list[tuple[str, Markup]]]:
    tested_us = (moments.epoch_us(findings.input.tested_from), moments.epoch_us(findings.input.tested_to))
    return {
        finding.finding_id: _plots_of(finding, timelines[finding.finding_id], tested_us)
        for finding in findings.findings[:MAX_SECTIONS]
        if finding.finding_id in timelines and len(timelines[finding.finding_id])
    }


def _plots_of(finding: Finding, series: Timeline, tested_us: tuple[int, int]) -> list[tuple[str, Markup]]:
    return [
        (
            name,
            plots.timeline(
                coarsened(series, max_bins=plots.max_bins(width)),
                tested_us=tested_us,
                key=f"plot-{finding.rank}-{name}",
                width=width,
            ),
        )
        for name, width in PLOT_WIDTHS
    ]


def _style(environment: Environment) -> str:
    assert environment.loader is not None  # noqa: S101 (told to the type checker: it was given above)
    source, _, _ = environment.loader.get_source(environment, "report.css")
    return source


def _source_hash(source: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
