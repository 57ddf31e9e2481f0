"""One writer at a time."""

import fcntl
import json
import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from gauger.errors import WorkspaceLocked
from gauger.store.durable import PRIVATE_FILE, storage_errors


@contextmanager
def writer_lock(path: Path, *, now: datetime) -> Iterator[None]:
    """Hold the lock for the length of the block.

    The kernel gives up the lock of a process that ends, however it ends, so a dead holder never blocks anyone. The
    file stays: removing it would let two processes lock two files of the same name.

    Raises
    ------
    WorkspaceLocked
        Another process holds it; the message names that process.
    """
    with storage_errors(path):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, PRIVATE_FILE)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise WorkspaceLocked(
                f"another process writes to this workspace: {_holder(descriptor)}",
                where=str(path.parent),
                todo="wait until it has finished, or stop it; an ingest that is stopped goes on where it was",
            ) from None
        with storage_errors(path):
            _sign(descriptor, now)
        try:
            yield
        finally:
            os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def _sign(descriptor: int, now: datetime) -> None:
    holder = {
        "pid": os.getpid(),
        "host": platform.node(),
        # The program and its subcommand: the rest of the line names the operator's files.
        "command": " ".join([Path(sys.argv[0]).name, *sys.argv[1:2]]).strip(),
        "started_at": now.isoformat(),
    }
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, json.dumps(holder).encode(), 0)


def _holder(descriptor: int) -> str:
    try:
        holder = json.loads(os.pread(descriptor, 4096, 0))
        return f"process {holder['pid']} on {holder['host']} ({holder['command']}), since {holder['started_at']}"
    except (ValueError, KeyError, TypeError):
        # Caught between taking the lock and signing it.
        return "it has not said yet which"
