"""The embedded engine: DuckDB over the workspace's Parquet files, spilling inside the workspace."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import ibis
import ibis.expr.types as ir
import pyarrow as pa


@dataclass(frozen=True, slots=True)
class DuckEngine:
    """The engine (`gauger.engines.engine.Engine`) over a DuckDB connection; what is kept lies in its scratch."""

    connection: ibis.BaseBackend

    def read(self, paths: Sequence[Path]) -> ir.Table:
        """Return the rows of Parquet files of one schema, with `file_name`."""
        found = self.connection.read_parquet([_literal(path) for path in paths], hive_partitioning=False, filename=True)
        return found.mutate(file_name=found.filename.re_extract("[^/]+$", 0)).drop("filename")

    def keep(self, name: str, rows: ir.Table | pa.Table) -> ir.Table:
        """Store rows under a name, and return them."""
        return self.connection.create_table(name, rows, overwrite=True, temp=True)

    def drop(self, name: str) -> None:
        """Let go of the rows stored under a name."""
        self.connection.drop_table(name)

    def fetch(self, relation: ir.Table) -> pa.Table:
        """Compute a relation and return its rows."""
        return relation.to_pyarrow()


def _literal(path: Path) -> str:
    """Return a path in which DuckDB finds no pattern: each special character in a class of its own."""
    return re.sub(r"([*?\[])", r"[\1]", str(path))


@contextmanager
def duck_engine(*, scratch: Path, threads: int, memory_bytes: int) -> Iterator[DuckEngine]:
    """Open the engine. What it spills goes to `scratch`, which the workspace removes."""
    connection = ibis.duckdb.connect(
        str(scratch / "scratch.duckdb"),
        temp_directory=str(scratch / "spill"),
        threads=threads,
        memory_limit=f"{memory_bytes // 1_000_000}MB",
        preserve_insertion_order=False,
        autoinstall_known_extensions=False,
        autoload_known_extensions=False,
    )
    try:
        yield DuckEngine(connection)
    finally:
        connection.disconnect()
