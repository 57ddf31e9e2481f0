"""What an engine is to the stages: four methods over relations that are defined once (`gauger.engines.relations`)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import ibis.expr.types as ir
import pyarrow as pa


class Engine(Protocol):
    """Reads sketch files, keeps what later steps use, and returns rows. Engines give the same rows."""

    def read(self, paths: Sequence[Path]) -> ir.Table:
        """Return the rows of Parquet files of one schema, with `file_name`: the name of the file, without its folder.

        Those files and no others: what their folders are called adds no column and is no pattern.
        """
        ...

    def keep(self, name: str, rows: ir.Table | pa.Table) -> ir.Table:
        """Store rows for the rest of the session under a name, in place of what had it, and return them."""
        ...

    def drop(self, name: str) -> None:
        """Let go of the rows stored under a name, and of their memory."""
        ...

    def fetch(self, relation: ir.Table) -> pa.Table:
        """Compute a relation and return its rows, in an order of its own unless the relation says one."""
        ...
