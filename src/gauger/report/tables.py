"""The accounts of a report as tables: one exact, one for spreadsheets."""

from typing import Final

import pyarrow as pa

from gauger.campaigns.findings import Findings
from gauger.errors import UsageError

_MEMBER_FIELDS: Final = (
    pa.field("account_id", pa.string(), nullable=False),
    pa.field("principal_id", pa.string(), nullable=False),
    pa.field("membership", pa.float64()),
    pa.field("low", pa.float64()),
    pa.field("high", pa.float64()),
    pa.field("share", pa.float64()),
    pa.field("share_low", pa.float64()),
    pa.field("share_high", pa.float64()),
    pa.field("n_exchanges", pa.int64(), nullable=False),
)

#: Accounts of findings. What is unknown of an account is null.
ACCOUNTS_SCHEMA: Final = pa.schema(
    [
        pa.field("finding_id", pa.string(), nullable=False),
        pa.field("verdict", pa.string(), nullable=False),
        *_MEMBER_FIELDS,
        pa.field("listed", pa.bool_(), nullable=False),
    ]
)


def listed_accounts(findings: Findings) -> pa.Table:
    """Return the accounts that the findings list, in the order of the findings, as `ACCOUNTS_SCHEMA`."""
    rows = [
        {
            "finding_id": finding.finding_id,
            "verdict": finding.verdict,
            **{field.name: getattr(member, field.name) for field in _MEMBER_FIELDS},
            "listed": True,
        }
        for finding in findings.findings
        for member in finding.accounts
    ]
    return pa.Table.from_pylist(rows, schema=ACCOUNTS_SCHEMA)


def all_accounts(findings: Findings, touched: pa.Table) -> pa.Table:
    """Return the listed accounts, then the touched ones, as `ACCOUNTS_SCHEMA`.

    Parameters
    ----------
    findings
        The document.
    touched
        Accounts that hold attributed exchanges and are not listed, in the order to keep: finding_id, account_id,
        principal_id, n_exchanges, and any other columns of `ACCOUNTS_SCHEMA` that are known.

    Raises
    ------
    UsageError
        A touched account belongs to no finding of the document.
    """
    verdicts = {finding.finding_id: finding.verdict for finding in findings.findings}
    ids = touched.column("finding_id").to_pylist()
    unknown = sorted(set(ids) - verdicts.keys())
    if unknown:
        raise UsageError(f"touched accounts name a finding that is not in the document: {unknown[0]}", where="touched")
    known = {name: touched.column(name) for name in touched.column_names}
    known["verdict"] = pa.array([verdicts[finding_id] for finding_id in ids], pa.string())
    known["listed"] = pa.array([False] * len(ids), pa.bool_())
    columns = [known.get(field.name, pa.nulls(len(ids), field.type)) for field in ACCOUNTS_SCHEMA]
    return pa.concat_tables([listed_accounts(findings), pa.table(columns, schema=ACCOUNTS_SCHEMA)])
