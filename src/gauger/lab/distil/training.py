"""Training: the same seed, data and number of threads give the same weights."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from gauger.lab.distil.cells import Size
from gauger.lab.distil.model import LanguageModel, Transformer, on_device_of
from gauger.lab.distil.task import PAD
from gauger.lab.distil.unfinished import Unfinished, name_of
from gauger.pipeline import Progress
from gauger.sources.local_models import require_transformers
from gauger.sources.model_files import digest_of, read_model_files

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

#: Betas, decay, warm-up, clip and batch are those of an earlier trial of the task. Rate (`Size`) and schedule are ours:
#: 300 steps with the rate held and then let down reach what took 400 with half a cosine and 4e-3.
_BETAS: Final = (0.9, 0.98)
_DECAY: Final = 0.05
_WARM_UP: Final = 50
_CLIP: Final = 1.0
_BATCH: Final = 64
#: The last part of the steps, over which the rate falls to nothing.
_LET_DOWN: Final = 0.3
#: The largest rate of a student that begins with somebody's weights; not tuned.
_GENTLE_RATE: Final = 1e-4
#: What progress is told under.
STEPS: Final = "steps"


@dataclass(frozen=True, slots=True)
class Lessons:
    """What a model is trained on.

    Attributes
    ----------
    prompts, responses
        int64[n, p] and int64[n, t]; only responses up to their padding are learned.
    targets
        float32[n, t, VOCABULARY], the distribution to learn in place of each token, or None.
    """

    prompts: Ints
    responses: Ints
    targets: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.prompts)

    def only(self, rows: Ints) -> "Lessons":
        """Return these rows."""
        targets = None if self.targets is None else self.targets[rows]
        return Lessons(self.prompts[rows], self.responses[rows], targets)


def _silent(_step: str, _done: int, _all: int | None) -> None:
    """Tell nobody; by name, so that it can go to another process."""


@dataclass(frozen=True, slots=True)
class Weights:
    """A model of Transformers that students begin as: its folder, and the hash of its files, by which it is known."""

    folder: Path
    sha256: str

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Return what is in a folder.

        Raises
        ------
        UsageError
            The extra `transformers` is not installed.
        InputError
            There is no model in it.
        """
        require_transformers()
        return cls(folder, digest_of(read_model_files(folder)))


@dataclass(frozen=True, slots=True)
class Workshop:
    """Where students are trained, and what as.

    Attributes
    ----------
    device
        As PyTorch calls it: cpu, cuda, cuda:1.
    weights
        What students begin as; None for a random start of the tier's size.
    unfinished
        Folder for trainings that take more than ten minutes; None keeps none.
    progress
        Told of every step.
    """

    device: str = "cpu"
    weights: Weights | None = None
    unfinished: Path | None = None
    progress: Progress = _silent

    def train(self, lessons: Lessons, *, steps: int, seed: int, size: Size) -> LanguageModel:
        """Return a student (`train`); an earlier call that was interrupted is gone on with."""
        if self.weights is None:
            model, rate = _begun(size, seed), size.rate
        else:
            model, rate = _brought(self.weights, seed), _GENTLE_RATE
        return _taught(model.to(self.device), lessons, steps=steps, seed=seed, rate=rate, workshop=self)


def train(lessons: Lessons, *, steps: int, seed: int, size: Size | None = None) -> Transformer:
    """Return a model trained from a random start, on the CPU.

    Parameters
    ----------
    lessons
        At least one.
    steps
        Batches of 64, or of all lessons if there are fewer.
    seed
        Of the start and of the order.
    size
        Of the model.
    """
    size = size or Size()
    return _taught(_begun(size, seed), lessons, steps=steps, seed=seed, rate=size.rate, workshop=Workshop())


def _begun(size: Size, seed: int) -> Transformer:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Transformer(size)


def _brought(weights: Weights, seed: int) -> Any:
    from gauger.lab.distil.pretrained import pretrained  # noqa: PLC0415 - another extra

    with torch.random.fork_rng(devices=[]):
        # A vocabulary smaller than the task's grows by rows that are drawn.
        torch.manual_seed(seed)
        return pretrained(weights.folder)


def _taught(model: Any, lessons: Lessons, *, steps: int, seed: int, rate: float, workshop: Workshop) -> Any:
    """Return the model after its steps."""
    torch.set_num_threads(1)
    optimiser = torch.optim.AdamW(model.parameters(), lr=rate, betas=_BETAS, weight_decay=_DECAY, fused=True)
    copy = _copy(model, optimiser, lessons, (steps, seed, rate), workshop)
    done = copy.restored()
    model.train()
    for step, rows in enumerate(_batches(len(lessons), steps, seed)):
        if step < done:
            continue
        workshop.progress(STEPS, step, steps)
        for group in optimiser.param_groups:
            group["lr"] = rate * _share_of_rate(step, steps)
        optimiser.zero_grad(set_to_none=True)
        mean_loss(model, lessons.only(rows)).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), _CLIP)
        optimiser.step()
        copy.keep(step + 1)
    copy.drop()
    return model


def _batches(n: int, steps: int, seed: int) -> Iterator[Ints]:
    """Yield the rows of each step: all of them in a random order, then again."""
    rng = np.random.default_rng(seed)
    order = np.empty(0, np.int64)
    for _ in range(steps):
        if not len(order):
            order = rng.permutation(n)
        rows, order = order[:_BATCH], order[_BATCH:]
        yield rows


def _copy(model: Any, optimiser: Any, lessons: Lessons, schedule: tuple[object, ...], workshop: Workshop) -> Unfinished:
    if workshop.unfinished is None:
        return Unfinished(None, model.parameters(), optimiser)
    shapes = [tuple(one.shape) for one in model.parameters()]
    begun_as = None if workshop.weights is None else workshop.weights.sha256
    of = (lessons.prompts, lessons.responses, lessons.targets, shapes, begun_as, *schedule)
    return Unfinished(workshop.unfinished / name_of(of), model.parameters(), optimiser)


def mean_loss(model: LanguageModel, lessons: Lessons) -> Tensor:
    """Return the mean over lessons of the mean loss of their tokens."""
    text = on_device_of(model, np.hstack([lessons.prompts, lessons.responses]))
    begin = lessons.prompts.shape[1]
    said = text[:, begin:]
    logits = model(text[:, :-1])[:, begin - 1 :]
    if lessons.targets is None:
        each = functional.cross_entropy(logits.flatten(0, 1), said.flatten(), reduction="none").view(said.shape)
    else:
        each = -(on_device_of(model, lessons.targets) * functional.log_softmax(logits, dim=-1)).sum(dim=-1)
    counts = (said != PAD).float()
    return ((each * counts).sum(dim=1) / counts.sum(dim=1).clamp(min=1)).mean()


def _share_of_rate(step: int, steps: int) -> float:
    """Return the learning rate over its largest: up in a line, held, down in a line."""
    return min(1.0, (step + 1) / _WARM_UP, (steps - step) / (_LET_DOWN * steps))
