"""One finding keeps one identity across runs, pools and bans."""

import base64
import hashlib
from collections.abc import Container, Iterable, Sequence
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


def new_identity(accounts: Iterable[str], shingles: Iterable[int], *, taken: Container[str] = ()) -> str:
    """Return "c-" and 12 base32 letters, made from what the finding is first seen with, and not among those taken."""
    digest = hashlib.blake2b(digest_size=8, person=b"gauger-finding")
    for account in sorted(accounts):
        digest.update(account.encode() + b"\x00")
    for shingle in sorted(shingles):
        digest.update(shingle.to_bytes(8, "little", signed=True))
    while (finding_id := "c-" + base64.b32encode(digest.digest()).decode().lower()[:12]) in taken:
        digest.update(b"again")
    return finding_id


def identify(accounts: frozenset[str], shingles: frozenset[int], known: Sequence[Known]) -> str | None:
    """Return the identity of the earlier finding that this one continues, or None.

    A template that goes on over other accounts is the same campaign (a second pool after a ban); so is the same set of
    accounts under another template. The best overlap wins; a tie goes to the smaller identity.
    """
    alike = []
    for one in known:
        by_accounts, by_shingles = jaccard(accounts, one.accounts), jaccard(shingles, one.shingles)
        if by_accounts >= SAME_ACCOUNTS or by_shingles >= SAME_SHINGLES:
            alike.append((-(by_accounts + by_shingles), one.finding_id))
    return min(alike)[1] if alike else None


def jaccard(left: frozenset[Any], right: frozenset[Any]) -> float:
    """Return the size of the intersection over that of the union; 0 for two empty sets."""
    union = len(left | right)
    return len(left & right) / union if union else 0.0
