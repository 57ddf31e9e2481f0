"""Gauger's own columns, as its simulator and its exports write them: Parquet, JSON lines or CSV."""

from collections.abc import Mapping
from typing import Final

from gauger.sources.batches import ReadOptions
from gauger.sources.values import CONVERTERS

#: What tells a record of this format: the two required columns under their canonical names.
REQUIRED: Final = frozenset({"occurred_at", "account_id"})


class CanonicalSource:
    """Source for records whose fields are the canonical columns."""

    name = "gauger-parquet"

    def columns_absent(self, options: ReadOptions) -> frozenset[str]:
        """None: the reader of Parquet finds out which columns a file lacks."""
        del options
        return frozenset()

    def matches(self, record: Mapping[str, object]) -> bool:
        """Whether a record has the required columns and no body of a request."""
        return record.keys() >= REQUIRED and "request" not in record

    def row(self, record: Mapping[str, object], options: ReadOptions) -> Mapping[str, object]:
        """Take the canonical columns; where the record came from is written anew."""
        del options
        return {column: record.get(column) for column in CONVERTERS}
