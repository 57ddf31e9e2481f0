"""Strata: principals of one kind, so that a group is compared with others like its members."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

#: A cell of the strata with fewer principals leaves the random groups no choice: it is joined to others.
MIN_CELL = 30


def cells(covariates: Ints, eligible: NDArray[np.bool_]) -> Ints:
    """Return a code for each eligible principal: its covariates, kinds of fewer than `MIN_CELL` joined to a neighbour.

    Which group is tested plays no part, so the test stays exact given the cells. Others have -1.

    Parameters
    ----------
    covariates
        int64[n_principals, k], the weightiest first.
    eligible
        bool[n_principals].
    """
    cell = np.full(len(covariates), -1, np.int64)
    for code, rows in enumerate(_split(np.flatnonzero(eligible), covariates)):
        cell[rows] = code
    return cell


def _split(rows: Ints, covariates: Ints) -> Iterator[Ints]:
    """Yield the rows by their covariates, the first column first. A small kind is joined to one neighbour by value.

    Never to more: of customers with many tokens and few nothing is alike. What is left small costs power alone. Of
    kinds without an order (plans, models) the neighbour is the next by name: customers of two small plans are then
    compared as of one.
    """
    if covariates.shape[1] == 0 or len(rows) == 0:
        yield rows
        return
    values, kind = np.unique(covariates[rows, 0], return_inverse=True)
    size = np.bincount(kind.ravel())
    at = 0
    while at < len(values):
        small = min(size[at], size[at + 1]) < MIN_CELL if at + 1 < len(values) else False
        width = 2 if small and values[at + 1] == values[at] + 1 else 1
        inside = (kind.ravel() >= at) & (kind.ravel() < at + width)
        yield from _split(rows[inside], covariates[:, 1:])
        at += width
