"""Windows of one log made in memory: what `fetch_window` returns, without a query a window.

A benchmark scores tens of thousands of small windows, and there the engine spends its time on planning queries. Every
world checks some of its windows against the engine's (`benchmarks.validity`), row for row.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gauger.campaigns.detection import SharedText, WindowData
from gauger.campaigns.windows import Window
from gauger.engines.fetch import Owners, item_rows, speaking_rows
from gauger.engines.in_memory import CANONICAL
from gauger.engines.relations import PART_COLUMNS
from gauger.evidence.items import Items
from gauger.evidence.mining import postings_in_order

Ints = NDArray[np.int64]
#: What tells which exchange speaks for its conversation, and where it came from.
SAID = ("account", "occurred_us", "thread", "extends", "projection", "http_status", "n_words", "client_prefix_hash")


@dataclass(frozen=True)
class MemoryLog:
    """The exchanges of a log in canonical order, and its distinct system prompts and tool schemas.

    Attributes
    ----------
    turns
        All of the log, every exchange one.
    said
        Of the same rows: `SAID`.
    start
        int64[n + 1], where each turn's shingles begin in `code`.
    code, shingles
        The shingles' codes, and what they stand for (sorted).
    parts
        Kind -> part -> shingles.
    """

    turns: Items
    said: pa.Table
    start: Ints
    code: NDArray[np.int32]
    shingles: Ints
    parts: dict[str, dict[int, Ints]]

    @classmethod
    def of(cls, rows: pa.Table, parts: pa.Table, owners: Owners) -> "MemoryLog":
        """Return the log of sketch rows and parts (SKETCH_SCHEMA, PART_SCHEMA)."""
        first = rows.sort_by([(name, "ascending") for name in CANONICAL])
        accounts = {name: code for code, name in enumerate(owners.account_ids)}
        account = np.array([accounts[name] for name in first["account_id"].to_pylist()], dtype=np.int32)
        first = first.append_column("account", pa.array(account))
        first = first.append_column("principal", pa.array(owners.principal_of_account[account]))
        held = first["shingles"].combine_chunks()
        lengths = np.diff(held.offsets.to_numpy())
        shingles, code = np.unique(held.flatten().to_numpy(), return_inverse=True)
        known: dict[str, dict[int, Ints]] = {kind: {} for kind in PART_COLUMNS}
        for row in parts.to_pylist():
            known[row["kind"]][row["part"]] = np.array(row["shingles"], dtype=np.int64)
        said = first.select(list(SAID))
        return cls(
            item_rows(first), said, np.concatenate([[0], np.cumsum(lengths)]), code.astype(np.int32), shingles, known
        )

    @cached_property
    def holder(self) -> NDArray[np.int32]:
        """int32, the principal of each entry of `code`."""
        return np.repeat(self.turns.principal, np.diff(self.start))

    def window(self, window: Window, *, min_principals: int) -> WindowData:
        """Return a window's items and shared shingles."""
        times = [window.look_back_us, window.start_us, window.end_us]
        before, begin, end = np.searchsorted(self.turns.occurred_at, times).tolist()
        said = self.said.slice(begin, end - begin)
        kept = speaking_rows(said)
        items = self.turns.take(begin + kept)
        texts = [self._user(before, begin, begin + kept, min_principals=min_principals)]
        for kind, column in PART_COLUMNS.items():
            earlier = _uses(getattr(self.turns, column)[before:begin], self.turns.principal[before:begin])
            uses = _uses(getattr(items, column), items.principal)
            texts.append(self._part(kind, uses, earlier, min_principals=min_principals))
        return WindowData(window, items, tuple(texts), said["client_prefix_hash"].take(kept))

    def _user(self, before: int, begin: int, rows: NDArray[np.int32], *, min_principals: int) -> SharedText:
        b, s = self.start[before], self.start[begin]
        lengths = self.start[rows + 1] - self.start[rows]
        places = np.repeat(self.start[rows] - (np.cumsum(lengths) - lengths), lengths) + np.arange(lengths.sum())
        code, holder = self.code[places], self.holder[places]
        n = _holders(code, holder, len(self.shingles))
        shared = np.flatnonzero(n >= min_principals)
        chosen = np.zeros(len(self.shingles), dtype=bool)
        chosen[shared] = True
        earlier = chosen[self.code[b:s]]
        n_before = _holders(self.code[b:s][earlier], self.holder[b:s][earlier], len(self.shingles))[shared]
        item = np.repeat(np.arange(len(rows)), lengths)[chosen[code]]
        own = np.searchsorted(shared, code[chosen[code]])
        return SharedText(
            "user_prompt",
            postings_in_order(item, own, shingles=self.shingles[shared], principal=self.turns.principal[rows]),
            n_before,
        )

    def _part(self, kind: str, uses: Ints, earlier: Ints, *, min_principals: int) -> SharedText:
        here, then = self._spread(kind, uses), self._spread(kind, earlier)
        shingles = np.unique(here[1])
        n = _holders(np.searchsorted(shingles, here[1]), uses[here[0], 1], len(shingles))
        shared = shingles[n >= min_principals]
        kept = np.isin(here[1], shared)
        old = np.isin(then[1], shared)
        n_before = _holders(np.searchsorted(shared, then[1][old]), earlier[then[0][old], 1], len(shared))
        postings = postings_in_order(
            here[0][kept],
            np.searchsorted(shared, here[1][kept]),
            shingles=shared,
            principal=uses[:, 1].astype(np.int32),
        )
        return SharedText(kind, postings, n_before, uses[:, 0])

    def _spread(self, kind: str, uses: Ints) -> tuple[Ints, Ints]:
        """Return (use, shingle) of each posting."""
        held = [self.parts[kind][part] for part in uses[:, 0].tolist()]
        use = np.repeat(np.arange(len(held)), [len(own) for own in held])
        return use, np.concatenate(held) if held else np.empty(0, dtype=np.int64)


def _uses(part: Ints, principal: NDArray[np.int32]) -> Ints:
    """Return distinct (part, principal), sorted: int64[n, 2]."""
    used = part != 0
    return np.unique(np.stack([part[used], principal[used].astype(np.int64)], axis=1), axis=0)


def _holders(code: NDArray[np.integer], holder: NDArray[np.integer], n: int) -> Ints:
    """Return the number of distinct holders of each code: int64[n]."""
    width = int(holder.max(initial=0)) + 1
    pairs = np.unique(code.astype(np.int64) * width + holder)
    return np.bincount(pairs // width, minlength=n)


def same(one: WindowData, other: WindowData) -> bool:
    """Return whether two makings of a window agree in every number."""
    pairs = [(one.items.turn, other.items.turn), (one.items.principal, other.items.principal)]
    for mine, theirs in zip(one.texts, other.texts, strict=True):
        pairs += [
            (np.minimum(mine.n_before, 2), np.minimum(theirs.n_before, 2)),
            (mine.postings.item, theirs.postings.item),
            (mine.postings.code, theirs.postings.code),
            (mine.postings.shingles, theirs.postings.shingles),
            (mine.postings.principal, theirs.postings.principal),
        ]
    return all(np.array_equal(mine, theirs) for mine, theirs in pairs)
