"""Principals: the accounts that one customer declares as its own count as one.

Only a declaration counts. A shared card, address or text is evidence of one operator, never a reason to count
accounts as one.
"""

from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

#: What exports write where they know nothing, in lower case. Accounts that share such a word share nothing.
NOTHING: Final = frozenset(
    {"", "-", "--", "\\n", "(null)", "<null>", "n/a", "na", "nan", "nat", "nil", "none", "null", "undefined", "unknown"}
)
_NOTHING_ARRAY: Final = pa.array(sorted(NOTHING))

PRINCIPAL_SCHEMA: Final = pa.schema(
    [pa.field("account_id", pa.string(), nullable=False), pa.field("principal_id", pa.string(), nullable=False)]
)

_DECLARED: Final = ("principal_id", "organisation_id")


def principals(accounts_in_log: pa.Table, account_table: pa.Table | None) -> pa.Table:
    """Return the principal of every account in the log: its principal_id, else its organisation_id, else itself.

    For each of the two, the account table's word wins over the log's. Where the log names several for one account, the
    first in alphabetical order counts, whatever the order of the rows. The kind stands before the name
    ("organisation:acme", "account:acme"), so that an organisation and an account of one name stay two.

    Parameters
    ----------
    accounts_in_log
        `account_id`, `principal_id`, `organisation_id` as kept (`gauger.exchanges.keeping`), repeated as they may be.
    account_table
        Table of `ACCOUNT_SCHEMA` with one row per account, or None.

    Returns
    -------
    pyarrow.Table
        Table of `PRINCIPAL_SCHEMA`, one row per account of the log, sorted by account.

    Examples
    --------
    >>> nothing = pa.nulls(2, pa.string())
    >>> log = pa.table({"account_id": ["a", "b"], "principal_id": nothing, "organisation_id": ["x", None]})
    >>> principals(log, None)["principal_id"].to_pylist()
    ['organisation:x', 'account:b']
    """
    said = _declared_in_log(accounts_in_log)
    if account_table is not None:
        said = _overruled(said, account_table)
    named = [pc.binary_join_element_wise(_prefix_of(name), said[name], "") for name in _DECLARED]
    own = pc.binary_join_element_wise("account:", said["account_id"], "")
    return pa.table([said["account_id"], pc.coalesce(*named, own)], schema=PRINCIPAL_SCHEMA)


def without_placeholders(values: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Return trimmed values; blanks and words for "nothing" ("null", "n/a", "unknown") become null."""
    trimmed = pc.utf8_trim_whitespace(values)
    is_nothing = pc.is_in(pc.utf8_lower(trimmed), _NOTHING_ARRAY)
    return pc.if_else(is_nothing, pa.scalar(None, trimmed.type), trimmed)


def _prefix_of(column: str) -> str:
    return column.removesuffix("_id") + ":"


def _declared_in_log(accounts_in_log: pa.Table) -> pa.Table:
    """Return one row per account, sorted: the smallest of what the log declares."""
    rows = _cleaned(accounts_in_log)
    grouped = rows.group_by("account_id", use_threads=False).aggregate([(name, "min") for name in _DECLARED])
    smallest = grouped.select(["account_id", *(f"{name}_min" for name in _DECLARED)])
    return smallest.rename_columns(["account_id", *_DECLARED]).sort_by("account_id")


def _overruled(said: pa.Table, account_table: pa.Table) -> pa.Table:
    """Return what the account table says of each account, and where it says nothing, what the log says."""
    known = _cleaned(account_table)
    place = pc.index_in(said["account_id"], known["account_id"])
    columns = {
        name: pc.coalesce(known[name].combine_chunks().take(place.combine_chunks()), said[name]) for name in _DECLARED
    }
    return pa.table({"account_id": said["account_id"], **columns})


def _cleaned(table: pa.Table) -> pa.Table:
    columns = {name: without_placeholders(table[name]) for name in _DECLARED}
    return pa.table({"account_id": table["account_id"], **columns})
