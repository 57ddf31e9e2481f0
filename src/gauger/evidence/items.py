"""The items of a window as arrays: what every channel looks at."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Items:
    """Items of a stretch, one row each, in canonical order.

    A conversation is one item: the turn that speaks for it (`gauger.evidence.conversations`).

    Attributes
    ----------
    principal, account
        int32[n], codes.
    occurred_at
        int64[n], microseconds since the epoch, UTC.
    turn
        int64[n, 2], keyed hash of the whole user turn: which slot fill it is.
    projection
        int8[n, 64], random projection of the turn's words.
    intents
        float32[n, 7].
    system_part, tool_part
        int64[n], keyed ids; 0 where there is none.
    failed
        bool[n], whether the provider turned it away for the account's sake or its own, not for what was asked.
    """

    principal: NDArray[np.int32]
    account: NDArray[np.int32]
    occurred_at: NDArray[np.int64]
    turn: NDArray[np.int64]
    projection: NDArray[np.int8]
    intents: NDArray[np.float32]
    system_part: NDArray[np.int64]
    tool_part: NDArray[np.int64]
    failed: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.principal)

    @property
    def fill(self) -> NDArray[np.int64]:
        """Codes of the turns' hashes, in the order of the hashes: int64[n]; made anew each time."""
        order = np.lexsort(self.turn.T[::-1])
        hashes = self.turn[order]
        is_new = np.zeros(len(order), np.bool_)
        is_new[1:] = (hashes[1:] != hashes[:-1]).any(axis=1)
        fill = np.empty(len(order), np.int64)
        fill[order] = np.cumsum(is_new)
        return fill

    def take(self, rows: NDArray[np.int32]) -> "Items":
        """Return the given rows."""
        return Items(
            principal=self.principal[rows],
            account=self.account[rows],
            occurred_at=self.occurred_at[rows],
            turn=self.turn[rows],
            projection=self.projection[rows],
            intents=self.intents[rows],
            system_part=self.system_part[rows],
            tool_part=self.tool_part[rows],
            failed=self.failed[rows],
        )
