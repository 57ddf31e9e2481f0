"""Training: the same seed, data and number of threads give the same weights."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from gauger.lab.distil.model import Size, Transformer
from gauger.lab.distil.task import PAD

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

#: Betas, decay, warm-up, clip and batch of reference/proof.md, section 5. Rate and schedule are ours: 300 steps with
#: the rate held and then let down reach what took 400 with half a cosine and 4e-3.
_RATE: Final = 6e-3
_BETAS: Final = (0.9, 0.98)
_DECAY: Final = 0.05
_WARM_UP: Final = 50
_CLIP: Final = 1.0
_BATCH: Final = 64
#: The last part of the steps, over which the rate falls to nothing.
_LET_DOWN: Final = 0.3


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


def train(lessons: Lessons, *, steps: int, seed: int, size: Size | None = None) -> Transformer:
    """Return a model trained from a random start.

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
    torch.set_num_threads(1)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Transformer(size or Size())
    optimiser = torch.optim.AdamW(model.parameters(), lr=_RATE, betas=_BETAS, weight_decay=_DECAY, fused=True)
    rng = np.random.default_rng(seed)
    model.train()
    order = np.empty(0, np.int64)
    for step in range(steps):
        if not len(order):
            order = rng.permutation(len(lessons))
        rows, order = order[:_BATCH], order[_BATCH:]
        for group in optimiser.param_groups:
            group["lr"] = _RATE * _share_of_rate(step, steps)
        optimiser.zero_grad(set_to_none=True)
        mean_loss(model, lessons.only(rows)).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), _CLIP)
        optimiser.step()
    return model


def mean_loss(model: Transformer, lessons: Lessons) -> Tensor:
    """Return the mean over lessons of the mean loss of their tokens."""
    text = torch.from_numpy(np.hstack([lessons.prompts, lessons.responses]))
    begin = lessons.prompts.shape[1]
    said = text[:, begin:]
    logits = model(text[:, :-1])[:, begin - 1 :]
    if lessons.targets is None:
        each = functional.cross_entropy(logits.flatten(0, 1), said.flatten(), reduction="none").view(said.shape)
    else:
        each = -(torch.from_numpy(lessons.targets) * functional.log_softmax(logits, dim=-1)).sum(dim=-1)
    counts = (said != PAD).float()
    return ((each * counts).sum(dim=1) / counts.sum(dim=1).clamp(min=1)).mean()


def _share_of_rate(step: int, steps: int) -> float:
    """Return the learning rate over its largest: up in a line, held, down in a line."""
    return min(1.0, (step + 1) / _WARM_UP, (steps - step) / (_LET_DOWN * steps))
