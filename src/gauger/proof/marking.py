"""The other side of a scheme: what a server does to its logits so that text carries a key. Pure numpy.

It stands beside the scores because both must agree on every bit; no serving engine is meant to call it for speed
(engines that mark by themselves are in docs/how-to/prove.md).
"""

from dataclasses import dataclass, field
from typing import Annotated, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from gauger.errors import InputError, SettingsError, UsageError
from gauger.proof.keys import Terms, key_words
from gauger.proof.schemes import Gumbel, Kgw, Scheme

Keys = NDArray[np.uint64]
Words = NDArray[np.uint32]
Floats = NDArray[np.float64]

#: What green tokens gain (kgw): with half of the tokens green, their odds grow by e^2.
DELTA: Final = 2.0


@dataclass(frozen=True, slots=True)
class Marking:
    """A key at work.

    Attributes
    ----------
    scheme
        kgw or gumbel.
    key
        uint64[n_words], the secret.
    delta
        What a green token's logit gains; kgw alone.
    """

    scheme: Scheme
    key: Keys = field(repr=False)
    delta: float = DELTA

    def __post_init__(self) -> None:
        if not isinstance(self.scheme, Kgw | Gumbel):
            raise UsageError(
                f"{self.scheme.name} is not applied here",
                where="--scheme",
                todo="use kgw or gumbel; Transformers applies synthid by itself",
            )
        if not self.delta > 0:
            raise SettingsError(f"delta is {self.delta}", where="delta", todo="give a positive number, such as 2")

    def logits(self, logits: Floats, contexts: Words) -> Floats:
        """Return float64[n, v], the logits to draw from after these contexts.

        Parameters
        ----------
        logits
            float64[n, v], what the model says at the temperature it is served at, -inf for what may not be said.
        contexts
            uint32[n, width], the tokens before, oldest first.
        """
        n, size = logits.shape
        rows = np.repeat(np.ascontiguousarray(contexts, np.uint32), size, axis=0)
        tokens = np.tile(np.arange(size, dtype=np.uint32), n)
        if isinstance(self.scheme, Kgw):
            return logits + self.delta * self.scheme.scores(self.key, rows, tokens).reshape(n, size)
        return _chosen(logits, self._uniforms(rows, tokens).reshape(n, size))

    def _uniforms(self, rows: Words, tokens: Words) -> Floats:
        assert isinstance(self.scheme, Gumbel)  # noqa: S101 (told to the type checker: it was checked)
        return self.scheme.uniforms(self.key, rows, tokens)


def marking(key: bytes, terms: Terms, *, delta: float = DELTA) -> Marking:
    """Return a campaign's key at work, of the 32 bytes that the vault keeps.

    Raises
    ------
    UsageError
        The scheme is one that others apply.
    """
    scheme = terms.watermark()
    return Marking(scheme, key_words(key, scheme.n_words), delta)


class _Exported(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `gauger keys export` writes for gumbel and kgw (`gauger.proof.keys.served_configuration`)."""

    algorithm: str
    key: Annotated[int, msgspec.Meta(ge=0)]
    context_width: Annotated[int, msgspec.Meta(ge=1)]
    gamma: float | None = None


def exported_marking(content: bytes, *, delta: float = DELTA) -> Marking:
    """Return a campaign's key at work, of the file that `gauger keys export` wrote.

    Raises
    ------
    UsageError
        The scheme is one that others apply.
    InputError
        This is no such file.
    """
    try:
        read = msgspec.json.decode(content, type=_Exported)
        key = np.array([read.key], np.uint64)
    except (msgspec.DecodeError, UnicodeDecodeError, OverflowError, RecursionError) as error:
        raise InputError("this is no key of kgw or gumbel", todo="give what `gauger keys export` wrote") from error
    terms = Terms(scheme=read.algorithm, context=read.context_width, gamma=read.gamma)
    return Marking(terms.watermark(), key, delta)


def _chosen(logits: Floats, uniforms: Floats) -> Floats:
    """Return 0 for the token with the largest log(u)/p and -inf for all others."""
    # log(u)/p is largest where log p - log(-log u) is, which needs no normalisation and survives p = 0.
    best = (logits - np.log(-np.log(uniforms))).argmax(axis=1)
    out = np.full(logits.shape, -np.inf)
    out[np.arange(len(logits)), best] = 0.0
    return out
