"""What can be wrong with a record, in words that never hold the record itself.

A fault is a code and the column it concerns; the hint is looked up by the code, so that no value of a log can reach
the quarantine table.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import pyarrow as pa

from gauger.exchanges.schema import QUARANTINE_SCHEMA

#: Reason code -> hint, as both stand in `quarantine.parquet`.
REASONS: Final[Mapping[str, str]] = {
    "bad_csv": "the quotes of this CSV row do not close, or text follows a closing quote",
    "bad_time": "not a time that can be read; use RFC 3339, or seconds or milliseconds since 1970",
    "damaged_compression": "the compressed file is cut short or damaged here; what came before was read",
    "damaged_parquet": "the Parquet file cannot be opened; write it again",
    "damaged_row_group": "a row group of the Parquet file cannot be read; the others were",
    "incomplete_last_record": "the file ends inside this record; it is read once the file has grown",
    "missing_value": "a required column is empty here",
    "nested_too_deeply": "brackets are nested more deeply than any log needs",
    "not_a_number": "a number was expected, found NaN or text",
    "not_an_object": "a JSON object was expected, found another JSON value",
    "not_json": "not valid JSON",
    "out_of_range": "the number does not fit the column",
    "record_too_long": "longer than --max-record; it was skipped as it streamed",
    "unknown_format": "no source knows a record of this shape; name one with --format or write a mapping",
    "wrong_field_count": "this CSV row has more or fewer fields than the header",
    "wrong_type": "a value of another kind was expected here",
}


@dataclass(frozen=True, slots=True)
class Bad:
    """Stands for a value that could not be read; `reason` is a key of `REASONS`."""

    reason: str


NOT_JSON: Final = Bad("not_json")
NESTED: Final = Bad("nested_too_deeply")
TOO_LONG: Final = Bad("record_too_long")
INCOMPLETE: Final = Bad("incomplete_last_record")
WRONG_TYPE: Final = Bad("wrong_type")
OUT_OF_RANGE: Final = Bad("out_of_range")
NOT_A_NUMBER: Final = Bad("not_a_number")
BAD_TIME: Final = Bad("bad_time")
MISSING: Final = Bad("missing_value")


class Fault(NamedTuple):
    """One row of the quarantine table, the name of the file apart.

    Attributes
    ----------
    row
        Number of the record in the log, from 0; None when it is not one record.
    offset, length
        Bytes in the uncompressed log; None where the format has none (Parquet).
    column
        The canonical column left empty; None when the whole record was left out.
    reason
        A key of `REASONS`.
    """

    row: int | None
    offset: int | None
    length: int | None
    column: str | None
    reason: str


def fault_table(faults: Sequence[Fault], source_file: str) -> pa.Table:
    """Table of `QUARANTINE_SCHEMA`, one row per fault, in the order given."""
    columns: list[list[object]] = [
        [source_file] * len(faults),
        [fault.row for fault in faults],
        [fault.offset for fault in faults],
        [fault.length for fault in faults],
        [fault.column for fault in faults],
        [fault.reason for fault in faults],
        [REASONS[fault.reason] for fault in faults],
    ]
    arrays = [pa.array(column, field.type) for column, field in zip(columns, QUARANTINE_SCHEMA, strict=True)]
    return pa.Table.from_arrays(arrays, schema=QUARANTINE_SCHEMA)
