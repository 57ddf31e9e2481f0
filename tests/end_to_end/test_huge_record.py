"""A record of two gigabytes is skipped as it streams: never held, and its neighbours are read."""

import gzip
import json
import os
import subprocess
import sys

import pyarrow.parquet as pq
import pytest

pytestmark = pytest.mark.slow

RECORD_BYTES = 2 << 30
PIECE = b"so many words " * 74_898  # 1 MiB, nearly
MAX_RSS_BYTES = 1_500_000_000


def neighbour(number: int) -> bytes:
    record = {"occurred_at": "2026-01-01T00:00:00Z", "account_id": f"a{number}", "user_prompt": f"quince {number}"}
    return json.dumps(record).encode() + b"\n"


def pieces():
    """The log, piece by piece: it is never whole anywhere."""
    yield neighbour(0)
    yield b'{"occurred_at": "2026-01-01T00:30:00Z", "account_id": "huge", "user_prompt": "'
    for _ in range(RECORD_BYTES // len(PIECE)):
        yield PIECE
    yield b'"}\n'
    yield neighbour(1)


def gzipped(path) -> None:
    with gzip.open(path, "wb", compresslevel=1) as log:
        for piece in pieces():
            log.write(piece)


def sparse(path) -> None:
    """A file with a hole: two gigabytes of zeros that take no room."""
    with path.open("wb") as log:
        log.write(neighbour(0) + b'{"account_id": "huge", "user_prompt": "')
        log.seek(RECORD_BYTES, os.SEEK_CUR)
        log.write(b'"}\n' + neighbour(1))


def scanned(arguments, out, *, feed=()) -> None:
    """Scan in a process of its own and check what it took and what it gave."""
    command = [sys.executable, "-m", "gauger", "scan", *arguments, "--out", out, "--max-bad", "0.5", "--threads", "1"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    with process.stdin:
        for piece in feed:
            process.stdin.write(piece)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    assert used.ru_maxrss * 1024 < MAX_RSS_BYTES
    assert json.loads((out / "findings.json").read_bytes())["input"]["exchanges"] == 2
    (row,) = pq.read_table(out / "quarantine.parquet").to_pylist()
    assert row["reason"] == "record_too_long"
    assert row["row"] == 1
    assert row["byte_length"] >= RECORD_BYTES - len(PIECE)


@pytest.mark.parametrize("write", [gzipped, sparse])
def test_in_a_file(write, tmp_path):
    log = tmp_path / f"log.jsonl{'.gz' if write is gzipped else ''}"
    write(log)
    scanned([log], tmp_path / "out")


def test_on_standard_input(tmp_path):
    scanned(["-"], tmp_path / "out", feed=pieces())
