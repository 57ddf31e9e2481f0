from pathlib import Path

import pytest

from gauger.exchanges.schema import QUARANTINE_SCHEMA
from gauger.sources import faults
from gauger.sources.faults import REASONS, Bad, Fault, fault_table


def test_every_bad_value_has_a_reason_with_a_hint():
    named = [value for value in vars(faults).values() if isinstance(value, Bad)]
    assert named
    assert {bad.reason for bad in named} <= set(REASONS)
    assert all(hint for hint in REASONS.values())


def test_every_reason_is_explained_in_the_documentation():
    page = Path(__file__).parents[3] / "docs" / "how-to" / "sources" / "logs.md"
    told = [line.split("`")[1] for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    assert told == sorted(REASONS)


def test_fault_table_has_the_schema_of_the_quarantine():
    table = fault_table(
        [Fault(3, 10, 5, "seed", "out_of_range"), Fault(None, None, None, None, "damaged_parquet")], "a"
    )
    assert table.schema == QUARANTINE_SCHEMA
    assert table["hint"].to_pylist() == [REASONS["out_of_range"], REASONS["damaged_parquet"]]
    assert fault_table([], "a").num_rows == 0


def test_unknown_reason_cannot_be_reported():
    with pytest.raises(KeyError):
        fault_table([Fault(1, 2, 3, None, "because")], "a")
