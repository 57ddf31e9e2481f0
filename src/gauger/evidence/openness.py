"""Is the group openly one operator, or one site? A firm with many keys hides nothing: one card, one office.

A campaign conceals: it looks like many customers. So when one token covers nearly the whole group, or tokens that
belong mostly to the group link nearly all of it, the innocent reading "one operator, undeclared" cannot be excluded.
"""

import numpy as np
from numpy.typing import NDArray

from gauger.evidence.concentration import Holdings, links


def open_share(held: Holdings, members: NDArray[np.int32]) -> float | None:
    """Return the share of the members that one token, or a web of the group's own tokens, joins.

    A token is the group's own when at least half of its holders are members. None where the tokens of fewer than half
    of the members are known.
    """
    found = links(held, members)
    if 2 * len(found.members) < len(members) or len(found.members) < 2:
        return None
    return max(int(found.per_token.max(initial=0)), int(found.by_own.max())) / len(members)
