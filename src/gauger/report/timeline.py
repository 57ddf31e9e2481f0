"""A finding over time: how much was attributed to it, of all that its accounts did."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gauger.errors import UsageError

_US: Final = 1_000_000
_HOUR_S: Final = 3_600
_DAY_S: Final = 86_400

#: Widths a person reads without thinking, in seconds: hours, days, weeks.
READABLE_WIDTHS_S: Final = (
    *(hours * _HOUR_S for hours in (1, 2, 3, 6, 12)),
    *(days * _DAY_S for days in (1, 2, 7, 14, 28, 56, 112, 224)),
)


@dataclass(frozen=True, kw_only=True)
class Marker:
    """Something that happened at one time: a ban, a model release."""

    at_us: int
    label: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Timeline:
    """Exchanges of a finding's accounts in bins of equal width.

    Parameters
    ----------
    starts_us
        Starts of the bins, microseconds since 1970 in UTC, shape (n,), int64, rising by whole multiples of the width.
        A bin that is left out holds nothing.
    attributed
        Exchanges attributed to the finding, shape (n,), int64.
    all_exchanges
        All exchanges of the finding's accounts, shape (n,), int64, nowhere fewer than `attributed`.
    width_s
        Width of a bin in seconds.
    markers
        Events to show, in any order.

    Raises
    ------
    UsageError
        The arrays do not describe such a series.
    """

    starts_us: NDArray[np.int64]
    attributed: NDArray[np.int64]
    all_exchanges: NDArray[np.int64]
    width_s: int
    markers: tuple[Marker, ...] = ()

    def __post_init__(self) -> None:
        complaint = _complaint(self)
        if complaint:
            raise UsageError(complaint, where="Timeline")

    def __len__(self) -> int:
        return len(self.starts_us)


def coarsened(timeline: Timeline, *, max_bins: int) -> Timeline:
    """Return the timeline in at most `max_bins` bins without gaps, of the first readable width that fits.

    Readable widths begin at whole hours, days and weeks of 1970 in UTC, so that a day is a calendar day.
    """
    if not len(timeline):
        return timeline
    width_s = _fitting_width(timeline, max_bins=max_bins)
    width_us = width_s * _US
    bins = timeline.starts_us // width_us
    first, n_bins = int(bins[0]), int(bins[-1] - bins[0]) + 1
    return Timeline(
        starts_us=(np.arange(n_bins, dtype=np.int64) + first) * width_us,
        attributed=_summed(timeline.attributed, bins - first, n_bins=n_bins),
        all_exchanges=_summed(timeline.all_exchanges, bins - first, n_bins=n_bins),
        width_s=width_s,
        markers=timeline.markers,
    )


def _fitting_width(timeline: Timeline, *, max_bins: int) -> int:
    candidates = [timeline.width_s, *(w for w in READABLE_WIDTHS_S if w > timeline.width_s)]
    for width_s in candidates:
        ends = timeline.starts_us[[0, -1]] // (width_s * _US)
        if ends[1] - ends[0] < max_bins:
            return width_s
    span_s = int(timeline.starts_us[-1] - timeline.starts_us[0]) // _US
    return (span_s // (max_bins - 1) // _DAY_S + 1) * _DAY_S


def _summed(counts: NDArray[np.int64], bins: NDArray[np.int64], *, n_bins: int) -> NDArray[np.int64]:
    # Not np.bincount: its weights are floats, and a count stays an integer.
    total = np.zeros(n_bins, dtype=np.int64)
    np.add.at(total, bins, counts)
    return total


def _complaint(timeline: Timeline) -> str | None:
    arrays = (timeline.starts_us, timeline.attributed, timeline.all_exchanges)
    if any(array.dtype != np.int64 or array.shape != timeline.starts_us.shape or array.ndim != 1 for array in arrays):
        return "starts, attributed and all exchanges are not int64 arrays of one length"
    if timeline.width_s <= 0:
        return "the width of a bin is not positive"
    if not len(timeline):
        return None
    steps = np.diff(timeline.starts_us)
    if (steps <= 0).any() or (steps % (timeline.width_s * _US)).any():
        return "the starts do not rise by whole widths"
    if (timeline.attributed < 0).any() or (timeline.attributed > timeline.all_exchanges).any():
        return "more exchanges are attributed than there are"
    return None
