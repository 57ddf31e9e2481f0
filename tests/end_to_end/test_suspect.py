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
