"""Teachers, marked teachers and students as random bigram models: text whose truth is known."""

import numpy as np

from gauger.proof.cells import Answer, Cells, Reference
from gauger.proof.philox import totals

EMPTY = np.empty(0, np.int64)


def bigram(rng, n_tokens: int, temperature: float = 1.5) -> np.ndarray:
    """float64[v, v]: the distribution of the next token, by the last."""
    raised = np.exp(temperature * rng.normal(size=(n_tokens, n_tokens)))
    return raised / raised.sum(axis=1, keepdims=True)


def all_pairs(n_tokens: int) -> tuple[np.ndarray, np.ndarray]:
    """Every (context of one token, token)."""
    tokens = np.arange(n_tokens, dtype=np.uint32)
    return np.repeat(tokens, n_tokens)[:, None], np.tile(tokens, n_tokens)


def marked(model, scheme, key, delta=2.0) -> np.ndarray:
    """The model with green tokens (or, for other schemes, high scores) made likelier. Contexts of one token."""
    scores = scheme.scores(key, *all_pairs(len(model))).reshape(model.shape)
    raised = model * np.exp(delta * (scores - scheme.mean) / scheme.sd / 2)
    return raised / raised.sum(axis=1, keepdims=True)


def gumbel_marked(model, scheme, key) -> np.ndarray:
    """The model as keyed Gumbel-max makes it: one token for each context, for a context has one vector of u."""
    u = scheme.uniforms(key, *all_pairs(len(model))).reshape(model.shape)
    out = np.zeros_like(model)
    out[np.arange(len(model)), (np.log(u) / model).argmax(axis=1)] = 1
    return out


def sample(rng, model, n: int, length: int = 21) -> np.ndarray:
    """int64[n, length], texts."""
    steps = model.cumsum(axis=1)
    text = [rng.integers(0, len(model), n)]
    for _ in range(length - 1):
        text.append(np.minimum((steps[text[-1]] < rng.random(n)[:, None]).sum(axis=1), len(model) - 1))
    return np.stack(text, axis=1)


def trained(texts, prior, strength=20.0) -> np.ndarray:
    """A student: the counts of what it saw, on top of a language of its own."""
    counts = prior * strength
    np.add.at(counts, (texts[:, :-1].ravel(), texts[:, 1:].ravel()), 1)
    return counts / counts.sum(axis=1, keepdims=True)


def as_answers(texts, teacher=None) -> list[Answer]:
    return [Answer(text, EMPTY, None if teacher is None else _reference(text, teacher)) for text in texts]


def _reference(text, teacher) -> Reference:
    n_tokens, n = len(teacher), len(text)
    offsets = np.concatenate(([0], np.arange(n) * n_tokens)).astype(np.int64)
    return Reference(offsets, np.tile(np.arange(n_tokens), n - 1), teacher[text[:-1]].ravel())


def templated(rng, n: int) -> np.ndarray:
    """int64[n, 30]: one fixed template with three slots of few fills, as customer service writes."""
    texts = np.tile(rng.integers(0, 40, 30), (n, 1))
    texts[:, [5, 14, 23]] = rng.integers(0, 4, (n, 3))
    return texts


def random_keys(rng, n: int, n_words: int = 1) -> np.ndarray:
    return rng.integers(0, 2**64, (n, n_words), np.uint64)


def philox_totals(cells: Cells, keys, kind: int, threshold) -> np.ndarray:
    return totals(keys, cells.contexts, cells.offsets, cells.tokens, cells.weights, kind, np.uint64(threshold))
