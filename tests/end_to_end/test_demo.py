"""The demonstration runs, agrees with the truth, and touches no folder but its own."""

import runpy
import subprocess
import sys
from pathlib import Path

import pytest

DEMO = Path(__file__).parents[2] / "examples" / "demo.py"


def run(out: Path) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, DEMO, "--out", out], capture_output=True, text=True, check=False, timeout=280
    )


def test_it_finds_what_was_planted_and_can_be_run_again(tmp_path):
    out = tmp_path / "demo"
    first = run(out)
    assert first.returncode == 0, first.stdout + first.stderr
    assert first.stdout.count("  agrees  ") == 3
    assert "DIFFERS" not in first.stdout
    assert "campaign" in first.stdout
    assert str(out / "report" / "index.html") in first.stdout
    (out / "notes.txt").write_text("mine")
    (out / "report" / "stale.html").write_text("old")
    assert runpy.run_path(str(DEMO))["prepare"](out) is None
    assert (out / "notes.txt").read_text() == "mine"
    assert not (out / "report").exists()


@pytest.mark.parametrize("kind", ["folder", "file", "link", "link inside"])
def test_it_leaves_alone_what_it_did_not_make(kind, tmp_path):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "logs").mkdir()
    (mine / "logs" / "precious.txt").write_text("precious")
    out = tmp_path / "out"
    if kind == "folder":
        out = mine
    elif kind == "file":
        out = mine / "logs" / "precious.txt"
    elif kind == "link":
        out.symlink_to(mine)
    else:
        out.mkdir()
        (out / ".made-by-gauger-demo").touch()
        (out / "logs").symlink_to(mine / "logs")
    done = run(out)
    assert done.returncode == 2
    assert "name another folder" in done.stderr
    assert (mine / "logs" / "precious.txt").read_text() == "precious"
