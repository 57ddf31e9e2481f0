"""What runs say together: counts, limits that count seeds, and nulls with their reasons. And the page."""

import os
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest

from gauger.lab import ChatPersons, Scenario
from gauger.lab.page import outcome, render_bench, spans
from gauger.lab.runs import Run, append_run, read_lines
from gauger.lab.scores import NO_ACCOUNT_TABLE, NO_CAMPAIGN, Figure, Report
from gauger.lab.scoring import score
from gauger.lab.suites import SUITES, Cell, Point, Suite
from gauger.lab.summary import Setup, summarise
from gauger.lab.text import bench_text, score_text

GOLDEN = Path(__file__).parents[2] / "golden" / "lab" / "bench.html"

WHO = {"p0": "pool", "p1": "pool", "i0": None, "i1": None, "<b>": None}
CLASSES = {"<b>": "<script>"}


def _cell(name, x=None):
    points = () if x is None else (Point("share", "payment", x),)
    return Cell(name, Scenario(name=name, parts=(ChatPersons(n=2),)), points=points)


SUITE = Suite("tiny", "Two kinds of worlds.", 2, (_cell("quiet"), _cell("pool/0.1", 0.1), _cell("pool/0.5", 0.5)))
SETUP = Setup("Gauger", "1.0", "the built-in grammar", (1, 2), None, {"cpu": "an abacus", "memory_gib": None})


@pytest.fixture
def run(group, findings_of, truth_of_accounts, attribution):
    """Return a run of a cell: whether its campaign was found, and whether innocents were named a campaign."""

    def make(cell, seed, *, found=True, alarm=False, **knobs):
        who = {name: of for name, of in WHO.items() if of is None} if cell == "quiet" else WHO
        groups = [group("p0", "p1")] * (found and cell != "quiet") + [group("i0", "<b>")] * alarm
        rows = [(1, name, 0) for name in ("p0", "p1")] if found and cell != "quiet" else []
        report = Report(findings_of(*groups), accounts=attribution(), exchanges=attribution(*rows))
        made = Run(
            cell=cell,
            seed=seed,
            made_of="0",
            target=0.05,
            simulate_cpu_s=1.0,
            scan_cpu_s=2.0,
            sketch_bytes=100,
            score=score(report, truth_of_accounts(who, classes=CLASSES)),
        )
        return replace(made, **knobs)

    return make


@pytest.fixture
def runs(run):
    return [
        *(run("quiet", seed) for seed in (1, 2)),
        run("pool/0.1", 1, found=False),
        run("pool/0.1", 2, alarm=True),
        *(run("pool/0.5", seed) for seed in (1, 2)),
    ]


def test_false_alarms_are_counted_by_world_and_their_limits_by_seed(runs):
    validity = summarise(SUITE, runs, SETUP).validity
    assert (validity.worlds.hits, validity.worlds.n) == (1, 6)
    # one third of a hit in two seeds, not one hit in six worlds
    assert validity.worlds.low < 1 / 6 < validity.worlds.high
    assert validity.worlds.high > 0.85
    assert validity.outcome == "not contradicted"
    assert (validity.named.hits, validity.named.accounts) == (2, 18)
    by_class = {one.label: one for one in validity.classes}
    assert {label: one.worlds.hits for label, one in by_class.items()} == {"<script>": 1, "chat": 1}
    assert by_class["chat"].named.per_100_000 == pytest.approx(1e5 / 12)
    assert by_class["chat"].named.low == 0.0


def test_the_rate_is_shown_only_with_seeds_enough(run):
    few = summarise(SUITE, [run(c.name, s) for s in range(10) for c in SUITE.cells], SETUP).validity
    many = summarise(SUITE, [run(c.name, s) for s in range(80) for c in SUITE.cells], SETUP).validity
    false = summarise(SUITE, [run(c.name, s, alarm=True) for s in range(10) for c in SUITE.cells], SETUP).validity
    assert [one.outcome for one in (few, many, false)] == ["not contradicted", "shown", "broken"]
    assert [outcome(one)[:22] for one in (few, false)] == ["Validity: too few seed", "Validity is broken: th"]


def test_reports_that_promise_different_rates_have_no_nominal_one(run):
    validity = summarise(SUITE, [run(c.name, 1, target=0.05 + 0.01 * n) for n, c in enumerate(SUITE.cells)], SETUP)
    assert validity.validity.nominal == Figure(None, "the reports promise different rates")
    assert validity.validity.outcome == "not defined"


def test_power_is_counted_by_cell_and_drawn_over_its_axis(runs):
    bench = summarise(SUITE, runs, SETUP)
    quiet, faint, plain = bench.cells
    assert quiet.power.any.reason == NO_CAMPAIGN
    assert (faint.power.first.hits, faint.power.first.n, plain.power.campaign.hits) == (1, 2, 2)
    assert (plain.precision.median, plain.recall.low, plain.by_verdict[0].average_precision.median) == (1.0, 1.0, 1.0)
    assert faint.precision.n == 1
    assert plain.hostile_share == pytest.approx(2 / 5)
    curve, _ = bench.curves
    (line,) = curve.lines
    assert [(point.x, point.rate.rate) for point in line.points] == [(0.1, 0.5), (0.5, 1.0)]


def test_cost_is_per_million_exchanges_or_null(runs):
    cost = summarise(SUITE, runs, SETUP).cost
    assert cost.scan_cpu_s_per_million.value == pytest.approx(1e6 * 12 / 26)
    others = [replace(one, scan_cpu_s=None) for one in runs]
    assert summarise(SUITE, others, SETUP).cost.scan_cpu_s_per_million.reason == "the reports are another detector's"


def test_touched_is_null_where_a_report_has_no_table(run, truth_of_accounts, findings_of):
    bare = replace(run("quiet", 1), score=score(Report(findings_of()), truth_of_accounts(WHO)))
    touched = summarise(SUITE, [bare, run("pool/0.1", 1), run("pool/0.5", 1)], SETUP).validity.touched
    assert (touched.per_100_000, touched.reason) == (None, NO_ACCOUNT_TABLE)


# -- the page and the text


class _Page(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.tags, self.open = [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in {"meta", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_stands_alone_and_escapes_what_it_prints(runs):
    html = render_bench(summarise(SUITE, runs, SETUP))
    page = _Page(html)
    assert page.open == []
    names = {tag for tag, _ in page.tags}
    assert not names & {"script", "link", "img", "iframe", "object"}
    assert {"h1", "main", "table", "caption", "title", "desc"} <= names
    assert not [value for _, attrs in page.tags for name, value in attrs.items() if name in {"src", "style", "onload"}]
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert "&lt;script&gt;" in html
    assert "http" not in re.sub(r'http-equiv="', "", html)


def test_the_page_is_golden(runs):
    html = render_bench(summarise(SUITE, runs, SETUP))
    # The style sheet changes with every page of Gauger's; what is compared is what it dresses.
    dressed = re.sub(r"(?s)<style>.*</style>", "<style></style>", re.sub(r"sha256-[^']*", "sha256", html))
    if os.environ.get("GAUGER_REWRITE_GOLDEN"):
        GOLDEN.parent.mkdir(parents=True, exist_ok=True)
        GOLDEN.write_text(dressed)
    assert dressed == GOLDEN.read_text()


def test_text_fits_the_terminal(runs):
    lines = bench_text(summarise(SUITE, runs, SETUP), width=100).splitlines()
    lines += score_text(runs[3].score, width=80).splitlines()
    assert max(map(len, lines)) <= 100
    assert lines[0] == "1 of 6 worlds raised a false campaign."


@pytest.mark.parametrize(("seeds", "text"), [((3, 1, 2), "1 to 3"), ((1, 3, 4, 9), "1, 3 to 4, 9"), ((), "")])
def test_seeds_are_shown_as_spans(seeds, text):
    assert spans(seeds) == text


# -- runs as lines


def test_a_run_is_read_back_as_it_was(run, tmp_path):
    path = tmp_path / "runs.jsonl"
    written = [run("quiet", 1), run("pool/0.1", 2, alarm=True, sketch_bytes=None)]
    for one in written:
        append_run(path, one)
    assert read_lines(path, Run) == written


def test_a_half_written_last_line_is_dropped(run, tmp_path):
    path = tmp_path / "runs.jsonl"
    append_run(path, run("quiet", 1))
    path.write_bytes(path.read_bytes() + msgspec.json.encode(run("quiet", 2))[:99])
    assert [one.seed for one in read_lines(path, Run)] == [1]
    append_run(path, run("quiet", 2))
    assert [one.seed for one in read_lines(path, Run)] == [1, 2]


# -- the suites


@pytest.mark.parametrize("suite", SUITES.values(), ids=lambda suite: suite.name)
def test_cells_of_a_suite_have_names_of_their_own_that_folders_can_have(suite):
    names = [cell.name for cell in suite.cells]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-z0-9.-]+(/[a-z0-9.-]+)*", name) for name in names)
    # No cell's folder lies among the seeds of another's.
    assert not [(a, b) for a in names for b in names if re.fullmatch(re.escape(a) + r"/\d+(/.*)?", b)]


def test_curves_have_no_more_lines_than_can_be_told_apart():
    for suite in SUITES.values():
        for axis in ("share", "accounts", "requests"):
            series = {point.series for cell in suite.cells for point in cell.points if point.axis == axis}
            assert len(series) <= 5


def test_lists_go_by_turns_of_the_seed():
    cell = next(cell for cell in SUITES["detection"].cells if cell.rotates)
    lists = [cell.scenario_of(seed).campaigns[0].list_name for seed in (2, 3, 4)]
    assert lists == ["tool_traces", "coding", "tool_traces"]
