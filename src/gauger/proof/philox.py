"""Keyed words for (key, context, token), compiled: Philox4x32-10 with the input mapping of vLLM's watermark.

Sources: Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011), for the generator;
vLLM's documentation and test vectors (`philox4x32-10-v1`, docs.vllm.ai, "Text watermarking") for how key, context and
token enter it. The context is absorbed first, four tokens a block, so all tokens after one context share that work.

Philox is no cryptographic function: who knows marked text can look for the key. What a test needs is less: that under a
key which was drawn at random the words of distinct (context, token) look independent, and exactness needs not even
that.

Everything that is inlined into a cached kernel stands in this file, for Numba does not notice changes elsewhere.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from gauger.sketches.siphash import compiled, inlined

Words = NDArray[np.uint32]
Keys = NDArray[np.uint64]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

U64: Final = np.uint64
U32: Final = np.uint32

_MASK: Final = np.uint64(0xFFFFFFFF)
_HALF: Final = np.uint64(32)
_MULTIPLIER_0: Final = np.uint64(0xD2511F53)
_MULTIPLIER_1: Final = np.uint64(0xCD9E8D57)
_WEYL_0: Final = np.uint64(0x9E3779B9)
_WEYL_1: Final = np.uint64(0xBB67AE85)
_CONTEXT_DOMAIN: Final = np.uint64(0x574D4358)
_TOKEN_DOMAIN: Final = np.uint64(0x574D544B)
#: The two score functions of a word, as the kernel knows them.
GREEN: Final = 0
GUMBEL: Final = 1

_Block = tuple[np.uint64, np.uint64, np.uint64, np.uint64]


@inlined
def philox_block(c0: np.uint64, c1: np.uint64, c2: np.uint64, c3: np.uint64, k0: np.uint64, k1: np.uint64) -> _Block:
    """Return the four 32-bit words (in uint64) of one counter under one key; every argument is below 2^32."""
    for _ in range(10):
        left = c0 * _MULTIPLIER_0
        right = c2 * _MULTIPLIER_1
        c0, c1, c2, c3 = (right >> _HALF) ^ c1 ^ k0, right & _MASK, (left >> _HALF) ^ c3 ^ k1, left & _MASK
        k0 = (k0 + _WEYL_0) & _MASK
        k1 = (k1 + _WEYL_1) & _MASK
    return c0, c1, c2, c3


@inlined
def _context_state(context: Words, k0: np.uint64, k1: np.uint64) -> _Block:
    """Return what the context leaves for its tokens; a last block is filled with the highest words, downwards."""
    width = len(context)
    c0, c1, c2, c3 = _CONTEXT_DOMAIN, U64(width), U64(0), U64(0)
    for start in range(0, width, 4):
        b0 = U64(context[start])
        b1 = U64(context[start + 1]) if start + 1 < width else _MASK - U64(1)
        b2 = U64(context[start + 2]) if start + 2 < width else _MASK - U64(2)
        b3 = U64(context[start + 3]) if start + 3 < width else _MASK - U64(3)
        c0, c1, c2, c3 = philox_block(c0 ^ b0, c1 ^ b1, c2 ^ b2, c3 ^ b3, k0 ^ U64(start), k1)
    return c0, c1, c2, c3


@inlined
def _token_block(
    token: np.uint64, s0: np.uint64, s1: np.uint64, s2: np.uint64, s3: np.uint64, k0: np.uint64, k1: np.uint64
) -> _Block:
    """Return the words of four neighbouring tokens, that of `token` at place `token & 3`."""
    return philox_block(token >> U64(2), s0, s1, s2, k0 ^ s3, k1 ^ _TOKEN_DOMAIN)


@inlined
def _at(block: _Block, place: np.uint32) -> np.uint64:
    """Return one word of a block."""
    if place == U32(0):
        return block[0]
    if place == U32(1):
        return block[1]
    if place == U32(2):
        return block[2]
    return block[3]


@inlined
def _uniform(word: np.uint64) -> np.float64:
    """Return the number in (0, 1) that vLLM makes of a word: 24 bits, rounded to float32."""
    # Numba takes float(float32) to be float32 still.
    return np.float64(np.float32((float(word >> U64(8)) + 1.0) / 16777217.0))


@compiled
def words(key: np.uint64, contexts: Words, tokens: Words) -> Words:
    """Return uint32[n], the word of each row.

    Parameters
    ----------
    key
        64 bits.
    contexts
        uint32[n, width], C-contiguous: the tokens before.
    tokens
        uint32[n].
    """
    out = np.empty(len(tokens), np.uint32)
    k0, k1 = key & _MASK, key >> _HALF
    for i in range(len(tokens)):
        s0, s1, s2, s3 = _context_state(contexts[i], k0, k1)
        out[i] = U32(_at(_token_block(U64(tokens[i]), s0, s1, s2, s3, k0, k1), tokens[i] & U32(3)))
    return out


@compiled
def uniforms(drawn: Words) -> Floats:
    """Return float64[n] in (0, 1), what vLLM makes of words."""
    out = np.empty(len(drawn), np.float64)
    for i in range(len(drawn)):
        out[i] = _uniform(U64(drawn[i]))
    return out


@compiled
def totals(
    keys: Keys, contexts: Words, offsets: Ints, tokens: Words, weights: Floats, kind: int, threshold: np.uint64
) -> Floats:
    """Return float64[n_keys], for each key the sum over cells of weight times score.

    The keys are the inner loop: the state of one context under all of them is computed once and stays in the cache, and
    so do the words of four neighbouring tokens, which share a block.

    Parameters
    ----------
    keys
        uint64[n_keys]; some hundreds at a time keep the scratch small.
    contexts
        uint32[n_contexts, width], distinct.
    offsets
        int64[n_contexts + 1] into `tokens`.
    tokens, weights
        uint32[n] and float64[n], the cells, grouped by context.
    kind
        `GREEN`: 1 where the word is below `threshold`, else 0. `GUMBEL`: -log(1 - u).
    threshold
        At most 2^32.
    """
    n = len(keys)
    k0, k1 = np.empty(n, np.uint32), np.empty(n, np.uint32)
    for j in range(n):
        k0[j], k1[j] = U32(keys[j] & _MASK), U32(keys[j] >> _HALF)
    s0, s1, s2, s3 = np.empty(n, np.uint32), np.empty(n, np.uint32), np.empty(n, np.uint32), np.empty(n, np.uint32)
    drawn = np.empty((4, n), np.uint32)
    out = np.zeros(n, np.float64)
    for i in range(len(contexts)):
        for j in range(n):
            a, b, c, d = _context_state(contexts[i], U64(k0[j]), U64(k1[j]))
            s0[j], s1[j], s2[j], s3[j] = U32(a), U32(b), U32(c), U32(d)
        shared = _MASK
        for cell in range(offsets[i], offsets[i + 1]):
            token, weight = tokens[cell], weights[cell]
            if U64(token) >> U64(2) != shared:
                shared = U64(token) >> U64(2)
                for j in range(n):
                    block = _token_block(
                        U64(token), U64(s0[j]), U64(s1[j]), U64(s2[j]), U64(s3[j]), U64(k0[j]), U64(k1[j])
                    )
                    drawn[0, j], drawn[1, j] = U32(block[0]), U32(block[1])
                    drawn[2, j], drawn[3, j] = U32(block[2]), U32(block[3])
            row = drawn[token & U32(3)]
            if kind == GREEN:
                for j in range(n):
                    out[j] += weight if U64(row[j]) < threshold else 0.0
            else:
                for j in range(n):
                    # 1 - u needs at most 48 bits, so it is exact, and log is quicker than log1p.
                    out[j] -= weight * np.log(1.0 - _uniform(U64(row[j])))
    return out
