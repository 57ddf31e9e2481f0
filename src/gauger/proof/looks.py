"""The test of a suspect that is still being asked: e-values at doubling numbers of answers, stopped when it pleases.

Looks are at `first`, 2 `first`, 4 `first`, ... answers, in the order of the file, and nowhere else: the plan depends on
no result, so what has come together by any of them is an e-value (`gauger.proof.sequential`), and 1 / its largest value
is a p-value that holds whenever one stops. Answers past the last look wait for the next.
"""

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gauger.errors import UsageError
from gauger.proof.cells import Answer, Cells
from gauger.proof.radioactivity import N_WRONG_KEYS, Floats, KeyTest, Look, Method, formula, seed_of
from gauger.proof.schemes import Scheme
from gauger.proof.sequential import Looks

Keys = NDArray[np.uint64]

#: Keys whose sums are worked out at a time: their state stays in the cache.
_CHUNK: Final = 512
#: An e-value is at most the number of keys, and the first look has half the weight: twice the keys make a verdict
#: possible there, and twice that makes it likely.
_LEAST_KEYS: Final = 2
_USUAL_KEYS: Final = 4


def look_sizes(n_answers: int, first: int) -> list[int]:
    """Return after how many answers is looked: the first, and each time twice as many."""
    return [first << doubling for doubling in range(max(n_answers // first, 0).bit_length())]


def next_look(n_answers: int, first: int) -> int:
    """Return at how many answers the next look is, for one who has so many."""
    return first << max(n_answers // first, 0).bit_length()


def sequential_null_keys(alpha: float, n_tests: int) -> int:
    """Return how many other keys let a strong mark be called at the first look."""
    return math.ceil(_USUAL_KEYS * n_tests / alpha * (1 - 1e-12)) - 1


def check_sequential_null_keys(null_keys: int, *, alpha: float, n_tests: int) -> None:
    """Refuse looks that could not give the verdict they are asked for.

    Raises
    ------
    UsageError
        There are fewer other keys than twice the tests over alpha.
    """
    needed = math.ceil(_LEAST_KEYS * n_tests / alpha * (1 - 1e-12)) - 1
    if null_keys < needed:
        raise UsageError(
            f"{null_keys:,} other keys cannot carry a verdict at alpha = {alpha:g} over {n_tests} tests, with looks",
            where="--null-keys",
            todo=f"give {needed:,} or more, or a larger --alpha",
        )


def looked_test(
    answers: Sequence[Answer],
    cells_of: Callable[[Sequence[Answer]], Cells],
    scheme: Scheme,
    key: Keys,
    commitment: str,
    *,
    method: Method,
    null_keys: int,
    first: int,
    enough: float,
    threads: int = 1,
) -> KeyTest:
    """Test one key on one suspect, look by look.

    Parameters
    ----------
    answers
        In the order in which they came.
    cells_of
        Makes cells of the answers so far.
    scheme, key, commitment
        The watermark, uint64[n_words], and what the other keys' seed follows from.
    method
        Which cells these are, for the formula's tail.
    null_keys
        Other keys at each look; all are drawn.
    first
        Answers at the first look.
    enough
        The e-value at which nothing more is asked for.
    threads
        How many score; the result does not depend on it.
    """
    so_far, path = Looks(), []
    cells, observed, totals = cells_of(answers[:0]), 0.0, np.empty(0)
    for size in look_sizes(len(answers), first):
        cells = cells_of(answers[:size])
        observed, totals = _sums(cells, scheme, key, commitment, null_keys=null_keys, threads=threads)
        so_far = so_far.after(observed, totals)
        path.append(Look(n_answers=size, e_value=so_far.value))
        if so_far.value >= enough:
            break
    if not len(cells):
        return KeyTest(so_far.p_value, math.nan, 1.0, 0, cells.n_visits, 0, (), tuple(path))
    z_score, tail_p = formula(observed, cells, scheme, method)
    wrong = tuple(float((totals >= one).mean()) for one in totals[:N_WRONG_KEYS])
    return KeyTest(so_far.p_value, z_score, tail_p, len(cells), cells.n_visits, len(totals), wrong, tuple(path))


def _sums(
    cells: Cells, scheme: Scheme, key: Keys, commitment: str, *, null_keys: int, threads: int
) -> tuple[float, Floats]:
    """Return the sum under the key, and float64[null_keys] under others."""
    if not len(cells):
        return 0.0, np.zeros(null_keys)
    score, rng = scheme.scorer(cells), np.random.default_rng(seed_of(commitment, cells))
    sizes = [min(_CHUNK, null_keys - start) for start in range(0, null_keys, _CHUNK)]
    others = (rng.integers(0, 2**64, (size, scheme.n_words), np.uint64) for size in sizes)
    found = np.empty(null_keys)
    with ThreadPoolExecutor(threads) as pool:
        for group in range(0, len(sizes), threads):
            for place, part in enumerate(pool.map(score, list(islice(others, threads))), start=group):
                found[place * _CHUNK : place * _CHUNK + len(part)] = part
    return float(score(key[None, :])[0]), found
