"""Files that survive a crash: written aside, flushed to the disk, then put in place by one rename."""

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy.exc import DBAPIError

from gauger.errors import WorkspaceError
from gauger.exchanges.schema import BATCH_ROWS

PRIVATE_FILE: Final = 0o600
PRIVATE_FOLDER: Final = 0o700

# ENOSPC and EDQUOT: the disk or the user's share of it is full. EFBIG: a limit on the size of files (`ulimit -f`).
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@contextmanager
def storage_errors(where: Path) -> Iterator[None]:
    """Turn what the disk or SQLite refuses inside the block into a WorkspaceError that says what to do."""
    try:
        yield
    except OSError as error:
        raise _refusal(error, where) from error
    except (DBAPIError, sqlite3.Error) as error:
        raise _database_refusal(error, where) from error


def write_file(path: Path, content: bytes) -> None:
    """Write a new private file and flush it to the disk."""
    with create_file(path) as file:
        file.write(content)


@contextmanager
def create_file(path: Path) -> Iterator[BinaryIO]:
    """Open a private file for writing, emptying it if it exists; it is on the disk when the block ends."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE_FILE)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, PRIVATE_FILE)
        yield file
        file.flush()
        os.fsync(descriptor)


def write_parquet(table: pa.Table, path: Path) -> None:
    """Write a table as a private Parquet file (zstd) and flush it to the disk."""
    with create_file(path) as file:
        pq.write_table(table, file, **parquet_options(table.schema))


#: Columns whose values are near those before them, or unlike all others, and what suits them better than plain values.
_ENCODINGS: Final = {
    **dict.fromkeys(
        ("occurred_at", "occurred_us", "source_row", "n_words", "latency_ms", "output_tokens"), "DELTA_BINARY_PACKED"
    ),
    **dict.fromkeys(("request_id", "conversation_id"), "DELTA_BYTE_ARRAY"),
}
#: The columns that take most of the room; the rest has the codec's own level, which is 1.
_LEVELS: Final = {"shingles.list.element": 4, "projection": 4}
#: Few different values beside strings.
_CODED: Final = {"intents.list.element"}


def parquet_options(schema: pa.Schema) -> dict[str, Any]:
    """Return how tables of this schema are encoded.

    Dictionaries pay for strings that repeat, and lose for ids of single exchanges and for keyed hashes, which hardly
    compress at all. Statistics are kept where readers skip by them. Measured on a million sketches of 21 shingles: 195
    bytes each, where plain values at level 1 take 245; level 5 saves another 2 % for a third more time.
    """

    def here(path: str) -> bool:
        return path.partition(".")[0] in schema.names

    encodings = {name: encoding for name, encoding in _ENCODINGS.items() if here(name)}
    coded = [*(name for name in _string_columns(schema) if name not in encodings), *filter(here, _CODED)]
    return {
        "compression": "zstd",
        "compression_level": {path: level for path, level in _LEVELS.items() if here(path)} or None,
        "row_group_size": BATCH_ROWS,
        "use_dictionary": coded,
        "column_encoding": encodings or None,
        "write_statistics": [name for name in ("occurred_at", "occurred_us", "account_id") if name in schema.names],
    }


def read_parquet(path: Path, columns: list[str] | None = None) -> pa.Table:
    """Return the rows of one Parquet file. The name of its folder adds no column."""
    with pq.ParquetFile(path) as file:
        return file.read(columns)


def put_in_place(temporary: Path, target: Path) -> None:
    """Rename a flushed file to its final name and flush the folder, so that the name survives a power cut too."""
    temporary.replace(target)
    flush_folder(target.parent)


def make_folder(path: Path) -> None:
    """Make a private folder unless it is there, and flush its name to the disk."""
    if not path.is_dir():
        path.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
        flush_folder(path.parent)


def flush_folder(path: Path) -> None:
    """Flush the names in a folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _string_columns(schema: pa.Schema) -> list[str]:
    plain = [field.name for field in schema if pa.types.is_string(field.type)]
    lists = [field.name for field in schema if field.type == pa.list_(pa.string())]
    return plain + [f"{name}.list.element" for name in lists]


def _refusal(error: OSError, where: Path) -> WorkspaceError:
    if error.errno in _FULL:
        return _disk_full(where)
    return WorkspaceError(
        f"the disk refused: {error.strerror or error}",
        where=str(where),
        todo="check that the folder exists, is yours and can be written; what was stored so far is kept",
    )


def _database_refusal(error: DBAPIError | sqlite3.Error, where: Path) -> WorkspaceError:
    # The driver's own words only: SQLAlchemy's message would repeat the statement.
    cause = error.orig if isinstance(error, DBAPIError) else error
    code = getattr(cause, "sqlite_errorcode", None)
    # A limit on file sizes reaches SQLite as a failed write, which it does not tell from a failing disk.
    if code in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE}:
        return _disk_full(where)
    if code is not None and code & 0xFF == sqlite3.SQLITE_BUSY:
        return WorkspaceError(
            "the state is in use by another process",
            where=str(where),
            todo="try again when the other reader has finished",
        )
    if code is not None and code & 0xFF == sqlite3.SQLITE_READONLY:
        return WorkspaceError(
            "the workspace can only be read", where=str(where), todo="check its permissions, or open it for writing"
        )
    return WorkspaceError(
        f"the state cannot be used: {cause}",
        where=str(where),
        todo="check the disk; if that is sound, restore the workspace, or start a new one and ingest the logs again",
    )


def _disk_full(where: Path) -> WorkspaceError:
    return WorkspaceError(
        "the disk takes no more: it is full, or the size of files is limited",
        where=str(where),
        todo="free some space and run the same command again; what was stored so far is kept",
    )
