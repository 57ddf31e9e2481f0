"""Kill -9 `gauger ingest` again and again: what it ends with is what an uninterrupted one gives, byte for byte."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

#: By how the command is started: readers take a second to start, and none of their work is lost or kept twice.
N_KILLS = {"one": 16, "several": 5}
RESULTS = ("findings.json", "accounts.parquet", "accounts.csv", "exchanges.parquet", "index.html", "quarantine.parquet")


def _heed_the_keyboard() -> None:
    """A job in the background of a shell ignores Ctrl-C, and so would its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


#: How the command is started: as users do, and with logs read by processes of their own however small they are.
STARTS = {
    "one": ["-m", "gauger"],
    "several": ["-c", "import gauger.cli, gauger.cli.reading as r; r.MIN_BYTES_APART = 0; gauger.cli.main()"],
}


class Ingest:
    """Starts the command in a process of its own and knows when its work begins."""

    def __init__(self, workspace, logs, processes="one"):
        self._lock = workspace / "lock"
        options = ["--workspace", workspace, "--threads", "2", *logs.tables]
        self._command = [sys.executable, *STARTS[processes], "ingest", *logs.files, *options]

    def start(self) -> subprocess.Popen:
        """Start it, and return once it holds the workspace's lock."""
        process = subprocess.Popen(
            self._command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            preexec_fn=_heed_the_keyboard,
            process_group=0,
        )
        while process.poll() is None and not self._is_held_by(process.pid):
            time.sleep(0.002)
        return process

    def _is_held_by(self, pid: int) -> bool:
        return self._lock.exists() and f'"pid": {pid},'.encode() in self._lock.read_bytes()


def ended(process: subprocess.Popen) -> int:
    _, err = process.communicate(timeout=120)
    assert b"Traceback" not in err, err.decode()
    return process.returncode


@pytest.fixture(scope="module", params=STARTS)
def processes(request):
    return request.param


@pytest.fixture(scope="module")
def work_s(processes, small_logs, workspace_with_key, tmp_path_factory):
    """Seconds that an uninterrupted ingest works, from the lock to its end."""
    workspace = workspace_with_key(tmp_path_factory.mktemp("uninterrupted") / "workspace")
    process = Ingest(workspace, small_logs, processes).start()
    started = time.perf_counter()
    assert ended(process) == 0
    return time.perf_counter() - started


def test_killed_at_random_moments_and_resumed(
    processes, keyed_workspace, work_s, small_logs, small_scanned, gauger, tmp_path
):
    rng = np.random.default_rng(11)
    n_killed, wanted = 0, N_KILLS[processes]
    while n_killed < wanted:
        process = Ingest(keyed_workspace, small_logs, processes).start()
        # Short enough that the kills fall on all of the work and not only on its first part.
        time.sleep(float(rng.uniform(0, 2 * work_s / wanted)))
        os.kill(process.pid, signal.SIGKILL)
        if ended(process) == 0:
            break
        n_killed += 1
    assert n_killed >= wanted - 1, "the ingest ended before it was killed often enough"
    assert ended(Ingest(keyed_workspace, small_logs, processes).start()) == 0
    out = tmp_path / "out"
    done = gauger("scan", "--workspace", keyed_workspace, "--out", out, "--now", "2026-03-01T00:00:00Z")
    assert done.code == 0, done.err
    assert [name for name in RESULTS if (out / name).read_bytes() != (small_scanned.out / name).read_bytes()] == []
    assert list((keyed_workspace / "tmp").iterdir()) == []


def test_interrupted_by_the_keyboard_it_says_how_to_go_on(
    processes, keyed_workspace, small_logs, small_scanned, gauger, tmp_path
):
    process = Ingest(keyed_workspace, small_logs, processes).start()
    time.sleep(0.5 if processes == "several" else 0)  # they take a second to start
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130, err.decode()
    assert b"Traceback" not in err
    assert b"resource_tracker" not in err
    assert b"again" in err
    assert gauger("ingest", *small_logs.files, "--workspace", keyed_workspace, *small_logs.tables).code == 0
    out = tmp_path / "out"
    assert gauger("scan", "--workspace", keyed_workspace, "--out", out, "--now", "2026-03-01T00:00:00Z").code == 0
    assert (out / "findings.json").read_bytes() == small_scanned.bytes


def test_a_scan_that_is_killed_leaves_no_half_written_result(keyed_workspace, small_logs, small_scanned, tmp_path):
    """The result folder holds the old result or the new one, and the next run gives what an undisturbed one gives."""
    out = tmp_path / "out"
    command = [sys.executable, "-m", "gauger", "scan", *small_logs.files, "--workspace", keyed_workspace, "--out", out]
    command += ["--now", "2026-03-01T00:00:00Z", *small_logs.tables]
    rng = np.random.default_rng(12)
    for _ in range(3):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        while process.poll() is None and not (out / ".incoming").exists():
            time.sleep(0.0005)
        time.sleep(float(rng.uniform(0, 0.05)))
        process.kill()
        if ended(process) == 0:
            continue
        published = sorted(path.name for path in out.iterdir() if path.name != ".incoming")
        different = [name for name in published if (out / name).read_bytes() != (small_scanned.out / name).read_bytes()]
        assert different == []
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert ended(process) == 0
    assert [name for name in RESULTS if (out / name).read_bytes() != (small_scanned.out / name).read_bytes()] == []
    assert not (out / ".incoming").exists()
