"""What happens when a run is stopped, or the disk has no room: the work so far is kept and the next run goes on."""

import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from gauger.cli.engine import open_engine
from gauger.cli.session import open_session
from gauger.errors import GaugerError, WorkspaceError

N_LOGS, N_ROWS = 10, 1_500
GAUGER = [sys.executable, "-m", "gauger"]


@pytest.fixture(autouse=True)
def interruptible():
    """Tests started in the background (`make test &`) inherit that Ctrl-C is ignored, and so would what they start."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """A folder of logs that takes seconds to read."""
    folder = tmp_path_factory.mktemp("many")
    rng = np.random.default_rng(3)
    vocabulary = [f"word{n}" for n in range(900)]
    start = datetime(2026, 1, 5, tzinfo=UTC)
    for number in range(N_LOGS):
        picks = rng.integers(0, len(vocabulary), (N_ROWS, 40))
        with (folder / f"{number:02d}.jsonl").open("w") as file:
            for row in range(N_ROWS):
                one = {
                    "request_id": f"{number}-{row}",
                    "account_id": f"a{row % 50}",
                    "occurred_at": (start + timedelta(seconds=number * N_ROWS + row)).isoformat(),
                    "user_prompt": " ".join(vocabulary[pick] for pick in picks[row]),
                }
                file.write(json.dumps(one) + "\n")
    return folder


@pytest.fixture
def committed(reading):
    """Count the exchanges that count so far."""

    def count(path) -> int:
        try:
            with reading(path) as workspace:
                return sum(one.n_exchanges for one in workspace.manifest.sources())
        except (GaugerError, OSError):
            return 0  # not made yet

    return count


@pytest.mark.parametrize("stop", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_a_stopped_ingest_exits_with_130_and_the_next_one_goes_on(stop, many, tmp_path, committed):
    command = [*GAUGER, "ingest", str(many), "--workspace", str(tmp_path / "ws")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 60
        while committed(tmp_path / "ws") == 0 and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(stop)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert out == ""
    assert "gauger: interrupted" in err
    assert "run the same command again" in err
    assert "Traceback" not in err
    assert list((tmp_path / "ws" / "tmp").iterdir()) == []
    kept = committed(tmp_path / "ws")
    assert 0 < kept < N_LOGS * N_ROWS
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == (
        f"{N_LOGS * N_ROWS - kept:,} exchanges read, 0 in quarantine; the workspace holds {N_LOGS * N_ROWS:,}.\n"
    )


def test_a_full_disk_is_said_and_leaves_no_result(many, tmp_path):
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))  # bytes a file may have

    done = subprocess.run(
        [*GAUGER, "scan", str(many / "00.jsonl"), "--out", str(tmp_path / "report")],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        preexec_fn=limit,
    )
    assert done.returncode == 5, done.stderr
    assert "Traceback" not in done.stderr
    assert "free some space and run the same command again" in done.stderr
    assert not (tmp_path / "report" / "findings.json").exists()


def test_what_the_disk_refuses_the_engine_is_said_plainly(scanned):
    with (
        open_session(scanned.workspace) as session,
        pytest.raises(WorkspaceError, match="could not read or write"),
        open_engine(session) as engine,
    ):
        engine.connection.raw_sql("copy (select 1) to '/dev/null/nowhere.parquet'")


def interrupted_query(engine) -> None:
    """Run a query of many minutes and press Ctrl-C after a second."""
    threading.Timer(1.0, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    endless = "select sum(a.range * b.range % 7) from range(20000000) a, range(1000) b"
    engine.connection.raw_sql(endless).fetchall()


def test_an_interrupted_query_is_an_interruption(scanned):
    """The engine tells of Ctrl-C by an error of its own; it looks for one between the steps of the first thread."""
    one_thread = {"threads": 1}
    with (
        pytest.raises(KeyboardInterrupt),
        open_session(scanned.workspace, flags=one_thread) as session,
        open_engine(session) as engine,
    ):
        interrupted_query(engine)


DROPPED = """
import os, signal, time
from gauger.cli import heed_interrupts

class Cleared:
    def __del__(self):
        os.kill(os.getpid(), signal.{name})
        time.sleep(0.01)

heed_interrupts()
try:
    Cleared()
    time.sleep(20)
except KeyboardInterrupt:
    raise SystemExit(130)
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_an_interruption_that_python_drops_while_it_clears_up_comes_again(name, environment):
    program = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n" + DROPPED.format(name=name)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False, env=environment
    )
    assert done.returncode == 130, done.stderr
    assert done.stderr == ""
