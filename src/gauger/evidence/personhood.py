"""Are there persons behind the accounts of a group, or is it one list dealt out over them?

The statistic is the mean similarity of two items of one principal, over what varies around the template: each item's
word projection less the group's mean, by cosine. The null: inside the group, principals are exchangeable labels. That
is true of a dealt-out list and of one customer's many keys; persons have topics, habits and retries of their own, and
reject it. **Rejection clears a group; acceptance proves nothing** (detection.md §4, §6b).

Two crowds that send two templates would look like persons for that alone: some try wordings, others use what was found.
So principals are exchanged, and means taken, among those of one kind (`gauger.campaigns.candidates.kinds`) only.

It is run with repeats kept, with near-repeats removed, and with everything alike removed. Repeats are cheap to inject,
so a group is cleared only when both of the last two reject. Large groups reject for next to nothing, a drift of the
list or a few retries: where a customer's own items are hardly more alike than others', a rejection does not clear.
Persons are held excluded only when there are pairs enough and the test sees nothing at all; between the two the
question stays open. An attacker who shards a list by topic looks like persons too: a known limit
(docs/explanation/statistics.md).
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numba as nb
import numpy as np
from numpy.typing import NDArray
from scipy.stats import t

from gauger.evidence.items import Items
from gauger.evidence.permutation import is_rejected, sequential_p_value
from gauger.evidence.records import Evidence, Fact

MIN_PAIRS = 20
#: Most items of one principal that are looked at: bounds the cost and the weight of one talkative account.
MAX_ITEMS = 12
#: Most principals that are looked at: z grows with their number and 200 are plenty.
MAX_PRINCIPALS = 200
#: Cosine of two residual projections at which one item counts as a near-repeat of another, and as merely alike.
NEAR_REPEAT = 0.92
ALIKE = 0.7
#: At or below this p-value, twice, a group is cleared.
ALPHA = 0.01
#: Above this p-value, and where the excess is below this with 95 % confidence, persons are held excluded.
NOTHING_SEEN = 0.05
PERSONS_EXCESS = 0.06
#: Below this excess, with 95 % confidence, a rejection does not clear. Of the groups that the lab's quiet worlds
#: cleared (seeds 1-8) none had an upper limit below 0.05.
FAINT_EXCESS = 0.03
#: Confidence of the upper limit of the excess, one-sided.
CONFIDENCE = 0.95
#: Draws of the test with near-repeats kept, which is shown and decides nothing.
SHOWN_PERMUTATIONS = 199

NULL = (
    "inside the group, among those who send the same templates, accounts are exchangeable labels on the items"
    " (true of a dealt-out list, false of persons)"
)

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Personhood:
    """Outcome: `p_value`, `z` and `excess_high` are None below 20 within-principal pairs ("no power").

    `excess_high` is the upper 95 % limit of the excess: how much more alike (cosine) two items of one principal are
    than two of different ones, among principals like these. `p_value_unlike` is the p-value with everything alike
    removed, None without power.
    """

    p_value: float | None
    z: float | None
    n_pairs: int
    excess_high: float | None = None
    p_value_unlike: float | None = None

    @property
    def has_power(self) -> bool:
        """Whether there were pairs enough to tell."""
        return self.p_value is not None

    @property
    def clears(self) -> bool:
        """Whether the group is cleared: people were found behind it."""
        return _rejects(self.p_value) and _rejects(self.p_value_unlike) and not self._is_faint

    @property
    def excludes(self) -> bool:
        """Whether persons are held excluded: no sign of them, and any as alike as persons are would have shown.

        An equivalence test (Schuirmann 1987, one side of it): persons who are `PERSONS_EXCESS` alike on average are
        excluded in about 5 % of groups.
        """
        if self.p_value is None or self.excess_high is None:
            return False
        nothing_seen = self.p_value > NOTHING_SEEN and not _rejects(self.p_value_unlike)
        return nothing_seen and self.excess_high < PERSONS_EXCESS

    @property
    def _is_faint(self) -> bool:
        return self.excess_high is not None and self.excess_high < FAINT_EXCESS


def _rejects(p_value: float | None) -> bool:
    return p_value is not None and p_value <= ALPHA


def residuals(items: Items, kind: NDArray[np.int32]) -> Floats:
    """Return float64[n, 64]: unit vectors of each projection less the mean of its kind; zero where nothing varies."""
    vectors = items.projection.astype(np.float64)
    for code in np.unique(kind):
        vectors[kind == code] -= vectors[kind == code].mean(axis=0)
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, norms, out=np.zeros_like(vectors), where=norms > 0)


def _chosen(items: Items, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return the rows looked at: a random sample of each principal's items, and of the principals."""
    owners, inverse = np.unique(items.principal, return_inverse=True)
    rank_of_owner = rng.permutation(len(owners))
    order = np.lexsort((rng.random(len(items)), inverse))
    starts = np.searchsorted(inverse[order], np.arange(len(owners)))
    rank_in_owner = np.empty(len(items), np.int64)
    rank_in_owner[order] = np.arange(len(items)) - starts[inverse[order]]
    return np.flatnonzero((rank_in_owner < MAX_ITEMS) & (rank_of_owner[inverse] < MAX_PRINCIPALS))


def without_repeats(vectors: Floats, turn: NDArray[np.int64], *, cosine: float) -> NDArray[np.int64]:
    """Return the rows that repeat no earlier kept row, exactly or to this cosine, whoever sent it.

    Looking at no label keeps the test exact: under the null, what is removed does not depend on the labels.
    """
    order = np.lexsort(turn.T)
    is_first = np.ones(len(order), np.bool_)
    is_first[1:] = (turn[order[1:]] != turn[order[:-1]]).any(axis=1)
    return _unlike(vectors, np.sort(order[is_first]), cosine)


@nb.njit(cache=True, nogil=True, fastmath={"reassoc"})
def _unlike(vectors, rows, cosine):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
    """Rows, in their order, without those that are so much alike to one that was kept before."""
    kept = np.empty(len(rows), np.int64)
    n = 0
    for row in rows:
        is_alike = False
        for earlier in range(n):
            product = 0.0
            for k in range(vectors.shape[1]):
                product += vectors[row, k] * vectors[kept[earlier], k]
            if product >= cosine:
                is_alike = True
                break
        if not is_alike:
            kept[n] = row
            n += 1
    return kept[:n]


@dataclass(frozen=True, slots=True)
class _Labelled:
    """Items by kind and principal, to be relabelled.

    Attributes
    ----------
    vectors
        float64[n, k], unit rows.
    kind_bounds
        Where the items of each kind begin, and where the last end.
    starts
        int64[g], where the items of each principal begin.
    kind
        int32[g], the kind of each principal.
    """

    vectors: Floats
    kind_bounds: list[int]
    starts: NDArray[np.int64]
    kind: NDArray[np.int32]

    @classmethod
    def of(cls, vectors: Floats, principal: NDArray[np.int32], kind: NDArray[np.int32]) -> "_Labelled":
        order = np.lexsort((principal, kind))
        principal, kind = principal[order], kind[order]
        starts = _starts(principal)
        return cls(vectors[order], [*_starts(kind).tolist(), len(order)], starts, kind[starts])

    @property
    def n_pairs(self) -> int:
        """Pairs of items of one principal."""
        sizes = np.diff(np.r_[self.starts, len(self.vectors)])
        return int((sizes * (sizes - 1) // 2).sum())

    @property
    def has_power(self) -> bool:
        """Whether there are pairs enough to tell."""
        return self.n_pairs >= MIN_PAIRS and len(self.starts) >= 2

    def similarity(self) -> tuple[float, Callable[[np.random.Generator, int], Floats]]:
        """Return the mean similarity of a pair of one principal, and what draws it of so many relabellings."""
        n, bounds = len(self.vectors), list(itertools.pairwise(self.kind_bounds))
        own, n_pairs = float((self.vectors**2).sum()), self.n_pairs

        def means(rows: NDArray[np.int64]) -> Floats:
            return (_squares(self.vectors, rows, self.starts) - own) / (2 * n_pairs)

        def draw(rng: np.random.Generator, size: int) -> Floats:
            rows = np.empty((size, n), np.int64)
            for one in rows:
                for a, b in bounds:
                    one[a:b] = a + rng.permutation(b - a) if a else rng.permutation(b)
            return means(rows)

        return float(means(np.arange(n)[None])[0]), draw


def _starts(labels: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return where each run of equal labels begins."""
    return np.flatnonzero(np.r_[True, np.diff(labels) != 0][: len(labels)])


def permutation_test(
    vectors: Floats,
    principal: NDArray[np.int32],
    kind: NDArray[np.int32],
    *,
    permutations: int,
    rng: np.random.Generator,
) -> Personhood:
    """Test whether items of one principal are more alike than items of two.

    Parameters
    ----------
    vectors
        float64[n, k], unit rows.
    principal
        int32[n], labels.
    kind
        int32[n], kind of each label: labels are permuted among items of one kind.
    permutations
        Most relabellings to draw.
    rng
        Source of chance.
    """
    labelled = _Labelled.of(vectors, principal, kind)
    if not labelled.has_power:
        return Personhood(p_value=None, z=None, n_pairs=labelled.n_pairs)
    observed, draw = labelled.similarity()
    seen: list[Floats] = []

    def drawn(size: int) -> Floats:
        seen.append(draw(rng, size))
        return seen[-1]

    p_value = sequential_p_value(observed, drawn, permutations=permutations)
    all_seen = np.concatenate(seen)
    spread = float(np.std(all_seen))
    return Personhood(
        p_value=p_value,
        z=(observed - float(np.mean(all_seen))) / spread if spread > 0 else 0.0,
        n_pairs=labelled.n_pairs,
        excess_high=excess_limit(labelled.vectors, labelled.starts, labelled.kind),
    )


@nb.njit(cache=True, nogil=True, fastmath={"reassoc"})
def _squares(vectors, rows, starts):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
    """Sum up the squared lengths of the principals' sums of vectors, of each relabelling: float64[d] of int64[d, n].

    Those of one principal are in `rows` from one start to the next. Nothing is copied: relabelling is most of the work.
    """
    out = np.zeros(len(rows))
    together = np.empty(vectors.shape[1])
    for drawn in range(len(rows)):
        for of in range(len(starts)):
            end = starts[of + 1] if of + 1 < len(starts) else rows.shape[1]
            together[:] = 0.0
            for at in range(starts[of], end):
                for k in range(len(together)):
                    together[k] += vectors[rows[drawn, at], k]
            for k in range(len(together)):
                out[drawn] += together[k] * together[k]
    return out


def excess_limit(vectors: Floats, starts: NDArray[np.int64], kind: NDArray[np.int32]) -> float:
    """Return the upper limit of the excess at `CONFIDENCE`, by a jackknife over principals.

    The excess is the mean cosine of two items of one principal, over all such pairs, less that of two items of
    different principals of one kind. Items of one principal depend on each other, so whole principals are left out by
    turns, and the limit is Student's with as many degrees of freedom as principals with a pair, less one (Efron and
    Stein 1981; Tukey 1958). It holds for principals at large, of whom these are a sample.

    Parameters
    ----------
    vectors
        float64[n, k], unit rows, those of one principal together.
    starts
        int64[g], the first row of each principal, ascending.
    kind
        int32[g], the kind of each principal.

    Returns
    -------
    float
        Infinite where fewer than two principals have a pair, or where one less leaves none to compare with.
    """
    sizes = np.diff(np.r_[starts, len(vectors)]).astype(np.float64)
    pairs = sizes * (sizes - 1) / 2
    paired = np.flatnonzero(pairs)
    if len(paired) < 2:
        return np.inf
    sums = np.add.reduceat(vectors, starts, axis=0)
    own = np.add.reduceat((vectors**2).sum(axis=1), starts)
    member = (kind[:, None] == np.unique(kind)).astype(np.float64)
    theirs = member.argmax(axis=1)[paired]
    # Per kind, then per kind with one of its principals left out: the sum of its items, of their squares, their number.
    whole = [member.T @ of_each for of_each in (sums, own, sizes)]
    lessened = [of_kind[theirs] - of_each[paired] for of_kind, of_each in zip(whole, (sums, own, sizes), strict=True)]
    (alike, n_alike), (alike_less, n_alike_less) = _pairs_of(*whole), _pairs_of(*lessened)

    def leaving_out(total: float, change: Floats) -> Floats:
        """Return a sum over all principals, then that without each principal that has a pair."""
        return np.concatenate([[total], total + change])

    inside = ((sums**2).sum(axis=1) - own) / 2
    within, n_within = (leaving_out(one.sum(), -one[paired]) for one in (inside, pairs))
    everywhere = leaving_out(alike.sum(), alike_less - alike[theirs])
    n_between = leaving_out(n_alike.sum(), n_alike_less - n_alike[theirs]) - n_within
    if n_between.min() < 1:
        return np.inf
    excess = within / n_within - (everywhere - within) / n_between
    error = np.sqrt((len(paired) - 1) * excess[1:].var())
    return float(excess[0] + t.ppf(CONFIDENCE, len(paired) - 1) * error)


def _pairs_of(sums: Floats, own: Floats, n: Floats) -> tuple[Floats, Floats]:
    """Return the sum of the cosines over all pairs of items, and the number of pairs, of each of several sets."""
    return ((sums**2).sum(axis=1) - own) / 2, n * (n - 1) / 2


def personhood(
    items: Items, kind: NDArray[np.int32], *, permutations: int, rng: np.random.Generator
) -> tuple[Personhood, Personhood]:
    """Return the test with near-repeats removed, which alone can clear, and with them kept.

    Parameters
    ----------
    items
        The group's items.
    kind
        int32[n], the kind of the principal behind each.
    permutations
        Most relabellings to draw.
    rng
        Source of chance.
    """
    looked_at, vectors, kind = _looked_at(items, kind, rng)

    def without(cosine: float) -> Personhood:
        rows = without_repeats(vectors, looked_at.turn, cosine=cosine)
        return permutation_test(
            vectors[rows], looked_at.principal[rows], kind[rows], permutations=permutations, rng=rng
        )

    removed = replace(without(NEAR_REPEAT), p_value_unlike=without(ALIKE).p_value)
    kept = permutation_test(vectors, looked_at.principal, kind, permutations=SHOWN_PERMUTATIONS, rng=rng)
    return removed, kept


def _looked_at(
    items: Items, kind: NDArray[np.int32], rng: np.random.Generator
) -> tuple[Items, Floats, NDArray[np.int32]]:
    """Return the items that are looked at, what varies of them, and their kinds."""
    chosen = _chosen(items, rng)
    looked_at, kind = items.take(chosen.astype(np.int32)), kind[chosen]
    return looked_at, residuals(looked_at, kind), kind


def is_cleared(items: Items, kind: NDArray[np.int32], *, permutations: int, rng: np.random.Generator) -> bool:
    """Return whether `personhood` clears a group, from the same chance, and draw no further than that takes.

    Of a dealt-out list some twenty draws settle it.
    """
    looked_at, vectors, kind = _looked_at(items, kind, rng)

    def rejects(cosine: float) -> bool:
        rows = without_repeats(vectors, looked_at.turn, cosine=cosine)
        labelled = _Labelled.of(vectors[rows], looked_at.principal[rows], kind[rows])
        if not labelled.has_power:
            return False
        if cosine == NEAR_REPEAT and excess_limit(labelled.vectors, labelled.starts, labelled.kind) < FAINT_EXCESS:
            return False
        observed, draw = labelled.similarity()
        return is_rejected(observed, partial(draw, rng), permutations=permutations, alpha=ALPHA)

    return rejects(NEAR_REPEAT) and rejects(ALIKE)


def _meaning(removed: Personhood) -> str:
    if removed.clears:
        return "people were found behind the accounts"
    return "no sign of separate people" if removed.excludes else "separate people are possible"


def personhood_evidence(removed: Personhood, kept: Personhood) -> Evidence:
    """Return the two tests as evidence; its family is personhood, which never convicts."""
    facts = [
        Fact(
            code="personhood.pairs",
            text=f"{removed.n_pairs:,} pairs of items of one customer after near-repeats were removed,"
            f" {kept.n_pairs:,} before.",
            values={"removed": removed.n_pairs, "kept": kept.n_pairs},
        )
    ]
    if not removed.has_power:
        facts.append(Fact(code="personhood.no_power", text=f"No power: fewer than {MIN_PAIRS} pairs.", values={}))
    else:
        meaning = _meaning(removed)
        facts.append(
            Fact(
                code="personhood.z",
                text=f"Similarity inside a customer against relabelled customers: z = {removed.z:.1f} without repeats"
                + (f", {kept.z:.1f} with them" if kept.z is not None else "")
                + f": {meaning}.",
                values={
                    "z": round(removed.z or 0.0, 3),
                    "z_with_repeats": None if kept.z is None else round(kept.z, 3),
                },
            )
        )
    return Evidence(
        channel="personhood",
        family="personhood",
        applicable=removed.has_power,
        p_value=removed.p_value,
        null=NULL,
        facts=facts,
    )
