"""`gauger lab window-test`: two files in, one answer out, and errors that quote no query."""

import json

import numpy as np
import pytest


def queries(n, *, seed, words):
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(words.split(), 6)) for _ in range(n)]


BENIGN = queries(500, seed=1, words="where is my card and why was the transfer declined again please")
STREAM = queries(10, seed=2, words="def class return lambda yield import async await 1 0 {} []")


@pytest.fixture
def files(tmp_path):
    (tmp_path / "benign.txt").write_text("\n".join(BENIGN) + "\n\n")
    (tmp_path / "stream.jsonl").write_text("".join(json.dumps({"q": one}) + "\n" for one in STREAM))
    (tmp_path / "broken.jsonl").write_text('{"q": "a"}\n["secret"]\n')
    (tmp_path / "blank.txt").write_text("\n \n")
    return tmp_path


def test_a_stream_that_differs_raises_an_alarm(gauger, files):
    shown = gauger("lab", "window-test", files / "benign.txt", files / "stream.jsonl", "--field", "q")
    assert shown.code == 0
    assert shown.out.startswith("Alarm: the stream differs from the benign queries (p = ")
    assert "35 disjoint stretches of benign queries" in " ".join(shown.out.split())
    assert not any(one in shown.out for one in STREAM)


def test_json_holds_the_answer_and_its_floor(gauger, files):
    line = ["lab", "window-test", files / "benign.txt", files / "stream.jsonl", "--field", "q", "--json"]
    found = json.loads(gauger(*line, "--exchangeable", "texts").out)
    assert found["alarm"] is True
    assert (found["floor"], found["p_value"], found["n_comparisons"]) == (0.001, 0.001, 999)
    assert gauger(*line).out == gauger(*line).out


def test_benign_against_itself_raises_none(gauger, files):
    (files / "more.txt").write_text("\n".join(BENIGN[450:]))
    (files / "fewer.txt").write_text("\n".join(BENIGN[:450]))
    shown = gauger("lab", "window-test", files / "fewer.txt", files / "more.txt", "--exchangeable", "texts")
    assert shown.out.startswith("No alarm (p = ")


def test_too_few_windows_certify_nothing(gauger, files):
    line = ["lab", "window-test", files / "benign.txt", files / "stream.jsonl", "--field", "q", "--target", "0.001"]
    assert gauger(*line).out.startswith("Nothing is certified: with 35 comparison windows")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("benign.txt", "absent.txt"), 3, "the queries cannot be read"),
        (("benign.txt", "blank.txt"), 3, "holds no query"),
        (("benign.txt", "broken.jsonl", "--field", "q"), 3, "broken.jsonl, line 2: the line is no JSON object"),
        (("benign.txt", "stream.jsonl"), 3, "text in 'query'"),
        (("benign.txt", "stream.jsonl", "--field", "q", "--size", "11"), 2, "does not fit in a stream of 10"),
        (("benign.txt", "stream.jsonl", "--field", "q", "--target", "5"), 2, "--target"),
        (("benign.txt", "benign.txt"), 2, "500 benign queries are too few"),
    ],
)
def test_what_is_wrong_is_said_without_quoting_a_query(gauger, files, arguments, code, said):
    shown = gauger("lab", "window-test", *(files / one if "." in one else one for one in arguments))
    assert shown.code == code
    assert said in shown.err
    assert shown.out == ""
    assert "secret" not in shown.err
    assert "Traceback" not in shown.err
