"""Planted campaigns: what would be found in a log if it were there.

A planted campaign is made of sketches alone: accounts that fill one made-up wrapper from a list of their own, at times
and with topics drawn from the log itself. Nothing of it is text, and nothing of it is kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gauger.exchanges.principals import principals
from gauger.exchanges.schema import ACCOUNT_SCHEMA
from gauger.sketches.schema import SKETCH_SCHEMA

#: Shingles of the wrapper at sampling 1: about 33 words, two sentences.
CORE_SHINGLES: Final = 30
#: Fewest and most shingles of a slot fill at sampling 1: a line to a page.
FILL_SHINGLES: Final = (10, 150)
#: Share of the accounts that pay with the campaign's card, where an account table is known.
CARD_SHARE: Final = 0.5
#: Share of the accounts that already live in the log, so that their own traffic hides the campaign.
EXISTING_SHARE: Final = 0.5
#: A finding is the planted campaign when this share of each is in the other.
OVERLAP: Final = 0.5

PLANTED: Final = "planted"
_WILSON_Z: Final = 1.959964  # 95 %, both sides

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class PlantSize:
    """Size of a planted campaign: accounts, and exchanges of each in the tested stretch."""

    n_accounts: int
    exchanges_each: int


#: Sizes that span what is easy and what is close to impossible.
SIZES: Final = tuple(PlantSize(accounts, each) for accounts in (10, 30, 100) for each in (1, 3, 10))


@dataclass(frozen=True, slots=True)
class Planted:
    """A planted campaign.

    Attributes
    ----------
    rows
        Its exchanges, SKETCH_SCHEMA.
    accounts
        The operator's account table (ACCOUNT_SCHEMA) with the campaign's accounts in it, or None where none is known.
    account_ids
        Its accounts.
    """

    rows: pa.Table
    accounts: pa.Table | None
    account_ids: frozenset[str]


def plant(
    donors: pa.Table, accounts: pa.Table | None, size: PlantSize, *, sampling: int, rng: np.random.Generator
) -> Planted:
    """Return a campaign to add to a log.

    Half of its accounts live in the log already, one of a principal, as far as there are enough; the others are new
    and look like accounts of the log. Half share one payment card.

    Parameters
    ----------
    donors
        Exchanges of the tested stretch (SKETCH_SCHEMA), at least one: times, topics, clients and models are drawn from
        them.
    accounts
        The operator's account table (ACCOUNT_SCHEMA), or None.
    size
        How large it is.
    sampling
        One shingle in this many is kept (`SketchSettings.sampling`).
    rng
        Source of chance.
    """
    donor_of_account, is_new = _recruit(donors, accounts, size, rng=rng)
    like = donors["account_id"].take(donor_of_account).to_pylist()
    ids = [
        f"{PLANTED}-{number:04d}" if new else own for number, (own, new) in enumerate(zip(like, is_new, strict=True))
    ]
    rows = _exchanges(donors, donor_of_account, ids, is_new, size=size, sampling=sampling, rng=rng)
    table = None if accounts is None else _with_accounts(accounts, ids, like, is_new, rng=rng)
    return Planted(rows=rows, accounts=table, account_ids=frozenset(ids))


def is_found(accounts: frozenset[str], planted: frozenset[str]) -> bool:
    """Return whether a finding of these accounts is the planted campaign: half of each is in the other."""
    both = len(accounts & planted)
    return both >= OVERLAP * len(accounts) and both >= OVERLAP * len(planted)


def wilson(found: int, planted: int) -> tuple[float, float]:
    """Return the 95 % interval of the rate found / planted (Wilson 1927)."""
    rate, square = found / planted, _WILSON_Z**2
    centre = rate + square / (2 * planted)
    spread = _WILSON_Z * sqrt(rate * (1 - rate) / planted + square / (4 * planted**2))
    scale = 1 + square / planted
    low = 0.0 if found == 0 else max(0.0, (centre - spread) / scale)
    high = 1.0 if found == planted else min(1.0, (centre + spread) / scale)
    return low, high


def _recruit(
    donors: pa.Table, accounts: pa.Table | None, size: PlantSize, *, rng: np.random.Generator
) -> tuple[Ints, list[bool]]:
    """Return for each account the exchange whose client, network and model it has, and whether it is new."""
    owned = principals(donors.select(["account_id", "principal_id", "organisation_id"]), accounts)
    one_each = owned.group_by("principal_id", use_threads=False).aggregate([("account_id", "min")])["account_id_min"]
    living = rng.permutation(pc.index_in(one_each, donors["account_id"].combine_chunks()).to_numpy())
    n_living = min(round(size.n_accounts * EXISTING_SHARE), len(living))
    n_new = size.n_accounts - n_living
    new = rng.integers(0, len(donors), n_new)
    return np.concatenate([living[:n_living], new]).astype(np.int64), [False] * n_living + [True] * n_new


def _exchanges(
    donors: pa.Table,
    donor_of_account: Ints,
    ids: Sequence[str],
    is_new: Sequence[bool],
    *,
    size: PlantSize,
    sampling: int,
    rng: np.random.Generator,
) -> pa.Table:
    n = size.n_accounts * size.exchanges_each
    account = np.repeat(np.arange(size.n_accounts), size.exchanges_each)
    topic = rng.integers(0, len(donors), n)
    moment = rng.integers(0, len(donors), n)
    shingles, n_words = _shingles(donors["shingles"], topic, sampling=sampling, rng=rng)
    own = pa.array(np.array(is_new)[account])
    made: dict[str, Any] = {
        "request_id": [f"{PLANTED}-{number}" for number in range(n)],
        "account_id": pa.array(ids, pa.string()).take(pa.array(account)),
        "occurred_at": donors["occurred_at"].take(moment),
        "occurred_us": donors["occurred_us"].take(moment),
        "source_file": [PLANTED] * n,
        "source_row": np.arange(n),
        "shingles": shingles,
        "projection": donors["projection"].take(topic),
        "intents": donors["intents"].take(topic),
        "n_words": n_words,
        "system_part": np.zeros(n, np.int64),
        "tool_part": np.zeros(n, np.int64),
        "extends": np.zeros(n, np.int64),
        "conversation_id": pa.nulls(n, pa.string()),
        "reasoning_block_hash": pa.nulls(n, pa.string()),
        **{
            name: _hashes(n, rng) for name in ("turn_hash_high", "turn_hash_low", "thread", "digest_high", "digest_low")
        },
    }
    like = donors.take(donor_of_account[account])
    for name in ("api_key_id", "principal_id", "organisation_id", "end_user_id", "client_address_hash"):
        made[name] = pc.if_else(own, pa.scalar(None, pa.string()), like[name].combine_chunks())
    columns = [_column(made.get(field.name, like[field.name]), field.type) for field in SKETCH_SCHEMA]
    return pa.table(columns, schema=SKETCH_SCHEMA)


def _column(values: Any, kind: pa.DataType) -> pa.Array | pa.ChunkedArray:
    return values.cast(kind) if isinstance(values, pa.Array | pa.ChunkedArray) else pa.array(values, kind)


def _shingles(
    texts: pa.ChunkedArray, topic: Ints, *, sampling: int, rng: np.random.Generator
) -> tuple[pa.Array, NDArray[np.int32]]:
    """Return for each exchange the wrapper and a fill of its own, as long as a text of the log, and its words."""
    core = _hashes(CORE_SHINGLES // sampling, rng)
    shortest, longest = (bound // sampling for bound in FILL_SHINGLES)
    lengths = np.clip(pc.list_value_length(texts).to_numpy()[topic], shortest, longest).astype(np.int64)
    fills = np.split(_hashes(int(lengths.sum()), rng), np.cumsum(lengths)[:-1])
    values = np.concatenate([part for fill in fills for part in (core, fill)])
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths + len(core))])
    words = (lengths + len(core)) * sampling + 3
    return pa.ListArray.from_arrays(offsets.astype(np.int32), values), words.astype(np.int32)


def _hashes(n: int, rng: np.random.Generator) -> Ints:
    """Return 64-bit hashes of texts that nobody wrote."""
    return rng.integers(-(2**63), 2**63 - 1, n, dtype=np.int64, endpoint=True)


def _with_accounts(
    accounts: pa.Table, ids: Sequence[str], like: Sequence[str], is_new: Sequence[bool], *, rng: np.random.Generator
) -> pa.Table:
    """Return the account table with the campaign's accounts, new ones made after the accounts they look like."""
    row_of = {account: row for row, account in enumerate(accounts["account_id"].to_pylist())}
    with_card = set(rng.permutation(len(ids))[: round(CARD_SHARE * len(ids))].tolist())
    rows = []
    for number, account in enumerate(ids):
        row = _row(accounts, row_of.get(like[number])) | {"account_id": account}
        if is_new[number]:
            nobody = dict.fromkeys(("principal_id", "organisation_id", "email_hash"))
            row |= nobody | {"payment_token_hash": f"{PLANTED}-{number}"}
        if number in with_card:
            row["payment_token_hash"] = f"{PLANTED}-card"
        rows.append(row)
    others = accounts.filter(pc.invert(pc.is_in(accounts["account_id"], pa.array(list(ids), pa.string()))))
    return pa.concat_tables([others, pa.Table.from_pylist(rows, schema=ACCOUNT_SCHEMA)])


def _row(accounts: pa.Table, row: int | None) -> dict[str, Any]:
    if row is None:
        return dict.fromkeys(ACCOUNT_SCHEMA.names)
    found: dict[str, Any] = accounts.slice(row, 1).to_pylist()[0]
    return found
