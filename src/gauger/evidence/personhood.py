"""Are there persons behind the accounts of a group, or is it one list dealt out over them?

The statistic is the mean similarity of two items of one principal, over what varies around the template: each item's
word projection less the group's mean, by cosine. The null: inside the group, principals are exchangeable labels. That
is true of a dealt-out list and of one customer's many keys; persons have topics, habits and retries of their own, and
reject it. **Rejection clears a group; acceptance proves nothing** (detection.md §4, §6b).

It is run with near-repeats kept and removed. Only the second can clear, because repeats are cheap to
inject. An attacker who shards a list by topic looks like persons too: a known limit (docs/explanation/statistics.md).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gauger.evidence.items import Items
from gauger.evidence.permutation import sequential_p_value
from gauger.evidence.records import Evidence, Fact

MIN_PAIRS = 20
#: Most items of one principal that are looked at: bounds the cost and the weight of one talkative account.
MAX_ITEMS = 12
#: Most principals that are looked at: z grows with their number and 200 are plenty.
MAX_PRINCIPALS = 200
#: Cosine of two residual projections at which one item counts as a near-repeat of another.
NEAR_REPEAT = 0.92
ALPHA = 0.01
#: Draws of the test with near-repeats kept, which is shown and decides nothing.
SHOWN_PERMUTATIONS = 199

NULL = "inside the group, accounts are exchangeable labels on the items (true of a dealt-out list, false of persons)"

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Personhood:
    """Outcome: `p_value` and `z` are None below 20 within-principal pairs ("no power")."""

    p_value: float | None
    z: float | None
    n_pairs: int

    @property
    def has_power(self) -> bool:
        """Whether there were pairs enough to tell."""
        return self.p_value is not None

    @property
    def clears(self) -> bool:
        """Whether the group is cleared: people were found behind it."""
        return self.p_value is not None and self.p_value <= ALPHA


def residuals(items: Items) -> Floats:
    """Return float64[n, 64]: unit vectors of each item's projection less the group's mean; zero where nothing varies."""
    vectors = items.projection.astype(np.float64)
    vectors -= vectors.mean(axis=0)
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, norms, out=np.zeros_like(vectors), where=norms > 0)


def _chosen(items: Items) -> NDArray[np.int64]:
    """Rows looked at: the first items of each principal, the first principals by their first item."""
    owners, first, inverse = np.unique(items.principal, return_index=True, return_inverse=True)
    rank_of_owner = np.empty(len(owners), np.int64)
    rank_of_owner[np.argsort(first, kind="stable")] = np.arange(len(owners))
    order = np.argsort(inverse, kind="stable")
    starts = np.searchsorted(inverse[order], np.arange(len(owners)))
    rank_in_owner = np.empty(len(items), np.int64)
    rank_in_owner[order] = np.arange(len(items)) - starts[inverse[order]]
    return np.flatnonzero((rank_in_owner < MAX_ITEMS) & (rank_of_owner[inverse] < MAX_PRINCIPALS))


def without_near_repeats(vectors: Floats, turn: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the rows that repeat no earlier kept row, exactly or nearly, whoever sent it.

    Looking at no label keeps the test exact: under the null, what is removed does not depend on the labels.
    """
    _, first = np.unique(turn, axis=0, return_index=True)
    kept = np.empty(len(vectors), np.int64)
    n_kept = 0
    for row in np.sort(first):
        if n_kept == 0 or (vectors[kept[:n_kept]] @ vectors[row]).max() < NEAR_REPEAT:
            kept[n_kept] = row
            n_kept += 1
    return kept[:n_kept]


def permutation_test(
    vectors: Floats, principal: NDArray[np.int32], *, permutations: int, rng: np.random.Generator
) -> Personhood:
    """Test whether items of one principal are more alike than items of two.

    Parameters
    ----------
    vectors
        float64[n, k], unit rows.
    principal
        int32[n], labels.
    permutations
        Most relabellings to draw.
    rng
        Source of chance.
    """
    order = np.argsort(principal, kind="stable")
    vectors = vectors[order]
    starts = np.flatnonzero(np.r_[True, np.diff(principal[order]) != 0]) if len(order) else np.empty(0, np.int64)
    sizes = np.diff(np.r_[starts, len(order)])
    n_pairs = int((sizes * (sizes - 1) // 2).sum())
    if n_pairs < MIN_PAIRS or len(sizes) < 2:
        return Personhood(p_value=None, z=None, n_pairs=n_pairs)
    selfs = float((vectors**2).sum())

    def mean_similarity(rows: Floats) -> float:
        sums = np.add.reduceat(rows, starts, axis=0)
        return float(((sums**2).sum() - selfs) / (2 * n_pairs))

    observed = mean_similarity(vectors)
    seen: list[float] = []

    def draw(size: int) -> Floats:
        values = np.array([mean_similarity(vectors[rng.permutation(len(vectors))]) for _ in range(size)])
        seen.extend(values.tolist())
        return values

    p_value = sequential_p_value(observed, draw, permutations=permutations)
    spread = float(np.std(seen))
    z = (observed - float(np.mean(seen))) / spread if spread > 0 else 0.0
    return Personhood(p_value=p_value, z=z, n_pairs=n_pairs)


def personhood(items: Items, *, permutations: int, rng: np.random.Generator) -> tuple[Personhood, Personhood]:
    """Return the test with near-repeats removed, which alone can clear, and with them kept."""
    chosen = _chosen(items)
    looked_at = items.take(chosen.astype(np.int32))
    vectors = residuals(looked_at)
    distinct = without_near_repeats(vectors, looked_at.turn)
    removed = permutation_test(vectors[distinct], looked_at.principal[distinct], permutations=permutations, rng=rng)
    kept = permutation_test(vectors, looked_at.principal, permutations=SHOWN_PERMUTATIONS, rng=rng)
    return removed, kept


def personhood_evidence(removed: Personhood, kept: Personhood) -> Evidence:
    """Return the two tests as evidence; its family is personhood, which never convicts."""
    facts = [
        Fact(
            code="personhood.pairs",
            text=f"{removed.n_pairs:,} pairs of items of one customer after near-repeats were removed, {kept.n_pairs:,} before.",
            values={"removed": removed.n_pairs, "kept": kept.n_pairs},
        )
    ]
    if not removed.has_power:
        facts.append(Fact(code="personhood.no_power", text=f"No power: fewer than {MIN_PAIRS} pairs.", values={}))
    else:
        meaning = "people were found behind the accounts" if removed.clears else "no sign of separate people"
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
