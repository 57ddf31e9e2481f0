"""The language model of the lab: a small causal transformer in PyTorch, sampled with a cache of keys and values."""

from collections.abc import Callable, Iterator
from typing import Any, Final, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from gauger.lab.distil.cells import Size
from gauger.lab.distil.task import END, PAD, PROMPT_TOKENS, RESPONSE_TOKENS, VOCABULARY

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
#: Takes the logits (float64[n, VOCABULARY]) and all tokens so far (int64[n, t]); returns logits to draw from.
Serving = Callable[[Floats, Ints], Floats]

_LONGEST: Final = PROMPT_TOKENS + RESPONSE_TOKENS
_Cache = tuple[Tensor, Tensor]


class LanguageModel(Protocol):
    """What is trained and sampled: a module of PyTorch that reads the task's tokens."""

    def extended(self, tokens: Tensor, caches: Any) -> tuple[Tensor, Any]:
        """Return float32[n, t, VOCABULARY], logits behind int64[n, t] further tokens, and the caches with them.

        Parameters
        ----------
        tokens
            On the model's device.
        caches
            What the call before returned; None at the beginning.
        """

    def __call__(self, tokens: Tensor) -> Tensor:
        """Return the logits alone, from the beginning."""

    def eval(self) -> Any:
        """Make ready for sampling."""

    def train(self) -> Any:
        """Make ready for training."""

    def parameters(self) -> Iterator[Tensor]:
        """Return the weights."""


class Transformer(nn.Module):  # type: ignore[misc]
    """A causal transformer with learned positions and normalisation before each block (GPT-2's shape)."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.size = size
        self.tokens = nn.Embedding(VOCABULARY, size.width)
        self.positions = nn.Embedding(_LONGEST, size.width)
        self.blocks = nn.ModuleList(_Block(size) for _ in range(size.layers))
        self.norm = nn.LayerNorm(size.width)
        self.head = nn.Linear(size.width, VOCABULARY, bias=False)
        for embedding in (self.tokens, self.positions):
            # PyTorch's own start, spread 1, drowns what the layers say: three times the steps for the same loss.
            nn.init.normal_(embedding.weight, std=0.02)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return float32[n, t, VOCABULARY], logits of the token behind each of int64[n, t]."""
        return self.extended(tokens, None)[0]

    def extended(self, tokens: Tensor, caches: list[_Cache] | None) -> tuple[Tensor, list[_Cache]]:
        """Return the logits of further tokens behind those that are in the caches, and the caches with them."""
        start = 0 if caches is None else caches[0][0].shape[2]
        hidden = self.tokens(tokens) + self.positions(
            torch.arange(start, start + tokens.shape[1], device=tokens.device)
        )
        kept = []
        for number, block in enumerate(self.blocks):
            hidden, cache = block(hidden, None if caches is None else caches[number])
            kept.append(cache)
        return self.head(self.norm(hidden)), kept


class _Block(nn.Module):  # type: ignore[misc]
    def __init__(self, size: Size) -> None:
        super().__init__()
        self.heads = size.heads
        self.before, self.between = nn.LayerNorm(size.width), nn.LayerNorm(size.width)
        self.mixed = nn.Linear(size.width, 3 * size.width)
        self.out = nn.Linear(size.width, size.width)
        self.widened = nn.Linear(size.width, 4 * size.width)
        self.narrowed = nn.Linear(4 * size.width, size.width)

    def forward(self, hidden: Tensor, cache: _Cache | None) -> tuple[Tensor, _Cache]:
        n, t, width = hidden.shape
        mixed = self.mixed(self.before(hidden)).view(n, t, 3, self.heads, width // self.heads)
        query, key, value = mixed.permute(2, 0, 3, 1, 4)
        if cache is not None:
            key, value = torch.cat((cache[0], key), dim=2), torch.cat((cache[1], value), dim=2)
        seen = functional.scaled_dot_product_attention(query, key, value, is_causal=cache is None)
        hidden = hidden + self.out(seen.transpose(1, 2).reshape(n, t, width))
        return hidden + self.narrowed(functional.gelu(self.widened(self.between(hidden)))), (key, value)


def on_device_of(model: LanguageModel, array: NDArray[Any]) -> Tensor:
    """Return an array where the model is."""
    return torch.from_numpy(array).to(next(model.parameters()).device)


def plain(logits: Floats, _so_far: Ints) -> Floats:
    """Serve what the model says, at temperature 1."""
    return logits


def greedy(logits: Floats, _so_far: Ints) -> Floats:
    """Serve the likeliest token."""
    return np.where(logits == logits.max(axis=1, keepdims=True), 0.0, -np.inf)


@torch.no_grad()
def sampled(
    model: LanguageModel, prompts: Ints, rng: np.random.Generator, *, serving: Serving = plain, batch: int = 1_000
) -> Ints:
    """Return int64[n, RESPONSE_TOKENS], one response to each of int64[n, PROMPT_TOKENS], `PAD` behind its end."""
    model.eval()
    starts = range(0, len(prompts), batch)
    parts = [_sampled(model, prompts[start : start + batch], rng, serving) for start in starts]
    return np.concatenate([np.empty((0, RESPONSE_TOKENS), np.int64), *parts])


def _sampled(model: LanguageModel, prompts: Ints, rng: np.random.Generator, serving: Serving) -> Ints:
    text, given, caches = prompts, on_device_of(model, prompts), None
    ended = np.zeros(len(prompts), np.bool_)
    for _ in range(RESPONSE_TOKENS):
        logits, caches = model.extended(given, caches)
        served = serving(logits[:, -1].cpu().double().numpy(), text)
        # The largest of logits plus Gumbel noise is a draw from their distribution.
        token = np.where(ended, PAD, (served + rng.gumbel(size=served.shape)).argmax(axis=1))
        ended |= token == END
        text = np.hstack([text, token[:, None]])
        given = on_device_of(model, token[:, None])
    return text[:, prompts.shape[1] :]


@torch.no_grad()
def probabilities(model: LanguageModel, prompts: Ints, responses: Ints, *, batch: int = 1_000) -> Floats:
    """Return float64[n, t, VOCABULARY], what the model gives each token at each place of int64[n, t] responses."""
    model.eval()
    text = np.hstack([prompts, responses[:, :-1]])
    parts = []
    for start in range(0, len(text), batch):
        logits = model(on_device_of(model, text[start : start + batch]))[:, prompts.shape[1] - 1 :]
        parts.append(torch.softmax(logits.cpu().double(), dim=-1).numpy())
    return np.concatenate(parts)
