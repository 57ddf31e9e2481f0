"""What the runs of a benchmark say together: validity first, then power, then cost.

Worlds of one seed hold the same innocents. Limits of rates over worlds therefore count seeds, not worlds
(`gauger.lab.intervals.clopper_pearson`), and limits of rates over accounts redraw whole seeds (`bootstrap`).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import median
from typing import Final, Literal

import numpy as np

from gauger.campaigns.findings import Verdict
from gauger.lab.intervals import bootstrap, clopper_pearson
from gauger.lab.runs import Run
from gauger.lab.scores import NO_CAMPAIGN, PER, VERDICTS, CampaignScore, Figure, VerdictScore
from gauger.lab.suites import Axis, Suite

Outcome = Literal["shown", "not contradicted", "broken", "not defined"]
Measure = Literal["first_three", "campaign"]

#: Seed of the bootstrap: the same runs give the same limits.
BOOTSTRAP_SEED: Final = 1
NOT_MEASURED: Final = "the reports are another detector's"


@dataclass(frozen=True, slots=True)
class Rate:
    """A share of worlds or of campaigns with its 95 % limits; null with a reason where there are none."""

    hits: int
    n: int
    rate: float | None
    low: float | None
    high: float | None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Spread:
    """Median and extremes of a figure over the worlds in which it is defined; null with a reason where in none."""

    n: int
    median: float | None
    low: float | None
    high: float | None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class AccountRate:
    """Innocent accounts per 100,000, each counted once in every world; limits are null, with a reason, if unknown."""

    hits: int
    accounts: int
    per_100_000: float | None
    low: float | None
    high: float | None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class ClassValidity:
    """False alarms in one class of innocents: worlds with a false campaign that holds any of them, and accounts."""

    label: str
    worlds: Rate
    named: AccountRate


@dataclass(frozen=True, slots=True)
class Validity:
    """Whether alarms are as rare as promised.

    Attributes
    ----------
    nominal
        The rate that the reports promise.
    outcome
        "shown": the upper limit is not above nominal; "broken": the lower limit is; else "not contradicted".
    worlds
        Worlds with a false campaign.
    named, touched
        Innocent accounts in findings of verdict *campaign*; those that any finding lists or attributes exchanges to.
    classes
        By class, sorted by label.
    """

    nominal: Figure
    outcome: Outcome
    worlds: Rate
    named: AccountRate
    touched: AccountRate
    classes: tuple[ClassValidity, ...]


@dataclass(frozen=True, slots=True)
class Power:
    """Shares of the planted campaigns: found first, in the first three, at all; found with each verdict."""

    first: Rate
    first_three: Rate
    any: Rate
    campaign: Rate
    supported: Rate
    observed: Rate


@dataclass(frozen=True, slots=True)
class VerdictSummary:
    """What findings of this verdict or a stronger one said in the worlds of a cell (`VerdictScore`)."""

    verdict: Verdict
    precision: Spread
    recall: Spread
    f1: Spread
    bcubed_precision: Spread
    bcubed_recall: Spread
    adjusted_rand_index: Spread
    average_precision: Spread
    recall_at_99_precision: Spread


@dataclass(frozen=True, slots=True)
class CellSummary:
    """One kind of world over its seeds.

    `hostile_share` is that of all its exchanges. `precision`, `recall`, `f1`, `pieces` (findings of it) and `leaked`
    (exchanges) are of each campaign.
    """

    name: str
    worlds: int
    hostile_share: float
    false_campaigns: Rate
    power: Power
    precision: Spread
    recall: Spread
    f1: Spread
    pieces: Spread
    leaked: Spread
    by_verdict: tuple[VerdictSummary, ...]


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """A power, and where on the axis."""

    x: float
    rate: Rate


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a curve, by rising x."""

    name: str
    points: tuple[CurvePoint, ...]


@dataclass(frozen=True, slots=True)
class Curve:
    """Power over one knob of the campaigns."""

    axis: Axis
    measure: Measure
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU seconds of simulating and of scanning, and bytes of sketches, per million exchanges."""

    simulate_cpu_s_per_million: Figure
    scan_cpu_s_per_million: Figure
    sketch_bytes_per_million: Figure


@dataclass(frozen=True, slots=True)
class Setup:
    """What was run on what: printed with every result."""

    detector: str
    gauger_version: str
    prompts: str
    seeds: tuple[int, ...]
    settings: dict[str, object] | None
    hardware: dict[str, object]


@dataclass(frozen=True, slots=True)
class Bench:
    """The whole document of a benchmark."""

    schema: Literal["gauger/bench/1"]
    suite: str
    meaning: str
    setup: Setup
    worlds: int
    exchanges: int
    campaigns: int
    validity: Validity
    cells: tuple[CellSummary, ...]
    curves: tuple[Curve, ...]
    cost: Cost


def summarise(suite: Suite, runs: Sequence[Run], setup: Setup) -> Bench:
    """Return what the runs of a suite say together.

    Parameters
    ----------
    suite
        Its cells order the tables and draw the curves.
    runs
        One or more of each cell.
    setup
        Printed as it is.
    """
    by_cell = {cell.name: [run for run in runs if run.cell == cell.name] for cell in suite.cells}
    cells = tuple(_cell(name, mine) for name, mine in by_cell.items())
    return Bench(
        schema="gauger/bench/1",
        suite=suite.name,
        meaning=suite.meaning,
        setup=setup,
        worlds=len(runs),
        exchanges=sum(run.score.exchanges for run in runs),
        campaigns=sum(run.score.campaigns for run in runs),
        validity=_validity(runs),
        cells=cells,
        curves=_curves(suite, {cell.name: cell.power for cell in cells}),
        cost=Cost(
            simulate_cpu_s_per_million=_per_million(runs, lambda run: run.simulate_cpu_s),
            scan_cpu_s_per_million=_per_million(runs, lambda run: run.scan_cpu_s),
            sketch_bytes_per_million=_per_million(runs, lambda run: run.sketch_bytes),
        ),
    )


# -- rates and spreads


def _rate(counts: Iterable[tuple[int, int, int]], reason: str) -> Rate:
    """Return a rate from (seed, hits, n) of every world; its limits count no more than the seeds."""
    counted = [one for one in counts if one[2]]
    hits, n = sum(one[1] for one in counted), sum(one[2] for one in counted)
    if not n:
        return Rate(0, 0, None, None, None, reason)
    effective = min(n, len({seed for seed, _, _ in counted}))
    low, high = clopper_pearson(hits * effective / n, effective)
    return Rate(hits, n, hits / n, low, high)


def _spread(figures: Iterable[Figure]) -> Spread:
    figures = list(figures)
    values = [one.value for one in figures if one.value is not None]
    if not values:
        return Spread(0, None, None, None, figures[0].reason if figures else NO_CAMPAIGN)
    return Spread(len(values), median(values), min(values), max(values))


def _account_rate(counts: Iterable[tuple[int, int, int]], reason: str) -> AccountRate:
    """Return a rate per 100,000 accounts from (seed, hits, accounts) of every world."""
    counted = sorted(one for one in counts if one[2])
    hits, accounts = sum(one[1] for one in counted), sum(one[2] for one in counted)
    if not accounts:
        return AccountRate(0, 0, None, None, None, reason)
    seeds = [list(group) for _, group in groupby(counted, key=lambda one: one[0])]
    limits = bootstrap(
        [sum(hit for _, hit, _ in seed) for seed in seeds],
        [sum(n for _, _, n in seed) for seed in seeds],
        rng=np.random.default_rng(BOOTSTRAP_SEED),
    )
    rate = PER * hits / accounts
    if limits is None:
        return AccountRate(
            hits, accounts, rate, None, None, "none was hit, or all in one seed: see the limits of worlds"
        )
    return AccountRate(hits, accounts, rate, PER * limits[0], PER * limits[1])


# -- validity


def _validity(runs: Sequence[Run]) -> Validity:
    worlds = _rate(((run.seed, int(run.score.false_alarms.false_campaigns > 0), 1) for run in runs), "no world was run")
    nominal = _nominal(runs)
    labels = sorted({one.label for run in runs for one in run.score.false_alarms.classes})
    return Validity(
        nominal=nominal,
        outcome=_outcome(worlds, nominal),
        worlds=worlds,
        named=_account_rate(
            ((run.seed, run.score.false_alarms.named.campaign, run.score.innocent_accounts) for run in runs),
            "there is no innocent account",
        ),
        touched=_touched(runs),
        classes=tuple(_class(label, runs) for label in labels),
    )


def _nominal(runs: Sequence[Run]) -> Figure:
    targets = {run.target for run in runs}
    return Figure(targets.pop()) if len(targets) == 1 else Figure(None, "the reports promise different rates")


def _outcome(worlds: Rate, nominal: Figure) -> Outcome:
    if nominal.value is None or worlds.low is None or worlds.high is None:
        return "not defined"
    if worlds.low > nominal.value:
        return "broken"
    return "shown" if worlds.high <= nominal.value else "not contradicted"


def _class(label: str, runs: Sequence[Run]) -> ClassValidity:
    holding = [
        (run.seed, one, label in run.score.false_alarms.false_classes)
        for run in runs
        for one in run.score.false_alarms.classes
        if one.label == label
    ]
    return ClassValidity(
        label=label,
        worlds=_rate(((seed, int(alarmed), 1) for seed, _, alarmed in holding), "no world holds this class"),
        named=_account_rate(((seed, one.named.campaign, one.accounts) for seed, one, _ in holding), "no account"),
    )


def _touched(runs: Sequence[Run]) -> AccountRate:
    unknown = [run.score.touched.reason for run in runs if run.score.touched.value is None]
    if unknown:
        return AccountRate(0, 0, None, None, None, unknown[0])
    counts = ((run.seed, int(run.score.touched.value or 0), run.score.innocent_accounts) for run in runs)
    return _account_rate(counts, "there is no innocent account")


# -- power


def _cell(name: str, runs: Sequence[Run]) -> CellSummary:
    scores = [run.score for run in runs]
    campaigns = [one for score in scores for one in score.found]
    exchanges = sum(score.exchanges for score in scores)
    return CellSummary(
        name=name,
        worlds=len(runs),
        hostile_share=sum(score.hostile_exchanges for score in scores) / exchanges if exchanges else 0.0,
        false_campaigns=_rate(
            ((run.seed, int(run.score.false_alarms.false_campaigns > 0), 1) for run in runs), "no world was run"
        ),
        power=_power(runs),
        precision=_spread(one.precision for one in campaigns),
        recall=_spread(one.recall for one in campaigns),
        f1=_spread(one.f1 for one in campaigns),
        pieces=_spread(Figure(float(one.findings)) for one in campaigns),
        leaked=_spread(one.leaked for one in campaigns),
        by_verdict=tuple(
            _verdict([one for score in scores for one in score.by_verdict if one.verdict == verdict])
            for verdict in VERDICTS
        ),
    )


def _verdict(found: Sequence[VerdictScore]) -> VerdictSummary:
    return VerdictSummary(
        verdict=found[0].verdict,
        precision=_spread(one.precision for one in found),
        recall=_spread(one.recall for one in found),
        f1=_spread(one.f1 for one in found),
        bcubed_precision=_spread(one.clusters.bcubed_precision for one in found),
        bcubed_recall=_spread(one.clusters.bcubed_recall for one in found),
        adjusted_rand_index=_spread(one.clusters.adjusted_rand_index for one in found),
        average_precision=_spread(one.exchanges.average_precision for one in found),
        recall_at_99_precision=_spread(one.exchanges.recall_at_99_precision for one in found),
    )


def _power(runs: Sequence[Run]) -> Power:
    def share(is_hit: Callable[[CampaignScore], bool]) -> Rate:
        counts = ((run.seed, sum(map(is_hit, run.score.found)), len(run.score.found)) for run in runs)
        return _rate(counts, NO_CAMPAIGN)

    return Power(
        first=share(lambda one: one.rank == 1),
        first_three=share(lambda one: one.rank is not None and one.rank <= 3),
        any=share(lambda one: one.rank is not None),
        campaign=share(lambda one: one.verdict == "campaign"),
        supported=share(lambda one: one.verdict == "supported"),
        observed=share(lambda one: one.verdict == "observed"),
    )


def _curves(suite: Suite, power_of: Mapping[str, Power]) -> tuple[Curve, ...]:
    """Return a curve of each measure over every axis on which the suite has two points or more."""
    places = [(point, power_of[cell.name]) for cell in suite.cells for point in cell.points]
    axes = list(dict.fromkeys(point.axis for point, _ in places))
    measures: tuple[Measure, ...] = ("first_three", "campaign")
    return tuple(
        Curve(
            axis, measure, _lines([(p.series, p.x, getattr(power, measure)) for p, power in places if p.axis == axis])
        )
        for axis in axes
        if len({point.x for point, _ in places if point.axis == axis}) > 1
        for measure in measures
    )


def _lines(points: Sequence[tuple[str, float, Rate]]) -> tuple[Line, ...]:
    names = dict.fromkeys(name for name, _, _ in points)
    return tuple(
        Line(name, tuple(CurvePoint(x, rate) for _, x, rate in sorted(mine, key=lambda one: one[1])))
        for name in names
        for mine in [[one for one in points if one[0] == name]]
    )


# -- cost


def _per_million(runs: Sequence[Run], measured: Callable[[Run], float | None]) -> Figure:
    values = [(measured(run), run.score.exchanges) for run in runs]
    known = [(value, n) for value, n in values if value is not None]
    exchanges = sum(n for _, n in known)
    if len(known) < len(values) or not exchanges:
        return Figure(None, NOT_MEASURED)
    return Figure(1e6 * sum(value for value, _ in known) / exchanges)
