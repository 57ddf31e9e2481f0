"""The document of the lab: medians and ranges, every measure beside its control, what an alarm denied."""

import msgspec
import pytest

from gauger.errors import InputError
from gauger.lab.distil.alarms import read_leaked
from gauger.lab.distil.cells import PLANS, Cell
from gauger.lab.distil.detection import Shown
from gauger.lab.distil.outcomes import Outcome, Run
from gauger.lab.distil.page import headline, render_distil
from gauger.lab.distil.summary import Setup, denied, spread, summarise, title_of
from gauger.lab.distil.text import distil_text

PLAN = PLANS["standard"]
SETUP = Setup("0.1", (1, 2, 3), 999, 600, 300, 500, "0.1 million weights", {"cpu": "a <processor>", "cores": 2})


def accuracy(cell: Cell, seed: int) -> float:
    """A threshold between 400 and 1,200 traces; seeds differ by a hundredth; only full traces teach."""
    if cell.shows != "trace":
        return 0.06
    return round(min(max((cell.traces - 400) / 800, 0.06), 0.96) + seed / 100, 3)


def run(cell: Cell, seed: int) -> Run:
    shown = Shown("teacher", 0.001, 9.0 + seed, 500, 999, (0.3, 0.7))
    teacher = 0.8 if cell.serving == "noise" else 0.99
    return Run(cell.name, seed, "x", 10.0, Outcome(accuracy(cell, seed), teacher, (shown,) if cell.mark else ()))


@pytest.fixture(scope="module")
def runs():
    return [run(cell, seed) for seed in (1, 2, 3) for cell in PLAN.cells]


@pytest.fixture(scope="module")
def found(runs):
    return summarise(PLAN, runs, SETUP, leaked={"800 exchanges": 800.0, "20 exchanges": 20.0})


def row(found, name):
    (one,) = (row for row in found.rows if row.cell == name)
    return one


def test_every_cell_has_a_name_and_words_of_its_own_beside_the_number_of_traces():
    assert len({cell.name for cell in PLAN.cells}) == len(PLAN.cells)
    assert len({(cell.part, title_of(cell), cell.traces) for cell in PLAN.cells}) == len(PLAN.cells)


def test_rows_hold_median_and_extremes_over_seeds(found):
    assert (found.runs, found.cells, found.cpu_s) == (3 * len(PLAN.cells), len(PLAN.cells), 30.0 * len(PLAN.cells))
    one = row(found, "traces/800").student
    assert (one.n, one.median, one.low, one.high) == (3, 0.52, 0.51, 0.53)
    assert spread([]).reason == "not run"


def test_every_countermeasure_has_a_control_and_its_cost(found):
    for one in found.rows:
        assert bool(one.controls) == (one.part != "traces"), one.cell
    kept = row(found, "withheld/answer/8000").controls[0]
    assert (kept.title, kept.student_lost, kept.teacher_lost) == ("full traces", pytest.approx(0.92), 0.0)
    spoiled = row(found, "spoiled/antidistillation/2")
    assert [one.title for one in spoiled.controls] == ["full traces", "full traces, noise 2", "answers without traces"]
    assert spoiled.controls[1].teacher_lost == pytest.approx(-0.19)
    assert row(found, "spoiled/noise/2").controls[0].teacher_lost == pytest.approx(0.19)
    (passive, _) = row(found, "spoiled/antidistillation/2/adaptive").controls
    assert passive.title == "full traces, antidistillation 2"


def test_contexts_1_2_and_4_stand_side_by_side(found):
    contexts = [one.title for one in found.rows if one.part == "mark"]
    assert contexts == [f"full traces, {name}, context {n}" for n in (1, 2, 4) for name in ("kgw", "gumbel")]


def test_what_leaked_is_read_off_each_seeds_curve(found, runs):
    at, below = found.denied
    assert (at.student.low, at.student.high, at.beyond) == (pytest.approx(0.51), pytest.approx(0.53), "")
    assert (below.beyond, below.student.low) == ("below", pytest.approx(0.07))
    between = denied(PLAN, runs, "", 600)
    assert 0.1 < between.student.median < 0.5
    for tier in ("smoke", "canaries"):
        assert denied(PLANS[tier], runs, "", 600).student.reason == "this tier has no curve"


def test_a_seed_whose_curve_is_not_whole_says_nothing_of_what_leaked(runs):
    begun = [one for one in runs if one.seed < 3 or one.cell in ("traces/50", "traces/150")]
    assert denied(PLAN, begun, "", 800).student.n == 2


def test_the_headline_names_the_steepest_step(found):
    assert headline(found).startswith("A student of 800 stolen traces answers 0.520 (0.510 to 0.530)")


def test_the_text_says_what_a_leak_means_and_that_it_is_a_toy(found):
    text = distil_text(found, width=100)
    assert max(map(len, text.splitlines())) <= 100
    words = " ".join(text.split())
    assert "These students never asked the teacher." in words
    assert "Who took that text it does not say." in words
    assert "A toy:" in words
    for row in found.rows:
        assert row.title.split()[-1] in words


def test_the_page_needs_nothing_else_and_escapes(found):
    page = render_distil(found)
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")
    assert "a &lt;processor&gt;" in page
    assert page.count('<path class="alarm"') == 2
    assert "800 exchanges: 800 leaked, 0.520." in page
    for row in found.rows:
        assert row.title in page


def test_a_few_runs_make_a_document_too(runs):
    some = summarise(PLAN, runs[:1], SETUP, leaked={})
    assert len(some.rows) == 1
    assert "<svg" not in render_distil(some)
    assert distil_text(some, width=80)


def test_the_document_reads_back(found):
    read = msgspec.json.decode(msgspec.json.encode(found), type=type(found))
    assert read == found


def test_a_file_that_is_no_score_is_refused(tmp_path):
    for name, content in (("a", b"{}"), ("b", b'{"schema": "gauger/score/9"}'), ("c", b"no")):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(InputError, match="no score"):
            read_leaked(path)
    with pytest.raises(InputError, match="cannot be read"):
        read_leaked(tmp_path / "nothing")


def test_a_tier_without_a_curve_says_what_it_is_about_and_small_p_values_are_told():
    plan = PLANS["canaries"]
    shown = Shown("canaries", 2e-21, 10.8, 40, 0, (0.3, 0.7))
    found = summarise(
        plan, [Run(cell.name, 1, "x", 1.0, Outcome(1.0, 1.0, (shown,))) for cell in plan.cells], SETUP, leaked={}
    )
    assert headline(found) == plan.meaning
    assert "2e-21" in distil_text(found, width=100)
    assert "2e-21" in render_distil(found)
    assert row(found, "canaries/0").controls == ()
    assert [one.title for one in row(found, "canaries/1").controls] == [title_of(plan.cells[0])]


def test_a_student_that_trains_longer_stands_beside_the_one_that_does_not():
    plan = PLANS["power"]
    found = summarise(plan, [run(cell, 1) for cell in plan.cells], SETUP, leaked={})
    (control,) = row(found, "dilution/kgw/1/0.05/longer").controls
    assert control.title == "full traces, kgw, context 1, 5% marked"
    assert row(found, "dilution/kgw/1/0.05/longer").title == f"{control.title}, 4 times as many steps"
