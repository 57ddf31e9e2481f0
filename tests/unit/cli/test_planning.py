"""`gauger prove plan`: from a student of one's own to a number of answers."""

import json


def test_a_plan_is_golden(gauger, golden):
    shown = gauger(
        *("prove", "plan", "--effect", 0.09, "--share", 0.2, "--expected-share", 0.05, "--output-price", 10),
        *("--input-price", 2, "--tests", 2),
    )
    assert (shown.code, shown.err) == (0, "")
    golden("prove_plan.txt", shown.out)


def row(**more) -> dict:
    given = {
        "subject": "ours", "role": "positive", "key": "C-17/1", "method": "teacher", "p_value": 1e-3,
        "adjusted_p_value": None, "z_score": 9.0, "tail_p_value": 0.1, "n_cells": 1, "n_positions": 40_000,
        "n_null_keys": 9, "wrong_keys": [],
    }  # fmt: skip
    return given | more


def a_test(*rows) -> dict:
    return {
        "schema": "gauger/radioactivity/1", "alpha": 1e-3, "null_keys": 9, "n_tests": 1, "keys": [],
        "tests": list(rows), "served": {}, "verdicts": [], "detection_means": "", "no_detection_means": "",
    }  # fmt: skip


def test_the_effect_comes_from_a_positive_control(gauger, tmp_path):
    document = a_test(row())
    path = tmp_path / "test.json"
    path.write_text(json.dumps(document))
    said = json.loads(gauger("prove", "plan", "--test", path, "--json").out)
    assert said["effect"] == 0.045
    document["tests"] = []
    path.write_text(json.dumps(document))
    assert gauger("prove", "plan", "--test", path).code == 2
    for nothing in ("secret", '{"secret": ' + "[" * 50_000 + "]" * 50_000 + "}"):
        path.write_text(nothing)
        shown = gauger("prove", "plan", "--test", path)
        assert shown.code == 3
        assert "secret" not in shown.err


def test_a_share_of_nothing_is_refused_and_not_taken_for_none(gauger):
    shown = gauger("prove", "plan", "--effect", 0.09, "--share", 0.2, "--expected-share", 0)
    assert shown.code == 2
    assert "must be greater than 0" in shown.err


def test_the_effect_is_that_of_one_key_and_method_and_no_record(gauger, tmp_path):
    path = tmp_path / "test.json"
    rows = [row(subject=f"s{n}", z_score=z) for n, z in enumerate((8.0, 9.0, 14.0))]
    rows += [row(method="plain", z_score=30.0), row(key="C-18/1", z_score=20.0), row(role="control", z_score=40.0)]
    path.write_text(json.dumps(a_test(*rows)))
    planned = gauger("prove", "plan", "--test", path, "--key", "C-17/1", "--json")
    assert json.loads(planned.out)["effect"] == 0.045
    for more in ((), ("--key", "C-19/1")):
        shown = gauger("prove", "plan", "--test", path, *more)
        assert shown.code == 2
        assert "C-17/1, C-18/1" in shown.err
    assert gauger("prove", "plan", "--effect", 0.1, "--key", "C-17/1").code == 2


def test_a_positive_control_that_is_not_detected_is_no_measure(gauger, tmp_path):
    path = tmp_path / "test.json"
    path.write_text(json.dumps(a_test(row(p_value=0.04, z_score=1.8))))
    shown = gauger("prove", "plan", "--test", path)
    assert shown.code == 2
    assert "p-value is 0.04" in shown.err


def test_one_source_of_the_effect(gauger):
    assert gauger("prove", "plan").code == 2
    assert gauger("prove", "plan", "--effect", 0.1, "--test", "x.json").code == 2
    assert gauger("prove", "plan", "--effect", 0.1, "--null-keys", 1000).code == 2
