"""`gauger prove query --model-dir`: a model on this disk is asked as an endpoint is, and evidence names its files."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time

import pytest
from tests.unit.sources.models import WORDS, write_model

from gauger.sources.model_files import digest_of, read_model_files
from gauger.store.query_runs import read_run


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "prompts.jsonl").write_text("".join(json.dumps({"prompt": f"w{i} w1"}) + "\n" for i in range(8)))
    return tmp_path


@pytest.fixture
def model(transformers_installed, here):
    return write_model(here / "their-model")


def command(*more: object, out: str = "run") -> list[str]:
    fixed = ["prove", "query", "prompts.jsonl", "--model-dir", "their-model", "--out", out, "--max-tokens", "10"]
    return [*fixed, *map(str, more)]


def texts(folder) -> list[tuple[int, int, str]]:
    return [(one.prompt, one.sample, one.reply.text) for one in read_run(folder)[2]]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ((), "nobody is named to ask"),
        (("--model", "m"), "nobody is named to ask"),
        (("--endpoint", "http://127.0.0.1:9/v1"), "nobody is named to ask"),
        (("--model-dir", "m", "--endpoint", "http://127.0.0.1:9/v1"), "--endpoint is of an endpoint"),
        (("--model-dir", "m", "--per-minute", 60), "--per-minute is of an endpoint"),
        (("--model-dir", "m", "--key-file", "k"), "--key-file is of an endpoint"),
        (("--endpoint", "http://127.0.0.1:9/v1", "--model", "m", "--seed", 0), "--seed is of a local model"),
    ],
)
def test_one_kind_of_suspect_is_named_and_its_own_options_alone(given, said, gauger, here):
    shown = gauger("prove", "query", "prompts.jsonl", "--out", "run", *given)
    assert shown.code == 2
    assert said in shown.err
    assert not (here / "run").exists()


@pytest.mark.parametrize("missing", ["torch", "transformers"])
def test_without_the_extra_one_is_told_which(missing, gauger, here, monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *_: None if name == missing else found("json"))
    shown = gauger(*command())
    assert shown.code == 2
    assert f"--model-dir: a local model needs the package {missing}" in shown.err
    assert "pip install 'gauger[transformers]'" in shown.err


@pytest.mark.slow
def test_every_answer_is_kept_and_the_run_names_every_file(gauger, model, here):
    shown = gauger(*command("--samples", 2))
    digest = digest_of(read_model_files(model))
    assert (shown.code, shown.err) == (0, "")
    assert shown.out.split() == (
        f"16 of 16 questions are answered. The files of their-model have the SHA-256 {digest}.".split()
    )
    asked, questions, answers, _ = read_run(here / "run")
    assert (asked.endpoint, asked.model, asked.local.sha256) == (None, "their-model", digest)
    assert asked.local.files == read_model_files(model)
    assert [(one.prompt, one.sample) for one in answers] == [one.number for one in questions]
    assert all(set(one.reply.text.split()) <= {*WORDS, "user", "system", "?"} for one in answers)
    assert {path.stat().st_mode & 0o777 for path in (here / "run").iterdir()} == {0o600}


@pytest.mark.slow
def test_an_interrupted_run_says_what_an_uninterrupted_one_says(gauger, model, here):
    assert gauger(*command("--max-requests", 3)).code == 0
    assert len(texts(here / "run")) == 3
    assert "8 of 8" in gauger(*command()).out
    assert gauger(*command(out="whole")).code == 0
    assert texts(here / "run") == texts(here / "whole")
    assert gauger(*command("--seed", 1, out="other")).code == 0
    assert texts(here / "other") != texts(here / "whole")


@pytest.mark.slow
def test_another_model_in_the_same_folder_is_refused(gauger, model, here):
    gauger(*command())
    (model / "README.md").write_text("not of this run")
    shown = gauger(*command())
    assert shown.code == 2
    assert "asks something else" in shown.err


@pytest.mark.slow
def test_a_folder_that_is_no_model_is_told(gauger, transformers_installed, here):
    (here / "their-model").mkdir()
    shown = gauger(*command())
    assert (shown.code, shown.out) == (3, "")
    assert "no model in safetensors" in shown.err
    assert "save_pretrained" in shown.err


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_run_that_is_stopped_ends_soon_and_goes_on(how, gauger, transformers_installed, here, environment):
    write_model(here / "their-model", n_positions=1 << 13)
    more = ("--max-tokens", 500)
    process = subprocess.Popen(
        [sys.executable, "-m", "gauger", *command(*more)], cwd=here, env=environment, stderr=subprocess.PIPE,
        # Tests started in the background inherit that Ctrl-C is ignored, and so would what they start.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    path, end = here / "run" / "answers.jsonl", time.monotonic() + 120
    while not (path.exists() and path.read_bytes().count(b"\n") >= 2):
        assert time.monotonic() < end
        assert process.poll() is None
        time.sleep(0.01)
    os.kill(process.pid, how)
    process.communicate(timeout=60)
    assert process.returncode == (130 if how == signal.SIGINT else -signal.SIGKILL)
    before = texts(here / "run")
    assert 2 <= len(before) < 8
    assert gauger(*command(*more)).code == 0
    assert texts(here / "run")[: len(before)] == before
    assert [one[0] for one in texts(here / "run")] == list(range(8))


@pytest.mark.slow
def test_a_template_without_end_is_ended_by_a_second_interruption(transformers_installed, here, environment):
    endless = "{% for i in range(99999) %}" * 3 + "{% endfor %}" * 3
    template = "w1{% if messages[0].content == 'w3 w1' %}" + endless + "{% endif %}"
    write_model(here / "their-model", template=template)
    process = subprocess.Popen(
        [sys.executable, "-m", "gauger", *command()], cwd=here, env=environment, stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    path, end = here / "run" / "answers.jsonl", time.monotonic() + 120
    while not (path.exists() and path.read_bytes().count(b"\n") == 3):
        assert time.monotonic() < end
        time.sleep(0.01)
    for _ in range(2):
        time.sleep(1)
        assert process.poll() is None
        os.kill(process.pid, signal.SIGINT)
    assert b"interrupted twice" in process.communicate(timeout=20)[1]
    assert process.returncode == 130
    assert [one[0] for one in texts(here / "run")] == [0, 1, 2]


@pytest.mark.slow
def test_evidence_names_the_model(gauger, tokenizers_installed, model, here):
    gauger("keys", "new", "--campaign", "C-17", "--workspace", "ws")
    gauger(*command())
    write_model(here / "control", seed=2)
    gauger(*command("--model-dir", "control", out="control-run"))
    for run, out in (("run", "suspect.jsonl"), ("control-run", "control.jsonl")):
        shown = gauger("prove", "tokens", run, "--tokenizer", "their-model/tokenizer.json", "--out", out)
        assert shown.code == 0
    tested = ("prove", "radioactivity", "suspect.jsonl", "--workspace", "ws", "--campaign", "C-17")
    quick = ("--alpha", 1e-3, "--null-keys", 999)
    shown = gauger(*tested, *quick, "--control", "control.jsonl", "--out", "evidence")
    assert shown.code == 0, shown.err
    digest = digest_of(read_model_files(model))
    assert digest in (here / "evidence" / "index.html").read_text()
    check = ("prove", "verify", "evidence", "--model-dir")
    assert gauger(*check, "their-model").code == 0
    assert gauger(*check, "control", "--model-dir", "their-model").code == 0
    write_model(here / "third", seed=3)
    shown = gauger(*check, "third")
    assert shown.code == 3
    assert "answers of this model are not among its inputs" in shown.err
    (here / "again.jsonl").write_bytes((here / "suspect.jsonl").read_bytes().replace(b"\n", b"\n\n", 1))
    shown = gauger(*tested, *quick, "--control", "again.jsonl")
    assert shown.code == 2
    assert "answers of the same model" in shown.err
