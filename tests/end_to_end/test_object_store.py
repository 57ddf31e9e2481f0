"""A scan of logs in an object store is the scan of the same logs on this machine."""

import json

import pyarrow.parquet as pq
import pytest

NOW = "2026-03-01T00:00:00Z"


@pytest.fixture
def stored_logs(store, small_logs):
    """The small world's logs in the bucket, as a glob."""
    for file in small_logs.files:
        store.put(f"logs/{file.name}", file.read_bytes())
    return "s3://bucket/logs/*.jsonl.gz"


def test_the_findings_are_the_same_bytes_and_are_explained_from_there(
    gauger, stored_logs, small_logs, small_scanned, keyed_workspace, tmp_path
):
    out = tmp_path / "out"
    place = ["--workspace", keyed_workspace, "--out", out, "--now", NOW, "--threads", "2"]
    done = gauger("scan", stored_logs, *small_logs.tables, *place)
    assert done.code == 0, done.err
    for name in ("findings.json", "accounts.csv", "accounts.parquet", "index.html"):
        assert (out / name).read_bytes() == (small_scanned.out / name).read_bytes(), name
    there, here = pq.read_table(out / "exchanges.parquet"), pq.read_table(small_scanned.out / "exchanges.parquet")
    assert there.drop_columns("source_file").equals(here.drop_columns("source_file"))
    assert set(there["source_file"].to_pylist()) <= {f"s3://bucket/logs/{file.name}" for file in small_logs.files}

    again = gauger("scan", stored_logs, *small_logs.tables, *place)
    assert "0 exchanges read" in again.err
    finding = json.loads((out / "findings.json").read_bytes())["findings"][0]["finding_id"]
    explain = ["explain", finding, "--report", out, "--workspace", keyed_workspace, "--logs"]
    from_store, from_disk = (gauger(*explain, one) for one in (stored_logs, small_logs.files[0].parent))
    assert from_store.code == from_disk.code == 0, from_store.err
    assert "s3://bucket/logs/" in from_store.out
    assert from_store.out.count("\n") == from_disk.out.count("\n")


def test_a_scan_without_a_workspace_goes_on_where_its_logs_are_named_again(
    gauger_apart, stored_logs, small_logs, small_scanned, tmp_path
):
    command = ["scan", stored_logs, *small_logs.tables, "--out", tmp_path / "out", "--now", NOW]
    assert gauger_apart(*command).code == 0
    again = gauger_apart(*command)
    assert again.code == 0, again.err
    assert "0 exchanges read" in again.err
    other = gauger_apart("scan", *small_logs.files[:1], "--out", tmp_path / "out")
    assert other.code == 2
    assert "other logs" in other.err


def test_what_is_refused_is_one_line_that_says_what_to_do(store, gauger, stored_logs, keyed_workspace):
    with store.keys_refused():
        done = gauger("ingest", stored_logs, "--workspace", keyed_workspace)
    assert done.code == 3
    assert "access is denied" in done.err
    assert "credentials" in done.err
    assert store.environment["AWS_SECRET_ACCESS_KEY"] not in done.err
    watched = gauger("watch", "s3://bucket/logs/x.jsonl", "--workspace", keyed_workspace, "--once")
    assert watched.code == 2
    assert "gauger ingest" in watched.err


def test_what_is_set_aside_of_an_object_is_told_under_its_address(store, gauger, keyed_workspace):
    address = store.put("bad.jsonl", b"no record\n" + b'{"account_id": "a", "occurred_at": "2026-02-01T00:00:00Z"}\n')
    done = gauger("ingest", address, "--workspace", keyed_workspace, "--max-bad", 1)
    assert done.code == 0, done.err
    assert f"{address}: set aside 1" in done.err
