"""A full disk is said plainly, loses nothing that was stored, and the work goes on once there is space."""

import os
import resource
import shutil
import subprocess

import pytest

from gauger.errors import WorkspaceError
from gauger.store.results import publish
from gauger.store.workspace import Workspace


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 600 KiB; not everyone may mount one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", str(disk)]
    if os.geteuid() != 0 or not shutil.which("mount") or subprocess.run(mount, check=False).returncode != 0:
        pytest.skip("mounting a small disk needs root")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def opened(path, loop):
    return Workspace.open(path, create=True, now=loop.NOW, random_bytes=os.urandom)


@pytest.fixture
def log(loop, tmp_path):
    loop.write_log(tmp_path / "a.jsonl", n_rows=400)
    return tmp_path / "a.jsonl"


def test_an_ingest_that_fills_the_disk_goes_on_once_there_is_space(loop, small_disk, log):
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * 300_000)
    with opened(small_disk / "w", loop) as workspace:
        with pytest.raises(WorkspaceError, match="free some space"):
            loop.ingest(workspace, [str(log)])
        stored = len(loop.rows(workspace))
        assert 0 < stored < 400
        ballast.unlink()
        loop.ingest(workspace, [str(log)])
        assert len(loop.rows(workspace)) == 400
    with opened(small_disk / "w", loop) as workspace:
        assert len(set(loop.rows(workspace))) == 400


def test_results_that_fill_the_disk_leave_the_old_ones(small_disk):
    publish(small_disk / "results", {"findings.json": b"old"})
    with pytest.raises(WorkspaceError, match="free some space"):
        publish(small_disk / "results", {"big": bytes(900_000), "findings.json": b"new"})
    assert (small_disk / "results/findings.json").read_bytes() == b"old"
    assert not (small_disk / "results/.incoming").exists()


def ingest_growing(loop, workspace, log):
    """Ingest a log again and again while it grows, until the state has no room for another entry."""
    for _ in range(200):
        loop.ingest(workspace, [str(log)])
        with log.open("a") as file:
            file.write("bad\n" * 10)


@pytest.mark.parametrize("limit", [90_000, 4_000])
def test_a_limit_on_file_sizes_is_a_full_disk_too(loop, log, tmp_path, limit):
    with opened(tmp_path / "w", loop) as workspace:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
        try:
            with pytest.raises(WorkspaceError, match="free some space"):
                ingest_growing(loop, workspace, log)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        loop.ingest(workspace, [str(log)])
        assert len(loop.rows(workspace)) == 400
