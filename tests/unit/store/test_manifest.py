import gzip

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gauger.errors import InputError, WorkspaceError
from gauger.exchanges.schema import QUARANTINE_SCHEMA
from gauger.sources.content_hash import ContentHash

ROWS = [(f"account-{i}", i % 3, i % 4) for i in range(500)]
LINES = [f"{a} {d} {p}\n".encode() for a, d, p in ROWS]


def test_a_new_log_is_read_from_its_start(open_workspace, tmp_path):
    (tmp_path / "log").write_bytes(b"".join(LINES))
    with open_workspace() as workspace:
        plan = workspace.manifest.plan(str(tmp_path / "log"))
    assert (plan.action, plan.offset, plan.row) == ("read", 0, 0)


@pytest.mark.parametrize("n_rows", [1, 3, 500])
def test_the_same_log_under_another_name_is_skipped(open_workspace, ingest, tmp_path, n_rows):
    with open_workspace() as workspace:
        ingest(workspace, tmp_path / "log", ROWS[:n_rows])
        (tmp_path / "copy").write_bytes((tmp_path / "log").read_bytes())
        (tmp_path / "copy.gz").write_bytes(gzip.compress((tmp_path / "log").read_bytes()))
        assert workspace.manifest.plan(str(tmp_path / "copy")).action == "skip"
        assert workspace.manifest.plan(str(tmp_path / "copy.gz")).action == "skip"


@pytest.mark.parametrize("n_before", [1, 3, 499])
@pytest.mark.parametrize("is_compressed", [False, True])
def test_a_log_that_grew_is_read_from_where_it_ended(open_workspace, ingest, tmp_path, n_before, is_compressed):
    with open_workspace() as workspace:
        ingest(workspace, tmp_path / "log", ROWS[:n_before])
        grown = b"".join(LINES)
        (tmp_path / "grown").write_bytes(gzip.compress(grown) if is_compressed else grown)
        plan = workspace.manifest.plan(str(tmp_path / "grown"))
    assert (plan.action, plan.offset, plan.row) == ("continue", len(b"".join(LINES[:n_before])), n_before)


def test_an_earlier_state_of_a_log_that_grew_is_skipped_too(open_workspace, ingest, tmp_path):
    with open_workspace() as workspace:
        ingest(workspace, tmp_path / "log", ROWS[:100])
        ingest(workspace, tmp_path / "log", ROWS)
        (tmp_path / "yesterday").write_bytes(b"".join(LINES[:100]))
        assert workspace.manifest.plan(str(tmp_path / "yesterday")).action == "skip"
        assert [source.n_exchanges for source in workspace.manifest.sources()] == [500]


@pytest.mark.parametrize("position", [0, 5000, -2])
def test_a_changed_log_is_read_as_new(open_workspace, ingest, tmp_path, position):
    with open_workspace() as workspace:
        ingest(workspace, tmp_path / "log", ROWS, commit_batches=1000)
        changed = bytearray(b"".join(LINES))
        changed[position] ^= 1
        (tmp_path / "log").write_bytes(changed)
        plan = workspace.manifest.plan(str(tmp_path / "log"))
    assert (plan.action, plan.offset, plan.row, plan.source_id) == ("read", 0, 0, None)


def test_a_shortened_log_is_read_as_new(open_workspace, ingest, tmp_path):
    with open_workspace() as workspace:
        ingest(workspace, tmp_path / "log", ROWS, commit_batches=1000)
        (tmp_path / "log").write_bytes(b"".join(LINES[:50]))
        assert workspace.manifest.plan(str(tmp_path / "log")).action == "read"


def test_a_log_that_leaves_a_known_one_halfway_goes_on_as_its_own(open_workspace, ingest, accounts_of, tmp_path):
    other = [*ROWS[:40], *(("other", 0, 0) for _ in range(10))]
    with open_workspace() as workspace:
        ingest(workspace, tmp_path / "log", ROWS[:80], batch=10, commit_batches=1)
        written = ingest(workspace, tmp_path / "other", other, batch=10, commit_batches=1)
        assert written.n_exchanges == 10
        assert accounts_of(workspace) == sorted([a for a, _, _ in ROWS[:80]] + ["other"] * 10)
        assert len(workspace.manifest.sources()) == 2
        assert ingest(workspace, tmp_path / "log", ROWS[:80]) is None
        assert ingest(workspace, tmp_path / "other", other) is None


def test_an_empty_log_is_skipped_and_matches_nothing_later(open_workspace, ingest, tmp_path):
    with open_workspace() as workspace:
        assert ingest(workspace, tmp_path / "log", []) is None
        assert workspace.manifest.sources() == []
        assert ingest(workspace, tmp_path / "log", ROWS[:5]).n_exchanges == 5


def test_a_log_read_under_other_options_is_refused_not_skipped(
    open_workspace, tmp_path, sketches, parts, content_of, now
):
    (tmp_path / "log").write_bytes(b"a\n")
    with open_workspace() as workspace:
        plan = workspace.manifest.plan(str(tmp_path / "log"), reading="zone=UTC")
        with workspace.sketches.writer(plan, now=now) as writer:
            writer.add(
                sketches([("a", 0, 0)]),
                parts([]),
                quarantined=QUARANTINE_SCHEMA.empty_table(),
                end_offset=2,
                end_row=1,
                content=content_of(tmp_path / "log", 2),
            )
            writer.finish()
        assert workspace.manifest.plan(str(tmp_path / "log"), reading="zone=UTC").action == "skip"
        with pytest.raises(WorkspaceError, match="other options"):
            workspace.manifest.plan(str(tmp_path / "log"), reading="zone=CET")


def test_a_missing_log_is_an_input_error(open_workspace, tmp_path):
    with open_workspace() as workspace, pytest.raises(InputError, match="none"):
        workspace.manifest.plan(str(tmp_path / "none"))


def test_a_parquet_log_is_resumed_by_row_and_skipped_when_complete(open_workspace, tmp_path, sketches, parts, now):
    path = tmp_path / "log.parquet"
    pq.write_table(pa.table({"x": list(range(10))}), path)
    empty = QUARANTINE_SCHEMA.empty_table()
    with open_workspace() as workspace:
        plan = workspace.manifest.plan(str(path))
        assert plan.action == "read"
        with workspace.sketches.writer(plan, now=now, commit_batches=1) as writer:
            writer.add(sketches([("a", 0, 0)]), parts([]), quarantined=empty, end_offset=0, end_row=1)
        plan = workspace.manifest.plan(str(path))
        assert (plan.action, plan.row) == ("continue", 1)
        with workspace.sketches.writer(plan, now=now, commit_batches=1) as writer:
            writer.add(sketches([("b", 0, 0)]), parts([]), quarantined=empty, end_offset=0, end_row=2)
            writer.finish()
        assert workspace.manifest.plan(str(path)).action == "skip"
        assert [(s.n_exchanges, s.is_complete) for s in workspace.manifest.sources()] == [(2, True)]
        pq.write_table(pa.table({"x": list(range(11))}), path)
        assert workspace.manifest.plan(str(path)).action == "read"


@pytest.fixture
def stream(sketches, parts, now):
    def run(workspace, data: bytes, *, finish: bool = True):
        content = ContentHash()
        plan = workspace.manifest.plan_stream()
        with workspace.sketches.writer(plan, now=now, commit_batches=1) as writer:
            for row, line in enumerate(data.splitlines(keepends=True), start=1):
                content.update(line)
                account, age, part = line.split()
                writer.add(
                    sketches([(account.decode(), int(age), int(part))]),
                    parts([int(part)]),
                    quarantined=QUARANTINE_SCHEMA.empty_table(),
                    end_offset=content.n_bytes,
                    end_row=row,
                )
            return writer.finish(content) if finish else None

    return run


def test_a_stream_counts_when_it_is_finished_or_not_at_all(open_workspace, stream, accounts_of):
    with open_workspace() as workspace:
        stream(workspace, b"".join(LINES[:5]), finish=False)
        assert accounts_of(workspace) == []
        assert list(workspace.tmp.iterdir()) == []
        written = stream(workspace, b"".join(LINES[:5]))
        assert (written.n_exchanges, written.is_new) == (5, True)
        assert len(accounts_of(workspace)) == 5


def test_the_same_stream_counts_once(open_workspace, stream, accounts_of):
    with open_workspace() as workspace:
        stream(workspace, b"".join(LINES[:5]))
        written = stream(workspace, b"".join(LINES[:5]))
        assert (written.n_exchanges, written.is_new) == (0, False)
        assert len(accounts_of(workspace)) == 5


def test_streams_and_logs_know_each_other(open_workspace, stream, ingest, accounts_of, tmp_path):
    with open_workspace() as workspace:
        stream(workspace, b"".join(LINES[:5]))
        assert ingest(workspace, tmp_path / "log", ROWS[:5]) is None
        assert ingest(workspace, tmp_path / "log", ROWS[:9]).n_exchanges == 4
        assert not stream(workspace, b"".join(LINES[:9])).is_new
        assert len(accounts_of(workspace)) == 9


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(st.tuples(st.integers(0, 24), st.integers(1, 4), st.integers(1, 5)), min_size=1, max_size=5),
)
def test_growing_and_rereading_in_any_order_counts_every_row_once(
    open_workspace, ingest, accounts_of, tmp_path_factory, steps
):
    folder = tmp_path_factory.mktemp("grow")
    longest = 0
    with open_workspace(folder / "w") as workspace:
        for i, (n_rows, commit_batches, batch) in enumerate(steps):
            if n_rows >= longest:  # a log grows; its earlier ends are not met again unless they were committed
                longest = n_rows
                ingest(workspace, folder / f"log{i}", ROWS[:n_rows], commit_batches=commit_batches, batch=batch)
            assert accounts_of(workspace) == sorted(a for a, _, _ in ROWS[:longest])
