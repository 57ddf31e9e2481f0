"""Candidates: groups of accounts before calibration, and how strongly their content speaks.

Every core is a candidate by itself. Cores that stand together on items, or on the same principals, far beyond chance
are one candidate: a campaign that rotates its wrapper leaves a core per sentence. Groups grow from the strongest core,
and a core joins by its overlap with the whole group, so strangers are not chained together.

An exchange may stand in two candidates: they are hypotheses, each tested by itself, and Holm's correction holds however
they depend on each other. Were it given to the strongest alone, a phrase that everybody uses would take a campaign's
exchanges with it when persons are found behind the phrase.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numba as nb
import numpy as np
from numpy.typing import NDArray
from scipy.stats import hypergeom

from gauger.evidence.items import Items
from gauger.evidence.mining import Core, distinct

Codes = NDArray[np.int32]

#: A core nests in a group when this share of its items is in the group.
NESTED_SHARE = 0.5
#: Tail probability below which a core and a group stand together on items (hypergeometric, in at least three items) ...
ITEM_P_VALUE = 1e-5
MIN_ITEMS_TOGETHER = 3
#: ... or on principals, when they also make up these shares of the core's and of the group's principals.
PRINCIPAL_P_VALUE = 1e-6
PRINCIPAL_SHARE_OF_CORE = 0.6
PRINCIPAL_SHARE_OF_GROUP = 0.25
#: A core whose items hold another core of the group at this share belongs to it with all its items.
TIGHT_SHARE = 0.8
#: Below this share of principals with a fill of their own a core has no list behind it: it is one text that many sent.
MIN_OWNING_SHARE = 0.5
#: A list of which every item is sent several times leaves most of its repeated fills with the same number of
#: principals, and that number is at most this share of the group's.
ROLLOUT_SHARE_OF_FILLS = 0.5
ROLLOUT_SHARE_OF_PRINCIPALS = 0.25
#: A group's first core is a turn of phrase to a core so many times longer that stands on so many times fewer items.
PHRASE_TIMES_SHORTER = 1.5
PHRASE_TIMES_COMMONER = 3
#: A core divides a group's principals into kinds when nearly all of them send it nearly always or seldom, and several
#: do either: those who try wordings, and those who use the one that worked. Of a few items that would be chance.
ALWAYS, SELDOM = 0.8, 0.3
MIN_SENT = 4
CLEAN_SHARE = 0.9
MIN_OF_KIND = 4
#: Most cores of one window that are grouped, the strongest first: bounds the pairwise work.
MAX_CORES = 2_000


@dataclass(frozen=True, slots=True)
class Strength:
    """How strongly the content of a group speaks.

    Attributes
    ----------
    score
        `owning_share`^2 x `n_held` / (`n_held` + 8) x sum over principals of log2(1 + own fills).
    rollouts
        How often a dealt list's items were sent: 1, or the number of principals that most repeated fills stand with.
        A fill is a principal's own when it stands with no other, or with `rollouts` of them, of whom each has a part.
    alone_share
        Share of the items that did not fail whose fill stands with one principal only: about 0 for a viral prompt, 1
        for a dealt list; what a verdict may rest on. A failed request took nothing, and may be another's later. Suites
        of which each account runs a part leave fills with few principals too, so `rollouts` ranks and excludes nothing.
    owning_share
        Share of the principals with at least one own fill. Unlike a share of the items, common decoys do not lower it.
    repeat_share
        Share of the items that repeat a fill of the same principal: persons retry, a work queue never does.
    n_held
        Shingles of the group's cores on an item, on average: a turn of phrase has about 5, a wrapper 15 or more.
    n_principals
        Distinct principals.
    """

    score: float
    rollouts: int
    alone_share: float
    owning_share: float
    repeat_share: float
    n_held: float
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


#: Shingles at which half of the score is reached: common turns of phrase are shorter, wrappers longer.
HALF_HELD = 8


@dataclass(frozen=True, slots=True)
class Sent:
    """Who sent which fill, and whether it failed: what of items makes a group strong.

    Attributes
    ----------
    principal
        int32[n].
    fill
        int64[n], codes of the keyed hashes, in their order.
    failed
        bool[n].
    """

    principal: Codes
    fill: NDArray[np.int64]
    failed: NDArray[np.bool_]

    @classmethod
    def of(cls, items: Items) -> "Sent":
        """Return what was sent with these items."""
        return cls(items.principal, items.fill, items.failed)

    def take(self, rows: Codes) -> "Sent":
        """Return the given rows."""
        return Sent(self.principal[rows], self.fill[rows], self.failed[rows])


def strength(sent: Sent, *, n_held: float) -> Strength:
    """Return the strength of a group whose items hold `n_held` shingles of its cores on average."""
    order = np.argsort(sent.fill * (int(sent.principal.max()) + 1) + sent.principal)
    counted = _counted(order, sent.fill, sent.principal, sent.failed)
    parts, n_owning, rollouts, n_pairs, n_answered, n_alone = counted
    owning_share = n_owning / len(parts)
    return Strength(
        score=owning_share**2 * n_held / (n_held + HALF_HELD) * float(np.log2(1 + parts).sum()),
        rollouts=rollouts,
        alone_share=n_alone / max(n_answered, 1),
        owning_share=owning_share,
        repeat_share=(len(sent.fill) - n_pairs) / len(sent.fill),
        n_held=n_held,
        n_principals=len(parts),
    )


@nb.njit(cache=True, nogil=True)
def _counted(order, fill, principal, failed):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
    """Count who owns what: of each principal its parts of own fills, then what `strength` is made of.

    `order` brings the items of one fill together, and of one principal in it.
    """
    # Pairs of a fill and a principal, those of one fill together.
    fill_of_pair = np.empty(len(order), np.int64)
    principal_of_pair = np.empty(len(order), principal.dtype)
    answered = np.zeros(len(order), np.int64)
    holders = np.zeros(len(order), np.int64)
    answering = np.zeros(len(order), np.int64)
    n_pairs = n_fills = 0
    for k in range(len(order)):
        row, last = order[k], order[max(k - 1, 0)]
        is_fill = k == 0 or fill[row] != fill[last]
        n_fills += is_fill
        if is_fill or principal[row] != principal[last]:
            fill_of_pair[n_pairs], principal_of_pair[n_pairs] = n_fills - 1, principal[row]
            holders[n_fills - 1] += 1
            n_pairs += 1
        if not failed[row]:
            answering[n_fills - 1] += answered[n_pairs - 1] == 0
            answered[n_pairs - 1] += 1
    size = principal.max() + 1
    parts, sends, owns = np.zeros(size), np.zeros(size, np.bool_), np.zeros(size, np.bool_)
    sends[principal_of_pair[:n_pairs]] = True
    rollouts = _rollouts(holders[:n_fills], sends.sum())
    n_alone = 0
    for k in range(n_pairs):
        held_by, owner = holders[fill_of_pair[k]], principal_of_pair[k]
        if held_by == 1 or held_by == rollouts:
            parts[owner] += 1 / held_by
            owns[owner] = True
        if answering[fill_of_pair[k]] == 1:
            n_alone += answered[k]
    return parts[sends], owns.sum(), rollouts, n_pairs, answered.sum(), n_alone


@nb.njit(cache=True, nogil=True)
def _rollouts(holders, n_principals):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
    """How often a dealt list's items were sent, from the number of principals that each fill stands with.

    Where chance decides who sends what, as with suites that each runs a large part of, the numbers are spread out; of
    small parts most repeated items stand with two.
    """
    repeated = holders[holders > 1]
    if len(repeated) == 0:
        return 1
    n_of = np.bincount(repeated)
    times = int(n_of.argmax())
    is_dealt = n_of[times] / len(repeated) >= ROLLOUT_SHARE_OF_FILLS
    return times if is_dealt and times <= ROLLOUT_SHARE_OF_PRINCIPALS * n_principals else 1


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
    sent = Sent.of(items)
    rated = [(strength(sent.take(core.items), n_held=len(core.shingles)), core) for core in cores]
    dealt = [(one, core) for one, core in rated if one.owning_share >= MIN_OWNING_SHARE]
    ranked = [core for _, core in sorted(dealt, key=lambda pair: (-pair[0].score, *_place(pair[1])))][:MAX_CORES]
    candidates = []
    for group in _groups([_Footing.of(core, items) for core in ranked], len(items), n_principals):
        rows = _rows(group, n_items=len(items))
        candidates.append(
            Candidate(
                path=path,
                cores=tuple(one.core for one in group),
                items=rows,
                strength=strength(sent.take(rows), n_held=_mean_held(group, rows)),
            )
        )
    kept = [one for one in candidates if one.strength.owning_share >= MIN_OWNING_SHARE]
    return sorted(kept, key=lambda candidate: (-candidate.strength.score, _in_order(candidate.items)))


def _place(core: Core) -> tuple[bytes, str, bytes]:
    """Return what puts cores of one strength in order: no two cores of a window are alike in all of it."""
    return _in_order(core.items), core.part, _in_order(core.shingles)


def _in_order(numbers: NDArray[np.integer]) -> bytes:
    """Return bytes that compare as the numbers do, one after the other, where none is negative."""
    return numbers.astype(numbers.dtype.newbyteorder(">")).tobytes()


@dataclass(frozen=True, slots=True, eq=False)
class _Footing:
    """A core and what it stands on: distinct codes, ascending."""

    core: Core
    items: Codes
    principals: Codes

    @classmethod
    def of(cls, core: Core, items: Items) -> "_Footing":
        return cls(core, core.items, distinct(items.principal[core.items]))


def _groups(footings: Sequence[_Footing], n_items: int, n_principals: int) -> Iterator[list[_Footing]]:
    """Yield the cores by group: the first that is free and, in rounds, all that belong with what it holds by then."""
    n_shingles = np.array([len(one.core.shingles) for one in footings])
    by_item = _Standing.of([one.items for one in footings])
    by_principal = _Standing.of([one.principals for one in footings])
    free = np.ones(len(footings), np.bool_)
    while free.any():
        first = int(free.argmax())
        joining = np.array([first])
        items, principals = _Held(by_item), _Held(by_principal)
        group: list[_Footing] = []
        others = ~_are_turns_of_phrase(n_shingles, by_item.n_codes, first=first)
        while len(joining):
            free[joining] = False
            new = [footings[one] for one in joining]
            items.add([one.items for one in new])
            principals.add([one.principals for one in new])
            group += new
            joining = np.flatnonzero(free & others)
            joining = joining[_belong(joining, items, principals, n_items=n_items, n_principals=n_principals)]
        yield group


@dataclass(frozen=True, slots=True, eq=False)
class _Standing:
    """Which cores stand on each code, an item or a principal: of code k, `core[start[k] : start[k + 1]]`.

    Attributes
    ----------
    start
        int64[n_codes + 1].
    core
        int32, places of cores.
    n_codes
        int64[n_cores], how many codes each core stands on.
    """

    start: NDArray[np.int64]
    core: Codes
    n_codes: NDArray[np.int64]

    @classmethod
    def of(cls, codes_of_cores: Sequence[Codes]) -> "_Standing":
        n_codes = np.array([len(codes) for codes in codes_of_cores], np.int64)
        codes = np.concatenate([np.empty(0, np.int32), *codes_of_cores])
        core = np.repeat(np.arange(len(n_codes), dtype=np.int32), n_codes)
        start = np.concatenate([[0], np.cumsum(np.bincount(codes))])
        return cls(start, core[np.argsort(codes, kind="stable")], n_codes)

    def count(self, codes: Codes) -> NDArray[np.int64]:
        """Return int64[n_cores], on how many of these distinct codes each core stands."""
        sizes = self.start[codes + 1] - self.start[codes]
        places = np.arange(sizes.sum()) + np.repeat(self.start[codes] - (np.cumsum(sizes) - sizes), sizes)
        return np.bincount(self.core[places], minlength=len(self.n_codes))


class _Held:
    """What a group stands on, items or principals, kept as the group grows.

    Only what a core brings in anew is looked up: grouping costs what the cores hold, not all pairs of cores.

    Attributes
    ----------
    standing
        Of all cores.
    size
        Codes the group stands on.
    common
        int64[n_cores], on how many of them each core stands.
    """

    def __init__(self, standing: _Standing) -> None:
        self.standing = standing
        self.size = 0
        self.common = np.zeros(len(standing.n_codes), np.int64)
        self._is_held = np.zeros(len(standing.start) - 1, np.bool_)

    def add(self, codes_of_cores: Sequence[Codes]) -> None:
        """Let the group stand on these too."""
        codes = distinct(np.concatenate(codes_of_cores))
        new = codes[~self._is_held[codes]]
        self._is_held[new] = True
        self.size += len(new)
        self.common += self.standing.count(new)


def _mean_held(group: Sequence[_Footing], rows: Codes) -> float:
    on_rows = [len(one.core.shingles) * _common(one.core.items, rows) for one in group]
    return sum(on_rows) / len(rows)


def _rows(group: Sequence[_Footing], *, n_items: int) -> Codes:
    """Return the items of a group: those of its cores, less what only a loosely joined core brings in.

    An item of a wrapped request holds several cores of its group. A core that mostly stands elsewhere, a turn of phrase
    that others use too, brings in strangers: of such a core only the items that hold another core of the group count.
    """
    held = np.bincount(np.concatenate([one.core.items for one in group]), minlength=n_items)
    first, *rest = group
    rows = [first.core.items]
    for one in rest:
        together = held[one.core.items] >= 2
        apart = _common(one.principals, first.principals) < PRINCIPAL_SHARE_OF_CORE * len(one.principals)
        loose = apart or together.any()
        rows.append(one.core.items[together] if loose and together.mean() < TIGHT_SHARE else one.core.items)
    return distinct(np.concatenate(rows))


def _belong(
    cores: NDArray[np.intp], items: _Held, principals: _Held, *, n_items: int, n_principals: int
) -> NDArray[np.bool_]:
    """Return bool[len(cores)], whether each of these cores belongs to the group that holds the items and principals."""
    together, n_own = items.common[cores], items.standing.n_codes[cores]
    belong = together >= NESTED_SHARE * n_own
    open_ = np.flatnonzero(~belong & (together >= MIN_ITEMS_TOGETHER))
    belong[open_] = _tail(together[open_], n_items, items.size, n_own[open_]) <= ITEM_P_VALUE
    shared, n_own = principals.common[cores], principals.standing.n_codes[cores]
    is_large = (shared >= PRINCIPAL_SHARE_OF_CORE * n_own) & (shared >= PRINCIPAL_SHARE_OF_GROUP * principals.size)
    open_ = np.flatnonzero(~belong & is_large)
    belong[open_] = _tail(shared[open_], n_principals, principals.size, n_own[open_]) <= PRINCIPAL_P_VALUE
    return belong


def _are_turns_of_phrase(n_shingles: NDArray[np.int64], n_items: NDArray[np.int64], *, first: int) -> NDArray[np.bool_]:
    """Return for each core whether a group's first core is words so few and so common that the core is no part of it.

    Core is compared with core: what the group has grown to by then plays no part.
    """
    is_short = n_shingles[first] * PHRASE_TIMES_SHORTER <= n_shingles
    return is_short & (n_items[first] >= PHRASE_TIMES_COMMONER * n_items)


def kinds(candidate: Candidate, items: Items) -> Codes:
    """Return int32[n], the kind of the principal behind each item of a candidate, from 0; mostly there is one kind.

    Principals are of two kinds where a core divides them cleanly, and each kind is divided again. Persons are more
    alike than others of their kind; two crowds that send two texts are not persons for that.

    Parameters
    ----------
    candidate
        The group.
    items
        The window's items.
    """
    owners, principal = np.unique(items.principal[candidate.items], return_inverse=True)
    n_items = np.bincount(principal)
    held = [principal[_places(core.items, candidate.items)] for core in candidate.cores]
    shares = (np.bincount(one, minlength=len(owners)) / n_items for one in held)
    always, seldom, mostly = (
        np.stack(of_cores)
        for of_cores in zip(
            *((share >= ALWAYS, share <= SELDOM, 2 * share > ALWAYS + SELDOM) for share in shares), strict=True
        )
    )
    told = n_items >= MIN_SENT
    kind = np.zeros(len(owners), np.int32)
    for code, members in enumerate(_divided(np.arange(len(owners)), always & told, seldom & told, mostly)):
        kind[members] = code
    return kind[principal]


def _divided(
    members: NDArray[np.int64], always: NDArray[np.bool_], seldom: NDArray[np.bool_], mostly: NDArray[np.bool_]
) -> list[NDArray[np.int64]]:
    """Return the members by kind.

    Parameters
    ----------
    members
        int64[m], principals to divide.
    always, seldom
        bool[n_cores, m], whether each core stands on nearly all of a principal's items, or on few; neither of a
        principal that sent too little to tell.
    mostly
        bool[n_cores, m], whether it is nearer to all of them.
    """
    n_always, n_seldom = always.sum(axis=1), seldom.sum(axis=1)
    smaller = np.minimum(n_always, n_seldom)
    smaller[n_always + n_seldom < CLEAN_SHARE * len(members)] = 0
    best = int(smaller.argmax())
    if smaller[best] < MIN_OF_KIND:
        return [members]
    sides = mostly[best], ~mostly[best]
    return [
        part for side in sides for part in _divided(members[side], always[:, side], seldom[:, side], mostly[:, side])
    ]


def _tail(overlaps: NDArray[np.int64], population: int, size: int, sizes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the probability of at least each overlap of a random set of `size` with one of each of `sizes`."""
    return np.asarray(hypergeom.sf(overlaps - 1, population, size, sizes))


def without_repeats(novel: Sequence[Candidate], cold: Sequence[Candidate]) -> list[Candidate]:
    """Return the cold candidates of which no novel candidate holds half the items already."""
    return [
        candidate
        for candidate in cold
        if not any(2 * _common(candidate.items, other.items) >= len(candidate.items) for other in novel)
    ]


def _common(left: Codes, right: Codes) -> int:
    """Return how many rows two ascending arrays have in common."""
    return len(_places(*sorted((left, right), key=len)))


def _places(few: Codes, many: Codes) -> NDArray[np.int64]:
    """Return where in the one ascending array the numbers of the other stand that it holds."""
    at = np.searchsorted(many, few)
    at = at[at < len(many)] if len(many) else at[:0]
    return at[many[at] == few[: len(at)]]
