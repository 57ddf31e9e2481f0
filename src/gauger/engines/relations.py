"""The relational steps, each defined once for every engine.

Only expressions that gave the same rows on DuckDB and Spark are used: hashes are int64, times int64 microseconds, no
`hash()`, no approximate counts, no `epoch_seconds`. Each function takes tables and returns a table; running them is the
engine's work.
"""

from dataclasses import dataclass
from typing import Final

import ibis
import ibis.expr.types as ir


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time, [start_us, end_us), in microseconds since the epoch, UTC."""

    start_us: int
    end_us: int


#: The name of a sketch file begins with the number of its log, in so many digits (`gauger.store.sketch_files`).
_DIGITS_OF_LOG: Final = 8

#: What tells one stored row from all others: its log and its place there. The log's name is long, and may change.
ROW_KEY: Final = ("source_row", "origin")
#: What stored rows that are equal otherwise are ordered by.
ROW_ORDER: Final = ("source_file", *ROW_KEY)
_KEY: Final = ("request_id", "digest_high", "digest_low", *ROW_ORDER)

#: What the exchanges of a window are ordered by; codes of accounts follow their ids.
CANONICAL: Final = ("occurred_us", "account", *_KEY)

#: What is known of an exchange of a window, its shingles apart.
ITEM_COLUMNS: Final = (
    "account",
    "principal",
    "occurred_us",
    "turn_hash_high",
    "turn_hash_low",
    "projection",
    "intents",
    "system_part",
    "tool_part",
    "http_status",
    "client_prefix_hash",
    "thread",
    "extends",
    "n_words",
)
#: Kind of a part -> the column that says which one an exchange had.
PART_COLUMNS: Final = {"system_prompt": "system_part", "tool_schema": "tool_part"}


def with_origin(rows: ir.Table) -> ir.Table:
    """Return rows of sketch files with `origin` for `file_name`: the log they are of, by its number in the manifest.

    A log that was exported anew under the same name is another log; its rows have the same file and row.
    """
    return rows.mutate(origin=rows.file_name.left(_DIGITS_OF_LOG)).drop("file_name")


def distinct_parts(rows: ir.Table) -> ir.Table:
    """Return every part of the rows of part files once: where it lies in several, its row is the same in all."""
    return rows.drop("file_name").distinct(on=["part", "kind"])


def within(rows: ir.Table, span: Span) -> ir.Table:
    """Return the rows of a stretch."""
    return rows.filter((rows.occurred_us >= span.start_us) & (rows.occurred_us < span.end_us))


def with_owners(rows: ir.Table, owners: ir.Table) -> ir.Table:
    """Return the rows with the codes of their account and principal."""
    joined = rows.join(owners, "account_id")
    return joined.select(*rows.columns, "account", "principal")


def repeated_keys(rows: ir.Table) -> ir.Table:
    """Return (request_id, high, low), what several rows are known by: an id, or without one the digest of the content.

    It is one narrow pass. The rows themselves are looked for (`repeated_requests`) only where there are any.
    """
    is_named, zero = rows.request_id.notnull(), ibis.literal(0, type="int64")
    digests = {side: ibis.ifelse(is_named, zero, rows[f"digest_{side}"]) for side in ("high", "low")}
    keyed = rows.select("request_id", **digests)
    counted = keyed.group_by("request_id", "high", "low").aggregate(copies=keyed.count())
    return counted.filter(counted.copies > 1).drop("copies")


def repeated_requests(rows: ir.Table, keys: ir.Table) -> ir.Table:
    """Return the rows that are known by one of `keys` (`repeated_keys`), with `copy`.

    It is 0 where they have an id, else their place among identical rows of one log: two equal rows of one log are two
    exchanges, the same row in two logs is one.
    """
    columns = (*_KEY, "copy")
    named = rows.filter(rows.request_id.notnull()).semi_join(keys, "request_id")
    first = named.mutate(copy=ibis.literal(0, type="int64")).select(*columns)
    digests = keys.filter(keys.request_id.isnull()).select(digest_high="high", digest_low="low")
    nameless = rows.filter(rows.request_id.isnull()).semi_join(digests, ["digest_high", "digest_low"])
    identical = ibis.window(group_by=["origin", "digest_high", "digest_low"], order_by=["source_file", "source_row"])
    return first.union(nameless.mutate(copy=ibis.row_number().over(identical)).select(*columns))


def without(rows: ir.Table, duplicates: ir.Table) -> ir.Table:
    """Return the rows that are not among `duplicates` (columns ROW_KEY)."""
    return rows.anti_join(duplicates, ROW_KEY)


def minutes(rows: ir.Table) -> ir.Table:
    """Return (minute, n, first_us, last_us): exchanges per minute since the epoch that holds any."""
    timed = rows.mutate(minute=rows.occurred_us // 60_000_000)
    return timed.group_by("minute").aggregate(
        n=timed.count(), first_us=timed.occurred_us.min(), last_us=timed.occurred_us.max()
    )


def declared_owners(rows: ir.Table) -> ir.Table:
    """Return (account_id, principal_id, organisation_id, n): what the log states, and in how many exchanges."""
    return rows.group_by("account_id", "principal_id", "organisation_id").aggregate(n=rows.count())


def window_turns(rows: ir.Table, owners: ir.Table, span: Span) -> ir.Table:
    """Return what is known of the exchanges of a stretch (ITEM_COLUMNS), and what orders them (CANONICAL)."""
    columns = dict.fromkeys((*ITEM_COLUMNS, *CANONICAL))
    return with_owners(within(rows, span), owners).select(*columns)


def items_of(rows: ir.Table, owners: ir.Table, span: Span, speaking: ir.Table) -> ir.Table:
    """Return the exchanges of a stretch that speak for their conversations: item, principal, shingles and parts.

    `speaking` holds ROW_KEY and `item`, the number of the item of each.
    """
    turns = with_owners(within(rows, span), owners)
    return turns.join(speaking, ROW_KEY).select("item", "principal", "shingles", *PART_COLUMNS.values())


def look_back(rows: ir.Table, owners: ir.Table, span: Span) -> ir.Table:
    """Return what is told of the exchanges of a look-back: principal, shingles and parts."""
    return with_owners(within(rows, span), owners).select("principal", "shingles", *PART_COLUMNS.values())


def user_postings(turns: ir.Table) -> ir.Table:
    """Return distinct (item, principal, shingle) of user turns, `item` being the number of the turn."""
    return turns.select("item", "principal", shingle=turns.shingles.unnest())


def user_shingles(turns: ir.Table) -> ir.Table:
    """Return (principal, shingle) of user turns."""
    return turns.select("principal", shingle=turns.shingles.unnest())


def part_uses(items: ir.Table, column: str) -> ir.Table:
    """Return distinct (part, principal): who uses which system prompt (or tool schema) in the stretch."""
    return items.filter(items[column] != 0).select("principal", part=items[column]).distinct()


def part_postings(uses: ir.Table, parts: ir.Table) -> ir.Table:
    """Return (part, principal, shingle) of the parts in use."""
    shingles = parts.select("part", shingle=parts.shingles.unnest())
    return uses.join(shingles, "part").select("part", "principal", "shingle")


def common_shingles(postings: ir.Table, *, at_least: int) -> ir.Table:
    """Return the shingles that stand so many times: those that as many principals share are among them.

    To count principals an engine would have to hold every pair of one and a shingle; where the shingles stand is
    fetched anyway, and tells.
    """
    found = postings.group_by("shingle").aggregate(n=postings.count())
    return found.filter(found.n >= at_least).select("shingle")


def look_back_principals(postings: ir.Table, shared: ir.Table) -> ir.Table:
    """Return, for the shared shingles that also stand in the look-back, how many principals held them there."""
    pairs = postings.select("shingle", "principal").semi_join(shared, "shingle").distinct()
    return pairs.group_by("shingle").aggregate(n_before=pairs.count())


def look_back_holders(postings: ir.Table, shared: ir.Table) -> ir.Table:
    """Return, for the shared shingles that also stand in the look-back, the first and the last principal there.

    It tells whether one held them or more, for a small part of the work of counting.
    """
    held = postings.semi_join(shared, "shingle")
    return held.group_by("shingle").aggregate(first=held.principal.min(), last=held.principal.max())


def postings_of(postings: ir.Table, shared: ir.Table) -> ir.Table:
    """Return the postings whose shingle is shared, with its code in place of the shingle."""
    return postings.join(shared.select("shingle", "code"), "shingle").drop("shingle")


def traces(rows: ir.Table) -> ir.Table:
    """Return per principal the distinct traces it left, with their number of exchanges."""
    return rows.group_by("principal", "client_prefix_hash", "reasoning_block_hash", "request_model").aggregate(
        n=rows.count()
    )


def first_uses(rows: ir.Table) -> ir.Table:
    """Return per (principal, request_model) the first time."""
    named = rows.filter(rows.request_model.notnull())
    return named.group_by("principal", "request_model").aggregate(first_us=named.occurred_us.min())


def model_uses(rows: ir.Table) -> ir.Table:
    """Return the number of exchanges per (principal, client_fingerprint, request_model)."""
    return rows.group_by("principal", "client_fingerprint", "request_model").aggregate(n=rows.count())


def visits(rows: ir.Table) -> ir.Table:
    """Return per (account, client_prefix_hash) the number of exchanges, the first and the last time."""
    known = rows.filter(rows.client_prefix_hash.notnull())
    return known.group_by("account", "client_prefix_hash").aggregate(
        n=known.count(), first_us=known.occurred_us.min(), last_us=known.occurred_us.max()
    )


def whole_parts(parts: ir.Table, wanted: ir.Table) -> ir.Table:
    """Return (part, kind, finding) of the system prompts and tool schemas that hold at least half of a wanted core."""
    pieces = parts.select("part", "kind", shingle=parts.shingles.unnest())
    of_part = wanted.filter(wanted.part != "user_prompt").rename(kind="part")
    found = pieces.join(of_part, ["shingle", "kind"])
    whole = found.group_by("part", "kind", "finding", "core", "needed").aggregate(held=found.count())
    return whole.filter(whole.held >= whole.needed).select("part", "kind", "finding").distinct()


def matched(rows: ir.Table, whole: ir.Table, wanted: ir.Table) -> ir.Table:
    """Return (finding, account, ROW_KEY) of the exchanges that hold at least half of a wanted core.

    `whole` holds the parts that do (`whole_parts`).
    """
    user = wanted.filter(wanted.part == "user_prompt")
    keys = rows.select(*ROW_KEY, "account", shingle=rows.shingles.unnest())
    hits = keys.join(user, "shingle")
    held = hits.group_by(*ROW_KEY, "account", "finding", "core", "needed").aggregate(held=hits.count())
    by_turn = held.filter(held.held >= held.needed)
    found = by_turn.select("finding", "account", *ROW_KEY)
    for kind, column in PART_COLUMNS.items():
        having = rows.join(whole.filter(whole.kind == kind), rows[column] == whole.part)
        found = found.union(having.select("finding", "account", *ROW_KEY))
    return found.distinct()


def around(rows: ir.Table, owners: ir.Table, hits: ir.Table) -> ir.Table:
    """Return the exchanges that are hits, and the later turns of their accounts."""
    theirs = with_owners(rows, owners.semi_join(hits, "account"))
    marked = theirs.left_join(hits.select(*ROW_KEY).distinct().mutate(is_hit=True), ROW_KEY)
    columns = (
        *ROW_ORDER,
        "account",
        "account_id",
        "request_id",
        "occurred_us",
        "input_tokens",
        "output_tokens",
        "intents",
        "thread",
        "extends",
    )
    return marked.filter((marked.extends != 0) | marked.is_hit.notnull()).select(*columns)


def activity(rows: ir.Table, accounts: ir.Table, *, width_us: int) -> ir.Table:
    """Return per account of `accounts` and bin of time the number of exchanges."""
    theirs = rows.semi_join(accounts, "account_id")
    binned = theirs.mutate(bin=theirs.occurred_us // width_us)
    return binned.group_by("account_id", "bin").aggregate(n=binned.count())
