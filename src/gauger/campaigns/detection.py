"""The procedure that is run alike on every window, history or tested: content alone chooses the candidates."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gauger.campaigns.candidates import Candidate, group_cores, kinds, without_repeats
from gauger.campaigns.windows import Window
from gauger.evidence.items import Items
from gauger.evidence.mining import Core, Postings, mine_cores
from gauger.evidence.personhood import Personhood, is_cleared, personhood
from gauger.settings import CoreSettings

Codes = NDArray[np.int32]
Ints = NDArray[np.int64]

#: Candidates per path that are put to the personhood test, the strongest first.
MAX_GATED = 40
#: Draws of the personhood test.
GATE_PERMUTATIONS = 999


@dataclass(frozen=True, slots=True)
class SharedText:
    """The shared shingles of one part of the exchanges in a window.

    Attributes
    ----------
    part
        "user_prompt", "system_prompt" or "tool_schema".
    postings
        For user turns an item is a window item; for the other parts an item is a (part, principal) use.
    n_before
        int64[k], principals that held each shingle in the look-back; beyond those that novelty allows, two or more.
    use_part
        int64[n_uses], the part of each use; None for user turns.
    """

    part: str
    postings: Postings
    n_before: Ints
    use_part: Ints | None = None


@dataclass(frozen=True, slots=True)
class WindowData:
    """What the engine fetched of one window.

    Attributes
    ----------
    window
        The stretch and its look-back.
    items
        Its items.
    texts
        The shared shingles of user turns, system prompts and tool schemas.
    networks
        Pseudonym of the network that each item came from, row for row; null where it is unknown.
    """

    window: Window
    items: Items
    texts: tuple[SharedText, ...]
    networks: pa.ChunkedArray

    @property
    def n_principals(self) -> int:
        """Principals active in the window."""
        return len(np.unique(self.items.principal))


@dataclass(frozen=True, slots=True)
class Gated:
    """A candidate with its personhood tests, near-repeats removed and kept."""

    candidate: Candidate
    removed: Personhood
    kept: Personhood


def _items_of_uses(cores: Sequence[Core], use_part: Ints, column: Ints) -> list[Core]:
    """Return cores of uses as cores of window items, of which `column` says the part."""
    order = np.argsort(column, kind="stable").astype(np.int32)
    parts = column[order]
    found = []
    for core in cores:
        used = np.unique(use_part[core.items])
        bounds = zip(np.searchsorted(parts, used).tolist(), np.searchsorted(parts, used, "right").tolist(), strict=True)
        items = np.concatenate([order[begin:end] for begin, end in bounds])
        found.append(Core(part=core.part, shingles=core.shingles, items=np.sort(items)))
    return found


def _cores(data: WindowData, settings: CoreSettings, *, novel: bool) -> list[Core]:
    cores: list[Core] = []
    for text in data.texts:
        found = mine_cores(
            text.postings,
            text.n_before <= settings.max_look_back_principals if novel else None,
            part=text.part,
            min_shingles=settings.min_shingles,
            min_principals=settings.min_principals,
            jaccard=settings.jaccard,
        )
        if text.use_part is not None:
            column = data.items.system_part if text.part == "system_prompt" else data.items.tool_part
            found = _items_of_uses(found, text.use_part, column)
        cores += found
    return cores


def candidates(data: WindowData, settings: CoreSettings, *, path: str) -> list[Candidate]:
    """Return the candidates of one path ("novel" or "cold"), the strongest first."""
    cores = _cores(data, settings, novel=path == "novel")
    return group_cores(cores, data.items, path=path, n_principals=data.n_principals)


def gate(found: Sequence[Candidate], items: Items, *, seed: int) -> list[Gated]:
    """Return the strongest candidates with their personhood tests."""
    gated = []
    for candidate in found[:MAX_GATED]:
        removed, kept = personhood(
            items.take(candidate.items),
            kinds(candidate, items),
            permutations=GATE_PERMUTATIONS,
            rng=_chance(candidate, seed),
        )
        gated.append(Gated(candidate=candidate, removed=removed, kept=kept))
    return gated


def _chance(candidate: Candidate, seed: int) -> np.random.Generator:
    """Return the chance behind a candidate's personhood test."""
    return np.random.default_rng([seed, 1, int(candidate.items[0]), len(candidate.items)])


def novel_candidates(data: WindowData, settings: CoreSettings, *, seed: int) -> list[Candidate]:
    """Return a window's uncleared candidates on the novelty path, the strongest first: those that `gate` leaves."""
    items = data.items
    return [
        one
        for one in candidates(data, settings, path="novel")[:MAX_GATED]
        if not is_cleared(
            items.take(one.items), kinds(one, items), permutations=GATE_PERMUTATIONS, rng=_chance(one, seed)
        )
    ]


def novel_scores(data: WindowData, settings: CoreSettings, *, seed: int) -> list[float]:
    """Return the scores of a history window's uncleared candidates on the novelty path, the largest first."""
    return [one.strength.score for one in novel_candidates(data, settings, seed=seed)]


def both_paths(data: WindowData, settings: CoreSettings, *, seed: int) -> list[Gated]:
    """Return the tested window's candidates of the novelty path, then of the cold-start path, without repeats.

    A novel candidate too weak to be gated stands in no cold one's way.
    """
    for text in data.texts:
        _ = text.postings.standing  # made once, before both want it
    with ThreadPoolExecutor(2) as pool:  # the kernels let go of the interpreter, and so do numpy's sorts
        novel, cold = pool.map(lambda path: candidates(data, settings, path=path), ("novel", "cold"))
    novel = novel[:MAX_GATED]
    cold = without_repeats(novel, cold)
    return gate(novel, data.items, seed=seed) + gate(cold, data.items, seed=seed)
