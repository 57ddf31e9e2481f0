"""SipHash-1-3 in pieces (Aumasson and Bernstein, 2012), compiled, and the keys derived for it.

The pieces are absorbed 64-bit blocks: a caller that knows how to cut its input into blocks unambiguously hashes without
copying it. Compiled code is cached where NUMBA_CACHE_DIR says; Numba does not notice when a function *called* by a
cached one changes in another file, so whoever edits this file clears that cache.
"""

import hashlib
from collections.abc import Callable
from typing import Final, NamedTuple, TypeVar, cast

import numba
import numpy as np
import numpy.typing as npt

from gauger.errors import SettingsError

Function = TypeVar("Function", bound=Callable[..., object])
State = tuple[np.uint64, np.uint64, np.uint64, np.uint64]
Bytes = npt.NDArray[np.uint8]

U64: Final = np.uint64
MIN_KEY_BYTES: Final = 16

_INITIAL_0: Final = np.uint64(0x736F6D6570736575)
_INITIAL_1: Final = np.uint64(0x646F72616E646F6D)
_INITIAL_2: Final = np.uint64(0x6C7967656E657261)
_INITIAL_3: Final = np.uint64(0x7465646279746573)
_LAST: Final = np.uint64(0xFF)
_SECOND_HALF: Final = np.uint64(0xDD)


def compiled(function: Function) -> Function:
    """Return the function compiled by Numba: without the interpreter lock, and kept for the next process."""
    return cast(Function, numba.njit(nogil=True, cache=True)(function))


def inlined(function: Function) -> Function:
    """Return the function compiled into its callers: an array that is handed over costs more than a short loop."""
    return cast(Function, numba.njit(nogil=True, cache=True, forceinline=True)(function))


class SipKey(NamedTuple):
    """A 128-bit key."""

    low: np.uint64
    high: np.uint64


def key_stream(key: bytes, label: str, *, n_bytes: int) -> bytes:
    """Bytes derived from `key` for the use that `label` names (SHAKE-256, the key first).

    Raises
    ------
    SettingsError
        The key has less than 16 bytes.
    """
    if len(key) < MIN_KEY_BYTES:
        raise SettingsError(
            f"a sketch key has {len(key)} bytes",
            where="sketch key",
            todo=f"give at least {MIN_KEY_BYTES} random bytes",
        )
    return hashlib.shake_256(len(key).to_bytes(8, "little") + key + label.encode()).digest(n_bytes)


def sip_key(key: bytes, label: str) -> SipKey:
    """Return the SipHash key of one use."""
    return SipKey(*np.frombuffer(key_stream(key, label, n_bytes=16), "<u8").astype(np.uint64))


@inlined
def sip_start(key: SipKey) -> State:
    """State before the first block."""
    return key.low ^ _INITIAL_0, key.high ^ _INITIAL_1, key.low ^ _INITIAL_2, key.high ^ _INITIAL_3


@inlined
def sip_round(v0: np.uint64, v1: np.uint64, v2: np.uint64, v3: np.uint64) -> State:
    """One SipRound."""
    v0 = v0 + v1
    v2 = v2 + v3
    v1 = (v1 << U64(13)) | (v1 >> U64(51))
    v3 = (v3 << U64(16)) | (v3 >> U64(48))
    v1 = v1 ^ v0
    v3 = v3 ^ v2
    v0 = (v0 << U64(32)) | (v0 >> U64(32))
    v2 = v2 + v1
    v0 = v0 + v3
    v1 = (v1 << U64(17)) | (v1 >> U64(47))
    v3 = (v3 << U64(21)) | (v3 >> U64(43))
    v1 = v1 ^ v2
    v3 = v3 ^ v0
    v2 = (v2 << U64(32)) | (v2 >> U64(32))
    return v0, v1, v2, v3


@inlined
def sip_absorb(v0: np.uint64, v1: np.uint64, v2: np.uint64, v3: np.uint64, block: np.uint64) -> State:
    """State after one more block (one round)."""
    v0, v1, v2, v3 = sip_round(v0, v1, v2, v3 ^ block)
    return v0 ^ block, v1, v2, v3


@inlined
def sip_finish(v0: np.uint64, v1: np.uint64, v2: np.uint64, v3: np.uint64) -> np.uint64:
    """Return the 64-bit hash (three rounds)."""
    v0, v1, v2, v3 = sip_round(v0, v1, v2 ^ _LAST, v3)
    v0, v1, v2, v3 = sip_round(v0, v1, v2, v3)
    v0, v1, v2, v3 = sip_round(v0, v1, v2, v3)
    return v0 ^ v1 ^ v2 ^ v3


@inlined
def sip_finish_again(v0: np.uint64, v1: np.uint64, v2: np.uint64, v3: np.uint64) -> np.uint64:
    """Return a second 64-bit hash of the same input, independent of the first: the state is marked, then finished."""
    return sip_finish(v0, v1 ^ _SECOND_HALF, v2, v3)


@inlined
def load_block(data: Bytes, position: np.uint64) -> np.uint64:
    """Eight bytes at `position`, the first one lowest; all eight must be inside `data`."""
    return (
        U64(data[position])
        | (U64(data[position + U64(1)]) << U64(8))
        | (U64(data[position + U64(2)]) << U64(16))
        | (U64(data[position + U64(3)]) << U64(24))
        | (U64(data[position + U64(4)]) << U64(32))
        | (U64(data[position + U64(5)]) << U64(40))
        | (U64(data[position + U64(6)]) << U64(48))
        | (U64(data[position + U64(7)]) << U64(56))
    )
