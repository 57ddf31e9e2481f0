"""What an exchange seems to be for, from words and word pairs that betray it.

A text's log-odds for an intent are a bias and the sum of the weights of its cues, each cue counted once; the score is
the probability that they stand for. The weights are trained and judged by `python -m benchmarks.intents`, and
`docs/reference/intent-model.md` says on what, how well, and for which mix of prompts the score is a probability.
Intent weighs candidates that other evidence found. It never raises an alarm: an honest engineer asks for rubrics, test
data and step-by-step reasoning every day.

Cues are hashed without the key, so that a score is the same in every workspace.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Final

import numpy as np
import numpy.typing as npt

from gauger.errors import SettingsError
from gauger.sketches import kernel
from gauger.sketches.schema import INTENTS

#: The package's own table, part of the code: a cue and seven whole numbers a line, tabs between.
WEIGHTS: Final = "intents.tsv"
FORMAT: Final = "# gauger intents 1: thousandths of log-odds; made by python -m benchmarks.intents"
#: Weights are whole thousandths: their sum does not depend on the order in which cues are met.
_THOUSANDTHS: Final = 1000
_U64: Final = (1 << 64) - 1
_GOLDEN: Final = 0x9E3779B97F4A7C15


@dataclass(frozen=True)
class IntentWeights:
    """Log-odds in thousandths.

    Attributes
    ----------
    biases
        int64[7], in the order of `INTENTS`: a text without any cue.
    flagged
        float32[7]: the score from which an exchange counts as asking for it. At least a half, and so high that of
        audit-and-explainability requests unseen in training 1 % score as much.
    by_cue
        A cue (one folded word, or two in a row) and its seven weights.
    """

    biases: npt.NDArray[np.int64]
    flagged: npt.NDArray[np.float32]
    by_cue: Mapping[tuple[str, ...], tuple[int, ...]]


@lru_cache(maxsize=1)
def intent_weights() -> IntentWeights:
    """Return the weights that come with the package."""
    return parse_weights((files("gauger.sketches") / WEIGHTS).read_text(encoding="utf-8"))


def parse_weights(text: str) -> IntentWeights:
    """Read a table of weights: format, column names, biases, scores that flag (in thousandths), one cue a line.

    Raises
    ------
    SettingsError
        Another format, other intents, a cue of no or three words, one that stands twice, a weight that is no number.
    """
    lines = text.splitlines()
    if lines[:2] != [FORMAT, "\t".join(["cue", *INTENTS])]:
        raise SettingsError("the intent weights have another format or other intents", where=WEIGHTS, todo=_REINSTALL)
    rows = [_row(line, number) for number, line in enumerate(lines[2:], start=3)]
    if [cue for cue, _ in rows[:2]] != [("biases",), ("flagged",)]:
        raise SettingsError("the biases and the scores that flag are not first", where=WEIGHTS, todo=_REINSTALL)
    (_, biases), (_, flagged), *cues = rows
    by_cue = dict(cues)
    if len(by_cue) < len(cues):
        raise SettingsError("a cue stands twice", where=WEIGHTS, todo=_REINSTALL)
    return IntentWeights(np.array(biases, np.int64), np.array(flagged, np.float32) / np.float32(_THOUSANDTHS), by_cue)


_REINSTALL: Final = "install Gauger anew, or train the weights with this version"


def _row(line: str, number: int) -> tuple[tuple[str, ...], tuple[int, ...]]:
    cue, *weights = line.split("\t")
    try:
        words, row = tuple(cue.split()), tuple(map(int, weights))
    except ValueError:
        words, row = (), ()
    if len(row) != len(INTENTS) or len(words) not in {1, 2}:
        raise SettingsError("the line is no cue with its weights", where=f"{WEIGHTS}, line {number}", todo=_REINSTALL)
    return words, row


@lru_cache(maxsize=1)
def intent_cues() -> kernel.Cues:
    """Return the weights by hashed cue."""
    cues = kernel.Cues(
        present=np.zeros(kernel.CUE_FILTER_BITS // 64, np.uint64),
        tags=np.zeros(kernel.CUE_SLOTS, np.uint64),
        weights=np.zeros((kernel.CUE_SLOTS, len(INTENTS)), np.int32),
    )
    for cue, weights in intent_weights().by_cue.items():
        hashed = cue_hash(cue)
        slot = hashed >> 51
        while cues.tags[slot] not in {0, hashed}:
            slot = (slot + 1) % kernel.CUE_SLOTS
        cues.tags[slot] = hashed
        cues.weights[slot] = weights
        bit = hashed % kernel.CUE_FILTER_BITS
        cues.present[bit >> 6] |= np.uint64(1 << (bit & 63))
    return cues


def cue_hash(cue: tuple[str, ...]) -> int:
    """Return the kernel's hash without the key of one folded word, or of two in a row."""
    first, *second = map(_word_hash, cue)
    return _mix(first * _GOLDEN + second[0]) if second else first


def intent_scores(cue_sums: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    """Probabilities of sums of weights in thousandths, float32 of the same shape."""
    log_odds = (cue_sums + intent_weights().biases) / _THOUSANDTHS
    return (0.5 + 0.5 * np.tanh(log_odds / 2)).astype(np.float32)


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
