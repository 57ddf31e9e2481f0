"""`gauger prove radioactivity`: from a key and files of answers to a verdict in words."""

import json

import numpy as np
import pytest
from tests.unit.cli.conftest import START, new_workspace
from tests.unit.proof.worlds import bigram, marked, sample, trained

from gauger.proof.keys import Terms, key_words
from gauger.proof.schemes import Kgw
from gauger.store.vault import Opening
from gauger.store.watermark_keys import WatermarkKeys
from gauger.store.workspace import Workspace


def write_answers(path, texts, **more) -> None:
    path.write_text("".join(json.dumps({"tokens": text.tolist(), **more}) + "\n" for text in texts))


@pytest.fixture
def world(tmp_path):
    """A workspace with the key of C-17, a student of its marked text, and three unrelated models."""
    rng = np.random.default_rng(4)
    new_workspace(tmp_path / "ws")
    with Workspace.open(tmp_path / "ws", create=False, now=START, random_bytes=bytes) as workspace:
        keys = WatermarkKeys(tmp_path / "ws" / "keys", Opening(workspace.key.secret, None))
        entry = keys.add("C-17", Terms(scheme="kgw", context=1), now=START, random_bytes=lambda n: bytes(range(n)))
        teacher, words = bigram(rng, 60), key_words(keys.key(entry), 1)
    student = trained(sample(rng, marked(teacher, Kgw(1), words), 2_000), bigram(rng, 60))
    write_answers(tmp_path / "suspect.jsonl", sample(rng, student, 400))
    for name in "abc":
        write_answers(tmp_path / f"{name}.jsonl", sample(rng, bigram(rng, 60), 60))
    return tmp_path


@pytest.fixture
def prove(gauger, world, monkeypatch):
    monkeypatch.chdir(world)
    return lambda *more: gauger("prove", "radioactivity", "suspect.jsonl", "--workspace", "ws", *more)


CONTROLS = ("--control", "a.jsonl", "--control", "b.jsonl", "--control", "c.jsonl")
SERVED = ("--served-to", "the accounts of C-17", "--served-since", "2026-02-01", "--served-until", "2026-03-01")


def test_a_student_of_marked_text_is_proven_with_controls_and_a_statement(prove):
    shown = prove("--campaign", "C-17", "--alpha", "0.001", *CONTROLS, *SERVED)
    assert (shown.code, shown.err) == (0, "")
    words = " ".join(shown.out.split())
    assert "Proof at alpha = 0.001: suspect.jsonl was trained on text carrying key C-17/1, p = 0.001;" in words
    assert "C-17/1 was served only to the accounts of C-17 from 2026-02-01T00:00:00Z to 2026-03-01T00:00:00Z;" in words
    assert "not who took that text" in words


def test_without_controls_and_statement_the_same_p_value_is_no_proof(prove):
    said = json.loads(prove("--campaign", "C-17", "--alpha", "0.001", "--json").out)
    assert said["verdicts"][0]["word"] == "strong evidence"
    assert len(said["verdicts"][0]["held_back"]) == 2
    assert said["null_keys"] == 999
    assert said["tests"][0]["p_value"] == 0.001


def test_the_same_command_gives_the_same_bytes(prove):
    first = prove("--campaign", "C-17", "--alpha", "0.001", "--json", "--threads", "1")
    assert first.out == prove("--campaign", "C-17", "--alpha", "0.001", "--json", "--threads", "2").out


def test_an_unrelated_model_shows_nothing_and_that_proves_nothing(gauger, prove, world):
    shown = gauger("prove", "radioactivity", "a.jsonl", "--campaign", "C-17", "--workspace", "ws")
    assert shown.code == 0
    assert "That proves nothing" in " ".join(shown.out.split())


def test_too_few_other_keys_are_refused_before_anything_is_tested(prove):
    shown = prove("--campaign", "C-17", "--null-keys", "1000")
    assert shown.code == 2
    assert "999,999" in shown.err


def test_a_key_that_was_not_committed_to_is_refused(prove):
    shown = prove("--campaign", "C-99")
    assert shown.code == 2
    assert "C-17" in shown.err


@pytest.mark.parametrize(
    "line",
    [
        "{}",
        '{"tokens": ["secret"]}',
        '{"tokens": [-1]}',
        '{"tokens": [99999999999999999999]}',
        '{"tokens": [1, 2], "candidates": [[1]], "probabilities": [[1.0]]}',
        '{"tokens": [1], "candidates": [[1]], "probabilities": [[-1.0]]}',
        "secret \xff",
        '{"tokens": [1], "more": ' + "[" * 50_000 + "]" * 50_000 + "}",
        '{"tokens": [1], "first_look": -5}',
    ],
)
def test_a_line_that_is_no_answer_is_named_and_never_quoted(line, prove, world):
    (world / "suspect.jsonl").write_bytes(b'{"tokens": [1, 2]}\n\n' + line.encode("latin-1") + b"\n")
    shown = prove("--campaign", "C-17")
    assert shown.code == 3
    assert "suspect.jsonl, line 3" in shown.err
    assert "secret" not in shown.err


def test_an_empty_file_is_no_answer(prove, world):
    (world / "suspect.jsonl").write_text("\n")
    shown = prove("--campaign", "C-17")
    assert shown.code == 3
    assert "no answers" in shown.err


def test_answers_of_two_models_in_a_file_are_refused(prove, world):
    lines = [{"tokens": [1, 2], "model_sha256": digit * 64} for digit in "ab"]
    (world / "suspect.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines))
    shown = prove("--campaign", "C-17")
    assert shown.code == 3
    assert "more than one model" in shown.err
    (world / "suspect.jsonl").write_text(json.dumps({**lines[0], "model_sha256": "A"}) + "\n")
    assert prove("--campaign", "C-17").code == 3


def test_one_unrelated_model_is_not_three(prove, world):
    (world / "copy.jsonl").write_bytes((world / "a.jsonl").read_bytes())
    shown = prove("--campaign", "C-17", "--control", "a.jsonl", "--control", "copy.jsonl")
    assert shown.code == 2
    assert "copy.jsonl, the same as a.jsonl: this file is given twice" in shown.err


EVERYTHING = ("--campaign", "C-17", "--alpha", "0.001", *CONTROLS, *SERVED)


def test_evidence_is_handed_over_signed_and_checked_without_the_workspace(prove, gauger, world):
    shown = prove(*EVERYTHING, "--out", "evidence")
    assert (shown.code, shown.err) == (0, "Signed evidence is in evidence.\n")
    assert sorted(path.name for path in (world / "evidence").iterdir()) == [
        "commitments.jsonl",
        "evidence.json",
        "index.html",
        "manifest.json",
    ]
    (world / "ws").rename(world / "away")
    checked = gauger("prove", "verify", "evidence", "--input", "suspect.jsonl", "--input", "a.jsonl")
    assert checked.code == 0
    assert checked.out.startswith("The bundle holds: suspect.jsonl, ")
    assert "\nproof: key C-17/1\nalpha        0.001\n" in checked.out


def test_evidence_holds_beside_plans_of_canaries(prove, gauger, world, monkeypatch):
    """One log holds both: a line of it left out would break the chain."""
    monkeypatch.chdir(world)
    for campaign in ("C-16", "C-17"):
        assert gauger("canary", "plan", "--campaign", campaign, "--workspace", "ws").code == 0
    assert prove(*EVERYTHING, "--out", "evidence").code == 0
    assert gauger("prove", "verify", "evidence").code == 0
    assert len((world / "evidence" / "commitments.jsonl").read_bytes().splitlines()) == 3


def test_evidence_holds_no_token_and_no_key(prove, world):
    prove(*EVERYTHING, "--out", "evidence")
    tokens = json.loads((world / "suspect.jsonl").read_text().splitlines()[0])["tokens"]
    with Workspace.open(world / "ws", create=False, now=START, random_bytes=bytes) as workspace:
        keys = WatermarkKeys(world / "ws" / "keys", Opening(workspace.key.secret, None))
        secret = keys.key(keys.entries()[0])
    for path in (world / "evidence").iterdir():
        content = path.read_text()
        assert path.stat().st_mode & 0o777 == 0o600
        assert str(tokens)[1:-1] not in content
        assert secret.hex() not in content
        assert str(int(key_words(secret, 1)[0])) not in content


def test_evidence_that_was_changed_is_refused(prove, gauger, world):
    prove(*EVERYTHING, "--out", "evidence")
    page = world / "evidence" / "index.html"
    page.write_text(page.read_text().replace("Proof", "Prove"))
    shown = gauger("prove", "verify", "evidence")
    assert shown.code == 3
    assert "index.html: the bundle does not hold: a file was changed" in shown.err


def test_several_suspects_get_a_bundle_each_and_nothing_is_written_over(gauger, world, monkeypatch):
    monkeypatch.chdir(world)
    given = ("prove", "radioactivity", "suspect.jsonl", "a.jsonl", "--workspace", "ws", "--campaign", "C-17")
    shown = gauger(*given, "--alpha", "0.001", "--out", "evidence")
    assert shown.code == 0
    assert sorted(path.name for path in (world / "evidence").iterdir()) == ["01-suspect", "02-a"]
    assert gauger("prove", "verify", "evidence/02-a", "--input", "a.jsonl").code == 0
    assert gauger("prove", "verify", "evidence/02-a", "--input", "suspect.jsonl").code == 3
    assert gauger(*given, "--alpha", "0.001", "--out", "evidence").code == 2


def test_looks_are_told_and_valid_wherever_one_stops(prove):
    shown = prove("--campaign", "C-17", "--alpha", "0.001", "--sequential", "--first-look", "100", "--json")
    (row,) = json.loads(shown.out)["tests"]
    assert [one["n_answers"] for one in row["looks"]] == [100, 200, 400][: len(row["looks"])]
    assert row["p_value"] == pytest.approx(1 / row["looks"][-1]["e_value"], rel=1e-5)
    assert row["p_value"] <= 0.001
    words = " ".join(prove("--campaign", "C-17", "--alpha", "0.001", "--sequential", "--first-look", "100").out.split())
    assert "holds wherever one stops" in words


def test_looks_before_there_are_answers_are_refused(prove):
    shown = prove("--campaign", "C-17", "--sequential", "--first-look", "500")
    assert shown.code == 2
    assert "400 answers" in shown.err
