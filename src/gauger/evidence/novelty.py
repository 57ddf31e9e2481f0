"""Whether a shingle was held by nobody, by one principal or by several: a filter of fixed size that merges.

A cell holds nothing, the mark of the only principal, or "several". Cells merge by a rule that is associative,
commutative and idempotent, so the filter of a day is that of its hours in any order, and what is noted twice
counts once. A shingle has a cell in each of two rows, and what it says is the less of the two: strangers in its cells
can make a shingle look known, which costs power, and never make it look new. Two principals have the same mark once in
65,534 pairs, and then count as one.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Final

import numba as nb
import numpy as np
from numpy.typing import NDArray

Cells = NDArray[np.uint16]
Ints = NDArray[np.int64]

SEVERAL: Final = np.uint16(65_535)
_ROWS: Final = 2
_ODD: Final = np.uint64(0x9E3779B97F4A7C15)


def empty_filter(bits: int) -> Cells:
    """Return uint16[2, 2**bits], a filter that has seen nothing."""
    return np.zeros((_ROWS, 1 << bits), np.uint16)


def marks(principal_ids: Sequence[str]) -> Cells:
    """Return uint16[n], the mark of each principal, from 1 to 65,534: the same in every run."""
    digests = (hashlib.blake2b(one.encode(), digest_size=8).digest() for one in principal_ids)
    return np.array([int.from_bytes(one, "little") % (int(SEVERAL) - 1) + 1 for one in digests], np.uint16)


def note(cells: Cells, shingles: Ints, mark: Cells) -> None:
    """Note shingles in a filter, each held by the principal of its mark.

    Parameters
    ----------
    cells
        The filter; it is changed.
    shingles, mark
        int64[n] and uint16[n].
    """
    _note(cells, shingles, mark, np.uint64(64 - (cells.shape[1].bit_length() - 1)))


def held_by(cells: Cells, shingles: Ints) -> NDArray[np.uint8]:
    """Return uint8[n], by how many principals each shingle was held: 0, 1, or 2 for several."""
    return _held_by(cells, shingles, np.uint64(64 - (cells.shape[1].bit_length() - 1)))


def are_new_and_shared(shingles: Ints, *, known: Cells, today: Cells, at_most: int) -> NDArray[np.bool_]:
    """Return bool[n], whether at most so many held each shingle by the one filter, 0 or 1, and several by the other.

    It says what `held_by` says of the two, and looks no further than that takes.
    """
    shift = np.uint64(64 - (known.shape[1].bit_length() - 1))
    return _are_new_and_shared(shingles, known, today, at_most, shift)


def merged(filters: Iterable[Cells], bits: int) -> Cells:
    """Return the filter of all that some filters have seen."""
    first, *others = [*filters] or [empty_filter(bits)]
    together = first.copy()
    for cells in others:
        _merge(together.ravel(), cells.ravel())
    return together


def fill_share(cells: Cells) -> float:
    """Return the share of the cells that are in use."""
    return float(np.count_nonzero(cells) / cells.size)


@nb.njit(cache=True, nogil=True)
def _note(cells, shingles, mark, shift):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
    mask = np.uint64(cells.shape[1] - 1)
    for k in range(len(shingles)):
        number = np.uint64(shingles[k])
        for row in range(2):
            at = number & mask if row == 0 else (number * _ODD) >> shift
            if cells[row, at] == 0:
                cells[row, at] = mark[k]
            elif cells[row, at] != mark[k]:
                cells[row, at] = SEVERAL


@nb.njit(cache=True, nogil=True)
def _held_by(cells, shingles, shift):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
    mask = np.uint64(cells.shape[1] - 1)
    out = np.empty(len(shingles), np.uint8)
    for k in range(len(shingles)):
        number = np.uint64(shingles[k])
        least = np.uint8(2)
        for row in range(2):
            at = number & mask if row == 0 else (number * _ODD) >> shift
            found = cells[row, at]
            said = np.uint8(0) if found == 0 else np.uint8(2) if found == SEVERAL else np.uint8(1)
            least = min(least, said)
        out[k] = least
    return out


@nb.njit(cache=True, nogil=True)
def _are_new_and_shared(shingles, known, today, at_most, shift):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
    mask = np.uint64(known.shape[1] - 1)
    out = np.empty(len(shingles), np.bool_)
    for k in range(len(shingles)):
        number = np.uint64(shingles[k])
        one, other = number & mask, (number * _ODD) >> shift
        # The mark of a single principal is neither nothing nor "several".
        most = np.uint16(0) if at_most == 0 else np.uint16(SEVERAL - 1)
        is_new = known[0, one] <= most or known[1, other] <= most
        out[k] = is_new and today[0, one] == SEVERAL and today[1, other] == SEVERAL
    return out


@nb.njit(cache=True, nogil=True)
def _merge(left, right):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
    for k in range(len(left)):
        if left[k] == 0:
            left[k] = right[k]
        elif right[k] != 0 and right[k] != left[k]:
            left[k] = SEVERAL
