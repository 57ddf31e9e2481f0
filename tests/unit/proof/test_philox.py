"""The compiled generator is Philox4x32-10, and its words are those of vLLM."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gauger.proof.philox import GREEN, GUMBEL, philox_block, totals, uniforms, words

MASK = 2**32 - 1
WORD = st.integers(0, MASK)


def slow_block(counter, key):
    """Philox4x32-10 as the paper writes it, in Python's integers."""
    counter, key = list(counter), list(key)
    for _ in range(10):
        left, right = 0xD2511F53 * counter[0], 0xCD9E8D57 * counter[2]
        counter = [
            (right >> 32) ^ counter[1] ^ key[0],
            right & MASK,
            (left >> 32) ^ counter[3] ^ key[1],
            left & MASK,
        ]
        key = [(key[0] + 0x9E3779B9) & MASK, (key[1] + 0xBB67AE85) & MASK]
    return counter


def slow_word(key, context, token):
    """The input mapping of vLLM's philox4x32-10-v1, in Python's integers."""
    low, high = key & MASK, key >> 32
    state = [0x574D4358, len(context), 0, 0]
    for start in range(0, len(context), 4):
        block = [*context[start : start + 4]]
        block += [MASK - place for place in range(len(block), 4)]
        state = slow_block([a ^ b for a, b in zip(state, block, strict=True)], [low ^ start, high])
    return slow_block([token >> 2, *state[:3]], [low ^ state[3], high ^ 0x574D544B])[token & 3]


def test_blocks_are_the_published_known_answers():
    """Random123, kat_vectors, philox4x32 with 10 rounds."""
    pi = (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344), (0xA4093822, 0x299F31D0)
    for counter, key, expected in (
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((MASK,) * 4, (MASK,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (*pi, (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1)),
    ):
        found = philox_block(*(np.uint64(one) for one in (*counter, *key)))
        assert tuple(int(one) for one in found) == expected
        assert tuple(slow_block(counter, key)) == expected


@given(st.integers(0, 2**64 - 1), st.lists(WORD, min_size=1, max_size=9), WORD)
def test_words_are_those_of_the_slow_reference(key, context, token):
    found = words(np.uint64(key), np.array([context], np.uint32), np.array([token], np.uint32))
    assert int(found[0]) == slow_word(key, context, token)


def test_text_sampled_here_is_the_text_of_vllms_own_test():
    """vLLM tests its detector on text of key 42, context 4: argmax of u over 128 equally likely tokens."""
    text = [MASK] * 4
    for _ in range(16):
        contexts = np.tile(np.array(text[-4:], np.uint32), (128, 1))
        text.append(int(uniforms(words(np.uint64(42), contexts, np.arange(128, dtype=np.uint32))).argmax()))
    assert text[4:] == [85, 56, 123, 77, 105, 62, 9, 104, 16, 98, 123, 22, 16, 35, 47, 127]


def test_uniforms_lie_strictly_between_zero_and_one_at_both_ends():
    found = uniforms(np.array([0, MASK], np.uint32))
    assert 0 < found[0] < found[1] < 1


def test_totals_of_many_keys_are_weighted_sums_of_single_scores():
    rng = np.random.default_rng(1)
    keys = rng.integers(0, 2**64, 7, np.uint64)
    contexts = rng.integers(0, MASK, (5, 3)).astype(np.uint32)
    offsets = np.array([0, 2, 2, 6, 7, 11])
    tokens, weights = rng.integers(0, MASK, 11).astype(np.uint32), rng.normal(size=11)
    rows = np.repeat(contexts, np.diff(offsets), axis=0)
    threshold = np.uint64(2**30)
    for kind, score in (
        (GREEN, lambda drawn: (drawn < threshold).astype(float)),
        (GUMBEL, lambda drawn: -np.log1p(-uniforms(drawn))),
    ):
        fast = totals(keys, contexts, offsets, tokens, weights, kind, threshold)
        slow = [weights @ score(words(key, rows, tokens)) for key in keys]
        np.testing.assert_allclose(fast, slow, rtol=1e-12)
