"""`gauger canary`: planned, committed to, injected, asked for, and found in who learned it."""

import json

import numpy as np
import pytest
from tests.unit.cli.conftest import START, new_workspace

from gauger.proof.canaries import shipped_catalogue
from gauger.proof.canary_plans import plan_of, terms_for
from gauger.store.catalogues import Catalogues
from gauger.store.vault import Opening
from gauger.store.watermark_keys import WatermarkKeys
from gauger.store.workspace import Workspace


def write_answers(path, rng, dose, picks) -> None:
    """Nine answers a canary, three for each probe; a share of them follows the picks, the others vary."""
    lines = []
    for canary, pick in zip(shipped_catalogue().canary, picks, strict=True):
        for probe in range(1, 4):
            for _ in range(3):
                option = pick if rng.random() < dose else int(rng.integers(len(canary.options)))
                lines.append({"id": f"{canary.id}/{probe}", "text": f"Well. {canary.marks_by_option[option][0]}"})
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


@pytest.fixture
def world(tmp_path, monkeypatch):
    """A workspace with a plan of C-17 under a known key, a student of it, and three unrelated models."""
    monkeypatch.chdir(tmp_path)
    new_workspace(tmp_path / "ws")
    catalogue, rng = shipped_catalogue(), np.random.default_rng(8)
    Catalogues(tmp_path / "ws" / "keys").add(catalogue)
    with Workspace.open(tmp_path / "ws", create=False, now=START, random_bytes=bytes) as workspace:
        keys = WatermarkKeys(tmp_path / "ws" / "keys", Opening(workspace.key.secret, None))
        entry = keys.add("C-17", terms_for(catalogue), now=START, random_bytes=lambda n: bytes(range(n)))
        picks = plan_of(entry.name, keys.key(entry), catalogue).picks.tolist()
    write_answers(tmp_path / "suspect.jsonl", rng, 0.5, picks)
    for name in "abc":
        write_answers(tmp_path / f"{name}.jsonl", rng, 0.0, picks)
    return tmp_path


CONTROLS = ("--control", "a.jsonl", "--control", "b.jsonl", "--control", "c.jsonl")
SERVED = ("--served-to", "the accounts of C-17", "--served-since", "2026-02-01")


@pytest.fixture
def check(gauger, world):
    return lambda *more: gauger("canary", "test", "suspect.jsonl", "--campaign", "C-17", "--workspace", "ws", *more)


def test_a_student_is_proven_with_controls_and_a_statement(check, golden):
    shown = check(*CONTROLS, *SERVED)
    assert (shown.code, shown.err) == (0, "")
    assert "Proof at alpha = 1e-06: suspect.jsonl was trained on text" in " ".join(shown.out.split())
    golden("canary_test.txt", shown.out)


def test_without_controls_and_statement_it_is_no_proof(check):
    said = json.loads(check("--json").out)
    assert said["verdicts"][0]["word"] == "strong evidence"
    assert len(said["verdicts"][0]["held_back"]) == 2
    assert said["tests"][0]["n_others"] == 0


def test_the_report_holds_no_answer_and_no_pick(check, world):
    said = check(*CONTROLS, *SERVED, "--json").out
    assert not [one for canary in shipped_catalogue().canary for one in canary.options if f'"{one}' in said]


def test_an_unrelated_model_shows_nothing(gauger, world):
    shown = gauger("canary", "test", "a.jsonl", "--campaign", "C-17", "--workspace", "ws", "--control", "b.jsonl")
    assert shown.code == 0
    assert "That proves nothing" in " ".join(shown.out.split())


def test_a_leak_into_the_controls_withholds_the_verdict(check, world):
    (world / "a.jsonl").write_text((world / "suspect.jsonl").read_text() + "\n")
    said = json.loads(check(*CONTROLS, *SERVED, "--json").out)
    assert said["verdicts"][0]["word"] == "withheld"
    assert said["verdicts"][0]["held_back"] == ["an unrelated model, a.jsonl, shows key C-17/1 too"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no answers"),
        (b"secret", "line 1"),
        (b'{"id": "name-cat/1", "text": "secret \xff"}', "line 1"),
        (b'{"id": "name-cat/1", "text": "x"}\n{"id": "name-cat/1", "text": ["secret"]}', "line 2"),
        (b'{"id": null, "text": "secret"}', "line 1"),
        (b'["secret"]', "record 1"),
        (b"[" * 100_000, "JSON"),
        (b'{"id": "secret", "text": "x"}', "probe of the plan"),
    ],
)
def test_hostile_answers_are_named_and_never_quoted(content, said, check, world):
    (world / "suspect.jsonl").write_bytes(content)
    shown = check()
    assert shown.code == 3
    assert said in shown.err
    assert "secret" not in shown.err


def test_a_model_is_not_its_own_control(check):
    shown = check("--control", "suspect.jsonl")
    assert shown.code == 2
    assert "twice" in shown.err


def test_a_copy_or_a_link_of_a_file_is_refused(check, world):
    (world / "copy.jsonl").write_bytes((world / "a.jsonl").read_bytes())
    (world / "link.jsonl").symlink_to(world / "a.jsonl")
    for other in ("copy.jsonl", "link.jsonl", "./a.jsonl"):
        shown = check("--control", "a.jsonl", "--positive", other)
        assert shown.code == 2
        assert "twice" in shown.err


def test_a_plan_is_a_key_of_the_log_and_keys_go_on_beside_it(gauger, world):
    run = lambda *words: gauger(*words, "--campaign", "C-17", "--workspace", "ws")  # noqa: E731
    assert run("canary", "plan").out.startswith("Plan C-17/2 is committed to; it holds 46 choices.")
    assert run("keys", "rotate").code == 2
    assert run("keys", "export", "--out", "key.json").code == 2
    assert run("keys", "new").out.startswith("Key C-17/3 ")
    assert run("keys", "rotate").out.startswith("Key C-17/4 ")
    assert run("canary", "inject", "--rotation", "4", "--out", "x").code == 2
    shown = gauger("keys", "commit-log", "verify", "--workspace", "ws")
    assert "The log holds: 4 keys" in shown.out


def test_what_is_injected_is_private_and_not_printed(gauger, world):
    shown = gauger("canary", "inject", "--campaign", "C-17", "--out", "prompt.txt", "--workspace", "ws")
    text = (world / "prompt.txt").read_text()
    assert shown.out == "46 choices of plan C-17/1 are in prompt.txt.\n"
    assert (world / "prompt.txt").stat().st_mode & 0o777 == 0o600
    assert len(text.splitlines()) == 47
    again = gauger("canary", "inject", "--campaign", "C-17", "--out", "prompt.txt", "--workspace", "ws")
    assert again.code == 2
    gauger("canary", "inject", "--campaign", "C-17", "--out", "parts.jsonl", "--parts", "4", "--workspace", "ws")
    assert len((world / "parts.jsonl").read_text().splitlines()) == 4


def test_answers_are_rewritten_and_keep_their_other_fields(gauger, world):
    (world / "served.jsonl").write_text('{"text": "For example, or for instance, tea.", "n": 1}\n')
    shown = gauger(
        *("canary", "inject", "--campaign", "C-17", "--answers", "served.jsonl", "--out", "re.jsonl"),
        *("--workspace", "ws"),
    )
    assert shown.code == 0
    (line,) = (world / "re.jsonl").read_text().splitlines()
    assert json.loads(line)["n"] == 1
    phrases = [one for canary in shipped_catalogue().canary if canary.id == "wording-example" for one in canary.options]
    assert sum(json.loads(line)["text"].casefold().count(one) == 2 for one in phrases) == 1


def test_probes_hold_no_pick_and_have_ids(gauger, world):
    assert gauger("canary", "probes", "--campaign", "C-17", "--out", "p.jsonl", "--workspace", "ws").code == 0
    lines = [json.loads(line) for line in (world / "p.jsonl").read_text().splitlines()]
    assert {one["id"]: one["prompt"] for one in lines} == shipped_catalogue().probes


def test_a_catalogue_changed_after_its_commitment_is_refused(check, world):
    (path,) = (world / "ws" / "keys").glob("canaries-*.json")
    path.write_text(path.read_text().replace("Mateo", "Petra"))
    shown = check()
    assert shown.code == 4
    assert "not the one that was committed to" in shown.err


def test_an_own_catalogue_is_planned_and_a_damaged_one_is_not(gauger, tmp_path):
    own = tmp_path / "own.toml"
    head = '[[canary]]\nid = "c"\nkind = "pick"\nwhen = "When"\nsay = "take {option}"\n'
    own.write_text(head + 'options = ["a1", "b1"]\nprobes = ["x"]\n')
    words = ("canary", "plan", "--campaign", "C-1", "--workspace", tmp_path / "ws", "--catalogue")
    assert "1 choice" in gauger(*words, own).out
    own.write_text("[[canary]]\n")
    assert gauger(*words, own).code == 4
    assert gauger(*words, tmp_path / "absent.toml").code == 3
