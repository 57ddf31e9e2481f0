"""The test by other keys: would as many keys that nobody used have fitted the suspect's text as well?

The null: the suspect is independent of the key, which was drawn at random (and committed to before it was used). Then
the key in question and keys drawn now are exchangeable, and p = (1 + other keys with as large a sum) / (1 + other keys)
is exact: P(p <= a) <= a whatever the text, its repetitions and its language. No formula is needed; a z-score and the
formula's tail are given beside it because the permutation cannot fall below 1 / (1 + other keys).

Sources: Sander et al., "Watermarking makes language models radioactive" (NeurIPS 2024), for the question; Besag and
Clifford (1991) for stopping early where the answer is no (`gauger.evidence.permutation`). We deviate: their p-values
are the formula's, under one key; realised false-positive rates then depend on key and language.
"""

import hashlib
import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy import stats

from gauger.errors import UsageError
from gauger.evidence.permutation import TIE, sequential_p_value
from gauger.proof.bounds import Count, Figure
from gauger.proof.cells import Cells
from gauger.proof.schemes import Scheme

Keys = NDArray[np.uint64]
Floats = NDArray[np.float64]
Method = Literal["plain", "teacher"]

#: The laxest level at which a detection may be called a proof, and the strictest: no number of keys comes near it.
MAX_ALPHA: Final = 1e-3
MIN_ALPHA: Final = 1e-100
#: Wrong keys whose own p-values are printed as a control.
N_WRONG_KEYS: Final = 5


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """A look at the answers so far: how many, and the e-value that all looks up to it have brought together."""

    n_answers: Count
    e_value: Figure


@dataclass(frozen=True, slots=True)
class KeyTest:
    """What the test of one key on one suspect's cells gave.

    Attributes
    ----------
    p_value
        Exact, by other keys; with looks, 1 / the largest e-value.
    z_score
        The sum in standard deviations, scores taken as independent over cells; NaN without cells.
    tail_p
        What the formula makes of the sum: an approximation, never the headline.
    n_cells, n_visits
        Distinct (context, token), and the positions of the answers behind them.
    n_null_keys
        Other keys drawn; fewer than asked for where the answer was no early.
    wrong_keys
        p-values of the first of the other keys, each against the rest.
    looks
        Where one looked more than once (`gauger.proof.looks`).
    """

    p_value: float
    z_score: float
    tail_p: float
    n_cells: int
    n_visits: int
    n_null_keys: int
    wrong_keys: tuple[float, ...]
    looks: tuple[Look, ...] = ()


def required_null_keys(alpha: float, n_tests: int) -> int:
    """Return how many other keys a verdict at `alpha` over `n_tests` needs, Holm corrected: 999,999 for one at 1e-6."""
    return math.ceil(n_tests / alpha * (1 - 1e-12)) - 1


def check_null_keys(null_keys: int, *, alpha: float, n_tests: int) -> None:
    """Refuse a test that could not give the verdict it is asked for.

    Raises
    ------
    UsageError
        There are fewer other keys than `required_null_keys`.
    """
    needed = required_null_keys(alpha, n_tests)
    if null_keys < needed:
        raise UsageError(
            f"{null_keys:,} other keys cannot carry a verdict at alpha = {alpha:g} over {n_tests} tests",
            where="--null-keys",
            todo=f"give {needed:,} or more, or a larger --alpha",
        )


def check_alpha(alpha: float) -> None:
    """Refuse a level that is none.

    Raises
    ------
    UsageError
        It does not lie between 1e-100 and 0.001: a test that speaks of people has no laxer level.
    """
    if not MIN_ALPHA <= alpha <= MAX_ALPHA:
        raise UsageError(f"alpha is {alpha:g}", where="--alpha", todo=f"give a level up to {MAX_ALPHA:g}")


def seed_of(commitment: str, cells: Cells) -> int:
    """Return the seed of the other keys: it follows from what is tested, so nobody can try seeds until one pleases."""
    digest = hashlib.sha256(commitment.encode())
    for array in (cells.contexts, cells.offsets, cells.tokens, cells.weights):
        digest.update(np.ascontiguousarray(array).tobytes())
    return int.from_bytes(digest.digest()[:16], "big")


def key_test(
    cells: Cells,
    scheme: Scheme,
    key: Keys,
    *,
    method: Method,
    null_keys: int,
    rng: np.random.Generator,
    threads: int = 1,
) -> KeyTest:
    """Test one key on one suspect's cells.

    Parameters
    ----------
    cells
        From `plain_cells` or `referenced_cells`: no key had a part in them.
    scheme, key
        The watermark and uint64[n_words].
    method
        Which cells these are, for the formula's tail.
    null_keys
        Most other keys to draw.
    rng
        Where they come from.
    threads
        How many draw; the result does not depend on it.
    """
    if not len(cells):
        return KeyTest(1.0, math.nan, 1.0, 0, cells.n_visits, 0, ())
    score = scheme.scorer(cells)
    observed = float(score(key[None, :])[0])
    tally = _Tally()
    with ThreadPoolExecutor(threads) as pool:

        def draw(size: int) -> Floats:
            keys = rng.integers(0, 2**64, (size, scheme.n_words), np.uint64)
            parts = np.array_split(keys, threads)
            totals = np.concatenate(list(pool.map(score, parts))) if threads > 1 else score(keys)
            tally.add(totals)
            return totals

        p_value = sequential_p_value(observed, draw, permutations=null_keys)
    z_score, tail_p = formula(observed, cells, scheme, method)
    return KeyTest(
        p_value=p_value,
        z_score=z_score,
        tail_p=tail_p,
        n_cells=len(cells),
        n_visits=cells.n_visits,
        n_null_keys=tally.n_keys,
        wrong_keys=tally.p_values(),
    )


def formula(observed: float, cells: Cells, scheme: Scheme, method: Method) -> tuple[float, float]:
    """Return what the formula makes of a sum over cells, of which there must be some: z-score and tail."""
    z_score = (observed - scheme.mean * cells.weights.sum()) / (scheme.sd * float(np.linalg.norm(cells.weights)))
    tail = scheme.tail(observed, len(cells)) if method == "plain" else float(stats.norm.sf(z_score))
    return float(z_score), tail


class _Tally:
    """Counts how many other keys fit as well as each of the first of them, without keeping a hundred million sums."""

    def __init__(self) -> None:
        self.n_keys = 0
        self._bars = np.empty(0)
        self._reached = np.zeros(0, np.int64)

    def add(self, totals: Floats) -> None:
        """Count a batch; the first keys of the first batch are the ones compared."""
        if not self.n_keys:
            first = totals[:N_WRONG_KEYS]
            self._bars = first - TIE * np.maximum(1.0, np.abs(first))
            self._reached = np.zeros(len(first), np.int64)
        self.n_keys += len(totals)
        self._reached += (totals >= self._bars[:, None]).sum(axis=1)

    def p_values(self) -> tuple[float, ...]:
        """Return the p-value of each, itself counted once."""
        return tuple(float(one) for one in self._reached / max(self.n_keys, 1))
