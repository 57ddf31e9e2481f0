"""Watermark keys: one for each campaign and rotation, derived from one root, and what is committed to before use."""

import hashlib
import re
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from gauger.errors import UsageError
from gauger.exchanges.pseudonyms import derive_key
from gauger.proof.bounds import Count
from gauger.proof.schemes import ADVISED_WIDTH, Gumbel, Kgw, Scheme, SynthId

Keys = NDArray[np.uint64]

KEY_BYTES: Final = 32
CANARY: Final = "canary"
_CAMPAIGN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_COMMITMENT: Final = b"gauger/watermark-commitment/1\n"


class Terms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=False):
    """How a key is used: scheme, context, and the share of green tokens (kgw alone).

    A key of scheme "canary" picks options instead of tokens: its context is 0, and `catalogue` is the hash of what it
    picks from. Elsewhere there is no such field, so that older lines of the log stay what was signed.
    """

    scheme: str
    context: Count
    gamma: float | None = None
    catalogue: str | msgspec.UnsetType = msgspec.UNSET

    def watermark(self) -> Scheme:
        """Return the scheme.

        Raises
        ------
        UsageError
            There is none of that name, or gamma is given to one that has none.
        """
        if self.scheme == "kgw":
            return Kgw(self.context, 0.5 if self.gamma is None else self.gamma)
        if self.gamma is not None:
            raise UsageError(f"{self.scheme} has no share of green tokens", where="--gamma", todo="leave it out")
        if self.scheme == "gumbel":
            return Gumbel(self.context)
        if self.scheme == "synthid":
            return SynthId(self.context)
        raise UsageError(f"there is no scheme {self.scheme!r}", where="--scheme", todo="give kgw, gumbel or synthid")

    @property
    def is_canary(self) -> bool:
        """Whether the key picks among free choices and marks no tokens."""
        return self.scheme == CANARY

    @property
    def leaves_a_trace(self) -> bool:
        """Whether a student is likely to learn the mark; with a wide context it is not."""
        return self.context <= ADVISED_WIDTH


def campaign_key(root: bytes, campaign: str, rotation: int) -> bytes:
    """Return the 32 bytes of one rotation of a campaign's key: HKDF-SHA-256 of the root (RFC 5869).

    Showing it opens this one commitment and says nothing of other keys.

    Raises
    ------
    UsageError
        The name is no name.
    """
    check_campaign(campaign)
    return derive_key(root, f"watermark/{campaign}/{rotation}", length=KEY_BYTES)


def key_words(key: bytes, n_words: int) -> Keys:
    """Return uint64[n_words], the key as a scheme takes it; the first word is the integer that vLLM is given."""
    return np.frombuffer(derive_key(key, "watermark-words", length=8 * n_words), "<u8").astype(np.uint64)


def served_configuration(key: bytes, terms: Terms) -> dict[str, object]:
    """Return what a server is given: vLLM's `--watermark-config` for gumbel, the scheme's own numbers otherwise.

    It holds the key.
    """
    words = [int(word) for word in key_words(key, terms.watermark().n_words)]
    if terms.scheme == "synthid":
        # For Transformers' `SynthIDTextWatermarkingConfig(**...)`, whose integers have a sign; the lowest bits count.
        return {"ngram_len": terms.context + 1, "keys": [word & (2**63 - 1) for word in words]}
    configuration: dict[str, object] = {"algorithm": terms.scheme, "key": words[0], "context_width": terms.context}
    return configuration if terms.gamma is None else {**configuration, "gamma": terms.gamma}


def commitment(key: bytes, campaign: str, rotation: int, terms: Terms) -> str:
    """Return what binds to a key and its terms without showing it: SHA-256, 64 hexadecimal digits.

    The key has 256 bits that nobody can guess, so the hash needs no salt to hide it.
    """
    named = {"campaign": campaign, "rotation": rotation, "terms": msgspec.to_builtins(terms)}
    return hashlib.sha256(_COMMITMENT + msgspec.json.encode(named, order="sorted") + b"\n" + key).hexdigest()


def check_campaign(campaign: str) -> None:
    """Refuse names that could not stand in a log, a file name or a sentence.

    Raises
    ------
    UsageError
        It is not 1 to 64 letters, digits, dots, hyphens or underscores, the first a letter or digit.
    """
    if not _CAMPAIGN.fullmatch(campaign):
        raise UsageError(
            f"{campaign!r} is no name of a campaign",
            where="--campaign",
            todo="use 1 to 64 letters, digits, dots, hyphens and underscores, such as C-17 or a finding's id",
        )
