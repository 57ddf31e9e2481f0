import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("ingest_loop.py")


@pytest.fixture(scope="session")
def loop():
    """The ingest loop's module: its log format and what it reads back."""
    spec = importlib.util.spec_from_file_location("gauger_test_ingest_loop", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def folder(tmp_path):
    """A folder for this test, in memory where there is such a disk.

    A killed process loses nothing that the kernel holds, so these tests need no real disk, and hundreds of flushes to
    one are slow.
    """
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=memory, prefix="gauger-test-") as path:
        yield Path(path)


class Children:
    """Starts tasks of the ingest loop in processes of their own."""

    def __init__(self, process):
        self._process = process

    def start(self, **task) -> int:
        """Start a task and return its process id."""
        self._process.stdin.write(json.dumps(task) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def wait(self) -> int:
        """Return the exit code of the task, negative for a signal."""
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def run(self, **task) -> int:
        self.start(**task)
        return self.wait()


@pytest.fixture(scope="module")
def children():
    process = subprocess.Popen(
        [sys.executable, "-W", "error", SCRIPT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        yield Children(process)
        process.stdin.close()
