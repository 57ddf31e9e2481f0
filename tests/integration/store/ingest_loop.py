"""A small ingest over the public store, run in child processes that a test may kill.

Reads one JSON task per line: {"workspace", "logs", "task": "ingest" | "retain" | "forget", "crash_at"}. For each it
forks a child, prints the child's process id, waits for an empty line and the child, and prints how it ended. With
`crash_at` the child kills itself (SIGKILL) at that step, a step being every file of the workspace opened, renamed, made
or removed and every commit.
"""

import json
import os
import signal
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy.dialects.sqlite.pysqlite  # noqa: F401 - here once, not in every child
from sqlalchemy import Engine, event
from sqlalchemy.orm import configure_mappers

from gauger.exchanges.schema import QUARANTINE_SCHEMA
from gauger.sketches.schema import PART_SCHEMA, SKETCH_SCHEMA
from gauger.sources.content_hash import ContentHash
from gauger.store.content import ContentReader
from gauger.store.workspace import Workspace

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
BATCH_ROWS = 40
COMMIT_BATCHES = 2
STEPS = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "os.truncate", "sqlite3.connect"}


def write_log(path: Path, *, n_rows: int, first: int = 0) -> None:
    lines = [
        json.dumps({"id": f"r{i}", "account": f"a{i % 7}", "day": 10 + i % 3, "tool": i % 5})
        for i in range(first, first + n_rows)
    ]
    path.write_text("".join(f"{line}\n" for line in lines))


def batches(path: Path, offset: int) -> Iterator[tuple[list[dict], int, int]]:
    """Yield the records of up to BATCH_ROWS lines, how many lines could not be read, and the offset after them."""
    with path.open("rb") as file:
        file.seek(offset)
        while lines := [line for line in (file.readline() for _ in range(BATCH_ROWS)) if line]:
            good = [json.loads(line) for line in lines if line.startswith(b"{")]
            yield good, len(lines), file.tell()


def sketch_rows(records: list[dict], source: str) -> pa.Table:
    n = len(records)
    values = {
        "request_id": [r["id"] for r in records],
        "account_id": [r["account"] for r in records],
        "occurred_at": [datetime(2026, 11, r["day"], tzinfo=UTC) for r in records],
        "shingles": [[int(r["id"][1:]), -7] for r in records],
        "projection": [b"\x01" * 64] * n,
        "intents": [[0.0] * 7] * n,
        "extends": [0] * n,
        "tool_part": [r["tool"] for r in records],
        "source_file": [source] * n,
        "source_row": [int(r["id"][1:]) for r in records],
    }
    empty = [0] * n
    return pa.table(
        {f.name: pa.array(values.get(f.name, [None] * n if f.nullable else empty), f.type) for f in SKETCH_SCHEMA},
        schema=SKETCH_SCHEMA,
    )


def parts_of(records: list[dict]) -> pa.Table:
    tools = sorted({r["tool"] for r in records} - {0})
    n = len(tools)
    return pa.table([tools, ["tool_schema"] * n, [[t, t + 1] for t in tools], [2] * n], schema=PART_SCHEMA)


def quarantine(path: Path, offset: int, n: int) -> pa.Table:
    rows = [[path.name] * n, [None] * n, [offset] * n, [1] * n, [None] * n, ["bad_json"] * n, ["not JSON"] * n]
    return pa.table(rows, schema=QUARANTINE_SCHEMA)


def content_of(log: str, end: int) -> ContentHash:
    with ContentReader(log) as reader:
        reader.advance(end)
    return reader.content


def ingest(workspace: Workspace, logs: list[str]) -> None:
    for log in logs:
        plan = workspace.manifest.plan(log)
        if plan.action == "skip":
            continue
        with workspace.sketches.writer(plan, now=NOW, commit_batches=COMMIT_BATCHES) as writer:
            row = plan.row
            for records, n_lines, end_offset in batches(Path(log), plan.offset):
                row += n_lines
                writer.add(
                    sketch_rows(records, Path(log).name),
                    parts_of(records),
                    quarantined=quarantine(Path(log), end_offset, n_lines - len(records)),
                    end_offset=end_offset,
                    end_row=row,
                    columns_absent={"response"},
                    content=content_of(log, end_offset),
                )
            writer.finish()


def rows(workspace: Workspace) -> list[tuple]:
    """Return what a workspace holds, in an order of its own."""
    tables = [pq.ParquetFile(path).read() for path in workspace.sketches.sketch_paths()]
    table = pa.concat_tables([SKETCH_SCHEMA.empty_table(), *tables])
    return sorted(map(repr, table.to_pylist()))


def run(task: dict) -> None:
    if task.get("crash_at") is not None:
        crash_at(task["crash_at"], task["workspace"])
    with Workspace.open(Path(task["workspace"]), create=True, now=NOW, random_bytes=lambda n: bytes(range(n))) as ws:
        match task["task"]:
            case "ingest":
                ingest(ws, task["logs"])
            case "retain":
                ws.retain(8, now=NOW)
            case "forget":
                ws.forget("a3")


def crash_at(step: int, workspace: str) -> None:
    left = step

    def count() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def watch(name: str, arguments: tuple) -> None:
        if name in STEPS and workspace in str(arguments[0]):
            count()

    sys.addaudithook(watch)
    event.listen(Engine, "commit", lambda _: count())


def main() -> None:
    configure_mappers()  # here once, and what Arrow loads late, not in every child
    pa.array([NOW])
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            code = 1
            try:
                run(json.loads(line))
                code = 0
            finally:
                sys.stderr.flush()
                os._exit(code)
        print(child, flush=True)
        sys.stdin.readline()  # until then the child, even when it has ended, keeps its number, so it may be killed
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
