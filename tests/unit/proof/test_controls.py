"""What counts as a control of a verdict: what could have shown the key, of this key alone."""

import random
from datetime import UTC, datetime

import msgspec
import pytest
from tests.unit.proof.test_evidence import log, row

from gauger.proof import canary_report, document
from gauger.proof.canaries import shipped_catalogue
from gauger.proof.canary_plans import plan_of, terms_for
from gauger.proof.canary_report import Answerer
from gauger.proof.commitments import Entry
from gauger.proof.verdicts import Served

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SERVED = Served("the accounts of C-17", NOW.replace(month=4))
CATALOGUE = shipped_catalogue()
A, B = plan_of("A/1", b"k" * 32, CATALOGUE), plan_of("B/1", b"j" * 32, CATALOGUE)


def entry(campaign):
    return Entry(
        schema="x",
        index=0,
        campaign=campaign,
        rotation=1,
        terms=terms_for(CATALOGUE),
        commitment="ab" * 32,
        committed_at=NOW,
        previous="0" * 64,
        public_key="00",
    )


def following(plan, n=46):
    picked = zip(plan.catalogue.canary[:n], plan.picks.tolist()[:n], strict=True)
    return {f"{one.id}/1": [one.marks_by_option[pick][0]] for one, pick in picked}


def unrelated(seed, n=46):
    rng = random.Random(seed)
    return {f"{one.id}/1": [rng.choice(one.marks_by_option)[0]] for one in CATALOGUE.canary[:n]}


def canaries(controls, plans=(A,), suspect=None, alpha=1e-6):
    models = [Answerer("suspect", "suspect", suspect or following(A))]
    models += [Answerer(f"c{n}", "control", answers) for n, answers in enumerate(controls)]
    entries = [entry(plan.name.split("/")[0]) for plan in plans]
    return canary_report.write(models, plans, entries, alpha=alpha, served=SERVED)


def test_models_that_answered_one_probe_are_no_controls_of_canaries():
    assert canaries([unrelated(n) for n in range(3)]).verdicts[0].word == "proof"
    (said,) = canaries([unrelated(0), unrelated(1, 1), unrelated(2, 1)]).verdicts
    assert said.word == "strong evidence"
    assert "there are 0" in said.held_back[0]  # beside the two narrow ones the wide one shows one canary as well


def test_a_canary_that_no_other_model_shows_is_not_in_the_smallest_p():
    tests = canaries([unrelated(0), unrelated(1, 1)]).tests
    assert tests[1].smallest_p == pytest.approx(1 / CATALOGUE.sizes[0])
    assert tests[2].smallest_p == pytest.approx(1 / CATALOGUE.sizes[0])


def test_a_control_that_shows_another_plan_withholds_that_plan_alone():
    answers = {name: [text, *following(B)[name]] for name, text in ((n, t[0]) for n, t in following(A).items())}
    found = canaries([following(B), *(unrelated(n) for n in range(3))], (A, B), suspect=answers)
    words = {one.key: one for one in found.verdicts}
    assert words["B/1"].word == "withheld"
    assert "an unrelated model, c0, shows key B/1 too" in words["B/1"].sentence
    assert words["A/1"].word not in {"withheld", "nothing detected"}


def tokens(*cells, null_keys=1_999_999):
    rows = [row("suspect", "suspect", 1e-6, adjusted_p_value=1e-6)]
    rows += [row(f"c{n}", "control", 0.5, n_cells=size) for n, size in enumerate(cells)]
    return document.write(rows, log()[1:], alpha=1e-6, null_keys=null_keys, n_tests=1, served=SERVED)


def test_a_control_of_a_key_has_a_tenth_of_the_suspects_cells():
    assert tokens(512, 512, 600).verdicts[0].word == "proof"
    (said,) = tokens(511, 512, 600).verdicts
    assert said.word == "strong evidence"
    assert "there are 2" in said.held_back[0]


def test_a_control_that_too_few_other_keys_could_have_raised_is_none():
    assert tokens(512, 512, 600, null_keys=299).verdicts[0].word == "proof"
    assert "there are 0" in tokens(512, 512, 600, null_keys=298).verdicts[0].held_back[0]


def test_controls_and_power_are_of_one_key():
    keys = log()
    rows = [
        row("suspect", "suspect", 1e-6, adjusted_p_value=1e-6),
        row("suspect", "suspect", 0.5, adjusted_p_value=0.5, key="C-16/1"),
        *(row(f"c{n}", "control", 0.5) for n in range(3)),
        row("c3", "control", 1e-5, key="C-16/1"),
        row("ours", "positive", 1e-6),
        row("ours", "positive", 0.5, key="C-16/1"),
    ]
    found = document.write(rows, keys, alpha=1e-6, null_keys=1_999_999, n_tests=2, served=SERVED)
    assert {one.key: one.word for one in found.verdicts} == {"C-17/1": "proof", "C-16/1": "withheld"}
    calm = [msgspec.structs.replace(one, p_value=0.5) if one.subject == "c3" else one for one in rows]
    found = document.write(calm, keys, alpha=1e-6, null_keys=1_999_999, n_tests=2, served=SERVED)
    assert "this test had no power" in {one.key: one.sentence for one in found.verdicts}["C-16/1"]


def test_canaries_are_not_spoken_of_as_watermarks_and_their_reach_is_said():
    (said,) = canaries([], suspect=unrelated(5, 3), alpha=1e-3).verdicts
    assert "wide context" not in said.sentence
    assert "cannot reach alpha = 0.001" in said.sentence
    (said,) = canaries([following(A), unrelated(1), unrelated(2)]).verdicts
    assert said.word == "withheld"
    assert "tokens" not in said.sentence
    assert "cannot reach" not in said.sentence


def methods(suspect, control):
    rows = [row("suspect", "suspect", 1e-6, adjusted_p_value=1e-6, method=one) for one in suspect]
    rows += [row(f"c{n}", "control", 0.5, method=one) for n in range(3) for one in control]
    return document.write(rows, log()[1:], alpha=1e-6, null_keys=1_999_999, n_tests=len(suspect), served=SERVED)


@pytest.mark.parametrize("control", [("plain",), ("teacher",), ("plain", "teacher")])
@pytest.mark.parametrize("suspect", [("plain",), ("teacher",), ("plain", "teacher")])
def test_a_control_is_tested_by_the_methods_of_the_suspect(suspect, control):
    """What the teacher's word shows of a weak mark, a plain test does not: such a control could not fire."""
    (verdict,) = methods(suspect, control).verdicts
    assert verdict.word == ("proof" if set(suspect) <= set(control) else "strong evidence")
