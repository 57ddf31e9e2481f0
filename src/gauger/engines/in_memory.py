"""A stretch's data from rows in memory: the items and the new shared shingles that `fetch_window` gives of files."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gauger.campaigns.detection import SharedText, WindowData
from gauger.campaigns.windows import Window
from gauger.engines.fetch import canonical_order, item_rows, speaking_rows
from gauger.engines.relations import ITEM_COLUMNS, PART_COLUMNS
from gauger.engines.stated import Stated
from gauger.evidence.mining import postings_in_order
from gauger.evidence.novelty import Cells, are_new_and_shared, held_by, marks, note
from gauger.settings import CoreSettings

Ints = NDArray[np.int64]
Codes = NDArray[np.int32]

#: The order of the exchanges of a window (`gauger.engines.relations.window_turns`).
CANONICAL = ("occurred_us", "account_id", "request_id", "digest_high", "digest_low", "source_file", "source_row")

#: What tells which exchanges speak for a conversation (`speaking_rows`), accounts apart.
_SAID = ("occurred_us", "thread", "extends", "projection", "http_status", "n_words")
#: What is looked at of an exchange that speaks, its owners and shingles apart, and without what only said that it does.
_OF_ITEMS = tuple(name for name in ITEM_COLUMNS if name not in ("account", "principal", "thread", "extends", "n_words"))
_KEPT = tuple(dict.fromkeys((*CANONICAL, *_SAID, *_OF_ITEMS, "shingles")))


class MemoryReader:
    """Takes rows apart (`gauger.campaigns.live.Reader`).

    Parameters
    ----------
    core
        How many principals share a shingle, and how many may have held it before.
    accounts
        The operator's account table (ACCOUNT_SCHEMA), or None.
    """

    def __init__(self, core: CoreSettings, accounts: pa.Table | None) -> None:
        self._core = core
        self._stated = Stated(accounts)
        self._parts: dict[tuple[str, int], Ints] = {}

    def learn(self, parts: pa.Table) -> None:
        """Keep the shingles of system prompts and tool schemas (PART_SCHEMA) that rows will point to."""
        shingles = parts["shingles"].combine_chunks()
        for place, (kind, part) in enumerate(zip(parts["kind"].to_pylist(), parts["part"].to_pylist(), strict=True)):
            if (kind, part) not in self._parts:
                self._parts[kind, part] = shingles[place].values.to_numpy(zero_copy_only=False).copy()  # not the file's

    def kept(self, rows: pa.Table) -> pa.Table:
        """Return what is looked at of rows (SKETCH_SCHEMA), with the code of what each states of its owner."""
        return rows.select(_KEPT).append_column("stated", pa.array(self._stated.codes(rows)))

    def forget(self, waiting: Sequence[pa.RecordBatch]) -> None:
        """Forget the parts and owners that none of these rows points to."""

        def used(column: str) -> NDArray[np.int64]:
            return np.concatenate([np.empty(0, np.int64), *(rows[column].to_numpy() for rows in waiting)])

        self._stated.forget(used("stated").astype(np.int32))
        parts = {kind: set(np.unique(used(column)).tolist()) for kind, column in PART_COLUMNS.items()}
        self._parts = {key: one for key, one in self._parts.items() if key[1] in parts[key[0]]}

    def note(self, rows: pa.Table, cells: Cells) -> None:
        """Note the shingles of an hour's exchanges in the day's filter."""
        owned = self._stated.owned(rows["stated"].to_numpy())
        mark = marks(owned.principal_ids)
        lists = rows["shingles"].combine_chunks()
        row = pc.list_parent_indices(lists).to_numpy()
        note(cells, pc.list_flatten(lists).to_numpy(), mark[owned.principal[row]])
        for kind in PART_COLUMNS:
            uses = self._uses(rows, owned.principal, kind)
            note(cells, uses.shingle, mark[uses.principal[uses.use]])

    def window_data(
        self, rows: pa.Table, window: Window, *, today: Cells, known: Cells
    ) -> tuple[WindowData, tuple[str, ...]]:
        """Return a stretch's items and new shared shingles, and the ids of the accounts by code."""
        owned = self._stated.owned(rows["stated"].to_numpy())
        order = canonical_order(rows, CANONICAL)
        said = rows.select(_SAID).take(order).append_column("account", pa.array(owned.account[order]))
        order = order[speaking_rows(said)]
        principal = owned.principal[order]
        items = rows.select(_OF_ITEMS).take(order)
        items = items.append_column("account", pa.array(owned.account[order]))
        items = items.append_column("principal", pa.array(principal))
        row, shingle = _flat(rows, order)
        texts = [self._shared("user_prompt", row, shingle, principal, today=today, known=known)]
        for kind in PART_COLUMNS:
            uses = self._uses(items, principal, kind)
            texts.append(
                self._shared(kind, uses.use, uses.shingle, uses.principal, today=today, known=known, use_part=uses.part)
            )
        return WindowData(window, item_rows(items), tuple(texts), items["client_prefix_hash"]), owned.account_ids

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
        # What one principal held all day is shared in no part of it.
        at_most = min(self._core.max_look_back_principals, 1)
        kept = np.flatnonzero(are_new_and_shared(shingle, known=known, today=today, at_most=at_most))
        shingles, code = _coded(shingle[kept])
        held = postings_in_order(item[kept], code, shingles=shingles, principal=principal)
        postings = held.shared_by(self._core.min_principals)
        return SharedText(
            part=part,
            postings=postings,
            n_before=held_by(known, postings.shingles).astype(np.int64),
            use_part=use_part,
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


def _coded(shingle: Ints) -> tuple[Ints, Codes]:
    """Return each shingle once, ascending, and the place of each among them; faster than sorting all."""
    found = pa.array(shingle).dictionary_encode()
    shingles = found.dictionary.to_numpy()
    order = np.argsort(shingles)
    place = np.empty(len(order), np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    return shingles[order], place[found.indices.to_numpy()]


def _flat(rows: pa.Table, places: NDArray[np.int64]) -> tuple[Codes, Ints]:
    """Return the item and the shingle of each posting of the user turns of the rows at some places."""
    lists = rows["shingles"].combine_chunks().take(pa.array(places))
    return pc.list_parent_indices(lists).to_numpy().astype(np.int32), pc.list_flatten(lists).to_numpy()
