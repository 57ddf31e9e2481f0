from collections import Counter
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gauger.exchanges.schema import QUARANTINE_SCHEMA, TIMESTAMP
from gauger.sketches.schema import PART_SCHEMA, SKETCH_SCHEMA
from gauger.store.staging import distinct_parts, split_by_day

NO_QUARANTINE = QUARANTINE_SCHEMA.empty_table()
times = st.datetimes(datetime(1960, 1, 1), datetime(2100, 1, 1)).map(lambda t: t.replace(tzinfo=UTC))  # noqa: DTZ001


@given(st.lists(times, max_size=40))
def test_every_row_is_under_its_own_day_once_and_in_order(moments):
    table = pa.table({"occurred_at": pa.array(moments, TIMESTAMP), "n": np.arange(len(moments))})
    split = list(split_by_day(table))
    days = [day for day, _ in split]
    assert days == sorted(set(days))
    assert sorted(n for _, part in split for n in part["n"].to_pylist()) == list(range(len(moments)))
    for day, part in split:
        assert {moment.date() for moment in part["occurred_at"].to_pylist()} == {day}
        assert part["n"].to_pylist() == sorted(part["n"].to_pylist())


@given(st.lists(st.tuples(st.integers(-3, 3), st.sampled_from(["system_prompt", "tool_schema"])), max_size=30))
def test_distinct_parts_are_the_set_of_parts(pairs):
    tables = [pa.table([[number], [kind], [[number]], [2]], schema=PART_SCHEMA) for number, kind in pairs]
    found = distinct_parts(tables)
    assert found.schema == PART_SCHEMA
    assert list(zip(found["kind"].to_pylist(), found["part"].to_pylist(), strict=True)) == sorted(
        {(kind, number) for number, kind in pairs}
    )


def test_rows_come_back_as_they_went_in(open_workspace, sketches, parts, content_of, now, tmp_path):
    (tmp_path / "log").write_bytes(b"ab")
    rows = sketches([("a", 0, 5), ("b", 0, -(2**62))])
    quarantined = pa.table(
        [["log"], [3], [10], [20], ["occurred_at"], ["bad_time"], ["use RFC 3339"]], schema=QUARANTINE_SCHEMA
    )
    with open_workspace() as workspace:
        with workspace.sketches.writer(workspace.manifest.plan(str(tmp_path / "log")), now=now) as writer:
            writer.add(
                rows,
                parts([5]),
                quarantined=quarantined,
                end_offset=2,
                end_row=2,
                columns_absent={"response", "seed"},
                content=content_of(tmp_path / "log", 2),
            )
            writer.finish()
        [path] = workspace.sketches.sketch_paths()
        stored = pq.ParquetFile(path).read()
        assert stored.schema.equals(SKETCH_SCHEMA)
        assert stored.equals(rows)
        assert workspace.sketches.parts().equals(parts([5]))
        assert workspace.sketches.quarantined().equals(quarantined)
        [source] = workspace.manifest.sources()
        assert source.columns_absent == {"response", "seed"}
        assert (source.n_exchanges, source.n_quarantined, source.is_complete) == (2, 1, True)


def test_an_empty_workspace_has_empty_tables(open_workspace):
    with open_workspace() as workspace:
        assert workspace.sketches.sketch_paths() == []
        assert workspace.sketches.sketch_paths() == []
        assert workspace.sketches.parts().equals(PART_SCHEMA.empty_table())
        assert workspace.sketches.quarantined().equals(NO_QUARANTINE)


def test_sketches_are_found_by_day(open_workspace, ingest, tmp_path):
    with open_workspace() as workspace:
        ingest(workspace, tmp_path / "log", [("a", 0, 0), ("b", 2, 0), ("c", 1, 0)])
        days = [date(2026, 11, 18), date(2026, 11, 19), date(2026, 11, 20)]
        assert sorted({path.parent.name for path in workspace.sketches.sketch_paths()}) == [
            f"day={day}" for day in days
        ]
        found = workspace.sketches.sketch_paths(first=days[1])
        assert [path.parent.name for path in found] == ["day=2026-11-19", "day=2026-11-20"]
        found = workspace.sketches.sketch_paths(first=days[0], last=days[1])
        assert [path.parent.name for path in found] == ["day=2026-11-18", "day=2026-11-19"]


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=12),
    commit_batches=st.integers(1, 5),
    batch=st.integers(1, 6),
)
def test_what_is_stored_does_not_depend_on_chunks(
    open_workspace, ingest, tmp_path_factory, rows, commit_batches, batch
):
    folder = tmp_path_factory.mktemp("chunks")

    def stored(name, **chunks):
        with open_workspace(folder / name) as workspace:
            ingest(workspace, folder / "log", rows, **chunks)
            tables = [pq.ParquetFile(path).read() for path in workspace.sketches.sketch_paths()]
            kept = pa.concat_tables(tables).select(["account_id", "occurred_at", "tool_part"]).to_pylist()
            return Counter(map(repr, kept)), workspace.sketches.parts()

    counted, kept_parts = stored("some", commit_batches=commit_batches, batch=batch)
    assert counted.total() == len(rows)
    assert (counted, kept_parts) == stored("all", commit_batches=1, batch=len(rows))


def test_leaving_without_finish_keeps_what_was_committed(
    open_workspace, sketches, parts, content_of, now, accounts_of, tmp_path
):
    (tmp_path / "log").write_bytes(b"abc")
    with open_workspace() as workspace:
        plan = workspace.manifest.plan(str(tmp_path / "log"))
        with workspace.sketches.writer(plan, now=now, commit_batches=2) as writer:
            for row, account in enumerate("abc", start=1):
                writer.add(
                    sketches([(account, 0, 0)]),
                    parts([]),
                    quarantined=NO_QUARANTINE,
                    end_offset=row,
                    end_row=row,
                    content=content_of(tmp_path / "log", row),
                )
        assert accounts_of(workspace) == ["a", "b"]
        again = workspace.manifest.plan(str(tmp_path / "log"))
        assert (again.action, again.offset, again.row) == ("continue", 2, 2)


def test_a_table_of_other_columns_is_refused(open_workspace, sketches, parts, content_of, now, tmp_path):
    (tmp_path / "log").write_bytes(b"a")
    leaky, no_parts = sketches([("a", 0, 0)]).append_column("user_prompt", pa.array(["secret"])), parts([])
    content = content_of(tmp_path / "log", 1)
    with (
        open_workspace() as workspace,
        workspace.sketches.writer(workspace.manifest.plan(str(tmp_path / "log")), now=now) as writer,
        pytest.raises(TypeError, match="other columns"),
    ):
        writer.add(leaky, no_parts, quarantined=NO_QUARANTINE, end_offset=1, end_row=1, content=content)


def test_a_batch_of_a_log_that_may_grow_says_what_it_is_known_by(open_workspace, sketches, parts, now, tmp_path):
    (tmp_path / "log").write_bytes(b"a")
    with (
        open_workspace() as workspace,
        workspace.sketches.writer(workspace.manifest.plan(str(tmp_path / "log")), now=now) as writer,
        pytest.raises(TypeError, match="hash"),
    ):
        writer.add(sketches([("a", 0, 0)]), parts([]), quarantined=NO_QUARANTINE, end_offset=1, end_row=1)


def test_the_name_of_a_day_folder_adds_no_column(open_workspace, ingest, tmp_path):
    with open_workspace() as workspace:
        ingest(workspace, tmp_path / "log", [("a", 0, 0), ("b", 0, 0)])
        workspace.forget("a")
        [path] = workspace.sketches.sketch_paths()
        assert pq.ParquetFile(path).schema_arrow.equals(SKETCH_SCHEMA)


def test_statistics_hold_times_and_accounts_alone(open_workspace, ingest, tmp_path):
    with open_workspace() as workspace:
        ingest(workspace, tmp_path / "log", [("a", 0, 0), ("b", 0, 0)])
        [path] = workspace.sketches.sketch_paths()
    group = pq.ParquetFile(path).metadata.row_group(0)
    columns = [group.column(i) for i in range(group.num_columns)]
    assert {c.path_in_schema for c in columns if c.statistics} == {"occurred_at", "occurred_us", "account_id"}


def test_days_are_those_of_utc():
    late = datetime(2026, 11, 20, 23, 59, 59, 999_999, tzinfo=UTC)
    table = pa.table({"occurred_at": pa.array([late, late + timedelta(microseconds=1)], TIMESTAMP)})
    assert [day for day, _ in split_by_day(table)] == [date(2026, 11, 20), date(2026, 11, 21)]
