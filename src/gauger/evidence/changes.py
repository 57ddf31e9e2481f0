"""What changed in a stretch: who went over to a new model, and what came from where its account never was."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Moves:
    """Who used a newly released model within two days of its first appearance.

    Attributes
    ----------
    model
        Its name.
    known
        bool[n_principals], who was active both before and in the two days, with a client that did not move as a whole.
    moved
        bool[n_principals], who of them used it.
    stratum
        int64[n_principals, 3]: model most used before, plan, activity in the two days.
    """

    model: str
    known: NDArray[np.bool_]
    moved: NDArray[np.bool_]
    stratum: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Visits:
    """Where the items of the tested stretch came from, as far as accounts were at home all the while.

    Attributes
    ----------
    account
        int32[n_items], code of the account.
    visit
        int64[n_items], code of (account, network, day); -1 where the network is unknown, the account is too new, or the
        item lies outside the time in which the account's usual network is in use.
    elsewhere
        bool[n_items], whether the account was never on that network in the look-back.
    """

    account: NDArray[np.int32]
    visit: NDArray[np.int64]
    elsewhere: NDArray[np.bool_]
