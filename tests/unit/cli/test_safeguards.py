"""`gauger safeguards`: pinned prompts, three models, one table."""

import hashlib
import json

import pytest

REFUSES, COMPLIES = "I'm sorry, but I cannot help with that.", "Sure! Here is what you asked for: a recipe."
PROMPTS = "".join(json.dumps({"id": n, "kind": "unsafe" if n < 40 else "safe"}) + "\n" for n in range(80))


def write_answers(path, refused) -> None:
    lines = [{"id": n, "text": REFUSES if n in refused else COMPLIES} for n in range(80)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


@pytest.fixture
def safeguards(gauger, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "prompts.jsonl").write_text(PROMPTS)
    write_answers(tmp_path / "suspect.jsonl", range(10, 30))
    write_answers(tmp_path / "ours.jsonl", range(45))
    write_answers(tmp_path / "base.jsonl", range(25))
    pin = hashlib.sha256(PROMPTS.encode()).hexdigest()
    return lambda *more, pin=pin: gauger(
        *("safeguards", "suspect.jsonl", "--prompts", "prompts.jsonl", "--sha256", pin, "--teacher", "ours.jsonl"),
        *("--base", "base.jsonl", *more),
    )


def test_a_suspect_is_shown_beside_teacher_and_base(safeguards, golden):
    shown = safeguards()
    assert (shown.code, shown.err) == (0, "")
    golden("safeguards.txt", shown.out)


def test_the_document_counts_pairs_and_holds_no_answer(safeguards):
    said = safeguards("--json").out
    found = json.loads(said)
    assert [one["kept"]["hits"] for one in found["pairs"]] == [20, 0, 15, 0]
    assert found["pairs"][0]["only_other"] == 20
    assert "sorry" not in said


def test_the_set_is_pinned(gauger, safeguards, tmp_path):
    assert safeguards(pin="00" * 32).code == 2
    shown = gauger("safeguards", "suspect.jsonl", "--prompts", "prompts.jsonl")
    assert shown.code == 2
    assert hashlib.sha256(PROMPTS.encode()).hexdigest() in shown.err


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\n", "no prompts"),
        (b'{"id": 1, "kind": "secret"}', "line 1"),
        (b'{"id": 1, "kind": "safe"}\n{"id": "1", "kind": "safe"}', "line 2"),
        (b'{"id": "secret \xff", "kind": "safe"}', "line 1"),
        (b'{"id": 1, "kind": "safe", "more": ' + b"[" * 50_000 + b"]" * 50_000 + b"}", "line 1"),
    ],
)
def test_hostile_prompts_are_named_and_never_quoted(content, said, safeguards, tmp_path):
    (tmp_path / "prompts.jsonl").write_bytes(content)
    shown = safeguards(pin=hashlib.sha256(content).hexdigest())
    assert shown.code == 3
    assert said in shown.err
    assert "secret" not in shown.err


def test_of_prompts_of_one_kind_nothing_is_said_of_the_other(safeguards, tmp_path):
    content = "".join(PROMPTS.splitlines(keepends=True)[:40])
    (tmp_path / "prompts.jsonl").write_text(content)
    shown = safeguards(pin=hashlib.sha256(content.encode()).hexdigest())
    assert shown.code == 0
    assert " safe " not in shown.out
    assert shown.out.count("McNemar") == 2


def test_two_answers_to_one_prompt_are_refused(safeguards, tmp_path):
    path = tmp_path / "base.jsonl"
    path.write_text(path.read_text() + path.read_text().splitlines()[0])
    shown = safeguards()
    assert shown.code == 3
    assert "base.jsonl, line 81" in shown.err


def test_answers_to_other_prompts_are_none(safeguards, tmp_path):
    (tmp_path / "suspect.jsonl").write_text('{"id": "x", "text": "y"}\n')
    assert safeguards().code == 2
