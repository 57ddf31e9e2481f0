"""From the workspace's files to the arrays that the pure stages take. One engine session, one log."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, starmap
from pathlib import Path

import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gauger.campaigns.changes import Released, build_visits, new_model
from gauger.campaigns.detection import SharedText, WindowData
from gauger.campaigns.dossier import Directory
from gauger.campaigns.windows import Activity, Window
from gauger.engines import relations
from gauger.engines.engine import Engine
from gauger.engines.relations import PART_COLUMNS, Span
from gauger.evidence.changes import Visits
from gauger.evidence.conversations import Said, beginnings, descendants, speaking
from gauger.evidence.items import Items
from gauger.evidence.mining import Postings, postings_in_order
from gauger.exchanges.principals import principals
from gauger.sketches.schema import INTENTS, N_PROJECTION, PART_SCHEMA

#: Exchanges of a window that are fetched together, about 300 bytes each.
_PIECE = 500_000


@dataclass(frozen=True, slots=True)
class Log:
    """The kept exchanges as relations, duplicates left out.

    Attributes
    ----------
    rows, parts
        Relations of SKETCH_SCHEMA and PART_SCHEMA.
    activity
        When it holds exchanges.
    n_duplicates
        Rows left out: equal id and equal content.
    n_clashes
        Rows kept although their id stands on a row of other content.
    """

    rows: ir.Table
    parts: ir.Table
    activity: Activity
    n_duplicates: int
    n_clashes: int

    @property
    def n_exchanges(self) -> int:
        """Number of exchanges."""
        return self.activity.n_exchanges


@dataclass(frozen=True, slots=True)
class Owners:
    """Accounts of the log and the principals they declare, by code; codes follow the sorted ids.

    Attributes
    ----------
    account_ids, principal_ids
        Ids by code.
    principal_of_account
        int32[n_accounts].
    n_exchanges
        int64[n_accounts], exchanges of each account in the whole log.
    relation
        (account_id, account, principal) for joins.
    """

    account_ids: tuple[str, ...]
    principal_ids: tuple[str, ...]
    principal_of_account: NDArray[np.int32]
    n_exchanges: NDArray[np.int64]
    relation: ir.Table


def _numbers(column: pa.ChunkedArray) -> NDArray[np.int64]:
    return column.to_numpy().astype(np.int64)


def _matrix(column: pa.ChunkedArray, width: int, dtype: type) -> NDArray[np.generic]:
    flat = pc.list_flatten(column.combine_chunks())
    return flat.to_numpy(zero_copy_only=False).astype(dtype).reshape(-1, width)


def _bytes_matrix(column: pa.ChunkedArray) -> NDArray[np.int8]:
    """Return the values, all of `N_PROJECTION` bytes, as they lie in memory."""
    values = column.cast(pa.binary(N_PROJECTION)).combine_chunks()
    flat = np.frombuffer(values.buffers()[1] or b"", np.int8)
    return flat.reshape(-1, N_PROJECTION)[values.offset : values.offset + len(values)]


def duplicate_rows(repeated: pa.Table) -> tuple[pa.Table, int]:
    """Return the keys (`relations.ROW_KEY`) of the rows that repeat an earlier one exactly, and the number of clashes.

    Of rows with equal id (or none), equal content and equal `copy`, the first by key stays. A clash is an id with
    several contents: all are kept.
    """
    content = ["request_id", "digest_high", "digest_low", "copy"]
    rows = repeated.sort_by([(name, "ascending") for name in (*content, *relations.ROW_ORDER)])
    request = pc.fill_null(rows["request_id"].combine_chunks().dictionary_encode().indices, -1).to_numpy()
    columns = [request, *(_numbers(rows[name]) for name in content[1:])]
    repeats = np.zeros(len(rows), np.bool_)
    repeats[1:] = np.logical_and.reduce([column[1:] == column[:-1] for column in columns])
    contents = np.bincount(request[~repeats & (request >= 0)])
    return rows.filter(pa.array(repeats)).select(relations.ROW_KEY), int(contents[contents > 1].sum())


def open_log(engine: Engine, row_paths: Sequence[Path], part_paths: Sequence[Path]) -> Log:
    """Return the log in the given sketch files."""
    rows = relations.with_origin(engine.read(row_paths))
    n_duplicates = n_clashes = 0
    if len(repeated := engine.fetch(relations.repeated_keys(rows))):
        found = relations.repeated_requests(rows, engine.keep("repeated", repeated))
        dropped, n_clashes = duplicate_rows(engine.fetch(found))
        n_duplicates = len(dropped)
        engine.drop("repeated")
        rows = relations.without(rows, engine.keep("duplicates", dropped)) if n_duplicates else rows
    per_minute = engine.fetch(relations.minutes(rows)).sort_by("minute")
    activity = Activity(
        minute=_numbers(per_minute["minute"]),
        count=_numbers(per_minute["n"]),
        first_us=pc.min(per_minute["first_us"]).as_py(),
        last_us=pc.max(per_minute["last_us"]).as_py(),
    )
    if part_paths:
        parts = engine.keep("parts", relations.distinct_parts(engine.read(part_paths)))
    else:  # no system prompt and no tool schema anywhere
        parts = engine.keep("parts", PART_SCHEMA.empty_table())
    return Log(
        rows=rows,
        parts=parts,
        activity=activity,
        n_duplicates=n_duplicates,
        n_clashes=n_clashes,
    )


def fetch_owners(engine: Engine, log: Log, account_table: pa.Table | None) -> Owners:
    """Return the owners of the log's accounts."""
    declared = engine.fetch(relations.declared_owners(log.rows))
    owned = principals(declared, account_table).sort_by("account_id")
    totals = declared.group_by("account_id").aggregate([("n", "sum")]).sort_by("account_id")
    account_ids = owned["account_id"].to_pylist()
    principal_ids, codes = np.unique(np.array(owned["principal_id"].to_pylist(), dtype=object), return_inverse=True)
    relation = pa.table(
        {
            "account_id": pa.array(account_ids, pa.string()),
            "account": pa.array(np.arange(len(account_ids)), pa.int32()),
            "principal": pa.array(codes, pa.int32()),
        }
    )
    return Owners(
        account_ids=tuple(account_ids),
        principal_ids=tuple(principal_ids.tolist()),
        principal_of_account=codes.astype(np.int32),
        n_exchanges=_numbers(totals["n_sum"]),
        relation=engine.keep("owners", relation),
    )


#: Statuses that say nothing of what was asked: no credentials, no credit, suspended, out of time, limited. So do 5xx.
_TURNED_AWAY = (401, 402, 403, 408, 429)


def turned_away(status: pa.ChunkedArray) -> NDArray[np.bool_]:
    """Return which requests the provider turned away; an unknown status is no failure."""
    known = pc.fill_null(status, 0).to_numpy()
    return np.isin(known, _TURNED_AWAY) | (known >= 500)


def item_rows(table: pa.Table) -> Items:
    """Return items of sketch rows with the columns `account` and `principal`, in the given order."""
    return Items(
        principal=_numbers(table["principal"]).astype(np.int32),
        account=_numbers(table["account"]).astype(np.int32),
        occurred_at=_numbers(table["occurred_us"]),
        turn=np.stack([_numbers(table["turn_hash_high"]), _numbers(table["turn_hash_low"])], axis=1),
        projection=_bytes_matrix(table["projection"]),
        intents=_matrix(table["intents"], len(INTENTS), np.float32),  # type: ignore[arg-type]
        system_part=_numbers(table["system_part"]),
        tool_part=_numbers(table["tool_part"]),
        failed=turned_away(table["http_status"]),
    )


def canonical_order(rows: pa.Table, columns: Sequence[str] = relations.CANONICAL) -> NDArray[np.int64]:
    """Return the places of exchanges of a window in the order of some columns, the first of them their time."""
    time = _numbers(rows["occurred_us"])
    order = np.argsort(time, kind="stable")
    is_tied = np.diff(time[order]) == 0
    tied = np.flatnonzero(np.append(is_tied, False) | np.insert(is_tied, 0, False))
    if len(tied):  # few: the other columns, strings among them, are compared for these alone
        keys = rows.select(columns).take(order[tied])
        order[tied] = order[tied][pc.sort_indices(keys, [(name, "ascending") for name in columns])]
    return order


def _turns(engine: Engine, log: Log, owners: Owners, window: Window) -> pa.Table:
    """Return the exchanges of a window in canonical order, fetched in pieces: what orders them is not held for all."""
    n_pieces = -(-log.activity.between(window.start_us, window.end_us) // _PIECE) or 1
    bounds = np.linspace(window.start_us, window.end_us, n_pieces + 1).astype(np.int64).tolist()
    columns = (*relations.ITEM_COLUMNS, *relations.ROW_KEY)
    pieces = []
    for span in starmap(Span, pairwise(bounds)):
        piece = engine.fetch(relations.window_turns(log.rows, owners.relation, span))
        piece = piece.select(columns).take(canonical_order(piece))
        pieces.append(pa.table({name: _repeats(piece[name]) for name in columns}))
    return pa.concat_tables(pieces)


def _repeats(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column, strings as a dictionary: they are few, and long."""
    return column.dictionary_encode() if pa.types.is_string(column.type) else column


def speaking_rows(table: pa.Table) -> NDArray[np.int32]:
    """Return the rows of a stretch, in the order of time, that speak for their conversations.

    Columns account, occurred_us, thread, extends, projection, http_status and n_words.
    """
    said = Said(
        account=_numbers(table["account"]).astype(np.int32),
        occurred_at=_numbers(table["occurred_us"]),
        thread=_numbers(table["thread"]),
        extends=_numbers(table["extends"]),
        projection=_bytes_matrix(table["projection"]),
        failed=turned_away(table["http_status"]),
    )
    return speaking(beginnings(said), _numbers(table["n_words"]))


def _shared(
    engine: Engine, held: ir.Table, *, name: str, by: str, principal: NDArray[np.int32], min_principals: int
) -> Postings:
    """Return the shared shingles of a stretch and where they stand; column `by` of `held` says on which item."""
    common = engine.fetch(relations.common_shingles(held, at_least=min_principals))
    shingles = np.sort(_numbers(common["shingle"]))
    table = engine.fetch(relations.postings_of(held, _coded(engine, name, shingles)).select(by, "code"))
    item, code = table[by].to_numpy(), table["code"].to_numpy()
    del table  # 8 bytes a posting, of which the largest window has hundreds of millions
    return postings_in_order(item, code, shingles=shingles, principal=principal).shared_by(min_principals)


def _coded(engine: Engine, name: str, shingles: NDArray[np.int64]) -> ir.Table:
    """Return sorted shingles as a relation with their codes: their places."""
    return engine.keep(name, pa.table({"shingle": shingles, "code": np.arange(len(shingles), dtype=np.int32)}))


def _n_before(
    engine: Engine, before: ir.Table, name: str, shingles: NDArray[np.int64], *, at_most: int
) -> NDArray[np.int64]:
    """Return how many principals held each of some sorted shingles in the look-back, exactly to `at_most` + 1."""
    shared = _coded(engine, name, shingles)
    if at_most <= 1:
        earlier = engine.fetch(relations.look_back_holders(before, shared))
        held_by = 1 + (_numbers(earlier["first"]) != _numbers(earlier["last"]))
    else:
        earlier = engine.fetch(relations.look_back_principals(before, shared))
        held_by = _numbers(earlier["n_before"])
    n_before = np.zeros(len(shingles), np.int64)
    n_before[np.searchsorted(shingles, _numbers(earlier["shingle"]))] = held_by
    return n_before


@dataclass(frozen=True, slots=True)
class Limits:
    """What is told of the principals of a shingle: whether `least` share it, and whether `most` held it before."""

    least: int
    most: int = 1


def _user_text(engine: Engine, turns: ir.Table, earlier: ir.Table, found: Items, limits: Limits) -> SharedText:
    held, name = relations.user_postings(turns), "user_shared"
    postings = _shared(engine, held, name=name, by="item", principal=found.principal, min_principals=limits.least)
    n_before = _n_before(engine, relations.user_shingles(earlier), name, postings.shingles, at_most=limits.most)
    return SharedText(part="user_prompt", postings=postings, n_before=n_before)


def _part_text(
    engine: Engine, turns: ir.Table, earlier: ir.Table, parts: ir.Table, limits: Limits, *, part: str
) -> SharedText:
    column = PART_COLUMNS[part]
    of_kind, name = parts.filter(parts.kind == part), f"{column}_shared"
    uses = engine.fetch(relations.part_uses(turns, column)).sort_by([("part", "ascending"), ("principal", "ascending")])
    uses = uses.append_column("use", pa.array(np.arange(len(uses)), pa.int32()))
    use_table = engine.keep(f"{column}_uses", uses)
    held = relations.part_postings(use_table, of_kind).join(use_table, ["part", "principal"])
    principal = _numbers(uses["principal"]).astype(np.int32)
    postings = _shared(engine, held, name=name, by="use", principal=principal, min_principals=limits.least)
    before = relations.part_postings(relations.part_uses(earlier, column), of_kind)
    n_before = _n_before(engine, before, name, postings.shingles, at_most=limits.most)
    return SharedText(part=part, postings=postings, n_before=n_before, use_part=_numbers(uses["part"]))


def fetch_window(
    engine: Engine, log: Log, owners: Owners, window: Window, *, min_principals: int, max_before: int = 1
) -> WindowData:
    """Return a window's items, one for each conversation, and their shared shingles.

    Parameters
    ----------
    engine, log, owners
        The session.
    window
        The stretch and its look-back.
    min_principals
        Principals of the window that must hold a shingle.
    max_before
        Up to here, and one more, the principals of the look-back that held it are counted exactly.
    """
    limits = Limits(least=min_principals, most=max_before)
    span = Span(window.start_us, window.end_us)
    turns = _turns(engine, log, owners, window)
    kept = np.zeros(len(turns), np.bool_)
    kept[speaking_rows(turns)] = True
    turns = turns.filter(pa.array(kept))
    speaking = pa.table({name: _written_out(turns[name]) for name in relations.ROW_KEY})
    speaking = engine.keep("speaking", speaking.append_column("item", pa.array(np.arange(len(turns)), pa.int32())))
    here = engine.keep("items", relations.items_of(log.rows, owners.relation, span, speaking))
    before = relations.look_back(log.rows, owners.relation, Span(window.look_back_us, window.start_us))
    items, networks = item_rows(turns), _written_out(turns["client_prefix_hash"])
    del turns  # hundreds of bytes an exchange
    texts = (
        _user_text(engine, here, before, items, limits),
        *(_part_text(engine, here, before, log.parts, limits, part=part) for part in PART_COLUMNS),
    )
    for name in ("items", "speaking"):
        engine.drop(name)  # what comes next needs the memory
    return WindowData(window, items, texts, networks)


def _written_out(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column, strings in place of their codes."""
    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column


def fetch_traces(engine: Engine, log: Log, owners: Owners, span: Span) -> pa.Table:
    """Return per (account, prefix, reasoning block, model) of a stretch the number of exchanges."""
    rows = relations.with_owners(relations.within(log.rows, span), owners.relation)
    return engine.fetch(relations.traces(rows))


def fetch_released(engine: Engine, log: Log, owners: Owners, window: Window) -> Released | None:
    """Return the new model of a window and its use; None where no model newly appeared in time."""
    rows = relations.with_owners(log.rows, owners.relation)
    uses = engine.fetch(relations.first_uses(rows.filter(rows.occurred_us < window.end_us)))
    release = new_model(uses, window, log_first_us=log.activity.without_strays().first_us)
    if release is None:
        return None
    spans = (Span(window.look_back_us, release.at_us), Span(release.at_us, release.until_us))
    before, after = (engine.fetch(relations.model_uses(relations.within(rows, span))) for span in spans)
    return Released(release, before, after)


def fetch_visits(engine: Engine, log: Log, owners: Owners, tested: WindowData) -> Visits | None:
    """Return where the items of a window came from; None where no network is known."""
    rows, window = relations.with_owners(log.rows, owners.relation), tested.window
    spans = (Span(window.look_back_us, window.start_us), Span(window.start_us, window.end_us))
    before, during = (engine.fetch(relations.visits(relations.within(rows, span))) for span in spans)
    return build_visits(tested.items, tested.networks, before=before, during=during)


def fetch_attribution(engine: Engine, log: Log, cores: pa.Table, owners: Owners) -> pa.Table:
    """Return the exchanges of the whole log that hold at least half of a core, and the turns that go on from them.

    Parameters
    ----------
    engine, log, owners
        The session.
    cores
        Columns finding int32, core int32, part string, shingle int64, needed int64.
    """
    wanted = engine.keep("wanted", cores)
    rows = relations.with_owners(log.rows, owners.relation)
    whole = engine.keep("whole", engine.fetch(relations.whole_parts(log.parts, wanted)))
    hits = engine.fetch(relations.matched(rows, whole, wanted))
    around = engine.fetch(relations.around(log.rows, owners.relation, engine.keep("hits", hits)))
    return attributed(hits, around)


def attributed(hits: pa.Table, around: pa.Table) -> pa.Table:
    """Return the exchanges of each finding: its hits, and what goes on from them in the same account.

    Parameters
    ----------
    hits
        Columns finding, account and `relations.ROW_KEY`.
    around
        The hits, and the later turns of their accounts (`relations.around`).
    """
    around = around.append_column("place", pa.array(np.arange(len(around))))
    placed = hits.join(around.select([*relations.ROW_KEY, "place"]), list(relations.ROW_KEY), join_type="inner")
    findings, finding = np.unique(placed["finding"].to_numpy(), return_inverse=True)
    chosen = np.zeros((len(findings), len(around)), np.bool_)
    chosen[finding, placed["place"].to_numpy()] = True
    account, thread, extends = (around[name].to_numpy() for name in ("account", "thread", "extends"))
    which, row = np.nonzero(descendants(account, thread, extends, chosen))
    return around.take(row).append_column("finding", pa.array(findings[which].astype(np.int32)))


def directory_of(owners: Owners) -> Directory:
    """Return the names of the codes, with each account's exchanges in the whole log."""
    return Directory(
        account_ids=owners.account_ids,
        principal_ids=owners.principal_ids,
        principal_of_account=owners.principal_of_account,
        n_exchanges=owners.n_exchanges,
    )


def fetch_activity(engine: Engine, log: Log, account_ids: Sequence[str], *, width_us: int) -> pa.Table:
    """Return (account_id, bin, n): exchanges of the given accounts per bin of time over the whole log."""
    wanted = engine.keep("active", pa.table({"account_id": pa.array(sorted(set(account_ids)), pa.string())}))
    return engine.fetch(relations.activity(log.rows, wanted, width_us=width_us))
