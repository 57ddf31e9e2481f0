"""Errors say what, where and what to do, with the exit codes of the contract, and never a traceback."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gauger.cli import app as app_module
from gauger.cli.app import run

#: Command lines that are wrong, by what is wrong; {...} are paths of the test.
WRONG = {
    "unknown option": (2, "scan logs --formt litellm"),
    "unknown command": (2, "scann logs"),
    "option without a value": (2, "scan --out"),
    "window of nothing": (2, "scan {log} --window 0"),
    "window that is no number": (2, "scan {log} --window week"),
    "target above one": (2, "scan {log} --target 5"),
    "verdict that does not exist": (2, "scan {log} --fail-on observed"),
    "engine that does not exist": (2, "scan {log} --engine clickhouse"),
    "master of an engine that has none": (2, "scan {log} --master local"),
    "size that is none": (2, "scan {log} --max-record 64Mb"),
    "time that is none": (2, "scan {log} --now yesterday"),
    "format that does not exist": (2, "scan {log} --format litelm --out {new}"),
    "mapping that is not there": (2, "scan {log} --mapping {gone} --out {new}"),
    "zone that does not exist": (2, "scan {log} --timezone Mars/Olympus --out {new}"),
    "nothing to scan": (2, "scan --out {new}"),
    "log that is not there": (3, "scan {gone} --out {new}"),
    "empty folder": (3, "scan {empty} --out {new}"),
    "log of no format": (3, "scan {strange} --out {new}"),
    "log that holds nothing": (3, "scan {nothing} --out {new}"),
    "account table without accounts": (3, "scan {log} --accounts {strange} --out {new}"),
    "mapping that is not TOML": (4, "scan {log} --mapping {strange} --out {new}"),
    "workspace that is not there": (5, "decisions --workspace {gone}"),
    "workspace that is a folder of other things": (5, "ingest {log} --workspace {full}"),
    "report that is not there": (3, "explain c-aaaaaaaaaaaa --report {gone}"),
    "forgetting without anyone to ask": (2, "forget --account a --workspace {gone}"),
    "scenario that does not exist": (2, "lab simulate nowhere --out {new}"),
    "sizes that are none": (2, "power --sizes 10"),
}


@pytest.fixture
def paths(tmp_path, tiny):
    (tmp_path / "empty").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("dear")
    (tmp_path / "strange.jsonl").write_text('{"colour": "blue"}\n')
    (tmp_path / "nothing.jsonl").write_text("")
    return {
        "log": tiny.logs[1],
        "gone": tmp_path / "gone",
        "new": tmp_path / "new",
        "empty": tmp_path / "empty",
        "full": tmp_path / "full",
        "strange": tmp_path / "strange.jsonl",
        "nothing": tmp_path / "nothing.jsonl",
    }


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said_in_words_and_by_the_code(name, paths, gauger, golden, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, line = WRONG[name]
    shown = gauger(*line.format(**paths).split())
    assert shown.out == ""
    assert "Traceback" not in shown.err
    said = shown.err.replace(paths["log"], "LOG").replace(str(tmp_path), "FOLDER")
    golden(f"error_{name.replace(' ', '_')}.txt", f"$ gauger {line}\n{said}exit {shown.code}\n")
    assert shown.code == code


def test_without_spark_nothing_is_begun_and_the_way_is_told(gauger, tiny, tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    shown = gauger("scan", tiny.logs[1], "--engine", "spark", "--out", str(tmp_path / "new"))
    assert shown.code == 2
    assert "pip install 'gauger[spark]'" in shown.err
    assert not (tmp_path / "new").exists()


@pytest.mark.slow  # it needs pyspark, which `make test-slow` installs
def test_without_java_the_way_is_told(spark_installed, tiny, tmp_path, environment):
    command = ["scan", tiny.logs[1], "--engine", "spark", "--master", "local[1]", "--out", str(tmp_path / "new")]
    done = subprocess.run(
        [sys.executable, "-m", "gauger", *command],
        env={**environment, "JAVA_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 2, done.stderr
    assert "install Java 17" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_that_may_not_be_read_is_named(gauger, tmp_path):
    locked = tmp_path / "locked.jsonl"
    locked.write_text("{}\n")
    locked.chmod(0)
    if os.access(locked, os.R_OK):
        locked = tmp_path / "folder.jsonl" / "inside"  # root may read everything; nobody reads below a file
        (tmp_path / "folder.jsonl").write_text("{}\n")
    shown = gauger("ingest", locked, "--workspace", tmp_path / "ws")
    assert shown.code == 3
    assert str(locked) in shown.err


def test_a_locked_workspace_names_who_holds_it(gauger, tiny, scanned, writing):
    with writing(scanned.workspace):
        shown = gauger("ingest", tiny.logs[0], "--workspace", scanned.workspace)
    assert shown.code == 5
    assert f"process {os.getpid()}" in shown.err


def test_a_key_that_others_can_read_is_refused_and_not_printed(gauger, scanned):
    key = scanned.workspace / "keys" / "master.key"
    key.chmod(0o644)
    shown = gauger("decisions", "--workspace", scanned.workspace)
    assert shown.code == 4
    assert f"chmod 600 {key}" in shown.err
    assert key.read_text().split()[2] not in shown.err


def test_a_setting_that_cannot_be_is_named_with_its_origin(gauger, scanned, monkeypatch):
    (scanned.workspace / "gauger.toml").write_text("[windows]\ntarget = 7\n")
    shown = gauger("check-config", "--workspace", scanned.workspace)
    assert shown.code == 4
    assert "setting windows.target (gauger.toml)" in shown.err
    monkeypatch.setenv("GAUGER_SETTING_WINDOWS__TARGET", "0")
    shown = gauger("check-config", "--workspace", scanned.workspace)
    assert "setting windows.target ($GAUGER_SETTING_WINDOWS__TARGET)" in shown.err


def test_a_fault_of_gauger_shows_no_message_and_no_traceback(capsys, monkeypatch):
    secret = "a prompt that must not be seen"

    def broken(_value: object) -> str:
        raise ValueError(secret)

    monkeypatch.setattr("importlib.metadata.version", lambda _name: "1.2.3")
    monkeypatch.setattr(app_module, "version", lambda _name: "1.2.3")
    monkeypatch.setattr("gauger.campaigns.document.json_schema", lambda: broken(None))
    assert run(["schema"]) == 1
    printed = capsys.readouterr()
    assert "fault in Gauger 1.2.3: ValueError" in printed.err
    assert "report" in printed.err
    assert secret not in printed.err
    assert "Traceback" not in printed.err
    monkeypatch.setenv("GAUGER_DEBUG", "1")
    assert run(["schema"]) == 1
    assert secret in capsys.readouterr().err


def test_control_characters_in_a_name_do_not_reach_the_terminal(gauger, tmp_path):
    shown = gauger("ingest", tmp_path / "a\x1b[2Jb.jsonl", "--workspace", tmp_path / "ws")
    assert shown.code == 3
    assert "\x1b" not in shown.err


def test_a_reader_that_has_gone_away_is_no_error():
    done = subprocess.run(
        f"{sys.executable} -m gauger schema | true", shell=True, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stderr == ""


def test_a_stray_workspace_folder_is_not_touched(paths, gauger):
    before = sorted(Path(paths["full"]).iterdir())
    gauger("ingest", paths["log"], "--workspace", paths["full"])
    assert sorted(Path(paths["full"]).iterdir()) == before
    shutil.rmtree(paths["full"])


@pytest.mark.parametrize("address", ["s3://key:hidden@bucket/x", "s3a://bucket/x", "abfss://c@a/x?sv=1&sig=hidden"])
def test_an_address_that_is_watched_is_refused_and_not_shown(gauger, tmp_path, address):
    done = gauger("watch", address, "--once", "--workspace", tmp_path / "w")
    assert done.code == 2
    assert "gauger ingest" in done.err
    assert "hidden" not in done.err


@pytest.mark.parametrize(
    "address",
    [
        "s3://key:hidden@bucket/x",
        "s3://bucket/x?X-Amz-Credential=key&X-Amz-Signature=hidden",
        "abfss://logs@account.dfs.core.windows.net/x?sv=2024-11-04&sig=hidden",
    ],
)
def test_an_address_that_holds_a_secret_is_refused_and_not_shown(gauger, tmp_path, address):
    done = gauger("ingest", address, "--workspace", tmp_path / "w")
    assert done.code == 3
    assert "no address" in done.err
    assert "hidden" not in done.err
