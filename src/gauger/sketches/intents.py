"""What an exchange seems to be for, from words and word pairs that betray it.

A text's score for an intent is 1 - exp(-sum of the weights of its cues), each cue counted once. The weights are the
project's own first guess, written down in `gauger.sketches.lexicon`; they are not fitted, and a score is no
probability. Intent weighs candidates that other evidence found. It never raises an alarm: an honest engineer asks for
rubrics, test data and step-by-step reasoning every day.

Cues are hashed without the key, so that a score is the same in every workspace.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from gauger.sketches import kernel
from gauger.sketches.lexicon import LEXICON
from gauger.sketches.schema import INTENTS

#: Weights are whole thousandths: their sum does not depend on the order in which cues are met.
_THOUSANDTHS: Final = 1000
_U64: Final = (1 << 64) - 1
_GOLDEN: Final = 0x9E3779B97F4A7C15


@lru_cache(maxsize=1)
def lexicon_cues() -> kernel.Cues:
    """Return the lexicon, hashed."""
    cues = kernel.Cues(
        present=np.zeros(kernel.CUE_FILTER_BITS // 64, np.uint64),
        tags=np.zeros(kernel.CUE_SLOTS, np.uint64),
        weights=np.zeros((kernel.CUE_SLOTS, len(INTENTS)), np.int32),
    )
    for cue, intent, weight in lexicon_entries():
        hashed = cue_hash(cue)
        slot = hashed >> 51
        while cues.tags[slot] not in {0, hashed}:
            slot = (slot + 1) % kernel.CUE_SLOTS
        cues.tags[slot] = hashed
        cues.weights[slot, INTENTS.index(intent)] = round(weight * _THOUSANDTHS)
        bit = hashed % kernel.CUE_FILTER_BITS
        cues.present[bit >> 6] |= np.uint64(1 << (bit & 63))
    return cues


def lexicon_entries() -> Iterator[tuple[tuple[str, ...], str, float]]:
    """Every cue (one word or two, folded), its intent and its weight."""
    for intent, by_weight in LEXICON.items():
        for weight, cues in by_weight.items():
            for cue in cues.split(","):
                yield tuple(cue.split()), intent, weight


def cue_hash(cue: tuple[str, ...]) -> int:
    """Return the kernel's hash without the key of one folded word, or of two in a row."""
    first, *second = map(_word_hash, cue)
    return _mix(first * _GOLDEN + second[0]) if second else first


def intent_scores(cue_sums: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    """Scores in [0, 1] of sums of weights in thousandths, float32."""
    return -np.expm1(cue_sums / -_THOUSANDTHS).astype(np.float32)


def _word_hash(word: str) -> int:
    """Blocks of eight bytes, the last one closed by the length, each mixed into those before."""
    encoded = word.encode()
    n_full = len(encoded) // 8 * 8
    hashed = 0
    for i in range(0, n_full, 8):
        hashed = _mix(hashed ^ int.from_bytes(encoded[i : i + 8], "little")) | 1
    return _mix(hashed ^ int.from_bytes(encoded[n_full:], "little") ^ len(encoded) % 256 << 56)


def _mix(x: int) -> int:
    x &= _U64
    x = (x ^ x >> 33) * 0xFF51AFD7ED558CCD & _U64
    x = (x ^ x >> 33) * 0xC4CEB9FE1A85EC53 & _U64
    return x ^ x >> 33
