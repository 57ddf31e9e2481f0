import msgspec
import pyarrow as pa
import pytest

from gauger.errors import UsageError
from gauger.report.tables import ACCOUNTS_SCHEMA, all_accounts, listed_accounts


def touched(finding_id: str) -> pa.Table:
    return pa.table(
        {
            "finding_id": [finding_id, finding_id],
            "account_id": ["far-1", "far-2"],
            "principal_id": ["org-1", "org-2"],
            "membership": pa.array([0.2, None], pa.float64()),
            "n_exchanges": [3, 1],
        }
    )


def test_every_listed_account_is_a_row(findings):
    table = listed_accounts(findings)
    assert table.schema == ACCOUNTS_SCHEMA
    assert table.num_rows == 30 + 12 + 214
    first, last = table.slice(0, 1).to_pylist()[0], table.slice(table.num_rows - 1).to_pylist()[0]
    member = findings.findings[0].accounts[0]
    assert first == {
        "finding_id": "c-k7q2mzx4ahwd",
        "verdict": "campaign",
        **msgspec.structs.asdict(member),
        "listed": True,
    }
    assert last["share"] is None


def test_touched_accounts_follow_and_are_not_listed(findings):
    table = all_accounts(findings, touched("c-3fvu6rbt5ngy"))
    assert table.schema == ACCOUNTS_SCHEMA
    assert table.slice(0, 256).equals(listed_accounts(findings))
    rows = table.slice(256).to_pylist()
    assert [(row["account_id"], row["verdict"], row["listed"]) for row in rows] == [
        ("far-1", "supported", False),
        ("far-2", "supported", False),
    ]
    assert rows[0]["membership"] == 0.2
    assert rows[0]["low"] is None
    assert rows[1]["membership"] is None


def test_touched_account_of_an_unknown_finding_is_refused(findings):
    with pytest.raises(UsageError, match="c-unknown"):
        all_accounts(findings, touched("c-unknown"))


def test_report_without_findings_gives_an_empty_table(nothing_found):
    assert listed_accounts(nothing_found).equals(ACCOUNTS_SCHEMA.empty_table())
