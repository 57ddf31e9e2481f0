"""The operator's account table (`--accounts`): what no API log holds."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pyarrow as pa

from gauger.exchanges.accounts import RAW_ACCOUNT_SCHEMA
from gauger.sources.faults import Fault
from gauger.sources.tabular import label, moment, quarantine, read_rows
from gauger.sources.values import CONVERTERS, Converter

_CONVERTERS: Final[Mapping[str, Converter]] = {
    # Ids go through what the log's ids go through, so that they meet.
    **{name: CONVERTERS[name] for name in ("account_id", "principal_id", "organisation_id")},
    "signed_up_at": moment,
    "plan": label,
    "payment_token": label,
    "email": label,
    "verification_tier": label,
    "registered_use": label,
    "suspended_at": moment,
    "region": label,
}


def read_accounts(
    path: str | Path, *, mapping: Mapping[str, str] | None = None, timezone: str = "UTC"
) -> tuple[pa.Table, pa.Table]:
    """Return the accounts as given, and the quarantine.

    Of an account that stands in several rows the last one counts; the others are named in the quarantine, as are
    columns that are not read. Hash what was read before it is kept: `gauger.exchanges.accounts.keep_accounts`.

    Parameters
    ----------
    path
        CSV, JSON lines or Parquet; only the account is required.
    mapping
        Canonical column -> name in the file.
    timezone
        Zone of times that carry none.

    Returns
    -------
    raw
        Table of `RAW_ACCOUNT_SCHEMA`, one row per account, in the order of the counting rows.
    quarantine
        Table of `QUARANTINE_SCHEMA`; rows count from 0, the header left out.

    Raises
    ------
    InputError
        The file cannot be read, has no column for the account, or no row of it can be used.
    SettingsError
        The mapping names a column that there is not.
    UsageError
        No such time zone.
    """
    rows = read_rows(path, converters=_CONVERTERS, required="account_id", mapping=mapping, timezone=timezone)
    place_of = {account: place for place, account in enumerate(rows.columns["account_id"])}
    counting = sorted(place_of.values())
    earlier = sorted(set(range(len(rows.numbers))) - set(counting))
    rows.faults.extend(Fault(rows.numbers[at], None, None, "account_id", "duplicate_account") for at in earlier)
    table = rows.table(RAW_ACCOUNT_SCHEMA).take(pa.array(counting, pa.int64()))
    return table, quarantine(rows.faults, path=path)
