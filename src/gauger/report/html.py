"""A report as one HTML file that needs nothing else: no script, no network, no font, no image."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final

from jinja2 import Environment
from markupsafe import Markup

from gauger.campaigns.findings import Fact, Finding, Findings
from gauger.report import moments, plots, sentences, weighing
from gauger.report.files import ReportFiles
from gauger.report.leave_one_out import leave_one_family_out
from gauger.report.page import page_environment, source_hash, style_sheet
from gauger.report.timeline import Timeline, coarsened

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
    style = style_sheet(environment, "report.css")
    return environment.get_template("report.html.jinja").render(
        document=findings,
        links=links,
        plots_by_finding=_plots(findings, timelines),
        markers={finding_id: plots.markers_shown(series) for finding_id, series in timelines.items()},
        style=style,
        style_hash=source_hash(style),
        max_rows=MAX_ROWS,
        max_sections=MAX_SECTIONS,
    )


@cache
def _environment() -> Environment:
    environment = page_environment("gauger.report")
    environment.globals.update(sentences=sentences, weighing=weighing, leave_one_family_out=leave_one_family_out)
    environment.filters.update(rfc3339=moments.from_epoch_us, words=sentences.words)
    environment.tests.update(statistical=weighing.is_statistical, any_counted=_any_counted)
    return environment


def _any_counted(facts: Sequence[Fact]) -> bool:
    return not all(map(weighing.is_statistical, facts))


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
