"""`gauger prove plan`: from a student of one's own to a number of answers."""

import json


def test_a_plan_is_golden(gauger, golden):
    shown = gauger(
        *("prove", "plan", "--effect", 0.09, "--share", 0.2, "--expected-share", 0.05, "--output-price", 10),
        *("--input-price", 2, "--tests", 2),
    )
    assert (shown.code, shown.err) == (0, "")
    golden("prove_plan.txt", shown.out)


def test_the_effect_comes_from_a_positive_control(gauger, tmp_path):
    row = {
        "subject": "ours", "role": "positive", "key": "C-17/1", "method": "teacher", "p_value": 1e-3,
        "adjusted_p_value": None, "z_score": 9.0, "tail_p_value": 0.1, "n_cells": 1, "n_positions": 40_000,
        "n_null_keys": 9, "wrong_keys": [],
    }  # fmt: skip
    document = {
        "schema": "gauger/radioactivity/1", "alpha": 1e-3, "null_keys": 9, "n_tests": 1, "keys": [], "tests": [row],
        "served": {}, "verdicts": [], "detection_means": "", "no_detection_means": "",
    }  # fmt: skip
    path = tmp_path / "test.json"
    path.write_text(json.dumps(document))
    said = json.loads(gauger("prove", "plan", "--test", path, "--json").out)
    assert said["effect"] == 0.045
    document["tests"] = []
    path.write_text(json.dumps(document))
    assert gauger("prove", "plan", "--test", path).code == 2
    path.write_text("secret")
    shown = gauger("prove", "plan", "--test", path)
    assert shown.code == 3
    assert "secret" not in shown.err


def test_one_source_of_the_effect(gauger):
    assert gauger("prove", "plan").code == 2
    assert gauger("prove", "plan", "--effect", 0.1, "--test", "x.json").code == 2
    assert gauger("prove", "plan", "--effect", 0.1, "--null-keys", 1000).code == 2
