"""A real Spark cluster gives the bytes that DuckDB gives, also when it loses a worker in the middle."""

import base64
import os
import shutil
import subprocess
import sys
import time

import pytest
from benchmarks.spark_cluster import spark_cluster

from gauger.exchanges.pseudonyms import derive_keys
from gauger.store.keys import read_master_key

pytestmark = pytest.mark.slow

NOW = "2026-03-01T00:00:00Z"
ALL = ("findings.json", "accounts.parquet", "accounts.csv", "index.html", "quarantine.parquet", "exchanges.parquet")


@pytest.fixture
def cluster(spark_installed, tmp_path):
    with spark_cluster(tmp_path / "cluster") as opened:
        yield opened


def start(cluster, *arguments):
    command = [sys.executable, "-m", "gauger", *map(str, arguments), "--engine", "spark", "--master", cluster.master]
    return subprocess.Popen(
        command, env={**os.environ, **cluster.environment}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def finish(process):
    out, err = process.communicate(timeout=600)
    assert process.returncode == 0, err
    return out


def different(out, other):
    return [name for name in ALL if (out / name).read_bytes() != (other / name).read_bytes()]


@pytest.fixture
def workspace(small_scanned, tmp_path):
    return shutil.copytree(small_scanned.workspace, tmp_path / "workspace")


def test_two_workers_read_and_find_what_this_machine_reads_and_finds(
    cluster, keyed_workspace, small_logs, small_scanned, tmp_path
):
    """Each worker took part, and no key stands in what Spark wrote, its event log included."""
    events = tmp_path / "cluster" / "events"
    events.mkdir()
    with (tmp_path / "cluster" / "conf" / "spark-defaults.conf").open("a") as file:
        file.write(
            f"spark.eventLog.enabled true\nspark.eventLog.compress false\nspark.eventLog.dir {events.as_uri()}\n"
        )
    place = ["--workspace", keyed_workspace, "--out", tmp_path / "out", "--now", NOW]
    finish(start(cluster, "scan", *small_logs.files, *small_logs.tables, *place))
    assert different(tmp_path / "out", small_scanned.out) == []
    assert all(any(worker.work.rglob("stderr")) for worker in cluster.workers)
    written = [path.read_bytes() for path in (tmp_path / "cluster").rglob("*") if path.is_file()]
    assert any(b"SparkListenerJobEnd" in one for one in written)
    for secret in secrets(keyed_workspace):
        assert not any(secret in one for one in written)


def test_workers_read_from_an_object_store_what_this_machine_reads_from_its_disk(
    store, keyed_workspace, small_logs, small_scanned, spark_installed, tmp_path
):
    """`ingest` on the cluster, `scan` on it; no credential stands in what Spark wrote, and no text."""
    for file in small_logs.files:
        store.put(f"logs/{file.name}", file.read_bytes())
    logs, place = "s3a://bucket/logs/*.jsonl.gz", ["--workspace", keyed_workspace]
    with spark_cluster(tmp_path / "cluster") as cluster:
        finish(start(cluster, "ingest", logs, *place))
        finish(start(cluster, "scan", logs, *small_logs.tables, *place, "--out", tmp_path / "out", "--now", NOW))
        written = [path.read_bytes() for path in (tmp_path / "cluster").rglob("*") if path.is_file()]
    assert (tmp_path / "out" / "findings.json").read_bytes() == small_scanned.bytes
    secret = store.environment["AWS_SECRET_ACCESS_KEY"].encode()
    assert not any(secret in one for one in written)


def secrets(workspace):
    """The keys, in the forms in which they could be written."""
    master = read_master_key(workspace / "keys" / "master.key").secret
    keys = derive_keys(master)
    return [
        form for key in (master, keys.identity, keys.text) for form in (key, base64.b64encode(key), key.hex().encode())
    ]


def kill_when(scan, worker, is_time):
    """Kill a worker of a running scan as soon as it is time."""
    while not is_time():
        assert scan.poll() is None, scan.communicate()[1]
        time.sleep(0.1)
    worker.kill()
    assert scan.poll() is None


def test_a_worker_that_dies_while_it_computes_changes_nothing(cluster, workspace, small_scanned, tmp_path):
    scan = start(cluster, "scan", "--workspace", workspace, "--out", tmp_path / "out", "--now", NOW)
    victim = cluster.workers[0]
    kill_when(scan, victim, lambda: victim.holds_results)
    finish(scan)
    assert different(tmp_path / "out", small_scanned.out) == []


def test_a_worker_that_dies_while_it_reads_changes_nothing(
    cluster, keyed_workspace, small_logs, small_scanned, tmp_path
):
    place = ["--workspace", keyed_workspace, "--out", tmp_path / "out", "--now", NOW]
    scan = start(cluster, "scan", *small_logs.files, *small_logs.tables, *place)
    kill_when(scan, cluster.workers[0], lambda: any(keyed_workspace.glob("tmp/apart-*.parquet")))
    finish(scan)
    assert different(tmp_path / "out", small_scanned.out) == []
    assert list((keyed_workspace / "tmp").iterdir()) == []
