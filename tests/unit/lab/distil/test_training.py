"""Trainings that take long: kept as they go, on weights of the user's too, with the same weights in the end."""

from dataclasses import replace

import numpy as np
import pytest

from gauger.errors import InputError
from gauger.lab.distil.cells import PLANS, Size

pytestmark = pytest.mark.slow  # they need torch, which `make test-slow` installs


class Killed(Exception):
    """The machine went down."""


@pytest.fixture
def lessons(torch_installed):
    from gauger.lab.distil.students import task_of
    from gauger.lab.distil.training import Lessons

    task, rng = task_of(1), np.random.default_rng(1)
    prompts = task.prompts(100, rng)
    return Lessons(prompts, task.traces(prompts, rng))


def killed_at(step):
    def progress(_name, done, _all):
        if done == step:
            raise Killed

    return progress


def weights_of(model):
    return [one.detach().numpy() for one in model.parameters()]


def same(some, others):
    return all(np.array_equal(one, other) for one, other in zip(some, others, strict=True))


def test_what_was_killed_goes_on_and_ends_with_the_same_weights(lessons, tmp_path, monkeypatch):
    from gauger.lab.distil.training import Workshop, train

    monkeypatch.setattr("gauger.lab.distil.unfinished.EVERY_S", 0.0)
    size, told = Size(width=16), []
    with pytest.raises(Killed):
        Workshop(unfinished=tmp_path / "kept", progress=killed_at(5)).train(lessons, steps=8, seed=1, size=size)
    assert len(list((tmp_path / "kept").iterdir())) == 1
    later = Workshop(unfinished=tmp_path / "kept", progress=lambda _name, done, of: told.append((done, of)))
    student = later.train(lessons, steps=8, seed=1, size=size)
    assert told == [(5, 8), (6, 8), (7, 8)]
    assert same(weights_of(student), weights_of(train(lessons, steps=8, seed=1, size=size)))
    assert not list((tmp_path / "kept").iterdir())


def test_a_teacher_is_there_whole_or_not_at_all(torch_installed, tmp_path, monkeypatch):
    from gauger.lab.distil.running import TEACHERS, run_plan

    def killed(_descriptor):
        raise Killed

    cell = replace(PLANS["smoke"].cells[1], traces=20)
    plan = replace(PLANS["smoke"], cells=(cell,), teacher_steps=2, student_steps=2, questions=10, answers=10)
    with monkeypatch.context() as patch:
        patch.setattr("gauger.store.durable.os.fsync", killed)
        with pytest.raises(Killed):
            run_plan(plan, [1], out=tmp_path)
    assert not list((tmp_path / TEACHERS).glob("*.npz"))
    assert len(run_plan(plan, [1], out=tmp_path)) == 1


def test_another_training_takes_nothing_of_what_was_kept(lessons, tmp_path, monkeypatch):
    from gauger.lab.distil.training import Workshop, train

    monkeypatch.setattr("gauger.lab.distil.unfinished.EVERY_S", 0.0)
    size = Size(width=16)
    with pytest.raises(Killed):
        Workshop(unfinished=tmp_path / "kept", progress=killed_at(2)).train(lessons, steps=4, seed=1, size=size)
    other = lessons.only(np.arange(50))
    student = Workshop(unfinished=tmp_path / "kept").train(other, steps=4, seed=1, size=size)
    assert same(weights_of(student), weights_of(train(other, steps=4, seed=1, size=size)))


def test_a_damaged_copy_is_told_and_weights_that_nothing_uses_are_kept_too(lessons, tmp_path, monkeypatch):
    """As of a model for texts and images, of which only the part for texts is trained."""
    import torch

    from gauger.lab.distil import training
    from gauger.lab.distil.training import Workshop

    def begun(size, seed):
        model = really(size, seed)
        model.unused = torch.nn.Linear(2, 2)
        return model

    really, size = training._begun, Size(width=16)
    monkeypatch.setattr(training, "_begun", begun)
    monkeypatch.setattr("gauger.lab.distil.unfinished.EVERY_S", 0.0)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        with pytest.raises(Killed):
            Workshop(unfinished=tmp_path, progress=killed_at(2)).train(lessons, steps=4, seed=1, size=size)
        (kept,) = tmp_path.iterdir()
        whole = kept.read_bytes()
        kept.write_bytes(whole[: len(whole) // 2])
        with pytest.raises(InputError, match="copy of a training is damaged"):
            Workshop(unfinished=tmp_path).train(lessons, steps=4, seed=1, size=size)
        kept.write_bytes(whole)
        student = Workshop(unfinished=tmp_path).train(lessons, steps=4, seed=1, size=size)
    assert not list(tmp_path.iterdir())
    assert student.unused.weight.grad is None


def test_students_of_the_tier_real_have_the_shape_of_gpt2_small(torch_installed):
    import torch

    from gauger.lab.distil.model import Transformer

    with torch.device("meta"):
        model = Transformer(PLANS["real"].student)
    assert 85e6 < sum(one.numel() for one in model.parameters()) < 86e6


def write_model(folder, *, seed=1, n_words=200):
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(seed)
    GPT2LMHeadModel(GPT2Config(n_embd=16, n_layer=2, n_head=2, vocab_size=n_words)).save_pretrained(folder)
    return folder


@pytest.fixture
def folder(transformers_installed, tmp_path):
    """A tiny model of GPT-2's architecture, as `save_pretrained` writes it, with a vocabulary of its own."""
    return write_model(tmp_path / "model")


def test_a_vocabulary_that_has_to_grow_grows_by_the_seed(lessons, folder):
    from gauger.lab.distil.training import Weights, Workshop

    workshop = Workshop(weights=Weights.read(write_model(folder, n_words=50)))
    first, again = (workshop.train(lessons, steps=1, seed=1, size=Size()) for _ in range(2))
    assert same(weights_of(first), weights_of(again))


def test_a_student_may_begin_with_weights_of_the_users(lessons, folder):
    from gauger.lab.distil.model import probabilities, sampled
    from gauger.lab.distil.task import VOCABULARY
    from gauger.lab.distil.training import Weights, Workshop

    def loss(model):
        said = probabilities(model, lessons.prompts, lessons.responses)
        return -np.log(np.take_along_axis(said, lessons.responses[..., None], 2)).mean()

    first, again = (
        Workshop(weights=Weights.read(folder)).train(lessons, steps=60, seed=1, size=Size()) for _ in range(2)
    )
    assert loss(first) < loss(Workshop(weights=Weights.read(folder)).train(lessons, steps=1, seed=1, size=Size()))
    assert same(weights_of(first), weights_of(again))
    assert probabilities(first, lessons.prompts, lessons.responses).shape[2] == VOCABULARY
    assert sampled(first, lessons.prompts, np.random.default_rng(1)).shape == lessons.responses.shape


def test_its_cache_says_what_it_says_without(lessons, folder):
    import torch

    from gauger.lab.distil.pretrained import pretrained

    model, tokens = pretrained(folder).eval(), torch.from_numpy(lessons.prompts)
    with torch.no_grad():
        _, caches = model.extended(tokens[:, :5], None)
        cached, _ = model.extended(tokens[:, 5:], caches)
        assert torch.allclose(cached, model(tokens)[:, 5:], atol=1e-5)


def test_one_cell_of_a_tier_is_run_from_the_command_line(folder, tmp_path, monkeypatch):
    from gauger.cli.app import run

    small = replace(PLANS["real"], teacher_steps=3, questions=10, answers=20)
    monkeypatch.setitem(PLANS, "real", small)
    asked = ["lab", "distil", "real", "--cell", "mark/gumbel/1", "--seeds", "1", "--steps", "2", "--null-keys", "9"]
    assert run([*asked, "--model-dir", str(folder), "--out", str(tmp_path / "out"), "--quiet"]) == 0
    assert "students that begin as model" in (tmp_path / "out" / "index.html").read_text()
    assert len((tmp_path / "out" / "runs.jsonl").read_bytes().splitlines()) == 1


def test_runs_are_of_the_model_that_lay_in_the_folder_and_one_that_is_none_is_told_at_once(
    folder, tmp_path, monkeypatch, capsys
):
    from gauger.cli.app import run

    small = replace(PLANS["real"], teacher_steps=3, questions=10, answers=20)
    monkeypatch.setitem(PLANS, "real", small)
    asked = ["lab", "distil", "real", "--cell", "traces/300", "--seeds", "1", "--steps", "2", "--quiet"]
    asked += ["--model-dir", str(folder), "--out"]
    assert run([*asked, str(tmp_path / "out")]) == 0
    moved = folder.rename(tmp_path / "moved")
    assert run([*asked, str(tmp_path / "never")]) == 3
    assert "the model cannot be read" in capsys.readouterr().err
    assert not (tmp_path / "never").exists()
    write_model(folder, seed=2)
    assert run([*asked, str(tmp_path / "out")]) == 2
    assert "other lengths, keys, students" in capsys.readouterr().err
    assert run([str(moved) if one == str(folder) else one for one in asked] + [str(tmp_path / "out")]) == 0


@pytest.mark.parametrize("name", ["nowhere", "meta", "hpu"])
def test_a_device_that_is_not_there_is_told(name, torch_installed, tmp_path, capsys):
    from gauger.cli.app import run

    assert run(["lab", "distil", "smoke", "--device", name, "--out", str(tmp_path / "out")]) == 2
    assert f"no device '{name}'" in capsys.readouterr().err
