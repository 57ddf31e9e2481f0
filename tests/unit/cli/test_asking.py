"""`gauger prove query`: a real server, a run folder, and what survives when it is killed."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time

import pytest
from tests.unit.sources.endpoints import answer, serving, well

from gauger.store.query_runs import read_run

SECRET = "sk-very-secret-9"
#: Questions of a run that is killed: on a busy machine some time goes by until it is.
N_ASKED = 300


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_prompts(tmp_path / "prompts.jsonl", 12)
    return tmp_path


def write_prompts(path, n: int) -> None:
    path.write_text("".join(json.dumps({"prompt": f"question {i}"}) + "\n" for i in range(n)))


def command(url: str, *more: object) -> list[str]:
    fixed = ["prove", "query", "prompts.jsonl", "--endpoint", url, "--model", "m", "--out", "run"]
    return [*fixed, "--per-minute", "100000", *map(str, more)]


@pytest.fixture
def query(gauger, here):
    return lambda url, *more: gauger(*command(url, *more))


def kept(folder) -> list[tuple[int, int, str]]:
    return sorted((one.prompt, one.sample, one.reply.text) for one in read_run(folder)[2])


def test_every_answer_is_kept_in_private_files(query, here):
    with serving(well) as server:
        shown = query(server.url, "--samples", 2)
    assert (shown.code, shown.err) == (0, "")
    assert shown.out == "24 of 24 questions are answered.\nIt says it is suspect-1.\n"
    assert kept(here / "run") == sorted((i, s, f"you said question {i}") for i in range(12) for s in (0, 1))
    assert {path.stat().st_mode & 0o777 for path in (here / "run").iterdir()} == {0o600}
    assert (here / "run").stat().st_mode & 0o777 == 0o700


def test_the_key_goes_to_the_endpoint_and_nowhere_else(query, here, monkeypatch):
    (here / "key").write_text(f"{SECRET}\n")
    (here / "key").chmod(0o600)

    def repeat(handler, _body, number):
        if number % 3 == 0:
            handler.reply(f'{{"error": "{SECRET}"}}'.encode(), 500)
        else:
            handler.reply(answer(f"your key is {SECRET}", model=SECRET))

    with serving(repeat) as server:
        shown = query(server.url, "--key-file", "key")
        assert server.headers[0]["Authorization"] == f"Bearer {SECRET}"
        monkeypatch.setenv("GAUGER_SUSPECT_KEY", "from-the-environment")
        query(server.url, "--out", "run2", "--max-requests", 1)
        assert server.headers[-1]["Authorization"] == "Bearer from-the-environment"
    assert SECRET not in shown.out + shown.err
    for path in (here / "run").iterdir():
        assert SECRET not in path.read_text()


@pytest.mark.parametrize("more", ["[" * 50_000 + "]" * 50_000, "secret"])
def test_a_line_that_is_no_prompt_is_named_before_a_run_is_begun_with_it(more, query, here):
    (here / "prompts.jsonl").write_text(f'{{"prompt": "a"}}\n{{"prompt": "b", "more": {more}}}\n')
    shown = query("http://127.0.0.1:1/v1")
    assert shown.code == 3
    assert shown.err.startswith("gauger: prompts.jsonl, line 2: this is no prompt")
    assert "secret" not in shown.err
    assert not (here / "run").exists()


def test_a_key_that_others_can_read_is_refused(query, here):
    (here / "key").write_text(SECRET)
    (here / "key").chmod(0o644)
    shown = query("http://127.0.0.1:9/v1", "--key-file", "key")
    assert shown.code == 4
    assert SECRET not in shown.err


def test_a_change_of_the_claimed_model_is_told(query, here):
    with serving(lambda h, _b, n: h.reply(answer("x", model="m-1" if n <= 7 else "m-2\x1b[2J"))) as server:
        shown = query(server.url, "--concurrency", 1)
        said = json.loads(query(server.url, "--json").out)
    assert "It changed the model that it says it is: m-1 > m-2<U+001B>[2J" in shown.out
    assert [(one["model"], one["answers"]) for one in said["claimed_models"]] == [("m-1", 7), ("m-2\x1b[2J", 5)]


def test_a_rerun_asks_only_what_is_left(query, here):
    with serving(well) as server:
        first = query(server.url, "--max-requests", 5)
        assert "5 of 12 questions are answered.\n7 are left" in first.out
        assert "The budget is spent." in first.out
        again = query(server.url, "--max-requests", 5)
        assert "5 of 12" in again.out
        assert len(server.bodies) == 5
        assert "12 of 12" in query(server.url).out
        assert "12 of 12" in query(server.url).out
    assert len(server.bodies) == 12


def test_another_question_in_the_same_folder_is_refused(query, here):
    with serving(well) as server:
        query(server.url)
        for more in (("--temperature", 0), ("--samples", 2), ("--model", "other")):
            shown = query(server.url, *more)
            assert shown.code == 2
            assert "asks something else" in shown.err
        write_prompts(here / "prompts.jsonl", 13)
        assert query(server.url).code == 2


@pytest.mark.parametrize("cut", [1, 10, 60])
def test_a_line_that_was_cut_off_is_asked_again(cut, query, here):
    with serving(well) as server:
        query(server.url)
        path = here / "run" / "answers.jsonl"
        path.write_bytes(path.read_bytes()[:-cut])
        assert len(kept(here / "run")) == 11
        assert "12 of 12" in query(server.url).out
    assert len(server.bodies) == 13
    assert len({one[:2] for one in kept(here / "run")}) == 12


def test_a_line_in_the_middle_that_is_none_of_ours_is_an_error(query, here):
    with serving(well) as server:
        query(server.url)
        path = here / "run" / "answers.jsonl"
        lines = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(b"".join([*lines[:3], b"secret\n", *lines[3:]]))
        shown = query(server.url)
    assert shown.code == 5
    assert "line 4" in shown.err
    assert "secret" not in shown.err


def test_a_page_in_place_of_answers_ends_the_run_and_the_next_goes_on(query, here):
    with serving(lambda h, _b, _n: h.reply(b"<html>", Content_Type="text/html")) as server:
        shown = query(server.url, "--attempts", 1)
    assert shown.code == 3
    assert "0 of 12 questions are answered.\n12 are left" in shown.out
    assert "Without an answer: " in shown.out
    assert "what was answered is kept" in shown.err


def test_many_misfortunes_lose_nothing(query, here):
    misfortunes = [
        lambda h: h.reply(b"{}", 429, Retry_After=0),
        lambda h: h.reply(b"oops", 502, Retry_After=0),
        lambda h: h.reply(answer("half"), Content_Length=9_999),
        lambda h: h.reply(b"<html>", Content_Type="text/html"),
        lambda h: h.wfile.write(b"HTTP/1.1 200 OK\r\n"),
    ]

    def behave(handler, body, number):
        if number % 2:
            misfortunes[number // 2 % len(misfortunes)](handler)
        else:
            well(handler, body, number)

    with serving(behave) as server:
        shown = query(server.url, "--attempts", 10, "--concurrency", 3)
    assert shown.code == 0, shown.err
    assert kept(here / "run") == sorted((i, 0, f"you said question {i}") for i in range(12))


def test_two_runs_in_one_folder_do_not_mix(query, here, environment):
    def slow(handler, body, number):
        time.sleep(0.3)
        well(handler, body, number)

    with serving(slow) as server:
        first = subprocess.Popen([sys.executable, "-m", "gauger", *command(server.url)], cwd=here, env=environment)
        try:
            wait_until(lambda: server.bodies)
            assert query(server.url).code == 5
        finally:
            first.wait(timeout=60)
    assert first.returncode == 0
    assert len(kept(here / "run")) == 12


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_run_that_is_killed_goes_on_and_no_answer_is_lost(how, query, here, environment):
    """Every answer that the server saw us take is there after the kill, and none is asked for twice but those on the
    way."""
    write_prompts(here / "prompts.jsonl", N_ASKED)

    def slow(handler, body, number):
        time.sleep(0.02)
        well(handler, body, number)

    with serving(slow) as server:
        more = ("--concurrency", 2)
        process = subprocess.Popen(
            [sys.executable, "-m", "gauger", *command(server.url, *more)],
            cwd=here,
            env=environment,
            stderr=subprocess.PIPE,
        )
        path = here / "run" / "answers.jsonl"
        wait_until(lambda: path.exists() and path.read_bytes().count(b"\n") >= 9)
        os.kill(process.pid, how)
        process.communicate(timeout=30)
        assert process.returncode == (130 if how == signal.SIGTERM else -signal.SIGKILL)
        before = kept(here / "run")
        assert 9 <= len(before) < N_ASKED
        assert len(server.bodies) - len(before) <= 2
        assert query(server.url, *more).code == 0
        assert len(server.bodies) <= N_ASKED + 2
    assert set(before) <= set(kept(here / "run"))
    assert [one[0] for one in kept(here / "run")] == list(range(N_ASKED))


def wait_until(happened, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture
def tokenizer(here):
    """A tokenizer of four words, as a model has one in tokenizer.json."""
    vocabulary = {"[UNK]": 0, "you": 1, "said": 2, "question": 3}
    (here / "tokenizer.json").write_text(
        json.dumps(
            {
                "version": "1.0",
                "truncation": {"max_length": 1, "strategy": "LongestFirst", "stride": 0, "direction": "Right"},
                "padding": None,
                "added_tokens": [],
                "normalizer": None,
                "pre_tokenizer": {"type": "WhitespaceSplit"},
                "post_processor": None,
                "decoder": None,
                "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "[UNK]"},
            }
        )
    )
    return "tokenizer.json"


@pytest.mark.slow
def test_answers_become_tokens_of_our_vocabulary(tokenizers_installed, query, gauger, tokenizer, here):
    with serving(lambda h, b, n: well(h, b, n) if n > 1 else h.reply(answer(""))) as server:
        query(server.url, "--concurrency", 1)
    shown = gauger("prove", "tokens", "run", "--tokenizer", tokenizer, "--out", "suspect.jsonl")
    assert (shown.code, shown.out) == (0, "11 answers in tokens are in suspect.jsonl.\n")
    lines = [json.loads(line) for line in (here / "suspect.jsonl").read_text().splitlines()]
    assert lines == [{"prompt": [3, 0], "tokens": [1, 2, 3, 0]}] * 11
    assert (here / "suspect.jsonl").stat().st_mode & 0o777 == 0o600
    assert gauger("prove", "tokens", "run", "--tokenizer", tokenizer, "--out", "suspect.jsonl").code == 2
    (here / "bad.json").write_text("{}")
    assert gauger("prove", "tokens", "run", "--tokenizer", "bad.json", "--out", "new.jsonl").code == 3


def test_without_the_extra_one_is_told_which(query, gauger, tokenizer, monkeypatch):
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with serving(well) as server:
        query(server.url)
    shown = gauger("prove", "tokens", "run", "--tokenizer", tokenizer, "--out", "suspect.jsonl")
    assert shown.code == 2
    assert "gauger[proof]" in shown.err


def test_answers_become_texts_with_the_ids_of_their_prompts(query, gauger, here):
    prompts = [{"id": "lighthouse/1", "prompt": "a"}, {"id": 7, "messages": [{"role": "user", "content": "b"}]}]
    (here / "prompts.jsonl").write_text("".join(json.dumps(one) + "\n" for one in prompts))
    assert gauger("prove", "texts", "run", "--out", "suspect.jsonl").code == 2
    with serving(well) as server:
        query(server.url, "--samples", 2, "--concurrency", 1)
    shown = gauger("prove", "texts", "run", "--out", "suspect.jsonl")
    assert (shown.code, shown.out) == (0, "4 answers are in suspect.jsonl.\n")
    lines = [json.loads(line) for line in (here / "suspect.jsonl").read_text().splitlines()]
    assert lines == [{"id": "lighthouse/1", "text": "you said a"}, {"id": "7", "text": "you said b"}] * 2
    assert (here / "suspect.jsonl").stat().st_mode & 0o777 == 0o600
    assert gauger("prove", "texts", "run", "--out", "suspect.jsonl").code == 2


def test_texts_of_prompts_without_ids_are_refused(query, gauger, here):
    with serving(well) as server:
        query(server.url)
    shown = gauger("prove", "texts", "run", "--out", "suspect.jsonl")
    assert shown.code == 3
    assert "its prompts have no ids" in shown.err


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--campaign", "C-17"), "--campaign is for --sequential"),
        (("--first-look", 250), "--first-look is for --sequential"),
        (("--sequential",), "looks need a key and a tokenizer"),
        (("--sequential", "--campaign", "C-17"), "looks need a key and a tokenizer"),
        (("--sequential", "--campaign", "C-17", "--tokenizer", "t.json", "--alpha", 0.05), "alpha is 0.05"),
    ],
)
def test_looks_need_what_they_look_for(given, said, gauger, here):
    shown = gauger(*command("http://127.0.0.1:9/v1", *given))
    assert shown.code == 2
    assert said in shown.err
    assert not (here / "run").exists()
