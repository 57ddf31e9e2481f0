"""How a teacher answers: under a key, or in one of the ways that are meant to spoil what a student learns from it.

The spoiling ways are here to be measured, not to be used: each makes some answers wrong.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch

from gauger.lab.distil.canaries import Planted
from gauger.lab.distil.model import Floats, Ints, Transformer
from gauger.lab.distil.task import PROMPT_TOKENS
from gauger.lab.distil.training import Lessons, mean_loss
from gauger.proof.marking import Marking

#: How far the two proxies stand from the proxy student, over the length of its weights.
_STEP: Final = 0.003


@dataclass(frozen=True, slots=True)
class Marked:
    """Serves under a key."""

    marking: Marking

    def __call__(self, logits: Floats, so_far: Ints) -> Floats:
        """Return the logits to draw from."""
        return self.marking.logits(logits, so_far[:, -self.marking.scheme.width :].astype(np.uint32))


@dataclass(frozen=True, slots=True)
class Choosing:
    """Serves under a plan of canaries: the first word follows the plan where the prompt brings a choice out."""

    plan: Planted

    def __call__(self, logits: Floats, so_far: Ints) -> Floats:
        """Return the logits to draw from."""
        if so_far.shape[1] > PROMPT_TOKENS:
            return logits
        picked = self.plan.picked(so_far)[:, None]
        return np.where((picked < 0) | (np.arange(logits.shape[1]) == picked), logits, -np.inf)


@dataclass(frozen=True, slots=True)
class Noisy:
    """Serves with noise of a given size on every logit: the control of what is meant to spoil more than noise does."""

    size: float
    rng: np.random.Generator

    def __call__(self, logits: Floats, _so_far: Ints) -> Floats:
        """Return the logits to draw from."""
        return logits + self.size * self.rng.normal(size=logits.shape)


class Antidistillation:
    """Prefers tokens that, learned, would make a proxy student worse.

    Source: Savani et al., "Antidistillation sampling" (2025): the gain of a token is the difference of its
    log-probabilities under two proxies, one step up and one step down the gradient of the proxy's loss on held-out
    traces. We deviate: differences are standardised over the vocabulary, so that `strength` is in units of logits.
    """

    def __init__(self, proxy: Transformer, held_out: Lessons, *, strength: float) -> None:
        slope = _loss_gradient(proxy, held_out)
        self._up, self._down = (_Following(_stepped(proxy, slope, sign)) for sign in (+1, -1))
        self._strength = strength

    def __call__(self, logits: Floats, so_far: Ints) -> Floats:
        """Return the logits to draw from."""
        gain = self._up.log_probabilities(so_far) - self._down.log_probabilities(so_far)
        centred = gain - gain.mean(axis=1, keepdims=True)
        return logits + self._strength * centred / np.maximum(centred.std(axis=1, keepdims=True), 1e-12)


class ProductOfExperts:
    """Serves the product of teacher and proxy student, p_teacher^share p_proxy^(1 - share).

    What the teacher knows and the proxy does not is what a student would learn most from; the product holds it back.
    Source: Allouah et al., "The distillation game" (2026), whose defence needs no gradient; weights by our reading of
    its abstract and published configurations (shares of 0.65 to 0.7).
    """

    def __init__(self, proxy: Transformer, *, share: float) -> None:
        self._proxy = _Following(proxy)
        self._share = share

    def __call__(self, logits: Floats, so_far: Ints) -> Floats:
        """Return the logits to draw from."""
        return self._share * logits + (1 - self._share) * self._proxy.log_probabilities(so_far)


class _Following:
    """A model that reads along while another one speaks."""

    def __init__(self, model: Transformer) -> None:
        self._model = model.eval()
        self._read = 0
        self._caches: list[tuple[torch.Tensor, torch.Tensor]] | None = None

    @torch.no_grad()
    def log_probabilities(self, so_far: Ints) -> Floats:
        """Return float64[n, VOCABULARY] of the next token; each call has one token more, or begins a batch anew."""
        if so_far.shape[1] == PROMPT_TOKENS:
            self._read, self._caches = 0, None
        logits, self._caches = self._model.extended(torch.from_numpy(so_far[:, self._read :]), self._caches)
        self._read = so_far.shape[1]
        said: Floats = torch.log_softmax(logits[:, -1].double(), dim=-1).numpy()
        return said


def _loss_gradient(model: Transformer, lessons: Lessons) -> list[torch.Tensor]:
    """Return the gradient of a model's mean loss, by parameter."""
    model.zero_grad()
    mean_loss(model, lessons).backward()
    slopes = [torch.zeros_like(one) if one.grad is None else one.grad.clone() for one in model.parameters()]
    model.zero_grad()
    return slopes


@torch.no_grad()
def _stepped(model: Transformer, slope: list[torch.Tensor], sign: int) -> Transformer:
    """Return the model a small step up (+1) or down (-1) a gradient."""
    moved = Transformer(model.size)
    moved.load_state_dict(model.state_dict())
    weights = list(moved.parameters())
    long = torch.sqrt(torch.stack([one.square().sum() for one in weights]).sum())
    steep = torch.sqrt(torch.stack([one.square().sum() for one in slope]).sum())
    for weight, one in zip(weights, slope, strict=True):
        weight.add_(one, alpha=sign * _STEP * float(long / steep.clamp(min=1e-12)))
    return moved.eval()
