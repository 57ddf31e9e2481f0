"""From the workspace's files to the arrays that the pure stages take. One engine session, one log."""

from collections.abc import Sequence
from dataclasses import dataclass
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
from gauger.evidence.mining import postings_in_order
from gauger.exchanges.principals import principals
from gauger.sketches.schema import INTENTS, N_PROJECTION, PART_SCHEMA


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
    relation
        (account_id, account, principal) for joins.
    """

    account_ids: tuple[str, ...]
    principal_ids: tuple[str, ...]
    principal_of_account: NDArray[np.int32]
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
    rows = repeated.sort_by([(name, "ascending") for name in (*content, *relations.ROW_KEY)])
    request = pc.fill_null(rows["request_id"].combine_chunks().dictionary_encode().indices, -1).to_numpy()
    columns = [request, *(_numbers(rows[name]) for name in content[1:])]
    repeats = np.zeros(len(rows), np.bool_)
    repeats[1:] = np.logical_and.reduce([column[1:] == column[:-1] for column in columns])
    contents = np.bincount(request[~repeats & (request >= 0)])
    return rows.filter(pa.array(repeats)).select(relations.ROW_KEY), int(contents[contents > 1].sum())


def open_log(engine: Engine, row_paths: Sequence[Path], part_paths: Sequence[Path]) -> Log:
    """Return the log in the given sketch files."""
    rows = relations.with_origin(engine.read(row_paths))
    dropped, clashes = duplicate_rows(engine.fetch(relations.repeated_requests(rows)))
    if len(dropped):
        rows = relations.without(rows, engine.keep("duplicates", dropped))
    [ends] = engine.fetch(rows.aggregate(first=rows.occurred_us.min(), last=rows.occurred_us.max())).to_pylist()
    per_minute = engine.fetch(relations.minutes(rows)).sort_by("minute")
    activity = Activity(
        minute=_numbers(per_minute["minute"]),
        count=_numbers(per_minute["n"]),
        first_us=ends["first"],
        last_us=ends["last"],
    )
    if part_paths:
        parts = engine.keep("parts", relations.distinct_parts(engine.read(part_paths)))
    else:  # no system prompt and no tool schema anywhere
        parts = engine.keep("parts", PART_SCHEMA.empty_table())
    return Log(
        rows=rows,
        parts=parts,
        activity=activity,
        n_duplicates=len(dropped),
        n_clashes=clashes,
    )


def fetch_owners(engine: Engine, log: Log, account_table: pa.Table | None) -> Owners:
    """Return the owners of the log's accounts."""
    declared = engine.fetch(relations.declared_owners(log.rows))
    owned = principals(declared, account_table).sort_by("account_id")
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
    engine: Engine, found: ir.Table, before: ir.Table, *, name: str, min_principals: int
) -> tuple[ir.Table, NDArray[np.int64], NDArray[np.int64]]:
    """Return the shared shingles with their codes as a relation; the shingles; and how many held each in the look-back.

    A code is the place among the sorted shingles.
    """
    shared = engine.fetch(relations.shared_shingles(found, min_principals=min_principals).select("shingle"))
    shingles = np.sort(_numbers(shared["shingle"]))
    coded = pa.table({"shingle": shingles, "code": np.arange(len(shingles), dtype=np.int32)})
    shared = engine.keep(f"{name}_shared", coded)
    earlier = engine.fetch(relations.look_back_principals(before, shared))
    n_before = np.zeros(len(shingles), np.int64)
    n_before[np.searchsorted(shingles, _numbers(earlier["shingle"]))] = _numbers(earlier["n_before"])
    return shared, shingles, n_before


def _user_text(engine: Engine, turns: ir.Table, earlier: ir.Table, found: Items, min_principals: int) -> SharedText:
    postings = relations.user_postings(turns)
    shared, shingles, n_before = _shared(
        engine, postings, relations.user_shingles(earlier), name="user", min_principals=min_principals
    )
    held = relations.postings_of(postings, shared)
    table = engine.fetch(held.select("code", item=held.item.cast("int32")))
    return SharedText(
        part="user_prompt",
        postings=postings_in_order(
            table["item"].to_numpy(),
            table["code"].to_numpy(),
            shingles=shingles,
            principal=found.principal,
        ),
        n_before=n_before,
    )


def _part_text(
    engine: Engine, turns: ir.Table, earlier: ir.Table, parts: ir.Table, *, part: str, min_principals: int
) -> SharedText:
    column = PART_COLUMNS[part]
    of_kind = parts.filter(parts.kind == part)
    uses = engine.fetch(relations.part_uses(turns, column)).sort_by([("part", "ascending"), ("principal", "ascending")])
    uses = uses.append_column("use", pa.array(np.arange(len(uses)), pa.int32()))
    use_table = engine.keep(f"{column}_uses", uses)
    postings = relations.part_postings(use_table, of_kind)
    before = relations.part_postings(relations.part_uses(earlier, column), of_kind)
    shared, shingles, n_before = _shared(engine, postings, before, name=column, min_principals=min_principals)
    held = relations.postings_of(postings, shared).join(use_table, ["part", "principal"])
    table = engine.fetch(held.select("use", "code"))
    return SharedText(
        part=part,
        postings=postings_in_order(
            table["use"].to_numpy(),
            table["code"].to_numpy(),
            shingles=shingles,
            principal=_numbers(uses["principal"]).astype(np.int32),
        ),
        n_before=n_before,
        use_part=_numbers(uses["part"]),
    )


def fetch_window(engine: Engine, log: Log, owners: Owners, window: Window, *, min_principals: int) -> WindowData:
    """Return a window's items, one for each conversation, and their shared shingles.

    Parameters
    ----------
    engine, log, owners
        The session.
    window
        The stretch and its look-back.
    min_principals
        Principals of the window that must hold a shingle.
    """
    turns = engine.keep(
        "turns", relations.window_turns(log.rows, owners.relation, Span(window.start_us, window.end_us))
    )
    before = relations.look_back(log.rows, owners.relation, Span(window.look_back_us, window.start_us))
    earlier = engine.keep("earlier", before)
    table = engine.fetch(turns.select(*relations.ITEM_COLUMNS).order_by("item"))
    kept = speaking_rows(table)
    numbers = pa.table({"turn": pa.array(kept, pa.int64()), "number": np.arange(len(kept))})
    here = turns
    if len(kept) < len(table):
        here = engine.keep("items", relations.items_of(turns, engine.keep("speaking", numbers)))
        table = table.take(kept)
    items = item_rows(table)
    texts = (
        _user_text(engine, here, earlier, items, min_principals),
        *(
            _part_text(engine, here, earlier, log.parts, part=part, min_principals=min_principals)
            for part in PART_COLUMNS
        ),
    )
    return WindowData(window, items, texts, table["client_prefix_hash"])


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
    hits = engine.fetch(relations.matched(rows, log.parts, wanted))
    around = engine.fetch(relations.around(rows, engine.keep("hits", hits)))
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


def fetch_directory(engine: Engine, log: Log, owners: Owners) -> Directory:
    """Return the names of the codes, with each account's exchanges in the whole log."""
    totals = engine.fetch(relations.account_totals(log.rows).join(owners.relation, "account_id"))
    n_exchanges = np.zeros(len(owners.account_ids), np.int64)
    n_exchanges[_numbers(totals["account"])] = _numbers(totals["n_exchanges"])
    return Directory(
        account_ids=owners.account_ids,
        principal_ids=owners.principal_ids,
        principal_of_account=owners.principal_of_account,
        n_exchanges=n_exchanges,
    )


def fetch_activity(engine: Engine, log: Log, account_ids: Sequence[str], *, width_us: int) -> pa.Table:
    """Return (account_id, bin, n): exchanges of the given accounts per bin of time over the whole log."""
    wanted = engine.keep("active", pa.table({"account_id": pa.array(sorted(set(account_ids)), pa.string())}))
    return engine.fetch(relations.activity(log.rows, wanted, width_us=width_us))
