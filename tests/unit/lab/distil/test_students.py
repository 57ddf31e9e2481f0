"""Students that are really trained: a trace teaches, an answer does not, a mark shows; one seed, one outcome."""

import json
from dataclasses import replace

import pytest

from gauger.errors import UsageError

pytestmark = pytest.mark.slow  # a minute, and they need torch, which `make test-slow` installs


@pytest.fixture(scope="module")
def smoke(torch_installed, tmp_path_factory):
    """The folder of a smoke run, and its document."""
    from gauger.cli.app import run

    out = tmp_path_factory.mktemp("distil") / "out"
    assert run(["lab", "distil", "smoke", "--out", str(out), "--null-keys", "999", "--quiet"]) == 0
    return out, json.loads((out / "distil.json").read_text())


def row_of(document, part):
    (row,) = (one for one in document["rows"] if one["part"] == part)
    return row


def test_a_trace_teaches_an_answer_does_not(smoke):
    _, document = smoke
    assert row_of(document, "traces")["student"]["median"] > 0.8
    assert row_of(document, "withheld")["student"]["median"] < 0.15
    for row in document["rows"]:
        assert row["teacher"]["median"] > 0.85


def test_a_marked_student_shows_the_key_and_a_clean_one_does_not(smoke):
    _, document = smoke
    for test in row_of(document, "mark")["tests"]:
        assert test["p_value"]["median"] == 0.001
        assert test["wrong_keys"]["median"] > 0.01
    for test in row_of(document, "traces")["tests"]:
        assert test["p_value"]["median"] > 0.01


def test_every_measure_stands_beside_its_control(smoke):
    _, document = smoke
    for part in ("withheld", "mark"):
        (control,) = row_of(document, part)["controls"]
        assert control["title"] == "full traces"
        assert control["teacher_lost"] is not None
    assert "full traces" in (smoke[0] / "index.html").read_text()


def test_a_second_run_trains_nothing_and_says_the_same(smoke, capsys):
    from gauger.cli.app import run

    out, document = smoke
    lines = (out / "runs.jsonl").read_bytes()
    for teacher in (out / "teachers").iterdir():
        teacher.unlink()
    assert run(["lab", "distil", "smoke", "--out", str(out), "--null-keys", "999", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == document
    assert (out / "runs.jsonl").read_bytes() == lines
    assert not list((out / "teachers").iterdir())


def test_a_folder_of_other_lengths_is_refused(smoke):
    from gauger.lab.distil.cells import PLANS
    from gauger.lab.distil.running import run_plan

    with pytest.raises(UsageError, match="other lengths"):
        run_plan(replace(PLANS["smoke"], student_steps=10), [1], out=smoke[0], null_keys=999)


def test_the_same_seed_gives_the_same_weights(torch_installed):
    import torch

    from gauger.lab.distil.cells import PLANS
    from gauger.lab.distil.students import taught

    short = replace(PLANS["smoke"], teacher_steps=5)
    first, again, other = (taught(short, seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["head.weight"], other["head.weight"])


def test_sampling_with_a_cache_is_sampling_without(torch_installed):
    import numpy as np
    import torch

    from gauger.lab.distil.cells import PLANS
    from gauger.lab.distil.model import greedy, sampled
    from gauger.lab.distil.students import task_of, taught

    model, rng = taught(replace(PLANS["smoke"], teacher_steps=5), 1), np.random.default_rng(1)
    prompts = task_of(1).prompts(8, rng)
    cached = sampled(model, prompts, rng, serving=greedy)
    text = torch.from_numpy(prompts)
    with torch.no_grad():
        for _ in range(cached.shape[1]):
            text = torch.cat((text, model(text)[:, -1].argmax(dim=1, keepdim=True)), dim=1)
    slow = text[:, prompts.shape[1] :].numpy()
    said = np.cumsum(np.cumsum(slow == 4, axis=1), axis=1) <= 1  # up to and with the end
    assert (cached[said] == slow[said]).all()


@pytest.fixture
def quick(torch_installed):
    """A world of canaries whose teacher and students hardly learned."""
    from gauger.lab.distil.cells import PLANS
    from gauger.lab.distil.students import World, task_of, taught

    plan = replace(PLANS["canaries"], teacher_steps=3, student_steps=2, questions=10, answers=80)
    return World(plan, 1, task_of(1), taught(plan, 1))


def test_a_dosed_answer_begins_as_the_plan_says_and_goes_on_as_it_likes(quick):
    import numpy as np

    from gauger.lab.distil.model import sampled
    from gauger.lab.distil.serving import Choosing

    prompts = quick.task.prompts(300, np.random.default_rng(1))
    first = sampled(quick.teacher, prompts, np.random.default_rng(2), serving=Choosing(quick.planted))[:, 0]
    picked = quick.planted.picked(prompts)
    assert (first[picked >= 0] == picked[picked >= 0]).all()
    assert len(set(first[picked < 0].tolist())) > 20


def test_a_student_is_tested_for_canaries_beside_three_who_read_none(quick):
    from gauger.lab.distil.students import outcome

    cell = replace(quick.plan.cells[-1], traces=100)
    (shown,) = outcome(quick, cell, null_keys=9).tests
    assert (shown.method, shown.n_null_keys, len(quick.unrelated)) == ("canaries", 0, 3)
    assert outcome(quick, cell, null_keys=9).tests == (shown,)
