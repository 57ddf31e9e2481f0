"""`gauger prove provenance`: from files of answers to a capped word."""

import json

import numpy as np
import pytest
from tests.unit.proof.test_provenance import answers, related

NAMES = ("suspect", "ours", *"abcde")
CONTROLS = tuple(word for name in "abcde" for word in ("--control", f"{name}.jsonl"))


def write_answers(path, model) -> None:
    path.write_text("".join(json.dumps({"id": name, "text": text}) + "\n" for name, text in model.items()))


@pytest.fixture
def prove(gauger, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, model in zip(NAMES, related(3), strict=True):
        write_answers(tmp_path / f"{name}.jsonl", model)
    return lambda *more: gauger("prove", "provenance", "suspect.jsonl", "--teacher", "ours.jsonl", *CONTROLS, *more)


def test_a_relative_is_consistent_with(prove, golden):
    shown = prove()
    assert (shown.code, shown.err) == (0, "")
    golden("provenance.txt", shown.out)


def test_the_document_holds_every_control_and_no_answer(prove):
    said = prove("--json").out
    (row,) = json.loads(said)["tests"]
    assert [one["control"] for one in row["controls"]] == [f"{name}.jsonl" for name in "abcde"]
    assert row["p_value"] == row["p_models"] == pytest.approx(1 / 21, abs=1e-6)
    assert "w17" not in said


def test_files_may_be_json_lists_with_other_names(prove, tmp_path):
    lines = [json.loads(line) for line in (tmp_path / "suspect.jsonl").read_text().splitlines()]
    (tmp_path / "suspect.jsonl").write_text("\ufeff" + json.dumps(lines))
    assert "Consistent with" in prove().out


def test_fields_have_the_names_that_are_given(gauger, prove, tmp_path):
    for name in NAMES:
        path = tmp_path / f"{name}.jsonl"
        path.write_text(path.read_text().replace('"id"', '"session"').replace('"text"', '"output"'))
    assert prove().code == 3
    assert prove("--id-field", "session", "--text-field", "output").code == 0


def test_too_few_controls_are_refused(gauger, prove):
    shown = gauger("prove", "provenance", "suspect.jsonl", "--teacher", "ours.jsonl", *CONTROLS[:8])
    assert shown.code == 2
    assert "need 5 unrelated models" in " ".join(shown.err.split())


def test_one_file_is_not_two_models(prove):
    assert prove("--control", "ours.jsonl").code == 2


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\n\n", "no answers"),
        (b"[]", "no answers"),
        (b'{"id": "p1", "text": "a"}\n{"id": "p1", "text": "secret"}', "line 2"),
        (b'{"id": "p1", "text": "secret \xff"}', "line 1"),
        (b'[{"id": "p1", "text": 1}]', "record 1"),
        (b'[{"id": "p1", "text": "a"}, "secret"]', "record 2"),
        (b'{"secret": 1', "line 1"),
    ],
)
def test_hostile_answers_are_named_and_never_quoted(content, said, prove, tmp_path):
    (tmp_path / "suspect.jsonl").write_bytes(content)
    shown = prove()
    assert shown.code == 3
    assert said in shown.err
    assert "secret" not in shown.err


def test_answers_to_other_prompts_are_too_few(prove, tmp_path):
    rng = np.random.default_rng(0)
    few = dict(list(answers(rng, np.full(40, 1 / 40)).items())[:49])
    write_answers(tmp_path / "suspect.jsonl", few)
    shown = prove()
    assert shown.code == 2
    assert "only 49 prompts" in " ".join(shown.err.split())
