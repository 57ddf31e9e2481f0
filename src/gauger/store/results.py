"""The folder of results: every file in it is whole, whenever it is looked at."""

import csv
import fcntl
import io
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any, Final

import pyarrow as pa

from gauger.errors import UsageError, WorkspaceError
from gauger.store.durable import (
    PRIVATE_FOLDER,
    create_file,
    make_folder,
    put_in_place,
    storage_errors,
    write_file,
    write_parquet,
)

#: Inside the folder of results, and so on its disk even where that is a mount of its own.
_INCOMING: Final = ".incoming"

#: A spreadsheet takes a cell that begins like this for a formula (also the full-width forms).
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


#: A terminal that shows the file would obey them. Tabs and line ends stay.
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def publish(out: Path, files: Mapping[str, bytes | Path | pa.Table]) -> None:
    """Write files into a folder so that a reader sees the old one or the new one, never half of one.

    All are written aside and flushed first, then renamed one by one in the order given: name last the one that tells
    readers the rest is there. Other files in the folder stay as they are.

    Parameters
    ----------
    out
        The folder; made, for its owner alone, if there is none.
    files
        Relative name -> its bytes, a file to copy, or a table (written as Parquet).

    Raises
    ------
    UsageError
        A name leads out of the folder.
    WorkspaceError
        The disk is full or refuses, or another process is publishing here.
    """
    for name in files:
        _require_inside(name)
    with storage_errors(out), _incoming(out) as incoming:
        for name, content in files.items():
            (incoming / name).parent.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
            _write(incoming / name, content)
        for name in files:
            _make_folders(out, PurePosixPath(name).parent)
            put_in_place(incoming / name, out / name)


def csv_bytes(table: pa.Table) -> bytes:
    """Return a table as CSV (RFC 4180, UTF-8) that is safe to open in a spreadsheet.

    Text that a spreadsheet would take for a formula gets a leading apostrophe, and all text is quoted, so that a
    separator inside it starts no new cell in any locale. Numbers stay numbers, times are RFC 3339 in UTC and null
    is empty.
    """
    target = io.StringIO(newline="")
    writer = csv.writer(target, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\r\n")
    writer.writerow(_cell(name) for name in table.schema.names)
    for batch in table.to_batches():
        writer.writerows(
            zip(*([_cell(value) for value in column.to_pylist()] for column in batch.columns), strict=True)
        )
    return target.getvalue().encode()


def _cell(value: Any) -> str | int | float:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case int() | float():
            return value
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case list():
            return _cell(", ".join(str(_cell(item)) for item in value))
        case _:
            text = _CONTROLS.sub("\ufffd", str(value))
            return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def _write(path: Path, content: bytes | Path | pa.Table) -> None:
    match content:
        case bytes():
            write_file(path, content)
        case Path():
            with create_file(path) as target, content.open("rb") as source:
                shutil.copyfileobj(source, target)
        case _:
            write_parquet(content, path)


@contextmanager
def _incoming(out: Path) -> Iterator[Path]:
    """Yield an empty folder inside `out` that no other process uses, and remove it afterwards."""
    out.parent.mkdir(parents=True, exist_ok=True)
    make_folder(out)
    incoming = out / _INCOMING
    descriptor = os.open(out, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _lock(descriptor, out)
        shutil.rmtree(incoming, ignore_errors=True)  # left over from a crash
        incoming.mkdir(mode=PRIVATE_FOLDER)
        try:
            yield incoming
        finally:
            shutil.rmtree(incoming, ignore_errors=True)
    finally:
        os.close(descriptor)


def _lock(descriptor: int, out: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise WorkspaceError(
            "another process is writing results here", where=str(out), todo="wait for it, or name another folder"
        ) from None


def _make_folders(out: Path, relative: PurePosixPath) -> None:
    for parent in [*reversed(relative.parents), relative]:
        make_folder(out / parent)


def _require_inside(name: str) -> None:
    path = PurePosixPath(name)
    if path.is_absolute() or not path.name or ".." in path.parts or path.parts[0] == _INCOMING or "\0" in name:
        raise UsageError(f"{name!r} is no name inside a folder of results", todo="give a relative name without '..'")
