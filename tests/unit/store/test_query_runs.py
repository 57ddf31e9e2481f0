"""The folder of a run: whatever a crash leaves of its last line, the rest is there and the question is open again."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gauger.errors import UsageError, WorkspaceError
from gauger.sources.replies import Fault, Reply
from gauger.store.query_runs import ANSWERS, FAULTS, RUN, Asked, hash_of, open_run, read_run, summarise
from gauger.store.query_runs import PROMPTS as PROMPTS_FILE

NOW = datetime(2026, 6, 1, tzinfo=UTC)
PROMPTS = b"".join(b'{"prompt": "question %d"}\n' % n for n in range(5))
ASKED = Asked(
    endpoint="https://h/v1", model="m", interface="chat", samples=1, max_tokens=9, temperature=None,
    prompts_sha256=hash_of(PROMPTS),
)  # fmt: skip


def reply(text: str, model: str = "m") -> Reply:
    return Reply(
        text=text, reasoning=None, claimed_model=model, finish_reason=None, input_tokens=None, output_tokens=None
    )


def opened(folder):
    return open_run(folder, ASKED, PROMPTS, now=NOW)


def filled(folder, texts) -> None:
    with opened(folder) as run:
        for question, text in zip(run.questions, texts, strict=False):
            run.keep_answer(question, reply(text), 1, now=NOW)


@given(st.lists(st.text(max_size=20), min_size=1, max_size=5), st.data())
@settings(max_examples=40)
def test_any_cut_loses_at_most_the_lines_it_cuts(tmp_path_factory, texts, data):
    folder = tmp_path_factory.mktemp("run") / "run"
    filled(folder, texts)
    whole = (folder / ANSWERS).read_bytes()
    cut = data.draw(st.integers(0, len(whole)))
    (folder / ANSWERS).write_bytes(whole[:cut])
    kept = whole[:cut].count(b"\n")
    assert [one.reply.text for one in read_run(folder)[2]] == texts[:kept]
    with opened(folder) as run:
        assert [one.prompt for one in run.left()] == list(range(kept, 5))
        for question in run.left()[: len(texts) - kept]:
            run.keep_answer(question, reply(texts[question.prompt]), 1, now=NOW)
    assert (folder / ANSWERS).read_bytes() == whole


def test_answers_that_say_something_are_counted_as_they_are_kept(tmp_path):
    filled(tmp_path / "run", ["a", "", "b"])
    with opened(tmp_path / "run") as run:
        assert run.n_said == 2
        for question, text in zip(run.left(), ("", "c"), strict=True):
            run.keep_answer(question, reply(text), 1, now=NOW)
        assert run.n_said == 3


def test_what_was_refused_is_not_asked_again_and_what_failed_is(tmp_path):
    with opened(tmp_path / "run") as run:
        for question, code in zip(run.questions, ("refused", "too long", "busy", "denied"), strict=False):
            run.keep_fault(question, Fault(code, 400), now=NOW)
    with opened(tmp_path / "run") as run:
        assert [one.prompt for one in run.left()] == [2, 3, 4]


def test_a_run_without_its_description_is_damaged(tmp_path):
    filled(tmp_path / "run", ["a"])
    (tmp_path / "run" / RUN).unlink()
    with pytest.raises(WorkspaceError), opened(tmp_path / "run"):
        pass
    with pytest.raises(UsageError):
        read_run(tmp_path / "run")
    filled(tmp_path / "other", ["a"])
    (tmp_path / "other" / RUN).write_text("{}")
    with pytest.raises(WorkspaceError):
        read_run(tmp_path / "other")


@pytest.mark.parametrize("name", [ANSWERS, FAULTS])
@pytest.mark.parametrize(("field", "number"), [("prompt", 5), ("prompt", -1), ("sample", 1)])
def test_a_line_that_belongs_to_no_question_is_damage(tmp_path, name, field, number):
    with opened(tmp_path / "run") as run:
        run.keep_answer(run.questions[0], reply("a"), 1, now=NOW)
        run.keep_fault(run.questions[0], Fault("busy"), now=NOW)
    path = tmp_path / "run" / name
    path.write_text(path.read_text().replace(f'"{field}":0', f'"{field}":{number}'))
    with pytest.raises(WorkspaceError, match="line 1 belongs to no question"):
        read_run(tmp_path / "run")
    with pytest.raises(WorkspaceError), opened(tmp_path / "run"):
        pass


def test_prompts_that_were_not_asked_are_damage(tmp_path):
    filled(tmp_path / "run", ["a"])
    (tmp_path / "run" / PROMPTS_FILE).write_bytes(PROMPTS.replace(b"question 0", b"question x"))
    with pytest.raises(WorkspaceError, match="not the prompts"):
        read_run(tmp_path / "run")
    with pytest.raises(WorkspaceError), opened(tmp_path / "run"):
        pass


def test_the_summary_counts_changes_of_the_claimed_model(tmp_path):
    with opened(tmp_path / "run") as run:
        for question, model in zip(run.questions, ("m", "m", "n", "m"), strict=False):
            run.keep_answer(question, reply("" if model == "n" else "x", model), 1, now=NOW)
        run.keep_fault(run.questions[4], Fault("busy"), now=NOW)
    _, questions, answers, faults = read_run(tmp_path / "run")
    found = summarise(questions, answers, faults, left=1, budget_spent=False)
    assert [(one.model, one.answers) for one in found.claimed_models] == [("m", 2), ("n", 1), ("m", 1)]
    assert (found.empty_answers, found.requests_without_answer) == (1, {"busy": 1})
    assert (tmp_path / "run" / FAULTS).stat().st_mode & 0o777 == 0o600
