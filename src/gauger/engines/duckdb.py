"""The embedded engine: DuckDB over the workspace's Parquet files, spilling inside the workspace."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import ibis
import ibis.expr.types as ir
import pyarrow as pa

#: A sketch file is called after its log, the stretch of it, and the file's place there (`gauger.store.sketch_files`).
_NAME_OF_SKETCHES: Final = r"([0-9]{8})-[0-9]{6}-[0-9]{6}(?:~[0-9]+)?[.]parquet$"


@dataclass(frozen=True, slots=True)
class DuckEngine:
    """Runs relations and returns Arrow tables.

    `keep` stores a result for later steps of the same run; it lives in the engine's scratch database.
    """

    connection: ibis.BaseBackend

    def rows(self, paths: Sequence[Path]) -> ir.Table:
        """Return the rows of Parquet files of one schema: those files, whatever their folders are called."""
        return self.connection.read_parquet([_literal(path) for path in paths], hive_partitioning=False)

    def exchanges(self, paths: Sequence[Path]) -> ir.Table:
        """Return the rows of sketch files with `origin`: the log they are of, by its number in the manifest.

        A log that was exported anew under the same name is another log; its rows have the same file and row.
        """
        found = self.connection.read_parquet([_literal(path) for path in paths], hive_partitioning=False, filename=True)
        return found.mutate(origin=found.filename.re_extract(_NAME_OF_SKETCHES, 1)).drop("filename")

    def table(self, name: str, data: pa.Table) -> ir.Table:
        """Store an Arrow table under `name` and return it as a relation."""
        return self.connection.create_table(name, data, overwrite=True, temp=True)

    def keep(self, name: str, relation: ir.Table) -> ir.Table:
        """Compute a relation once, store it under `name`, and return it."""
        return self.connection.create_table(name, relation, overwrite=True, temp=True)

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
