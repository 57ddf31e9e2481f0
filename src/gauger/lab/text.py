"""Scores and benchmarks as plain text for a terminal."""

from collections.abc import Iterator, Sequence

from gauger.lab.page import explanation, headline, outcome, spans
from gauger.lab.scores import CampaignScore, FalseAlarms, Figure, Score, VerdictScore
from gauger.lab.summary import Bench, CellSummary, Rate, Spread
from gauger.report.layout import Column, columns, paragraph
from gauger.report.numbers import percent_interval
from gauger.report.untrusted import visible

NOTHING = "-"


def score_text(score: Score, *, width: int) -> str:
    """Return a score as lines of plain text: false alarms first, then what was found; reasons of nulls at the end."""
    return "\n".join(_score_lines(score, width)) + "\n"


def _score_lines(score: Score, width: int) -> Iterator[str]:
    alarms = score.false_alarms
    yield from paragraph(
        f"{alarms.false_campaigns:,} of {alarms.campaign_findings:,} campaign findings are false;"
        f" {alarms.named.campaign:,} of {score.innocent_accounts:,} innocent accounts are named in a campaign.",
        width=width,
    )
    yield from ("", "Innocent accounts named, by the strongest verdict", "")
    yield from columns(_alarm_columns(alarms, score), width=width)
    yield ""
    yield from paragraph(
        f"Innocents touched, listed or with an exchange attributed: {_number(score.touched, 0)}"
        f" ({_number(score.touched_per_100_000, 0)} per 100,000).",
        width=width,
    )
    if score.found:
        yield from ("", "Campaigns", "")
        yield from columns(_campaign_columns(score.found), width=width)
    figures = _figures(score)
    yield ""
    yield from columns(
        [
            Column(title="campaigns, and what leaked", values=[name for name, _ in figures]),
            Column(title="value", values=[_number(one, 3) for _, one in figures], right=True),
        ],
        width=width,
    )
    yield from ("", "Accounts, groups and exchanges, by the least verdict that counts", "")
    yield from columns(_verdict_columns(score.by_verdict), width=width)
    yield ""
    yield from paragraph(
        "P, R, F1: of accounts. B3: BCubed precision and recall. ARI: adjusted Rand index. AP: average precision of"
        " exchanges. R@99: their recall at 99% precision.",
        width=width,
    )
    reasons = sorted({one.reason for one in _all_figures(score) if one.reason})
    if reasons:
        yield from paragraph(f"{NOTHING} is not defined: {'; '.join(reasons)}.", width=width)


def _all_figures(score: Score) -> list[Figure]:
    shown = [figure for one in score.by_verdict for _, figure in _at_verdict(one)]
    return [*shown, *(one for _, one in _figures(score)), score.touched]


def _verdict_columns(found: Sequence[VerdictScore]) -> list[Column]:
    rows = [_at_verdict(one) for one in found]
    return [
        Column(title="verdict", values=[one.verdict for one in found]),
        *(
            Column(title=title, values=[_number(row[place][1], 2) for row in rows], right=True)
            for place, (title, _) in enumerate(rows[0])
        ),
    ]


def _at_verdict(one: VerdictScore) -> list[tuple[str, Figure]]:
    return [
        ("P", one.precision),
        ("R", one.recall),
        ("F1", one.f1),
        ("B3 P", one.clusters.bcubed_precision),
        ("B3 R", one.clusters.bcubed_recall),
        ("ARI", one.clusters.adjusted_rand_index),
        ("AP", one.exchanges.average_precision),
        ("R@99", one.exchanges.recall_at_99_precision),
    ]


def _alarm_columns(alarms: FalseAlarms, score: Score) -> list[Column]:
    named = [(visible(one.label), one.accounts, one.named, one.campaign_per_100_000) for one in alarms.classes]
    rows = [*named, ("all", score.innocent_accounts, alarms.named, alarms.campaign_per_100_000.value or 0.0)]
    return [
        Column(title="class", values=[row[0] for row in rows]),
        Column(title="accounts", values=[f"{row[1]:,}" for row in rows], right=True),
        Column(title="campaign", values=[f"{row[2].campaign:,}" for row in rows], right=True),
        Column(title="supported", values=[f"{row[2].supported:,}" for row in rows], right=True),
        Column(title="observed", values=[f"{row[2].observed:,}" for row in rows], right=True),
        Column(title="campaign per 100,000", values=[f"{row[3]:,.0f}" for row in rows], right=True),
    ]


def _campaign_columns(found: Sequence[CampaignScore]) -> list[Column]:
    return [
        Column(title="campaign", values=[visible(one.campaign) for one in found]),
        Column(title="accounts", values=[f"{one.accounts:,}" for one in found], right=True),
        Column(title="rank", values=[NOTHING if one.rank is None else str(one.rank) for one in found], right=True),
        Column(title="verdict", values=[one.verdict or "not found" for one in found]),
        Column(title="P", values=[_number(one.precision, 2) for one in found], right=True),
        Column(title="R", values=[_number(one.recall, 2) for one in found], right=True),
        Column(title="F1", values=[_number(one.f1, 2) for one in found], right=True),
        Column(title="leaked", values=[f"{_number(one.leaked, 0)} of {one.hostile_exchanges:,}" for one in found]),
    ]


def _figures(score: Score) -> list[tuple[str, Figure]]:
    recall = score.recall
    return [
        ("found first", recall.first),
        ("found in the first three", recall.first_three),
        ("found at all", recall.any),
        ("found as campaign", recall.campaign),
        ("found as supported", recall.supported),
        ("found as observed", recall.observed),
        ("hostile exchanges leaked", score.leaked),
    ]


def _number(figure: Figure, digits: int) -> str:
    if figure.value is None:
        return NOTHING
    return f"{figure.value:,.0f}" if figure.value == int(figure.value) else f"{figure.value:,.{digits}f}"


def bench_text(bench: Bench, *, width: int) -> str:
    """Return a benchmark as lines of plain text: validity, a row for each cell, cost."""
    return "\n".join(_bench_lines(bench, width)) + "\n"


def _bench_lines(bench: Bench, width: int) -> Iterator[str]:
    validity = bench.validity
    yield f"{headline(bench)}."
    yield from paragraph(f"{outcome(validity)}. {explanation(validity)}", width=width)
    touched = validity.touched.per_100_000
    said = validity.touched.reason if touched is None else f"{touched:,.0f}"
    yield f"Innocents touched per 100,000: {said}"
    yield ""
    yield from columns(
        [
            Column(title="cell", values=[cell.name for cell in bench.cells]),
            Column(title="worlds", values=[f"{cell.worlds:,}" for cell in bench.cells], right=True),
            Column(title="false", values=[f"{cell.false_campaigns.hits:,}" for cell in bench.cells], right=True),
            Column(title="first 3", values=[_hits(cell.power.first_three) for cell in bench.cells], right=True),
            Column(title="campaign", values=[_hits(cell.power.campaign) for cell in bench.cells], right=True),
            Column(title="95%", values=[_limits(cell.power.campaign) for cell in bench.cells], right=True),
            *(
                Column(title=title, values=[_median(one) for one in spreads], right=True)
                for title, spreads in _spreads(bench.cells)
            ),
        ],
        width=width,
    )
    yield ""
    yield from paragraph(
        "first 3, campaign: campaigns found among the first three findings, and with that verdict. P, R: of accounts;"
        " AP: average precision of exchanges of findings of verdict campaign, and of any; medians.",
        width=width,
    )
    cpu = bench.cost.scan_cpu_s_per_million
    if cpu.value is not None:
        yield f"{cpu.value:,.0f} CPU seconds of scanning per million exchanges."
    yield f"{bench.setup.detector}, seeds {spans(bench.setup.seeds)}, {bench.setup.prompts}."


def _spreads(cells: Sequence[CellSummary]) -> list[tuple[str, list[Spread]]]:
    return [
        ("P", [cell.precision for cell in cells]),
        ("R", [cell.recall for cell in cells]),
        ("AP", [cell.by_verdict[0].average_precision for cell in cells]),
        ("AP any", [cell.by_verdict[-1].average_precision for cell in cells]),
    ]


def _hits(rate: Rate) -> str:
    return f"{rate.hits:,} of {rate.n:,}" if rate.n else NOTHING


def _limits(rate: Rate) -> str:
    return NOTHING if rate.low is None or rate.high is None else percent_interval(rate.low, rate.high)


def _median(spread: Spread) -> str:
    return NOTHING if spread.median is None else f"{spread.median:.2f}"
