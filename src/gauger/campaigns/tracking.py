"""One finding keeps one identity across runs, pools and bans."""

import base64
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

SAME_ACCOUNTS = 0.3
SAME_SHINGLES = 0.5
#: Shingles of a finding's cores that are remembered, the smallest hashes: a bottom-k sample, comparable across runs.
SAMPLE = 512


@dataclass(frozen=True, slots=True)
class Known:
    """A finding of an earlier run."""

    finding_id: str
    accounts: frozenset[str]
    shingles: frozenset[int]


def sample(shingles: NDArray[np.int64]) -> frozenset[int]:
    """Return the bottom-k sample of a finding's shingles."""
    return frozenset(np.sort(shingles)[:SAMPLE].tolist())


def new_identity(accounts: Iterable[str], shingles: Iterable[int]) -> str:
    """Return "c-" and 12 base32 letters, made from what the finding is first seen with."""
    digest = hashlib.blake2b(digest_size=8, person=b"gauger-finding")
    for account in sorted(accounts):
        digest.update(account.encode() + b"\x00")
    for shingle in sorted(shingles):
        digest.update(shingle.to_bytes(8, "little", signed=True))
    return "c-" + base64.b32encode(digest.digest()).decode().lower()[:12]


def identify(accounts: frozenset[str], shingles: frozenset[int], known: Sequence[Known]) -> str | None:
    """Return the identity of the earlier finding that this one continues, or None.

    A template that goes on over other accounts is the same campaign (a second pool after a ban); so is the same set of
    accounts under another template. The best overlap wins; a tie goes to the smaller identity.
    """
    scored = [
        (max(jaccard(accounts, one.accounts) / SAME_ACCOUNTS, jaccard(shingles, one.shingles) / SAME_SHINGLES), one)
        for one in known
    ]
    alike = [(score, one.finding_id) for score, one in scored if score >= 1]
    return min(alike, key=lambda pair: (-pair[0], pair[1]))[1] if alike else None


def jaccard(left: frozenset[Any], right: frozenset[Any]) -> float:
    """Return the size of the intersection over that of the union; 0 for two empty sets."""
    union = len(left | right)
    return len(left & right) / union if union else 0.0
