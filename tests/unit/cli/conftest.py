"""A tiny log with a planted campaign, a scan of it, and a way to run commands.

Golden files: run the tests with GAUGER_REWRITE_GOLDEN=1 to write them anew, then read the difference before committing.
"""

import contextlib
import csv
import gzip
import io
import json
import os
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from gauger.cli.app import run
from gauger.store.workspace import Workspace

GOLDEN = Path(__file__).parents[2] / "golden" / "cli"
START = datetime(2026, 1, 5, tzinfo=UTC)
N_DAYS = 14
WRAPPER = (
    "You are a patient examiner. Explain every single step of your reasoning before the answer, in numbered lines,"
    " for this exercise: {fill}. Then state the final result between two stars and stop."
)
SYLLABLES = np.array(
    ["ba", "ce", "di", "fa", "gu", "ka", "le", "mi", "no", "pu", "ra", "se", "ti", "vo", "wu", "ya", "ze", "xi"]
)


def words(rng: np.random.Generator, n: int) -> str:
    return " ".join("".join(rng.choice(SYLLABLES, 3)) for _ in range(n))


def record(number: int, account: str, time: datetime, prompt: str, **more: object) -> dict[str, object]:
    return {
        "request_id": f"req-{number:05d}",
        "occurred_at": time.isoformat().replace("+00:00", "Z"),
        "account_id": account,
        "user_prompt": prompt,
        "client_address": f"198.51.{int(account[-2:]) % 40}.7",
        "user_agent": f"client/{int(account[-2:]) % 7}",
        "request_model": "model-a",
        "input_tokens": len(prompt) // 4,
        "output_tokens": 100,
        **more,
    }


def tiny_records() -> list[dict[str, object]]:
    """Thirty-six persons who share nothing, and twelve accounts that fill one wrapper in the last three days."""
    rng = np.random.default_rng(7)
    sent = [
        (f"person-{person:02d}", START + timedelta(seconds=float(s)), words(rng, 25))
        for person in range(36)
        for s in rng.uniform(0, N_DAYS * 86_400, 10)
    ]
    sent += [
        (
            f"still-{account:02d}",
            START + timedelta(seconds=float(s)),
            WRAPPER.format(fill=words(rng, 9)),
        )
        for account in range(12)
        for s in rng.uniform(11 * 86_400, N_DAYS * 86_400, 6)
    ]
    return [record(n, *one) for n, one in enumerate(sorted(sent, key=lambda one: one[1]))]


def write_lines(path: Path, records: list[dict[str, object]]) -> None:
    lines = "".join(f"{json.dumps(one)}\n" for one in records).encode()
    path.write_bytes(gzip.compress(lines, mtime=0) if path.suffix == ".gz" else lines)


@dataclass(frozen=True)
class Tiny:
    """The folder of the tiny log: logs/*.jsonl(.gz), accounts.csv, events.csv."""

    folder: Path

    @property
    def logs(self) -> list[str]:
        return sorted(str(path) for path in (self.folder / "logs").iterdir())

    @property
    def accounts(self) -> str:
        return str(self.folder / "accounts.csv")

    @property
    def events(self) -> str:
        return str(self.folder / "events.csv")


@pytest.fixture(scope="session")
def tiny(tmp_path_factory) -> Tiny:
    folder = tmp_path_factory.mktemp("tiny")
    (folder / "logs").mkdir()
    records = tiny_records()
    third = len(records) // 3
    write_lines(folder / "logs" / "a.jsonl.gz", records[:third])
    write_lines(folder / "logs" / "b.jsonl", records[third : 2 * third])
    write_lines(folder / "logs" / "c.jsonl", records[2 * third :])
    with (folder / "accounts.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["account_id", "signed_up_at", "plan", "payment_token", "favourite_colour"])
        for account in sorted({str(one["account_id"]) for one in records}):
            card = "card-shared" if account.startswith("still") and int(account[-2:]) < 8 else f"card-{account}"
            table.writerow([account, "2025-11-01T00:00:00Z", "pro", card, "blue"])
    (folder / "events.csv").write_text(
        "occurred_at,kind,account_id,model\n2026-01-15T00:00:00Z,model_release,,model-b\n"
    )
    return Tiny(folder)


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


@pytest.fixture
def gauger(capsys, monkeypatch):
    """Run a command in this process, in a terminal of 80 columns, and return its code and what it printed."""
    for name in [name for name in os.environ if name.startswith("GAUGER_") and name != "GAUGER_REWRITE_GOLDEN"]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "80")

    def call(*arguments: object) -> Outcome:
        capsys.readouterr()
        code = run([str(one) for one in arguments])
        printed = capsys.readouterr()
        return Outcome(code, printed.out, printed.err)

    return call


def new_workspace(path: Path) -> None:
    """Make an empty workspace under a key that is always the same, so that ids and ranks are too."""
    with Workspace.open(path, create=True, now=START, random_bytes=lambda n: bytes(range(n))):
        pass


@dataclass(frozen=True)
class Scanned:
    """A workspace that holds the tiny log, and the report of its scan."""

    workspace: Path
    report: Path
    finding: str
    out: str
    err: str


@pytest.fixture(scope="session")
def scanned_once(tiny, tmp_path_factory) -> Scanned:
    folder = tmp_path_factory.mktemp("scanned")
    workspace, report = folder / "ws", folder / "report"
    new_workspace(workspace)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "80")
        given = [*tiny.logs, "--accounts", tiny.accounts, "--events", tiny.events]
        out, err = _captured(["scan", *given, "--workspace", str(workspace), "--out", str(report)])
    document = json.loads((report / "findings.json").read_text())
    return Scanned(workspace, report, document["findings"][0]["finding_id"], out, err)


def _captured(arguments: list[str]) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        assert run(arguments) == 0, err.getvalue()
    return out.getvalue(), err.getvalue()


@pytest.fixture
def scanned(scanned_once, tmp_path) -> Scanned:
    """The scanned workspace and its report, a copy that a test may change."""
    shutil.copytree(scanned_once.workspace, tmp_path / "ws")
    shutil.copytree(scanned_once.report, tmp_path / "report")
    return Scanned(tmp_path / "ws", tmp_path / "report", scanned_once.finding, scanned_once.out, scanned_once.err)


@pytest.fixture
def golden():
    """Compare a text with its golden file, or write that anew."""

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if os.environ.get("GAUGER_REWRITE_GOLDEN"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        assert text == path.read_text()

    return compare


@pytest.fixture
def environment() -> dict[str, str]:
    """The environment for a process of its own, without settings of Gauger's."""
    return {name: value for name, value in os.environ.items() if not name.startswith("GAUGER_")}


@contextlib.contextmanager
def _held(path: Path, *, read_only: bool):
    with Workspace.open(path, create=False, now=START, random_bytes=os.urandom, read_only=read_only) as workspace:
        yield workspace


@pytest.fixture
def writing():
    """Hold a workspace as its one writer."""
    return lambda path: _held(path, read_only=False)


@pytest.fixture
def reading():
    """Open a workspace beside any writer."""
    return lambda path: _held(path, read_only=True)
