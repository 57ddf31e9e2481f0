import os
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gauger.exchanges.schema import QUARANTINE_SCHEMA
from gauger.sketches.schema import PART_SCHEMA, SKETCH_SCHEMA
from gauger.store.content import ContentReader
from gauger.store.workspace import Workspace

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def now():
    return NOW


@pytest.fixture
def open_workspace(tmp_path):
    """Open the test's workspace; options as for `Workspace.open`."""

    @contextmanager
    def opened(path=None, *, create=True, read_only=False):
        with Workspace.open(
            path or tmp_path / "w", create=create, now=NOW, random_bytes=os.urandom, read_only=read_only
        ) as workspace:
            yield workspace

    return opened


@pytest.fixture(scope="session")
def sketches():
    """Make sketch rows from (account, days before 20 November, number of its tool schema)."""

    def make(rows):
        n = len(rows)
        values = {
            "account_id": [account for account, _, _ in rows],
            "request_id": [f"r-{i}" for i in range(n)],
            "occurred_at": [NOW - timedelta(days=age) for _, age, _ in rows],
            "tool_names": [["search"]] * n,
            "shingles": [[i, -i] for i in range(n)],
            "projection": [b"\x01" * 64] * n,
            "intents": [[0.5] * 7] * n,
            "extends": [0] * n,
            "tool_part": [part for _, _, part in rows],
            "source_file": ["log"] * n,
            "source_row": list(range(n)),
        }
        columns = [
            pa.array(values.get(field.name, [None] * n if field.nullable else [0] * n), field.type)
            for field in SKETCH_SCHEMA
        ]
        return pa.table(columns, schema=SKETCH_SCHEMA)

    return make


@pytest.fixture(scope="session")
def parts():
    """Make parts from their numbers."""

    def make(numbers, kind="tool_schema"):
        n = len(numbers)
        return pa.table([numbers, [kind] * n, [[x] for x in numbers], [3] * n], schema=PART_SCHEMA)

    return make


@pytest.fixture(scope="session")
def content_of():
    """Hash the first bytes of a log."""

    def read(path, end):
        with ContentReader(str(path)) as reader:
            assert reader.advance(end)
        return reader.content

    return read


@pytest.fixture
def ingest(sketches, parts, content_of, now):
    """Ingest `rows` as what a log holds, one line of the log per row, and return what was written."""

    def run(workspace, path, rows, *, commit_batches=4, batch=100):
        path.write_bytes(b"".join(b"%s %d %d\n" % (a.encode(), d, p) for a, d, p in rows))
        plan = workspace.manifest.plan(str(path))
        if plan.action == "skip":
            return None
        ends = [0]
        for a, d, p in rows:
            ends.append(ends[-1] + len(f"{a} {d} {p}\n"))
        assert plan.offset == ends[plan.row]
        with workspace.sketches.writer(plan, now=now, commit_batches=commit_batches) as writer:
            for start in range(plan.row, len(rows), batch):
                taken = rows[start : start + batch]
                writer.add(
                    sketches(taken),
                    parts(sorted({p for _, _, p in taken} - {0})),
                    quarantined=QUARANTINE_SCHEMA.empty_table(),
                    end_offset=ends[start + len(taken)],
                    end_row=start + len(taken),
                    content=content_of(path, ends[start + len(taken)]),
                )
            return writer.finish()

    return run


@pytest.fixture
def accounts_of():
    """Return the accounts of all stored sketches, sorted, once for each exchange."""

    def read(workspace):
        files = [pq.ParquetFile(path).read(["account_id"]) for path in workspace.sketches.sketch_paths()]
        return sorted(account for table in files for account in table["account_id"].to_pylist())

    return read
