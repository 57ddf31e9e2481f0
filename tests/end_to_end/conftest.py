"""What end-to-end tests share: the public command, here or in a process of its own, and one small world."""

import importlib.util
import io
import json
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from gauger.cli.app import run as command_line
from gauger.lab import (
    SCENARIOS,
    Campaign,
    ChatPersons,
    Developers,
    PopularAgent,
    TemplateApps,
    ViralTemplate,
    data_pools,
    grammar_pools,
    simulate,
    write_world,
)
from gauger.store.keys import create_master_key

NOW = "2026-03-01T00:00:00Z"
N_MEMBERS = 20


@dataclass(frozen=True)
class Finished:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Logs:
    """A world as files: what an operator has, and the campaign's accounts."""

    folder: Path
    members: frozenset[str]

    @property
    def files(self) -> list[Path]:
        return sorted(self.folder.glob("*.jsonl.gz"))

    @property
    def tables(self) -> list[object]:
        """The account table and the events, as options."""
        return ["--accounts", self.folder / "accounts.csv", "--events", self.folder / "events.csv"]


@dataclass(frozen=True)
class Scanned:
    """The folder of a scan's result, and its workspace."""

    out: Path
    workspace: Path

    @property
    def bytes(self) -> bytes:
        return (self.out / "findings.json").read_bytes()

    @property
    def document(self) -> dict:
        return json.loads(self.bytes)

    @property
    def verdicts(self) -> list[str]:
        return [one["verdict"] for one in self.document["findings"]]

    def accounts(self, verdict: str) -> set[str]:
        """Accounts that findings of this verdict list."""
        found = [one for one in self.document["findings"] if one["verdict"] == verdict]
        return {member["account_id"] for one in found for member in one["accounts"]}


def run_here(*arguments: object) -> Finished:
    """Run the command in this process; a fault of Gauger itself is the test's error."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = command_line([str(argument) for argument in arguments])
    return _without_fault(Finished(code, out.getvalue(), err.getvalue()))


def run_apart(*arguments: object, environment: dict[str, str] | None = None, cwd: Path | None = None) -> Finished:
    """Run the command in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "gauger", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
        cwd=cwd,
        env={**os.environ, **(environment or {})},
    )
    return _without_fault(Finished(done.returncode, done.stdout, done.stderr))


def _without_fault(done: Finished) -> Finished:
    assert "Traceback" not in done.err, done.err
    assert "fault in Gauger" not in done.err, done.err
    assert done.code != 1, done.err
    return done


@pytest.fixture(scope="session")
def gauger():
    """The command, in this process."""
    return run_here


@pytest.fixture(scope="session")
def gauger_apart():
    """The command, in a process of its own."""
    return run_apart


@pytest.fixture(scope="session")
def leaks():
    """The search for runs of texts in files."""
    spec = importlib.util.spec_from_file_location("gauger_test_leaks", Path(__file__).with_name("leaks.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def small_scenario():
    """Some 145 accounts and four weeks: persons, an agent, a viral template, and a campaign of 20 with one card."""
    campaign = Campaign(name="planted", n=N_MEMBERS, exchanges=25.0, share=0.35)
    innocents = (
        ChatPersons(n=60),
        Developers(n=10),
        TemplateApps(n=10),
        PopularAgent(n=25),
        ViralTemplate(accounts=20),
    )
    return replace(
        SCENARIOS["demo"], name="small", history_weeks=3, weekly_exchanges=25.0, parts=(*innocents, campaign)
    )


@pytest.fixture(scope="session")
def grammar():
    """Texts of the built-in grammar."""
    return grammar_pools()


@pytest.fixture(scope="session")
def real_prompts(data_folder):
    """Texts of the public data sets."""
    return data_pools(data_folder)


@pytest.fixture(scope="session")
def small_world(small_scenario, grammar):
    return simulate(small_scenario, seed=1, pools=grammar)


def _written(world, folder: Path, *, format: str = "litellm") -> Logs:
    write_world(world, folder, format=format)
    truth = world.truth_accounts.to_pylist()
    return Logs(folder, frozenset(row["account_id"] for row in truth if row["campaign"]))


@pytest.fixture(scope="session")
def written():
    """Writes a world as an operator has it."""
    return _written


@pytest.fixture(scope="session")
def small_logs(small_world, tmp_path_factory) -> Logs:
    """The small world, one gzipped file a day. Tests only read it."""
    return _written(small_world, tmp_path_factory.mktemp("small"))


@pytest.fixture
def scan(tmp_path):
    """Scans logs into a fresh workspace under a fixed key, and returns the result; `apart`: in a process of its own."""
    count = 0

    def run(*logs: object, options=(), key: int = 1, apart: dict[str, str] | None = None) -> Scanned:
        nonlocal count
        count += 1
        scanned = Scanned(tmp_path / f"out-{count}", new_workspace(tmp_path / f"workspace-{count}", key=key))
        command = ["scan", *logs, "--out", scanned.out, "--workspace", scanned.workspace, "--now", NOW, *options]
        done = run_here(*command) if apart is None else run_apart(*command, environment=apart)
        assert done.code == 0, done.err
        return scanned

    return run


def new_workspace(path: Path, *, key: int = 1) -> Path:
    """Return the folder of a workspace yet to be made: nothing is in it but the key, the same for equal numbers."""
    path.mkdir(parents=True, mode=0o700)
    create_master_key(path / "keys" / "master.key", random_bytes=np.random.default_rng([917, key]).bytes)
    return path


@pytest.fixture
def keyed_workspace(tmp_path) -> Path:
    """A workspace yet to be made, under the key of `scan` and `small_scanned`."""
    return new_workspace(tmp_path / "workspace")


@pytest.fixture(scope="session")
def workspace_with_key():
    """Makes the folder of a workspace with a key in it."""
    return new_workspace


@pytest.fixture(scope="session")
def small_scanned(small_logs, tmp_path_factory) -> Scanned:
    """The small world's logs, scanned in one go. Tests only read it."""
    folder = tmp_path_factory.mktemp("scanned")
    scanned = Scanned(folder / "out", new_workspace(folder / "workspace"))
    options = ["--out", scanned.out, "--workspace", scanned.workspace, "--now", NOW, *small_logs.tables]
    done = run_here("scan", *small_logs.files, *options)
    assert done.code == 0, done.err
    return scanned
