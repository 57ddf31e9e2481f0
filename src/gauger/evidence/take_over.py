"""Identity: what the group is made of comes from networks where its accounts never were, the rest from where they live.

Keys that were stolen are used from elsewhere while their owners go on as ever. The null: of an account's visits in the
stretch (its items from one network on one day) any may be the ones from elsewhere, whichever hold items of the group.
It is a contrast within accounts: how often people travel plays no part. Only the time counts in which an account's
usual network is in use, so that a move or a new address is no take-over. A task that people do in one new place only
rejects too, and **the owners of such accounts are probably victims**: this channel alone never makes a *campaign*.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gauger.evidence.changes import Visits
from gauger.evidence.channel import Group, Population, word
from gauger.evidence.permutation import sequential_p_value
from gauger.evidence.records import Evidence, Fact

Floats = NDArray[np.float64]

#: Accounts with visits of both kinds below which there is no test.
MIN_CONTRASTED = 4
#: Most accounts that are looked at, and most visits of one, of those from home and of those from elsewhere each: who
#: takes a new network for each request sets no cost, and draws out no visit from home.
MAX_ACCOUNTS = 500
MAX_VISITS = 40
#: Visits that are put in random order at a time, over all draws.
_BLOCK: Final = 2_000_000
#: An account is taken over, as a fact, where the group's share is so much larger in visits from elsewhere.
CONTRAST = 0.5


#: Said of accounts only where the contrast is no chance's.
SURPRISING: Final = 0.01
VICTIMS: Final = " The owners of these are probably victims, whose keys somebody else uses."


@dataclass(frozen=True, slots=True)
class Contrast:
    """Outcome of the test; `p_value` is None below four accounts with visits of both kinds."""

    p_value: float | None
    n_contrasted: int
    n_taken: int


def contrast_test(visits: Visits, rows: NDArray[np.int32], *, permutations: int, rng: np.random.Generator) -> Contrast:
    """Test whether a group's items lie in visits from elsewhere, against the other visits of the same accounts.

    Parameters
    ----------
    visits
        Of all items of the tested stretch.
    rows
        int32[n], the group's items.
    permutations
        Most relabellings to draw.
    rng
        Source of chance.
    """
    account, share, elsewhere = _contrasted(visits, rows, rng=rng)
    owners, owner = np.unique(account, return_inverse=True)
    if len(owners) < MIN_CONTRASTED:
        return Contrast(p_value=None, n_contrasted=len(owners), n_taken=0)

    def draw(size: int) -> Floats:
        n = max(1, _BLOCK // len(owner))
        return np.concatenate([some(min(n, size - drawn)) for drawn in range(0, size, n)])

    def some(size: int) -> Floats:
        # A random order of each account's visits: owners are whole numbers, so their visits stay together.
        order = np.argsort(owner + rng.random((size, len(owner))), axis=1)
        return np.asarray(share[order][:, elsewhere].sum(axis=1))

    def mean(side: NDArray[np.bool_]) -> Floats:
        return np.bincount(owner[side], weights=share[side]) / np.bincount(owner[side])

    return Contrast(
        p_value=sequential_p_value(float(share[elsewhere].sum()), draw, permutations=permutations),
        n_contrasted=len(owners),
        n_taken=int((mean(elsewhere) - mean(~elsewhere) >= CONTRAST).sum()),
    )


def _contrasted(
    visits: Visits, rows: NDArray[np.int32], *, rng: np.random.Generator
) -> tuple[NDArray[np.int32], Floats, NDArray[np.bool_]]:
    """Return per visit, sorted by account: account, share of its items that are the group's, and whether elsewhere.

    Left are accounts of the group with visits of both kinds, and of those not all with the same share.
    """
    chosen = rng.permutation(np.unique(visits.account[rows]))[:MAX_ACCOUNTS]
    inside = np.flatnonzero((visits.visit >= 0) & np.isin(visits.account, chosen))
    in_group = np.zeros(len(visits.visit), np.bool_)
    in_group[rows] = True
    _, first, visit, n = np.unique(visits.visit[inside], return_index=True, return_inverse=True, return_counts=True)
    order = np.argsort(visits.account[inside][first], kind="stable")
    account, elsewhere = visits.account[inside][first][order], visits.elsewhere[inside][first][order]
    share = (np.bincount(visit, weights=in_group[inside], minlength=len(n)) / n)[order]
    drawn = _sampled(2 * account.astype(np.int64) + elsewhere, rng=rng)
    account, share, elsewhere = account[drawn], share[drawn], elsewhere[drawn]
    kept = _varies(account, share) & _varies(account, elsewhere.astype(np.float64))
    return account[kept], share[kept], elsewhere[kept]


def _sampled(side: NDArray[np.int64], *, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return places of at most `MAX_VISITS` visits of each side, an account at home or elsewhere, at random, ascending.

    Which are looked at depends on nothing but what the test holds fixed.
    """
    if len(side) == 0 or np.unique(side, return_counts=True)[1].max() <= MAX_VISITS:
        return np.arange(len(side))
    order = np.lexsort((rng.random(len(side)), side))
    rank = np.arange(len(side)) - np.searchsorted(side[order], side[order])
    return np.sort(order[rank < MAX_VISITS])


def _varies(account: NDArray[np.int32], values: Floats) -> NDArray[np.bool_]:
    """Return for each row whether the values of its account differ."""
    owners, owner = np.unique(account, return_inverse=True)
    lowest, highest = np.full(len(owners), np.inf), np.full(len(owners), -np.inf)
    np.minimum.at(lowest, owner, values)
    np.maximum.at(highest, owner, values)
    return np.asarray((highest > lowest)[owner])


@dataclass(frozen=True, slots=True)
class TakeOverChannel:
    """The channel."""

    name: str = "take_over"
    family: str = "identity"
    draws: bool = True

    @property
    def null(self) -> str:
        """The hypothesis that is tested, in words."""
        return (
            "within an account, which visits of the stretch come from a network that it never used before is"
            " independent of which hold the group's items"
        )

    def evaluate(self, group: Group, population: Population, *, rng: np.random.Generator) -> Evidence:
        """Return the channel's word on the group."""
        visits = population.visits
        outcome = None
        if visits is not None:
            outcome = contrast_test(visits, group.rows, permutations=population.permutations, rng=rng)
        return word(self, None if outcome is None else outcome.p_value, _facts(outcome, group))


def _facts(outcome: Contrast | None, group: Group) -> list[Fact]:
    if outcome is None:
        return [Fact(code="take_over.absent", text="No network is known in these logs.", values={})]
    n_members = min(len(np.unique(group.items.account)), MAX_ACCOUNTS)
    if outcome.p_value is None:
        text = "No power: fewer than four accounts that were at their usual network and at a new one by turns."
        return [Fact(code="take_over.no_power", text=text, values={"contrasted": outcome.n_contrasted})]
    values = {"taken": outcome.n_taken, "contrasted": outcome.n_contrasted, "members": n_members}
    text = (
        f"Of {n_members} accounts {outcome.n_contrasted} were at their usual network and at one never used before by"
        f" turns; in {outcome.n_taken} the group's items came from elsewhere and the account's other items did not."
        + (VICTIMS if outcome.n_taken and outcome.p_value <= SURPRISING else "")
    )
    return [Fact(code="take_over.elsewhere", text=text, values=values)]


TAKE_OVER: Final = TakeOverChannel()
