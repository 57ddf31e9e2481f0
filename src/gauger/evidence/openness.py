"""Is the group openly one operator, or one site? A firm with many keys hides nothing: one card, one office.

A campaign conceals: it looks like many customers. So when one token covers nearly the whole group, or tokens that
belong mostly to the group link nearly all of it, the innocent reading "one operator, undeclared" cannot be excluded.
"""

import numpy as np
from numpy.typing import NDArray

from gauger.evidence.concentration import Holdings, component_sizes


def open_share(held: Holdings, members: NDArray[np.int32]) -> float | None:
    """Return the share of the members that one token, or a web of the group's own tokens, joins.

    A token is the group's own when at least half of its holders are members. None where the tokens of fewer than half
    of the members are known.
    """
    inside = np.sort(members[held.known[members]]).astype(np.int64)
    if 2 * len(inside) < len(members) or len(inside) < 2:
        return None
    tokens = [held.token[held.offsets[m] : held.offsets[m + 1]] for m in inside]
    per_token = np.bincount(np.concatenate(tokens), minlength=len(held.degree))
    own = 2 * per_token >= held.degree
    own_tokens = [mine[own[mine]] for mine in tokens]
    offsets = np.concatenate(([0], np.cumsum([len(mine) for mine in own_tokens]))).astype(np.int64)
    web = component_sizes(offsets, np.concatenate(own_tokens).astype(np.int32), len(held.degree))
    return max(int(per_token.max(initial=0)), int(web.max())) / len(members)
