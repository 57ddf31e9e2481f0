"""A real Spark cluster gives the bytes that DuckDB gives, also when it loses a worker in the middle."""

import os
import shutil
import subprocess
import sys
import time

import pytest

pytestmark = pytest.mark.slow

NOW = "2026-03-01T00:00:00Z"
ALL = ("findings.json", "accounts.parquet", "accounts.csv", "index.html", "quarantine.parquet", "exchanges.parquet")


@pytest.fixture
def cluster(spark_installed, spark_cluster, tmp_path):
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


def test_two_workers_find_what_duckdb_finds(cluster, workspace, small_scanned, tmp_path):
    finish(start(cluster, "scan", "--workspace", workspace, "--out", tmp_path / "out", "--now", NOW))
    assert all(worker.holds_results or worker.spill.is_dir() for worker in cluster.workers)
    assert different(tmp_path / "out", small_scanned.out) == []


def test_a_worker_that_dies_in_the_middle_changes_nothing(cluster, workspace, small_scanned, tmp_path):
    scan = start(cluster, "scan", "--workspace", workspace, "--out", tmp_path / "out", "--now", NOW)
    victim = cluster.workers[0]
    while not victim.holds_results:
        assert scan.poll() is None, scan.communicate()[1]
        time.sleep(0.1)
    victim.kill()
    assert scan.poll() is None
    finish(scan)
    assert different(tmp_path / "out", small_scanned.out) == []
