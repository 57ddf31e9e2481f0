"""Candidates: groups of accounts before calibration, and how strongly their content speaks.

Every core is a candidate by itself. Cores that stand on the same items, or on the same principals far beyond chance,
are one candidate: a campaign that rotates its wrapper leaves a core per sentence. Groups grow from the strongest core
and a core joins only by its overlap with the whole group, so there is no chaining.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import hypergeom

from gauger.evidence.items import Items
from gauger.evidence.mining import Core

Codes = NDArray[np.int32]

#: A core joins a group when this share of its items, or of its principals beyond chance, is in the group.
JOIN_SHARE = 0.5
JOIN_P_VALUE = 1e-4
#: Most cores of one window that are grouped, the strongest first: bounds the pairwise work.
MAX_CORES = 2_000


@dataclass(frozen=True, slots=True)
class Strength:
    """How strongly the content of a group speaks.

    Attributes
    ----------
    score
        `unique_share`^2 x sum over principals of log2(1 + fills that no other principal has).
    unique_share
        Share of the items whose fill stands with one principal only: about 0 for a viral prompt, 1 for a dealt list.
    repeat_share
        Share of the items that repeat a fill of the same principal: persons retry, a work queue never does.
    n_principals
        Distinct principals.
    """

    score: float
    unique_share: float
    repeat_share: float
    n_principals: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """A group found by content alone.

    Attributes
    ----------
    path
        "novel": its shingles were absent from the look-back. "cold": found without looking back.
    cores
        The cores that were grouped, the strongest first.
    items
        int32[n], ascending rows of the window's items.
    """

    path: str
    cores: tuple[Core, ...]
    items: Codes
    strength: Strength

    @property
    def shingles(self) -> NDArray[np.int64]:
        """Sorted distinct shingles of all cores, of every part."""
        return np.unique(np.concatenate([core.shingles for core in self.cores]))


def strength(items: Items) -> Strength:
    """Return the strength of a group of items."""
    _, fill = np.unique(items.turn, axis=0, return_inverse=True)
    fill = fill.ravel().astype(np.int64)
    pair, pair_count = np.unique(fill * (np.int64(items.principal.max()) + 1) + items.principal, return_counts=True)
    fill_of_pair, principal_of_pair = np.divmod(pair, np.int64(items.principal.max()) + 1)
    holders = np.bincount(fill_of_pair)
    alone = holders[fill_of_pair] == 1
    fills_per_principal = np.bincount(principal_of_pair[alone])
    unique_share = float(pair_count[alone].sum() / len(items))
    score = unique_share**2 * float(np.log2(1 + fills_per_principal).sum())
    return Strength(
        score=score,
        unique_share=unique_share,
        repeat_share=float((pair_count - 1).sum() / len(items)),
        n_principals=len(np.unique(items.principal)),
    )


def group_cores(cores: Sequence[Core], items: Items, *, path: str, n_principals: int) -> list[Candidate]:
    """Return candidates, the strongest first.

    Parameters
    ----------
    cores
        Cores of one window and one path.
    items
        The window's items.
    path
        "novel" or "cold".
    n_principals
        Principals active in the window: the population for the overlap test.
    """
    ranked = sorted(cores, key=lambda core: (-strength(items.take(core.items)).score, core.items.tolist()))[:MAX_CORES]
    item_sets = [set(core.items.tolist()) for core in ranked]
    principal_sets = [set(items.principal[core.items].tolist()) for core in ranked]
    free = list(range(len(ranked)))
    candidates = []
    while free:
        group = [free.pop(0)]
        held_items, held_principals = set(item_sets[group[0]]), set(principal_sets[group[0]])
        grew = True
        while grew:
            joining = [
                index
                for index in free
                if _belongs(item_sets[index], principal_sets[index], held_items, held_principals, n_principals)
            ]
            grew = bool(joining)
            for index in joining:
                free.remove(index)
                group.append(index)
                held_items |= item_sets[index]
                held_principals |= principal_sets[index]
        rows = np.array(sorted(held_items), dtype=np.int32)
        candidates.append(
            Candidate(
                path=path,
                cores=tuple(ranked[index] for index in group),
                items=rows,
                strength=strength(items.take(rows)),
            )
        )
    return sorted(candidates, key=lambda candidate: (-candidate.strength.score, candidate.items.tolist()))


def _belongs(
    item_set: set[int], principal_set: set[int], held_items: set[int], held_principals: set[int], n_principals: int
) -> bool:
    if len(item_set & held_items) >= JOIN_SHARE * len(item_set):
        return True
    shared = len(principal_set & held_principals)
    if shared < JOIN_SHARE * len(principal_set):
        return False
    tail = hypergeom.sf(shared - 1, n_principals, len(held_principals), len(principal_set))
    return bool(tail <= JOIN_P_VALUE)


def without_repeats(novel: Sequence[Candidate], cold: Sequence[Candidate]) -> list[Candidate]:
    """Return the cold candidates that no novel candidate already holds: less than half of their items in any."""
    if not novel:
        return list(cold)
    return [
        candidate
        for candidate in cold
        if not any(
            len(np.intersect1d(candidate.items, other.items)) >= JOIN_SHARE * min(len(candidate.items), len(other.items))
            for other in novel
        )
    ]
