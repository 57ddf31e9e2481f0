"""Bans, suspensions and model releases (`--events`)."""

from collections.abc import Mapping
from datetime import tzinfo
from pathlib import Path
from typing import Final

import pyarrow as pa

from gauger.exchanges.events import EVENT_KINDS, MODEL_RELEASE
from gauger.exchanges.schema import EVENT_SCHEMA
from gauger.sources.faults import Bad, Fault
from gauger.sources.tabular import Rows, label, moment, quarantine, read_rows
from gauger.sources.values import CONVERTERS, Converter


def _kind(value: object, zone: tzinfo) -> object:
    """Return one of the three kinds, from any word for it."""
    word = label(value, zone)
    if not isinstance(word, str):
        return word
    return EVENT_KINDS.get("_".join(word.casefold().replace("-", " ").replace("_", " ").split()), Bad("unknown_kind"))


_CONVERTERS: Final[Mapping[str, Converter]] = {
    "occurred_at": moment,
    "kind": _kind,
    "account_id": CONVERTERS["account_id"],
    "model": label,
}


def read_events(
    path: str | Path, *, mapping: Mapping[str, str] | None = None, timezone: str = "UTC"
) -> tuple[pa.Table, pa.Table]:
    """Return the events as given, and the quarantine.

    A row without a time, of an unknown kind, or a ban or suspension of no account is left out and named. Hash what was
    read before it is kept: `gauger.exchanges.events.keep_events`.

    Parameters
    ----------
    path
        CSV, JSON lines or Parquet with the columns occurred_at, kind, account_id, model.
    mapping
        Canonical column -> name in the file.
    timezone
        Zone of times that carry none.

    Returns
    -------
    raw
        Table of `EVENT_SCHEMA`, account ids as given, in the order of the file.
    quarantine
        Table of `QUARANTINE_SCHEMA`; rows count from 0, the header left out.

    Raises
    ------
    InputError
        The file cannot be read, has no column for the time, or no row of it can be used.
    SettingsError
        The mapping names a column that there is not.
    UsageError
        No such time zone.
    """
    rows = read_rows(path, converters=_CONVERTERS, required="occurred_at", mapping=mapping, timezone=timezone)
    missing = [_missing(rows, at) for at in range(len(rows.numbers))]
    reported = {(fault.row, fault.column) for fault in rows.faults}
    for number, column in zip(rows.numbers, missing, strict=True):
        if column and (number, column) not in reported:
            rows.faults.append(Fault(number, None, None, column, "missing_value"))
    whole = [at for at, column in enumerate(missing) if column is None]
    columns = {name: [values[at] for at in whole] for name, values in rows.columns.items()}
    return Rows(columns).table(EVENT_SCHEMA), quarantine(rows.faults, path=path)


def _missing(rows: Rows, at: int) -> str | None:
    """Return the column that a row cannot do without and lacks."""
    kind = rows.columns["kind"][at]
    if kind is None:
        return "kind"
    return "account_id" if kind != MODEL_RELEASE and rows.columns["account_id"][at] is None else None
