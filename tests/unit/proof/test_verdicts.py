"""Verdict words follow from rules, and the sentence says what it does not say."""

from datetime import UTC, datetime, timedelta

import pytest

from gauger.proof.verdicts import Control, Controls, Served, judge

COMMITTED = datetime(2026, 3, 1, tzinfo=UTC)
SERVED = Served("the 41 accounts of C-17", COMMITTED + timedelta(days=1), datetime(2026, 4, 1, tzinfo=UTC))


def controls(*p_values, positive=(), n_tests=0, able=True):
    tests = [Control(f"model-{n}", p_value, is_able=able) for n, p_value in enumerate(p_values)]
    return Controls(tests, positive, n_tests)


CLEAN = controls(0.2, 0.7, 0.5, positive=(1e-6,))


def verdict(adjusted=1e-6, *, served=SERVED, controls=CLEAN):
    return judge(
        suspect="model-x",
        key="C-17/1",
        adjusted=adjusted,
        alpha=1e-6,
        committed_at=COMMITTED,
        served=served,
        controls=controls,
    )


@pytest.mark.parametrize(
    ("adjusted", "word"),
    [
        (1e-6, "proof"),
        (1.1e-6, "strong evidence"),
        (1e-3, "strong evidence"),
        (0.05, "consistent with"),
        (0.051, "nothing detected"),
    ],
)
def test_words_by_p_value(adjusted, word):
    assert verdict(adjusted).word == word


def test_the_sentence_of_a_proof_is_fixed():
    assert verdict().sentence == (
        "Proof at alpha = 1e-06: model-x was trained on text carrying key C-17/1, p = 1e-06; C-17/1 was served only to"
        " the 41 accounts of C-17 from 2026-03-02T00:00:00Z to 2026-04-01T00:00:00Z; other routes by which that text"
        " could reach a trainer: publication or resale by those it was served to, a shared log or data set, a proxy in"
        " between, a leak of the key. This proves training on text that carries the key, not who took that text;"
        " unless the suspect is an endpoint that relays to the marked service or repeats its answers, which shows the"
        " key without training."
    )


@pytest.mark.parametrize(("adjusted", "word"), [(1e-4, "strong evidence"), (0.04, "consistent with")])
def test_only_a_proof_says_that_it_proves(adjusted, word):
    said = verdict(adjusted)
    assert said.word == word
    assert "prove" not in said.sentence
    assert "Were it shown beyond doubt, it would mean training on text that carries the key" in said.sentence


def test_no_detection_says_that_it_proves_nothing():
    assert "That proves nothing" in verdict(0.4).sentence
    powerless = verdict(0.4, controls=controls(0.2, 0.7, 0.5, positive=(0.3,)))
    assert "this test had no power" in powerless.sentence


@pytest.mark.parametrize(
    ("served", "controls", "reason"),
    [
        (Served(), CLEAN, "a statement of to whom"),
        (Served("them", COMMITTED - timedelta(seconds=1)), CLEAN, "before the key was committed to"),
        (SERVED, controls(0.2, 0.4), "3 unrelated models"),
        (SERVED, controls(0.2, 0.4, 0.7, able=False), "could have shown the key; there are 0"),
        (SERVED, Controls(), "there are 0"),
    ],
)
def test_what_is_missing_for_a_proof_is_said_and_the_word_is_weaker(served, controls, reason):
    said = verdict(served=served, controls=controls)
    assert said.word == "strong evidence"
    assert any(reason in one for one in said.held_back)


def test_a_control_that_shows_the_key_withholds_every_verdict():
    assert verdict(controls=controls(0.004, 0.7, 0.5)).word == "proof"
    said = verdict(controls=controls(0.9, 0.003, 0.5))
    assert said.word == "withheld"
    assert "an unrelated model, model-1, shows key C-17/1 too" in said.sentence


def test_the_alarm_of_controls_is_corrected_for_the_controls_of_all_keys():
    assert verdict(controls=controls(0.9, 0.003, 0.5, n_tests=6)).word == "proof"
    assert verdict(controls=controls(0.9, 0.0016, 0.5, n_tests=6)).word == "withheld"


def test_a_lesser_p_value_is_not_held_back_by_what_only_a_proof_needs():
    assert verdict(0.01, served=Served(), controls=Controls()).held_back == ()
