"""Progress: bars on a terminal, nothing elsewhere."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from rich.progress import Progress as Bars
from rich.progress import Task

from gauger.cli.progress import _Amount, bars


def scan_in_a_terminal(tiny, out, environment, *more) -> tuple[str, str]:
    """Return what a scan prints to stdout, a pipe, and to stderr, a terminal."""
    leader, follower = pty.openpty()
    command = [sys.executable, "-m", "gauger", "scan", *tiny.logs, "--out", str(out), *more]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=follower, env={**environment, "TERM": "xterm"}
    ) as process:
        os.close(follower)
        seen = b""
        while True:
            try:
                chunk = os.read(leader, 4096)
            except OSError:  # the other end is closed
                break
            seen += chunk
        out_text, _ = process.communicate(timeout=60)
    os.close(leader)
    assert process.returncode == 0
    return out_text.decode(), seen.decode()


def test_a_terminal_sees_the_bytes_of_all_logs_and_then_the_steps(tiny, tmp_path, environment):
    out, err = scan_in_a_terminal(tiny, tmp_path / "report", environment)
    total = sum(Path(log).stat().st_size for log in tiny.logs)
    assert "reading logs" in err
    assert f"of {total / 1000:.1f} kB" in err
    for step in ("tested window", "writing"):
        assert step in err
    assert "\x1b" not in out
    assert "reading logs" not in out


def test_quiet_shows_no_progress_and_no_notes(tiny, tmp_path, environment):
    out, err = scan_in_a_terminal(tiny, tmp_path / "report", environment, "--quiet")
    assert err == ""
    assert "Report:" in out


@pytest.fixture
def task():
    def make(description: str, *, done: float, total: float | None, begun: float = 0) -> Task:
        now = [0.0]
        shown = Bars(get_time=lambda: now[0])
        number = shown.add_task(description, total=total, begun=begun)
        now[0] = 1.0
        shown.update(number, completed=done / 2)
        now[0] = 2.0
        shown.update(number, completed=done)
        return shown.tasks[number]

    return make


@pytest.mark.parametrize(
    ("description", "done", "total", "said"),
    [
        ("reading logs", 4_000_000, 10_000_000, "4.0 MB of 10.0 MB, 2.0 MB/s, 0:00:03 left"),
        ("reading logs", 4_000_000, None, "4.0 MB, 2.0 MB/s"),
        ("answers", 2, 8, "2 of 8, 60.0 a minute, 0:00:06 left"),
        ("answers", 0, 8, "0 of 8"),
        ("history windows", 2, 8, "3 of 8, 0:00:06 left"),
        ("writing", 0, 1, ""),
        ("writing", 1, 1, "done"),
    ],
)
def test_what_a_bar_says(description, done, total, said, task):
    assert str(_Amount().render(task(description, done=done, total=total))) == said


def test_a_step_that_begins_completes_those_before(capsys):
    with bars() as show:
        show("reading logs", 1, 10)
        show("writing", 0, 1)
    assert "reading logs" not in capsys.readouterr().out


def test_what_was_there_before_is_no_part_of_the_rate(task):
    shown = task("steps", done=94, total=100, begun=90)
    assert str(_Amount().render(shown)) == "94 of 100, 120.0 a minute, 0:00:03 left"


@pytest.fixture
def made(monkeypatch):
    """The bars that are shown, once there are some."""
    made = []
    monkeypatch.setattr(
        "gauger.cli.progress.Bars", lambda *columns, **how: made.append(Bars(*columns, **how)) or made[0]
    )
    return made


def test_a_step_within_another_does_not_complete_it(made):
    with bars() as show:
        show("teachers", 1, 2)
        show("students", 2, 8)
        show("steps", 0, 300)
        show("steps", 299, 300)
        show("students", 3, 8)
        show("steps", 0, 300)
        teachers, students, steps = made[0].tasks
        assert (teachers.completed, steps.completed) == (2, 0)
        assert (students.completed, students.fields["begun"]) == (3, 2)


def test_a_step_whose_count_falls_begins_anew(made):
    with bars() as show:
        show("steps", 8, 10)
        show("steps", 0, 20)
        (step,) = made[0].tasks
        assert (step.completed, step.total, step.fields["begun"]) == (0, 20, 0)
