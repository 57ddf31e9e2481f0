"""Which request goes on from which: keyed hashes of what the user had said so far.

Only the user's turns count: what the user said is what a later request must repeat to go on from an earlier one.
Clients rewrite the rest freely: thinking is dropped, cache marks move, a system prompt holds the time.
"""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gauger.exchanges.turns import earlier_turns
from gauger.sketches.arrow import Strings, is_valid, strings
from gauger.sketches.digests import absorb_bytes
from gauger.sketches.siphash import U64, Bytes, SipKey, State, compiled, sip_absorb, sip_finish, sip_key, sip_start

Ints = npt.NDArray[np.int64]


def sketch_threads(prefixes: pa.Array, prompts: pa.Array, key: bytes) -> tuple[Ints, Ints]:
    """Return for each exchange the hashes of the user's turns before the last one, and of all.

    A request extends another when its first hash is the other's second: hashes chain turn by turn.

    Parameters
    ----------
    prefixes
        `conversation_prefix`: canonical JSON of the messages before the last user turn, or null.
    prompts
        `user_prompt`, the last user turn; null counts as an empty one.
    key
        At least 16 secret bytes.

    Returns
    -------
    extends
        int64[n], 0 where the user had said nothing before.
    thread
        int64[n], never 0.

    Raises
    ------
    SettingsError
        The key is too short.
    """
    n_earlier = np.zeros(len(prefixes) + 1, np.int64)
    later = np.flatnonzero(pc.fill_null(pc.binary_length(prefixes), 0).to_numpy(zero_copy_only=False))
    turns = [earlier_turns(prefixes[row].as_py()) for row in later.tolist()]
    n_earlier[later + 1] = [len(said) for said in turns]
    said = pa.array([turn for told in turns for turn in told], pa.large_string())
    extends, thread = np.zeros(len(prompts), np.uint64), np.zeros(len(prompts), np.uint64)
    _chain(np.cumsum(n_earlier), strings(said), strings(prompts), sip_key(key, "gauger thread"), extends, thread)
    return extends.view(np.int64), thread.view(np.int64)


@compiled
def _chain(
    offsets: Ints,
    earlier: Strings,
    prompts: Strings,
    key: SipKey,
    extends: npt.NDArray[np.uint64],
    thread: npt.NDArray[np.uint64],
) -> None:
    start = sip_start(key)
    for row in range(extends.size):
        chained = U64(0)
        for turn in range(offsets[row], offsets[row + 1]):
            chained = _link(chained, earlier.data, U64(earlier.offsets[turn]), U64(earlier.offsets[turn + 1]), start)
        extends[row] = chained
        first, last = U64(0), U64(0)
        if is_valid(prompts.validity, prompts.first_bit + row):
            first, last = U64(prompts.offsets[row]), U64(prompts.offsets[row + 1])
        thread[row] = _link(chained, prompts.data, first, last, start)


@compiled
def _link(chained: np.uint64, data: Bytes, first: np.uint64, last: np.uint64, start: State) -> np.uint64:
    """Return the hash of one more turn; 0 is kept for none."""
    v0, v1, v2, v3 = sip_absorb(start[0], start[1], start[2], start[3], chained)
    v0, v1, v2, v3 = absorb_bytes(data, first, last, (v0, v1, v2, v3))
    return max(sip_finish(v0, v1, v2, v3), U64(1))
