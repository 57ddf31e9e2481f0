"""From what a finding's accounts did to its timeline."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gauger.campaigns.dossier import Dossier
from gauger.report.timeline import Marker, Timeline

_LABELS = {"ban": "ban", "suspension": "suspension", "model_release": "release"}


def timeline_of(one: Dossier, active: pa.Table, events: pa.Table | None, *, width_us: int) -> Timeline:
    """Return the timeline of a finding.

    Parameters
    ----------
    one
        The finding's dossier.
    active
        (account_id, bin, n): exchanges of accounts per bin.
    events
        EVENT_SCHEMA, or None: bans of its accounts and model releases become markers.
    width_us
        Width of a bin in microseconds.
    """
    members = pa.array([member.account_id for member in one.finding.accounts], pa.string())
    theirs = active.filter(pc.is_in(active["account_id"], members))
    all_bins, all_counts = _summed(theirs["bin"].to_numpy(), theirs["n"].to_numpy())
    bins, counts = _summed(one.exchanges["occurred_us"].to_numpy() // width_us, np.ones(len(one.exchanges), np.int64))
    attributed = np.zeros(len(all_bins), np.int64)
    attributed[np.searchsorted(all_bins, bins)] = counts
    return Timeline(
        starts_us=all_bins * width_us,
        attributed=attributed,
        all_exchanges=all_counts,
        width_s=width_us // 1_000_000,
        markers=_markers(events, members),
    )


def _summed(bins: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    distinct, inverse = np.unique(bins.astype(np.int64), return_inverse=True)
    return distinct, np.bincount(inverse, weights=counts, minlength=len(distinct)).astype(np.int64)


def _markers(events: pa.Table | None, members: pa.Array) -> tuple[Marker, ...]:
    if events is None:
        return ()
    concerns = pc.or_(pc.is_in(events["account_id"], members), pc.equal(events["kind"], "model_release"))
    rows = events.filter(pc.fill_null(concerns, False)).to_pylist()  # noqa: FBT003 - pyarrow's own parameter
    return tuple(
        Marker(
            at_us=int(row["occurred_at"].timestamp() * 1_000_000),
            label=f"{_LABELS[row['kind']]} {row['model'] or ''}".strip(),
        )
        for row in rows
    )
