"""Values that cannot be are taken out of a batch and named in the quarantine, without the value itself."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gauger.exchanges.schema import QUARANTINE_SCHEMA, TIMESTAMP

#: Reasons in the quarantine. The row of a `VALUE_OUT_OF_RANGE` is kept, only the value is gone.
VALUE_OUT_OF_RANGE: Final = "value_out_of_range"
REQUIRED_MISSING: Final = "required_value_missing"
REQUIRED_OUT_OF_RANGE: Final = "required_value_out_of_range"

#: No model API is older; and one row far ahead must not become the end of the log.
EARLIEST: Final = datetime(2015, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(2100, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Range:
    """Both ends included; None is open."""

    low: float
    high: float | None = None

    def hint(self) -> str:
        return f"expected {self.low:g} or more" if self.high is None else f"expected {self.low:g} to {self.high:g}"

    def holds(self, values: pa.ChunkedArray) -> pa.ChunkedArray:
        above = pc.greater_equal(values, pa.scalar(self.low).cast(values.type))
        if self.high is None:
            return above
        return pc.and_(above, pc.less_equal(values, pa.scalar(self.high).cast(values.type)))


_NOT_NEGATIVE: Final = _Range(0)

_OPTIONAL: Final = {
    "latency_ms": _NOT_NEGATIVE,
    "http_status": _Range(100, 599),
    "input_tokens": _NOT_NEGATIVE,
    "output_tokens": _NOT_NEGATIVE,
    "reasoning_tokens": _NOT_NEGATIVE,
    "temperature": _Range(0, 10),
    "choice_count": _NOT_NEGATIVE,
    "max_tokens": _NOT_NEGATIVE,
    "top_logprobs": _NOT_NEGATIVE,
}


#: Some clients write -1 for "no limit" here. It says what null says, and is no fault.
_UNLIMITED: Final = ("max_tokens", "top_logprobs")


def validate(edge: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Return the rows whose values can be, and the quarantine.

    An optional value out of range becomes null, its row stays. A row whose account is missing or blank, or whose time
    is missing, before 2015 or after 2099, leaves the table.

    Parameters
    ----------
    edge
        Table of `EDGE_SCHEMA`.

    Returns
    -------
    table
        Table of `EDGE_SCHEMA`, in the same order.
    quarantine
        Table of `QUARANTINE_SCHEMA`: source, column, reason and hint, never the value.
    """
    table, refused = _drop_rows(edge)
    notes = [refused]
    for column in _UNLIMITED:
        table = _without(table, column, pc.equal(table[column], -1))
    for column, allowed in _OPTIONAL.items():
        table, note = _drop_values(table, column, allowed=allowed)
        notes.append(note)
    return table, pa.concat_tables(notes)


def quarantine_rows(rows: pa.Table, *, column: str, reason: str, hint: str) -> pa.Table:
    """Return the quarantine of `rows` (with `source_file` and `source_row`): one entry each, without their values."""
    n = rows.num_rows
    fill: dict[str, Any] = {
        "source_file": rows["source_file"],
        "row": rows["source_row"],
        "column": pa.repeat(pa.scalar(column, pa.string()), n),
        "reason": pa.repeat(pa.scalar(reason, pa.string()), n),
        "hint": pa.repeat(pa.scalar(hint, pa.string()), n),
    }
    arrays = [fill.get(entry.name, pa.nulls(n, entry.type)) for entry in QUARANTINE_SCHEMA]
    return pa.Table.from_arrays(arrays, schema=QUARANTINE_SCHEMA)


def _drop_rows(table: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Return the table without rows that lack a possible time or an account; a row is reported for its first fault."""
    time = table["occurred_at"]
    early, late = pa.scalar(EARLIEST, TIMESTAMP), pa.scalar(LATEST, TIMESTAMP)
    faults = [
        ("occurred_at", REQUIRED_MISSING, "expected a time", pc.is_null(time)),
        ("occurred_at", REQUIRED_OUT_OF_RANGE, "before 2015; seconds read as milliseconds?", pc.less(time, early)),
        (
            "occurred_at",
            REQUIRED_OUT_OF_RANGE,
            "after 2099; milliseconds read as seconds?",
            pc.greater_equal(time, late),
        ),
        ("account_id", REQUIRED_MISSING, "expected an account", _is_blank(table["account_id"])),
    ]
    gone = np.zeros(table.num_rows, dtype=bool)
    notes = []
    for column, reason, hint, is_faulty in faults:
        new = np.asarray(pc.fill_null(is_faulty, fill_value=False)) & ~gone
        notes.append(quarantine_rows(table.filter(pa.array(new)), column=column, reason=reason, hint=hint))
        gone |= new
    kept = table.filter(pa.array(~gone)) if gone.any() else table
    return kept, pa.concat_tables(notes)


def _drop_values(table: pa.Table, column: str, *, allowed: _Range) -> tuple[pa.Table, pa.Table]:
    values = table[column]
    is_faulty = pc.fill_null(pc.invert(allowed.holds(values)), fill_value=False)
    note = quarantine_rows(table.filter(is_faulty), column=column, reason=VALUE_OUT_OF_RANGE, hint=allowed.hint())
    return (_without(table, column, is_faulty) if note.num_rows else table), note


def _without(table: pa.Table, column: str, unwanted: pa.ChunkedArray) -> pa.Table:
    values = table[column]
    cleaned = pc.if_else(pc.fill_null(unwanted, fill_value=False), pa.scalar(None, values.type), values)
    return table.set_column(table.schema.get_field_index(column), table.schema.field(column), cleaned)


def _is_blank(values: pa.ChunkedArray) -> pa.ChunkedArray:
    length = pc.utf8_length(pc.utf8_trim_whitespace(values))
    return pc.equal(pc.fill_null(length, 0), 0)
