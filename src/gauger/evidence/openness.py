"""Is the group openly one operator, or one site? A firm with many keys hides nothing: one card, one office.

A campaign conceals: it looks like many customers. So when one token, or tokens that belong mostly to the group, cover
nearly all of it, the innocent reading "one operator, undeclared" cannot be excluded.
"""

import numpy as np
from numpy.typing import NDArray

from gauger.evidence.concentration import Holdings, links


def open_share(held: Holdings, members: NDArray[np.int32]) -> float | None:
    """Return the largest share of the members that shared tokens can join.

    That is: the members on one token, or on any of the group's own (at least half of whose holders are members), and
    those of whom no token is known, who might be on it too: a firm pays with a few cards and sits in a few offices.
    None where the tokens of fewer than half of the members are known.
    """
    found = links(held, members)
    if 2 * len(found.members) < len(members) or len(found.members) < 2:
        return None
    joined = max(int(found.per_token.max(initial=0)), int((found.by_own > 1).sum()))
    return (joined + len(members) - len(found.members)) / len(members)
