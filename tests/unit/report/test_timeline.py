import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gauger.errors import UsageError
from gauger.report import Timeline
from gauger.report.timeline import coarsened

HOUR_US = 3_600_000_000


def series(bins: dict[int, tuple[int, int]], *, width_s: int = 3_600) -> Timeline:
    """A timeline from {bin number: (attributed, others)}."""
    numbers = sorted(bins)
    attributed = np.array([bins[n][0] for n in numbers], dtype=np.int64)
    others = np.array([bins[n][1] for n in numbers], dtype=np.int64)
    return Timeline(
        starts_us=np.array(numbers, dtype=np.int64) * width_s * 1_000_000,
        attributed=attributed,
        all_exchanges=attributed + others,
        width_s=width_s,
    )


COUNTS = st.integers(min_value=0, max_value=10**12)
BINS = st.dictionaries(st.integers(0, 100_000), st.tuples(COUNTS, COUNTS), min_size=1, max_size=30)


@given(BINS, st.integers(2, 300), st.sampled_from([1, 60, 3_600, 5_400, 86_400]))
def test_coarsening_loses_no_exchange_and_leaves_no_gap(bins, max_bins, width_s):
    fine = series(bins, width_s=width_s)
    coarse = coarsened(fine, max_bins=max_bins)
    assert len(coarse) <= max_bins
    assert coarse.attributed.sum() == fine.attributed.sum()
    assert coarse.all_exchanges.sum() == fine.all_exchanges.sum()
    assert (np.diff(coarse.starts_us) == coarse.width_s * 1_000_000).all()
    assert coarse.starts_us[0] <= fine.starts_us[0] < coarse.starts_us[0] + coarse.width_s * 1_000_000


def test_coarse_bins_are_calendar_days():
    coarse = coarsened(series(dict.fromkeys(range(5, 24 * 40), (1, 1))), max_bins=50)
    assert coarse.width_s == 86_400
    assert (coarse.starts_us % (24 * HOUR_US) == 0).all()
    assert coarse.attributed[1] == 24


def test_series_that_fits_keeps_its_bins():
    fine = series({3: (1, 0), 5: (2, 4)})
    coarse = coarsened(fine, max_bins=10)
    assert coarse.attributed.tolist() == [1, 0, 2]
    assert coarse.all_exchanges.tolist() == [1, 0, 6]


def test_empty_series_stays_empty():
    assert len(coarsened(series({}), max_bins=10)) == 0


@pytest.mark.parametrize(
    "change",
    [
        {"attributed": np.array([9, 1])},
        {"attributed": np.array([-1, 1])},
        {"starts_us": np.array([0, HOUR_US // 2])},
        {"starts_us": np.array([HOUR_US, 0])},
        {"starts_us": np.array([0])},
        {"all_exchanges": np.array([2.0, 2.0])},
        {"width_s": 0},
    ],
)
def test_arrays_that_are_no_series_are_refused(change):
    good = {
        "starts_us": np.array([0, HOUR_US]),
        "attributed": np.array([1, 1]),
        "all_exchanges": np.array([2, 2]),
        "width_s": 3_600,
    }
    Timeline(**good)
    with pytest.raises(UsageError):
        Timeline(**(good | change))
