"""A stretch's data from rows in memory: the items and the new shared shingles that `fetch_window` gives of files."""

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gauger.campaigns.detection import SharedText, WindowData
from gauger.campaigns.windows import Window
from gauger.engines.fetch import item_rows, speaking_rows
from gauger.engines.relations import PART_COLUMNS
from gauger.evidence.mining import postings_in_order
from gauger.evidence.novelty import Cells, held_by, marks, note
from gauger.exchanges.principals import principals
from gauger.settings import CoreSettings

Ints = NDArray[np.int64]
Codes = NDArray[np.int32]

#: The order of the exchanges of a window (`gauger.engines.relations.window_turns`).
CANONICAL = ("occurred_us", "account_id", "request_id", "digest_high", "digest_low", "source_file", "source_row")

_STATED = ("account_id", "principal_id", "organisation_id")


@dataclass(frozen=True, slots=True)
class MemoryReader:
    """Takes kept rows apart (`gauger.campaigns.live.Reader`).

    Attributes
    ----------
    core
        How many principals share a shingle, and how many may have held it before.
    accounts
        The operator's account table (ACCOUNT_SCHEMA), or None.
    """

    core: CoreSettings
    accounts: pa.Table | None
    _parts: dict[tuple[str, int], Ints] = field(default_factory=dict)
    _place_in_table: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.accounts is not None:
            self._place_in_table.update({name: at for at, name in enumerate(self.accounts["account_id"].to_pylist())})

    def learn(self, parts: pa.Table) -> None:
        """Keep the shingles of system prompts and tool schemas (PART_SCHEMA) that rows will point to."""
        shingles = parts["shingles"].combine_chunks()
        for place, (kind, part) in enumerate(zip(parts["kind"].to_pylist(), parts["part"].to_pylist(), strict=True)):
            if (kind, part) not in self._parts:
                self._parts[kind, part] = shingles[place].values.to_numpy(zero_copy_only=False)

    def note(self, rows: pa.Table, cells: Cells) -> None:
        """Note the shingles of an hour's exchanges in the day's filter."""
        owned = self._owned(rows)
        mark = marks(owned.principal_ids)
        row, shingle = _flat(rows)
        note(cells, shingle, mark[owned.principal[row]])
        for kind in PART_COLUMNS:
            uses = self._uses(rows, owned.principal, kind)
            note(cells, uses.shingle, mark[uses.principal[uses.use]])

    def window_data(
        self, rows: pa.Table, window: Window, *, today: Cells, known: Cells
    ) -> tuple[WindowData, tuple[str, ...]]:
        """Return a stretch's items and new shared shingles, and the ids of the accounts by code."""
        rows = rows.sort_by([(name, "ascending") for name in CANONICAL])
        owned = self._owned(rows)
        columns = {"account": owned.account, "principal": owned.principal}
        coded = rows.drop_columns([name for name in columns if name in rows.column_names])
        for name, codes in columns.items():
            coded = coded.append_column(name, pa.array(codes))
        rows = coded.take(speaking_rows(coded))
        principal = rows["principal"].to_numpy()
        row, shingle = _flat(rows)
        texts = [self._shared("user_prompt", row, shingle, principal, today=today, known=known)]
        for kind in PART_COLUMNS:
            uses = self._uses(rows, principal, kind)
            texts.append(
                self._shared(kind, uses.use, uses.shingle, uses.principal, today=today, known=known, use_part=uses.part)
            )
        return WindowData(window, item_rows(rows), tuple(texts), rows["client_prefix_hash"]), owned.account_ids

    def _shared(
        self,
        part: str,
        item: Codes,
        shingle: Ints,
        principal: Codes,
        *,
        today: Cells,
        known: Cells,
        use_part: Ints | None = None,
    ) -> SharedText:
        """Return the shingles that enough principals share and that are new, and where they stand."""
        new = held_by(known, shingle) <= min(self.core.max_look_back_principals, 1)
        # What one principal held all day is shared in no part of it.
        kept = np.flatnonzero(new & (held_by(today, shingle) == 2))
        item, shingle = item[kept], shingle[kept]
        shingles, code = np.unique(shingle, return_inverse=True)
        held = postings_in_order(item, code.astype(np.int32), shingles=shingles, principal=principal)
        postings = held.shared_by(self.core.min_principals)
        return SharedText(
            part=part,
            postings=postings,
            n_before=held_by(known, postings.shingles).astype(np.int64),
            use_part=use_part,
        )

    def _owned(self, rows: pa.Table) -> "_Owned":
        # Distinct before they are cleaned, and of the table what is asked for: it has 100,000 accounts, an hour few.
        stated = rows.select(_STATED).group_by(list(_STATED), use_threads=False).aggregate([])
        table = None
        if self.accounts is not None:
            places = map(self._place_in_table.get, set(stated["account_id"].to_pylist()))
            table = self.accounts.take(pa.array([place for place in places if place is not None], pa.int64()))
        owned = principals(stated, table).sort_by("account_id")
        names, of_account = np.unique(np.array(owned["principal_id"].to_pylist(), dtype=object), return_inverse=True)
        account = pc.index_in(rows["account_id"], owned["account_id"].combine_chunks()).to_numpy().astype(np.int32)
        return _Owned(
            account_ids=tuple(owned["account_id"].to_pylist()),
            principal_ids=tuple(names.tolist()),
            account=account,
            principal=of_account.astype(np.int32)[account],
        )

    def _uses(self, rows: pa.Table, principal: Codes, kind: str) -> "_Uses":
        part = rows[PART_COLUMNS[kind]].to_numpy()
        given = np.flatnonzero(part != 0)
        order = given[np.lexsort((principal[given], part[given]))]
        is_first = np.ones(len(order), np.bool_)
        is_first[1:] = (part[order][1:] != part[order][:-1]) | (principal[order][1:] != principal[order][:-1])
        first = order[is_first]
        held = [self._parts[kind, number] for number in part[first].tolist()]
        sizes = [len(one) for one in held]
        return _Uses(
            part=part[first],
            principal=principal[first],
            use=np.repeat(np.arange(len(first), dtype=np.int32), sizes),
            shingle=np.concatenate([np.empty(0, np.int64), *held]),
        )


@dataclass(frozen=True, slots=True)
class _Uses:
    """Who uses which part: `part` and `principal` by use; `use` and `shingle`, an entry for each shingle of a use."""

    part: Ints
    principal: Codes
    use: Codes
    shingle: Ints


@dataclass(frozen=True, slots=True)
class _Owned:
    """The account and the principal of each row, by code; codes follow the sorted ids."""

    account_ids: tuple[str, ...]
    principal_ids: tuple[str, ...]
    account: Codes
    principal: Codes


def _flat(rows: pa.Table) -> tuple[Codes, Ints]:
    """Return the row and the shingle of each posting of the user turns."""
    lists = rows["shingles"].combine_chunks()
    row = pc.list_parent_indices(lists).to_numpy().astype(np.int32)
    return row, pc.list_flatten(lists).to_numpy()
