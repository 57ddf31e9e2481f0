"""What changed in the tested stretch, for the channels that ask: who went over to a new model, who was elsewhere."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gauger.campaigns.windows import Window
from gauger.evidence.changes import Moves, Visits
from gauger.evidence.items import Items

Codes = NDArray[np.int32]
Ints = NDArray[np.int64]

HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
#: A model is new when the log began so long before its first use.
NEW_AFTER_US = 7 * DAY_US
#: Who uses it this soon has moved early; so much of the stretch must be left to see it.
EARLY_US = 2 * DAY_US
#: A network of this share of an account's exchanges in the look-back is where its owner usually is ...
USUAL_SHARE = 1 / 3
#: ... of accounts with so many exchanges there. So long before its first use and after its last the owner may be there.
MIN_BEFORE = 10
AROUND_US = 6 * HOUR_US


@dataclass(frozen=True, slots=True)
class Release:
    """A model's first appearance, and until when a move counts as early; microseconds since the epoch, UTC."""

    model: str
    at_us: int
    until_us: int


@dataclass(frozen=True, slots=True)
class Released:
    """A release, and who used which model around it.

    Attributes
    ----------
    release
        The new model.
    before, after
        principal, client_fingerprint, request_model, n: exchanges from the look-back's begin to the release, and while
        a move is early.
    """

    release: Release
    before: pa.Table
    after: pa.Table


def new_model(uses: pa.Table, window: Window, *, log_first_us: int) -> Release | None:
    """Return the model that newly appeared in a window or its look-back; of several the one with most users.

    Parameters
    ----------
    uses
        principal, request_model, first_us: until the window's end.
    window
        The tested stretch with its look-back.
    log_first_us
        First instant of the log.
    """
    firsts = uses.group_by("request_model").aggregate([("first_us", "min"), ("principal", "count")])
    earliest = max(log_first_us + NEW_AFTER_US, window.look_back_us)
    new = [
        (-row["principal_count"], row["request_model"], row["first_us_min"])
        for row in firsts.to_pylist()
        if earliest <= row["first_us_min"] <= window.end_us - EARLY_US
    ]
    if not new:
        return None
    _, model, at_us = min(new)
    return Release(model=model, at_us=at_us, until_us=at_us + EARLY_US)


def build_moves(released: Released, *, plan: Codes, n_principals: int) -> Moves:
    """Return who moved early.

    Parameters
    ----------
    released
        The new model and its use.
    plan
        int32[n_principals], code of each principal's plan.
    n_principals
        Principals of the log.
    """
    release, before, after = released.release, released.before, released.after
    n_before, n_after = (_total(table, n_principals) for table in (before, after))
    moved = _total(after.filter(pc.equal(after["request_model"], release.model)), n_principals) > 0
    both = pa.concat_tables([before, after])
    client = _most_used(both, "client_fingerprint", n_principals)
    known = (n_before > 0) & (n_after > 0) & (client >= 0)
    activity = np.log2(np.maximum(n_after, 1)) // 2
    model_before = _most_used(before, "request_model", n_principals)
    return Moves(
        model=release.model,
        known=known,
        moved=known & moved,
        stratum=np.stack([client, model_before, plan, activity], axis=1).astype(np.int64),
    )


def _total(table: pa.Table, n_principals: int) -> Ints:
    return np.bincount(table["principal"].to_numpy(), weights=table["n"].to_numpy(), minlength=n_principals).astype(
        np.int64
    )


def _most_used(table: pa.Table, column: str, n_principals: int) -> Ints:
    """Return the code of the value that each principal used most, the first by name among equals; -1 where unknown."""
    named = table.filter(pc.is_valid(table[column])).group_by(["principal", column]).aggregate([("n", "sum")])
    values = pc.unique(named[column]).sort()
    code = pc.index_in(named[column], values).to_numpy().astype(np.int64)
    principal, n = named["principal"].to_numpy(), named["n_sum"].to_numpy()
    order = np.lexsort((code, -n, principal))
    owner, first = np.unique(principal[order], return_index=True)
    most = np.full(n_principals, -1, np.int64)
    most[owner] = code[order][first]
    return most


def build_visits(items: Items, networks: pa.ChunkedArray, *, before: pa.Table, during: pa.Table) -> Visits | None:
    """Return where the items of a stretch came from; None where no network is known.

    Parameters
    ----------
    items
        Items of the stretch.
    networks
        Pseudonym of the network that each came from, row for row with `items`.
    before, during
        account, client_prefix_hash, n, first_us, last_us: visits of the look-back, and of the stretch.
    """
    names = [networks, before["client_prefix_hash"], during["client_prefix_hash"]]
    values = pc.unique(pa.chunked_array([chunk for name in names for chunk in name.chunks], pa.string()))
    here, earlier, later = (pc.fill_null(pc.index_in(name, values.drop_null()), -1).to_numpy() for name in names)
    if not (here >= 0).any():
        return None
    accounts = (items.account, before["account"].to_numpy(), during["account"].to_numpy())
    n_accounts = 1 + max(int(one.max(initial=0)) for one in accounts)
    span = len(values)
    was_there = before["account"].to_numpy().astype(np.int64) * span + earlier
    n = before["n"].to_numpy()
    total = np.bincount(before["account"].to_numpy(), weights=n, minlength=n_accounts)
    usual = was_there[n >= USUAL_SHARE * total[before["account"].to_numpy()]]
    account = during["account"].to_numpy()
    at_home = np.isin(account.astype(np.int64) * span + later, usual)
    first = np.full(n_accounts, np.iinfo(np.int64).max)
    last = np.full(n_accounts, -1, np.int64)
    np.minimum.at(first, account[at_home], during["first_us"].to_numpy()[at_home] - AROUND_US)
    np.maximum.at(last, account[at_home], during["last_us"].to_numpy()[at_home] + AROUND_US)
    pair = items.account.astype(np.int64) * span + here
    time = items.occurred_at
    told = (here >= 0) & (total[items.account] >= MIN_BEFORE)
    told &= (time >= first[items.account]) & (time <= last[items.account])
    day = time // DAY_US
    first_day = int(day.min(initial=0))
    _, visit = np.unique(pair * (int(day.max(initial=0)) - first_day + 1) + day - first_day, return_inverse=True)
    elsewhere = ~np.isin(pair, was_there) & (here >= 0)
    return Visits(account=items.account, visit=np.where(told, visit, -1), elsewhere=elsewhere)
