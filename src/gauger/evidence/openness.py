"""Is the group openly one operator, or one site? A firm with many keys hides nothing: one card, one office.

A campaign conceals: it looks like many customers. So when one token, or tokens that belong mostly to the group, cover
nearly all of it, the innocent reading "one operator, undeclared" cannot be excluded.
"""

import numpy as np
from numpy.typing import NDArray

from gauger.evidence.concentration import Holdings, links


def open_share(held: Holdings, members: NDArray[np.int32], n_items: NDArray[np.int64]) -> float | None:
    """Return the largest share of the members, or of their items, that shared tokens can join.

    That is: the members on one token, or on any of the group's own (at least half of whose holders are members), and
    those of whom no token is known, who might be on it too: a firm pays with a few cards and sits in a few offices.
    Strangers who match its template once or twice do not hide it: they send hardly any of the items.
    None where the tokens of fewer than half of the members are known.

    Parameters
    ----------
    held
        Tokens of every principal active in the tested stretch.
    members
        Distinct principals of the group, ascending.
    n_items
        Items of each in the group, 1 or more.
    """
    found = links(held, members)
    if 2 * len(found.members) < len(members) or len(found.members) < 2:
        return None
    known = held.known[members]
    tokens = [held.token[held.offsets[member] : held.offsets[member + 1]] for member in found.members]
    holder = np.repeat(np.arange(len(tokens)), [len(mine) for mine in tokens])

    def share(weight: NDArray[np.int64]) -> float:
        inside = weight[known]
        on_one = np.bincount(np.concatenate(tokens), weights=inside[holder], minlength=1).max()
        joined = max(float(on_one), float(inside[found.by_own > 1].sum()))
        return float((joined + weight[~known].sum()) / weight.sum())

    return max(share(np.ones(len(members), np.int64)), share(n_items))
