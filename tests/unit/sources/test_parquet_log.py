import subprocess
import sys
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gauger.errors import InputError
from gauger.exchanges.schema import EDGE_SCHEMA
from gauger.sources import ReadOptions, read_log
from gauger.sources.batching import REQUIRED

NOON = datetime(2025, 11, 23, 12, tzinfo=UTC)
N = 1_000


@pytest.fixture
def table():
    return pa.table(
        {
            "account_id": [f"a{row % 7}" for row in range(N)],
            "occurred_at": pa.array([NOON + timedelta(seconds=row) for row in range(N)], pa.timestamp("us", "UTC")),
            "user_prompt": pa.array([f"say {row}" for row in range(N)], pa.large_string()),
            "input_tokens": list(range(N)),
        }
    )


@pytest.fixture
def read_table(tmp_path, read_path):
    def read(table, *, row_group_size=None, **options):
        pq.write_table(table, tmp_path / "log.parquet", row_group_size=row_group_size)
        return read_path(tmp_path / "log.parquet", **options)

    return read


def test_rows_and_their_numbers_come_out_in_order(read_table, table):
    outcome = read_table(table, row_group_size=300)
    assert [row["source_row"] for row in outcome.rows] == list(range(N))
    assert [row["user_prompt"] for row in outcome.rows] == table["user_prompt"].to_pylist()
    assert all(batch.exchanges.schema == EDGE_SCHEMA for batch in outcome.batches)
    assert outcome.end == ((outcome.batches[-1].bytes_read), N)
    assert not outcome.faults


def test_columns_that_the_file_lacks_are_absent(read_table, table):
    absent = read_table(table).batches[0].columns_absent
    assert {"response", "client_address"} <= absent
    assert absent.isdisjoint(table.column_names)


@pytest.mark.parametrize("start_row", [0, 1, 299, 300, 301, 777, N])
def test_reading_goes_on_at_any_row(read_table, table, start_row):
    whole = read_table(table, row_group_size=300)
    rest = read_table(table, row_group_size=300, start_offset=1, start_row=start_row)
    assert rest.rows == whole.rows[start_row:]


def test_damaged_row_group_costs_no_other(tmp_path, read_path, table):
    path = tmp_path / "log.parquet"
    pq.write_table(table, path, row_group_size=250, compression="zstd", write_page_checksum=True)
    group = pq.ParquetFile(path).metadata.row_group(1)
    damaged = bytearray(path.read_bytes())
    for column in range(group.num_columns):
        at = group.column(column).data_page_offset
        damaged[at : at + 60] = b"\xff" * 60
    path.write_bytes(damaged)
    outcome = read_path(path)
    assert [row["source_row"] for row in outcome.rows] == [*range(250), *range(500, N)]
    assert outcome.reasons == [(250, None, "damaged_row_group")]
    assert outcome.end[1] == N


@pytest.mark.parametrize("cut", [4, 8, 500, -1])
def test_file_that_is_no_parquet_after_all_is_a_fault(tmp_path, read_path, table, cut):
    path = tmp_path / "log.parquet"
    pq.write_table(table, path)
    path.write_bytes(path.read_bytes()[:cut])
    outcome = read_path(path)
    assert not outcome.rows
    assert outcome.reasons == [(None, None, "damaged_parquet")]


def test_file_without_rows_gives_no_batches(read_table, table):
    assert not read_table(table.slice(0, 0)).batches


def test_text_bounds_a_batch(read_table, table):
    outcome = read_table(table, bounds={"max_text_bytes": 100})
    sizes = [sum(len(row["user_prompt"]) for row in batch.exchanges.to_pylist()) for batch in outcome.batches]
    assert max(sizes) <= 100
    assert sum(len(batch.exchanges) for batch in outcome.batches) == N
    assert [batch.end_row for batch in outcome.batches][-1] == N


def test_parquet_from_a_stream_is_refused_with_advice(tmp_path, table, monkeypatch):
    path = tmp_path / "log.parquet"
    pq.write_table(table, path)
    with path.open("rb") as file:
        monkeypatch.setattr("sys.stdin", type("Stdin", (), {"buffer": file}))
        with pytest.raises(InputError, match="stream"):
            list(read_log("-", options=ReadOptions()))


MOMENTS = st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29))  # noqa: DTZ001 - hypothesis wants bounds without a zone
COLUMNS = {
    "account_id": st.lists(st.none() | st.sampled_from(["", "a", "sk-secret", "b"]), min_size=5, max_size=5).map(
        lambda values: pa.array(values, pa.string())
    ),
    "occurred_at": st.one_of(
        st.lists(st.none() | MOMENTS, min_size=5, max_size=5).map(lambda v: pa.array(v, pa.timestamp("us"))),
        st.lists(st.none() | MOMENTS, min_size=5, max_size=5).map(lambda v: pa.array(v, pa.timestamp("us", "UTC"))),
        st.lists(st.integers(-(2**62), 2**62), min_size=5, max_size=5).map(
            lambda v: pa.array(v, pa.timestamp("us", "UTC"))
        ),
        st.lists(st.integers(0, 2**60), min_size=5, max_size=5).map(lambda v: pa.array(v, pa.timestamp("ns"))),
        st.lists(st.integers(-(2**40), 2**40), min_size=5, max_size=5).map(lambda v: pa.array(v, pa.int64())),
        st.lists(st.sampled_from(["2025-11-23T12:00:00Z", "soon", ""]), min_size=5, max_size=5).map(pa.array),
    ),
    "input_tokens": st.one_of(
        st.lists(st.none() | st.integers(0, 2**64 - 1), min_size=5, max_size=5).map(lambda v: pa.array(v, pa.uint64())),
        st.lists(st.none() | st.floats(), min_size=5, max_size=5).map(lambda v: pa.array(v, pa.float64())),
    ),
    "http_status": st.lists(st.none() | st.integers(-(2**31), 2**31 - 1), min_size=5, max_size=5).map(
        lambda v: pa.array(v, pa.int32())
    ),
    "temperature": st.one_of(
        st.lists(st.none() | st.floats(width=32), min_size=5, max_size=5).map(lambda v: pa.array(v, pa.float32())),
        st.lists(st.none() | st.booleans(), min_size=5, max_size=5).map(lambda v: pa.array(v, pa.bool_())),
    ),
    "client_address": st.lists(st.sampled_from(["192.0.2.1:80", "", None, "::1"]), min_size=5, max_size=5).map(
        lambda v: pa.array(v, pa.string())
    ),
    "tool_names": st.lists(st.none() | st.lists(st.sampled_from(["a", "", None])), min_size=5, max_size=5).map(
        lambda v: pa.array(v, pa.list_(pa.string()))
    ),
    "response": st.lists(st.none() | st.binary(max_size=4), min_size=5, max_size=5).map(
        # Bytes that are no UTF-8 in a column of text: Parquet does not look.
        lambda v: pa.array(v, pa.large_binary()).view(pa.large_string())
    ),
}


def comparable(rows):
    """Rows without the name of the file."""
    return [{name: value for name, value in row.items() if name != "source_file"} for row in rows]


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    columns=st.fixed_dictionaries(
        {name: COLUMNS[name] for name in REQUIRED},
        optional={name: values for name, values in COLUMNS.items() if name not in REQUIRED},
    ),
    zone=st.sampled_from(["UTC", "America/Sao_Paulo"]),
)
def test_canonical_columns_are_taken_whole_as_they_would_be_row_by_row(tmp_path, read_path, columns, zone):
    path = tmp_path / "log.parquet"
    pq.write_table(pa.table(columns), path)
    whole = read_path(path, format="gauger-parquet", timezone=zone)
    by_row = read_path(path, mapping={name: name for name in columns}, timezone=zone)
    assert comparable(whole.rows) == comparable(by_row.rows)
    assert whole.faults == by_row.faults


def test_nanoseconds_and_dictionaries_are_understood(read_table):
    table = pa.table(
        {
            "account_id": pa.array(["a", "b", "a"]).dictionary_encode(),
            "occurred_at": pa.array(np.array([1, 2, 3]) * 10**18 + 123, pa.timestamp("ns", "UTC")),
        }
    )
    outcome = read_table(table)
    assert [row["account_id"] for row in outcome.rows] == ["a", "b", "a"]
    assert outcome.rows[0]["occurred_at"].timestamp() == 10**9


def test_one_long_text_on_many_rows_is_read_in_bounded_memory(tmp_path):
    """A dictionary makes 600 MB of text a file of some kilobytes."""
    path = tmp_path / "log.parquet"
    text = pa.DictionaryArray.from_arrays(pa.array([0] * 3_000, pa.int32()), pa.array(["x" * 200_000]))
    pq.write_table(pa.table({"account_id": ["a"] * 3_000, "occurred_at": [1763712000] * 3_000, "response": text}), path)
    assert path.stat().st_size < 1 << 20
    code = (
        "import resource, sys; from gauger.sources import ReadOptions, read_log\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "n_rows = 0\n"
        "for batch in read_log(sys.argv[1], options=ReadOptions()):\n"
        "    n_rows += len(batch.exchanges)\n"
        "print(n_rows, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    n_rows, kib = map(int, done.stdout.split())
    assert n_rows == 3_000
    assert kib < 450 << 10


def test_file_without_a_needed_column_says_so_for_every_row(read_table):
    outcome = read_table(pa.table({"x": [1, 2]}), format="gauger-parquet")
    assert outcome.reasons == [(0, "account_id", "missing_value"), (1, "account_id", "missing_value")]


def test_of_two_columns_of_a_name_the_last_counts(read_table, table):
    outcome = read_table(table.append_column("user_prompt", pa.array(["other"] * N)))
    assert {row["user_prompt"] for row in outcome.rows} == {"other"}
