"""What an operator gives beside the logs: small tables of one record per row, in CSV, JSON lines or Parquet.

Values never reach the quarantine, and of the names of columns only such as cannot be text of a person.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from gauger.errors import InputError, SettingsError
from gauger.exchanges.principals import NOTHING
from gauger.exchanges.schema import QUARANTINE_SCHEMA
from gauger.sources.faults import REASONS, Bad, Fault
from gauger.sources.layout import layout_of
from gauger.sources.parquet import DAMAGE, dictionaries, stretches
from gauger.sources.records import Record, records
from gauger.sources.streams import is_parquet, opened_file, uncompressed
from gauger.sources.times import microseconds, zone_of
from gauger.sources.values import Converter, identifier

#: Reason code -> hint, beside those of logs.
HINTS: Final[Mapping[str, str]] = {
    **REASONS,
    "control_character": "control characters such as NUL do not belong here",
    "duplicate_account": "the account stands in a later row too; that one counts",
    "unknown_column": "not a column that is read here; name it in the mapping, or leave it",
    "unknown_kind": "expected ban, suspension or model_release",
    "value_too_long": "longer than 1,024 characters",
}

_MAX_RECORD_BYTES: Final = 1024 * 1024
_MAX_VALUE_CHARACTERS: Final = 1024
_PARQUET_BATCH: Final = {"max_rows": 4096, "max_bytes": 16 * 1024 * 1024}

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_PLAIN_NAME: Final = re.compile(r"[A-Za-z_][\w .-]{0,39}", re.ASCII)
_SHOWN_NAMES: Final = 12


@dataclass(slots=True)
class Rows:
    """Rows of a table as they were read.

    Attributes
    ----------
    columns
        Values by canonical column, None where there is none.
    numbers
        The number of each row in its file, from 0.
    faults
        What was left out, and why.
    """

    columns: dict[str, list[Any]]
    numbers: list[int] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def add(self, number: int, values: Mapping[str, object]) -> None:
        """Take a row in."""
        self.numbers.append(number)
        for name, column in self.columns.items():
            column.append(values.get(name))

    def table(self, schema: pa.Schema) -> pa.Table:
        """Return the table of `schema`, whose names are the columns."""
        arrays = [pa.array(self.columns[entry.name], entry.type) for entry in schema]
        return pa.Table.from_arrays(arrays, schema=schema)


def read_rows(
    path: str | Path,
    *,
    converters: Mapping[str, Converter],
    required: str,
    mapping: Mapping[str, str] | None,
    timezone: str,
) -> Rows:
    """Return the rows of a file that have a value in the `required` column.

    Names of columns are compared without case and surrounding blanks. Values are trimmed. A bad value in another
    column is left out alone. Columns that nobody asked for are named among the faults.

    Parameters
    ----------
    path
        CSV, JSON lines (both plain, gzip or Zstandard) or Parquet.
    converters
        Canonical column -> what makes its value.
    mapping
        Canonical column -> name in the file, dots going down into objects; None where the names are canonical.
    timezone
        Zone of times that carry none.

    Raises
    ------
    InputError
        The file cannot be read, holds no such column, or no row of it can be used.
    SettingsError
        The mapping names a column that there is not.
    UsageError
        No such time zone.
    """
    path = str(path)
    names = _names(converters, mapping or {}, path=path)
    zone = zone_of(timezone)
    rows = Rows({name: [] for name in converters})
    seen: dict[str, None] = {}
    n_records = 0
    for number, value in _values(path, rows.faults):
        n_records += 1
        record = _record(value)
        if isinstance(record, Bad):
            rows.faults.append(Fault(number, None, None, None, record.reason))
            continue
        seen.update(dict.fromkeys(record))
        values = {name: _converted(_found(record, names[name]), convert, zone) for name, convert in converters.items()}
        _take(rows, number, values, required=required)
    _check(rows, seen, path=path, required=required, name=names[required], n_records=n_records)
    rows.faults.extend(_unknown_columns(seen, names))
    return rows


def quarantine(faults: list[Fault], *, path: str | Path) -> pa.Table:
    """Return the table of `QUARANTINE_SCHEMA` for faults of one file."""
    shown = str(path).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    rows = [(shown, *fault, HINTS[fault.reason]) for fault in faults]
    columns = list(zip(*rows, strict=True)) or [()] * len(QUARANTINE_SCHEMA)
    arrays = [pa.array(column, entry.type) for column, entry in zip(columns, QUARANTINE_SCHEMA, strict=True)]
    return pa.Table.from_arrays(arrays, schema=QUARANTINE_SCHEMA)


def label(value: object, zone: tzinfo) -> object:
    """Return a word such as a plan's name; true and false are words too."""
    return str(value).lower() if isinstance(value, bool) else identifier(value, zone)


def moment(value: object, zone: tzinfo) -> object:
    """Return a time; words for "nothing" are none."""
    return None if isinstance(value, str) and value.lower() in NOTHING else microseconds(value, zone)


def _names(converters: Mapping[str, Converter], mapping: Mapping[str, str], *, path: str) -> dict[str, str]:
    """Return canonical column -> name in the file, in the form in which names are compared."""
    for column in mapping:
        if column not in converters:
            todo = f"the columns are {', '.join(converters)}"
            raise SettingsError("no such column", where=f"mapping of {path}, {column}", todo=todo)
    return {column: _compared(mapping.get(column, column)) for column in converters}


@lru_cache(maxsize=4096)
def _compared(name: str) -> str:
    return name.strip().casefold()


def _values(path: str, faults: list[Fault]) -> Iterator[tuple[int, object]]:
    """Yield number and value of every record; what damages the file as a whole goes into `faults`."""
    with opened_file(path) as raw:
        if is_parquet(raw):
            if not raw.can_seek:
                raise InputError("Parquet cannot be read from a stream", where=path, todo="give the path of the file")
            yield from _parquet_values(path, faults)
            return
        stream = uncompressed(raw, path=path)
        layout = layout_of(stream.head)
        stream.skip_to(layout.start)
        found = (
            item for item in records(stream, layout, max_record_bytes=_MAX_RECORD_BYTES) if isinstance(item, Record)
        )
        for number, item in enumerate(found):
            yield number, item.value
        if stream.damage:
            faults.append(Fault(None, stream.offset, None, None, stream.damage))


def _parquet_values(path: str, faults: list[Fault]) -> Iterator[tuple[int, object]]:
    try:
        file = pq.ParquetFile(path)
    except DAMAGE as error:
        raise InputError("the Parquet file is damaged", where=path, todo="write it again") from error
    with file:
        for stretch in stretches(file, start_row=0, columns=None, **_PARQUET_BATCH):
            if stretch.table is None:
                faults.append(Fault(stretch.row, None, None, None, "damaged_row_group"))
                continue
            yield from enumerate(dictionaries(stretch.table), start=stretch.row)


def _record(value: object) -> dict[str, object] | Bad:
    """Return values by name, in the form in which names are compared."""
    if isinstance(value, Bad):
        return value
    if not isinstance(value, Mapping):
        return Bad("not_an_object")
    return {_compared(name): item for name, item in value.items()}


def _found(record: Mapping[str, object], name: str) -> object:
    """Return the value of that name, else of where its dots lead."""
    if name in record:
        return record[name]
    head, dot, rest = name.partition(".")
    inner = record.get(head) if dot else None
    return _found({_compared(key): item for key, item in inner.items()}, rest) if isinstance(inner, Mapping) else None


def _converted(value: object, convert: Callable[[object, tzinfo], object], zone: tzinfo) -> object:
    if value is None:
        return None
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if not isinstance(value, str):
        return convert(value, zone)
    value = value.strip()
    if len(value) > _MAX_VALUE_CHARACTERS:
        return Bad("value_too_long")
    return Bad("control_character") if _CONTROL.search(value) else convert(value, zone)


def _take(rows: Rows, number: int, values: dict[str, object], *, required: str) -> None:
    """Add a row, or say why not."""
    wanted = values[required]
    if wanted is None or isinstance(wanted, Bad):
        reason = wanted.reason if isinstance(wanted, Bad) else "missing_value"
        rows.faults.append(Fault(number, None, None, required, reason))
        return
    for name, value in values.items():
        if isinstance(value, Bad):
            rows.faults.append(Fault(number, None, None, name, value.reason))
            values[name] = None
    rows.add(number, values)


def _check(rows: Rows, seen: Mapping[str, None], *, path: str, required: str, name: str, n_records: int) -> None:
    if rows.numbers:
        return
    if not n_records:
        raise InputError(
            "the file holds no records", where=path, todo="leave it out, or check that it is the right file"
        )
    if seen and name.partition(".")[0] not in {part for key in seen for part in (key, key.partition(".")[0])}:
        shown = [key for key in seen if _PLAIN_NAME.fullmatch(key)][:_SHOWN_NAMES]
        raise InputError(
            f"there is no column {name!r}; found {', '.join(shown) or 'no plain names'}",
            where=path,
            todo=f'name the column in a mapping: {required} = "its name"',
        )
    reasons = ", ".join(dict.fromkeys(fault.reason for fault in rows.faults))
    raise InputError(
        f"no row can be used ({reasons})",
        where=path,
        todo="give CSV whose first line names every column once, JSON lines or Parquet",
    )


def _unknown_columns(seen: Mapping[str, None], names: Mapping[str, str]) -> Iterator[Fault]:
    known = {part for name in names.values() for part in (name, name.partition(".")[0])}
    plain = (name for name in seen if name not in known and _PLAIN_NAME.fullmatch(name))
    return (Fault(None, None, None, name, "unknown_column") for name in plain)
