"""The script that installs what tests want never fails, and never asks for more rights than it has."""

import shutil
import subprocess
from pathlib import Path

SCRIPT = Path(__file__).parents[1] / "install_system_packages"


def run(folder: Path, programs: dict[str, str | None]) -> subprocess.CompletedProcess:
    """Run the script where there are no programs but these: a text is a script, None the machine's own."""
    for name, script in programs.items():
        if script is None:
            (folder / name).symlink_to(shutil.which(name))
        else:
            (folder / name).write_text(f"#!{shutil.which('bash')}\n{script}\n")
            (folder / name).chmod(0o755)
    command = [shutil.which("bash"), SCRIPT]
    return subprocess.run(command, env={"PATH": str(folder)}, capture_output=True, text=True, check=False)


def test_what_is_there_is_not_installed(tmp_path):
    done = run(tmp_path, {"chromium": "exit 0", "apt-get": "echo called"})
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_without_the_rights_it_says_how(tmp_path):
    done = run(tmp_path, {"id": "echo 1000", "apt-get": "echo called", "sudo": "echo called"})
    assert done.returncode == 0
    assert "apt-get install" in done.stdout
    assert "called" not in done.stdout


def test_an_installation_that_fails_is_told_and_is_no_failure(tmp_path):
    programs = {"id": "echo 0", "apt-get": "echo no network; exit 100"}
    done = run(tmp_path, programs | dict.fromkeys(["timeout", "mktemp", "tail", "rm"]))
    assert done.returncode == 0
    assert "no network" in done.stdout
    assert "did not work" in done.stdout


def test_as_root_it_installs_what_is_absent_and_nothing_else(tmp_path):
    programs = {"id": "echo 0", "apt-get": f'echo "$@" >> {tmp_path}/calls'}
    done = run(tmp_path, programs | dict.fromkeys(["timeout", "mktemp", "tail", "rm"]))
    assert done.returncode == 0, done.stdout
    calls = (tmp_path / "calls").read_text().splitlines()
    assert [call.split()[0] for call in calls] == ["update", "install"]
    assert calls[1].split()[-1] == "chromium"
