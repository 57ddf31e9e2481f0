from datetime import UTC, datetime

import pyarrow as pa
import pytest

from gauger.exchanges.pseudonyms import Keys, derive_keys
from gauger.exchanges.schema import EDGE_SCHEMA

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="session")
def keys() -> Keys:
    return derive_keys(bytes(range(32)))


@pytest.fixture(scope="session")
def edge():
    """Builds an edge table from rows of what matters; the rest is filled in."""

    def build(*rows: dict) -> pa.Table:
        filled = [
            {"account_id": "acct-1", "occurred_at": NOON, "source_file": "a.jsonl", "source_row": number, **row}
            for number, row in enumerate(rows)
        ]
        return pa.Table.from_pylist(filled, schema=EDGE_SCHEMA)

    return build
