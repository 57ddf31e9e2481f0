"""The summary of a scan as plain text for a terminal."""

from collections.abc import Iterator, Sequence
from math import inf
from typing import Final

from gauger.campaigns.findings import Evidence, Finding, Findings, Link
from gauger.report import sentences
from gauger.report.layout import Column, columns, paragraph
from gauger.report.moments import day, stretch
from gauger.report.numbers import count, p_value
from gauger.report.untrusted import shorten, visible
from gauger.report.weighing import decisive_p, is_statistical

#: A terminal shows the head of a long report; the report itself shows all.
MAX_ROWS: Final = 20
MAX_DETAILED: Final = 3
MAX_FACTS: Final = 3

_NARROWEST: Final = 60
_ROOM_FOR_DATES: Final = 100


def render_terminal(findings: Findings, *, width: int, report: str | None = None) -> str:
    """Return the summary as lines of plain text, the last one ended.

    Parameters
    ----------
    findings
        The document of findings.json.
    width
        Columns of the terminal; under 60 counts as 60.
    report
        Where the full report is, for the last line.
    """
    width = max(width, _NARROWEST)
    parts = [
        _head(findings, width),
        _table(findings.findings, width),
        *(_detail(finding, findings.links, width) for finding in findings.findings[:MAX_DETAILED]),
        _cleared(findings, width),
        list(_tail(findings, width, report)),
    ]
    return "\n\n".join("\n".join(lines) for lines in parts if lines) + "\n"


def _head(findings: Findings, width: int) -> list[str]:
    read = findings.input
    lines = [
        *paragraph(sentences.headline(findings), width=width),
        *paragraph(f"Tested: {stretch(read.tested_from, read.tested_to)}.", width=width),
        *paragraph(sentences.certification(findings.calibration), width=width),
        *paragraph(visible(findings.calibration.statement), width=width, indent="  "),
    ]
    if sentences.account_table_missing(read):
        lines += paragraph(sentences.ACCOUNT_TABLE_HINT, width=width)
    if read.channels_off:
        off = ", ".join(sentences.words(visible(channel.channel)).lower() for channel in read.channels_off)
        lines += paragraph(f"Channels off: {off}.", width=width)
    if read.quarantined:
        lines += paragraph(f"Quarantined: {sentences.plural(read.quarantined, 'row')}.", width=width)
    return lines


def _table(findings: Sequence[Finding], width: int) -> list[str]:
    shown = findings[:MAX_ROWS]
    if not shown:
        return []
    lines = columns(_columns(shown, with_dates=width >= _ROOM_FOR_DATES), width=width)
    hidden = len(findings) - len(shown)
    return [*lines, f"... and {count(hidden)} more in the report"] if hidden else lines


def _columns(shown: Sequence[Finding], *, with_dates: bool) -> list[Column]:
    dates = [
        Column(title="first seen", values=[day(finding.first_seen) for finding in shown]),
        Column(title="last seen", values=[day(finding.last_seen) for finding in shown]),
    ]
    return [
        Column(title="#", values=[str(finding.rank) for finding in shown], right=True),
        Column(title="verdict", values=[finding.verdict for finding in shown]),
        Column(title="finding", values=[shorten(finding.finding_id, 16) for finding in shown]),
        Column(title="accounts", values=[count(finding.n_accounts) for finding in shown], right=True),
        Column(title="exchanges", values=[count(finding.n_exchanges) for finding in shown], right=True),
        Column(title="p-value", values=[_p(finding) for finding in shown], right=True),
        *(dates if with_dates else []),
        Column(title="families", values=[", ".join(finding.families) or "none" for finding in shown]),
    ]


def _detail(finding: Finding, links: Sequence[Link], width: int) -> list[str]:
    title = f"{finding.rank}. {finding.verdict} {shorten(finding.finding_id)}"
    return [
        title,
        *paragraph(sentences.claim(finding), width=width, indent="   "),
        *(
            line
            for link in links
            if finding.finding_id in link.findings
            for line in paragraph(visible(sentences.link(link, finding)), width=width, indent="   ")
        ),
        *(
            line
            for channel, fact in _top_facts(finding)
            for line in paragraph(visible(f"{channel}: {fact}"), width=width, indent="     ", first="   - ")
        ),
    ]


def _top_facts(finding: Finding) -> list[tuple[str, str]]:
    """Return the first fact of each of the channels that say most, with its channel."""
    telling = [
        (sentences.words(evidence.channel).lower(), facts[0].text)
        for evidence in sorted(finding.evidence, key=lambda evidence: _weight(evidence, finding))
        if evidence.applicable and (facts := [fact for fact in evidence.facts if not is_statistical(fact)])
    ]
    return telling[:MAX_FACTS]


def _weight(evidence: Evidence, finding: Finding) -> tuple[bool, float]:
    """Order channels: those that the verdict counts first, then by p-value; one without leads those that count."""
    counted = evidence.family in finding.families
    p_value = decisive_p(evidence)
    return not counted, p_value if p_value is not None else -inf if counted else inf


def _cleared(findings: Findings, width: int) -> list[str]:
    number = len(findings.cleared)
    if not number:
        return []
    return paragraph(
        f"{sentences.plural(number, 'group')} looked like one operator and {'was' if number == 1 else 'were'} cleared.",
        width=width,
    )


def _tail(findings: Findings, width: int, report: str | None) -> Iterator[str]:
    if findings.findings:
        for verdict, meaning in sentences.LEGEND:
            yield from paragraph(meaning, width=width, indent=" " * 11, first=f"{verdict:<9}  ")
    else:
        yield from paragraph("To see what would have been found, run `gauger power` over the same log.", width=width)
    if report is not None:
        # Not wrapped: a path is for copying.
        yield ""
        yield f"Report: {visible(report)}"


def _p(finding: Finding) -> str:
    return "none" if finding.p_value is None else p_value(finding.p_value)
