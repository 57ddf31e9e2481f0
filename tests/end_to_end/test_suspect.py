"""From an endpoint to signed evidence: a student of marked text behind a real server is proven, a clean one is not."""

import json

import numpy as np
import pytest
from tests.unit.proof.worlds import bigram, marked, sample, trained
from tests.unit.sources.endpoints import answer, serving

from gauger.cli.app import run
from gauger.proof.keys import key_words
from gauger.proof.schemes import Gumbel
from gauger.store.keys import read_master_key
from gauger.store.vault import Opening
from gauger.store.watermark_keys import WatermarkKeys

N_WORDS, N_ANSWERS = 60, 300
CONTROLS = ("a", "b", "c")


def speaking(model, rng):
    """A server behind which a model speaks words."""
    texts = iter(sample(rng, model, N_ANSWERS).tolist())

    def behave(handler, _body, number):
        if number % 50 == 7:
            handler.reply(b"{}", 429, Retry_After=0)
        else:
            handler.reply(answer(" ".join(f"w{word}" for word in next(texts))))

    return serving(behave)


def write_tokenizer(path) -> None:
    model = {"type": "WordLevel", "vocab": {f"w{n}": n for n in range(N_WORDS)} | {"?": N_WORDS}, "unk_token": "?"}
    parts = ("truncation", "padding", "normalizer", "post_processor", "decoder")
    path.write_text(
        json.dumps(
            {"version": "1.0", "added_tokens": [], "pre_tokenizer": {"type": "WhitespaceSplit"}, "model": model}
            | dict.fromkeys(parts)
        )
    )


def commanded(*words: object) -> None:
    assert run([str(one) for one in words]) == 0


@pytest.mark.slow
def test_a_student_behind_an_endpoint_is_proven_and_a_clean_model_is_not(
    tokenizers_installed, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(8)
    commanded("keys", "new", "--campaign", "C-17", "--workspace", "ws")
    held = WatermarkKeys(
        tmp_path / "ws" / "keys", Opening(read_master_key(tmp_path / "ws/keys/master.key").secret, None)
    )
    (entry,) = held.entries()
    teacher, key = bigram(rng, N_WORDS), key_words(held.key(entry), 1)
    traces = sample(rng, marked(teacher, Gumbel(1), key), 2_000)
    models = {"suspect": trained(traces, bigram(rng, N_WORDS)), **{name: bigram(rng, N_WORDS) for name in CONTROLS}}
    (tmp_path / "prompts.jsonl").write_text('{"prompt": "go on"}\n' * N_ANSWERS)
    write_tokenizer(tmp_path / "tokenizer.json")
    for name, model in models.items():
        with speaking(model, rng) as server:
            commanded(
                *("prove", "query", "prompts.jsonl", "--endpoint", server.url, "--model", name, "--out", name),
                *("--per-minute", 100_000, "--concurrency", 4),
            )
        commanded("prove", "tokens", name, "--tokenizer", "tokenizer.json", "--out", f"{name}.jsonl")
    controls = [word for name in CONTROLS for word in ("--control", f"{name}.jsonl")]
    served = ("--served-to", "C-17", "--served-since", "2100-01-01")
    capsys.readouterr()
    commanded(
        *("prove", "radioactivity", "suspect.jsonl", "--workspace", "ws", "--campaign", "C-17", "--alpha", "0.001"),
        *(*controls, *served, "--json", "--out", "evidence"),
    )
    said = json.loads(capsys.readouterr().out)
    assert [one["word"] for one in said["verdicts"]] == ["proof"]
    assert all(row["p_value"] > 0.001 for row in said["tests"] if row["role"] == "control")
    commanded("prove", "verify", "evidence", "--public-key", entry.public_key, "--input", "suspect.jsonl")
    assert "proof: key C-17/1" in capsys.readouterr().out


@pytest.mark.slow
def test_asking_ends_when_the_looks_are_sure_and_the_test_sees_what_they_saw(
    tokenizers_installed, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(8)
    commanded("keys", "new", "--campaign", "C-17", "--workspace", "ws")
    commanded("keys", "new", "--campaign", "C-18", "--workspace", "ws")
    held = WatermarkKeys(
        tmp_path / "ws" / "keys", Opening(read_master_key(tmp_path / "ws/keys/master.key").secret, None)
    )
    key = key_words(held.key(held.entries()[0]), 1)
    traces = sample(rng, marked(bigram(rng, N_WORDS), Gumbel(1), key), 2_000)
    student = trained(traces, bigram(rng, N_WORDS))
    (tmp_path / "prompts.jsonl").write_text('{"prompt": "go on"}\n' * N_ANSWERS)
    write_tokenizer(tmp_path / "tokenizer.json")
    looks = (
        "--workspace",
        "ws",
        "--sequential",
        "--tokenizer",
        "tokenizer.json",
        "--first-look",
        40,
        "--alpha",
        "0.001",
    )

    def query(url, *more, code=0):
        fixed = ("prove", "query", "prompts.jsonl", "--endpoint", url, "--model", "m", "--per-minute", 100_000)
        capsys.readouterr()
        assert run([str(one) for one in (*fixed, *more)]) == code
        return capsys.readouterr()

    with speaking(student, rng) as server:
        said = json.loads(query(server.url, *looks, "--campaign", "C-17", "--out", "run", "--json").out)
        asked_for = said["answers"]
        assert said["looks"]["is_sure"]
        assert asked_for in {40, 80, 160}
        assert said["left"] == N_ANSWERS - asked_for
        n_requests = len(server.bodies)
        again = query(server.url, *looks, "--campaign", "C-17", "--out", "run").out
        assert len(server.bodies) == n_requests
        assert f"{said['left']} are left: run the same command without --sequential to go on." in again
        assert "This is no verdict" in again
        other = query(server.url, *looks, "--first-look", 20, "--campaign", "C-17", "--out", "run", code=2)
        assert "other looks were planned" in other.err
        query(server.url, *looks, "--campaign", "C-18", "--out", "run", code=2)
        went_on = query(server.url, "--out", "run").out
        assert f"{N_ANSWERS} of {N_ANSWERS} questions are answered." in went_on
    with speaking(bigram(rng, N_WORDS), rng) as server:
        clean = json.loads(query(server.url, *looks, "--campaign", "C-17", "--out", "clean", "--json").out)
        assert (clean["left"], clean["looks"]["is_sure"]) == (0, False)
        assert [one["n_answers"] for one in clean["looks"]["keys"][0]["looks"]] == [40, 80, 160]

    commanded("prove", "tokens", "run", "--tokenizer", "tokenizer.json", "--out", "suspect.jsonl")
    test = ("prove", "radioactivity", "suspect.jsonl", "--workspace", "ws", "--campaign", "C-17", "--alpha", "0.001")
    capsys.readouterr()
    assert run([*test]) == 2
    assert run([*test, "--sequential", "--first-look", "20"]) == 2
    assert "give --sequential --first-look 40" in capsys.readouterr().err
    commanded(*test, "--sequential", "--first-look", "40", "--json")
    (row,) = json.loads(capsys.readouterr().out)["tests"]
    assert row["looks"] == said["looks"]["keys"][0]["looks"]
    assert row["p_value"] <= 0.001

    with speaking(student, rng) as server:
        query(server.url, "--out", "unplanned", "--max-requests", 3)
        late = query(server.url, *looks, "--campaign", "C-17", "--out", "unplanned", code=2)
        assert "looks must be planned before the first" in late.err
