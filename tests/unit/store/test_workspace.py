import os
import signal
import sqlite3
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from gauger.errors import SettingsError, UsageError, WorkspaceError, WorkspaceLocked
from gauger.exchanges.schema import ACCOUNT_SCHEMA
from gauger.settings import Settings

HOLD_THE_LOCK = """
import os, sys
from datetime import UTC, datetime
from pathlib import Path
from gauger.store.workspace import Workspace
now = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
with Workspace.open(Path(sys.argv[1]), create=True, now=now, random_bytes=os.urandom) as workspace:
    (workspace.tmp / "half-done").write_bytes(b"x")
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def other_writer(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD_THE_LOCK, str(tmp_path / "w")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with process:
        assert process.stdout.readline() == b"held\n"
        yield process
        process.stdin.close()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_everything_in_a_workspace_is_for_its_owner_alone(open_workspace, ingest, tmp_path):
    before = os.umask(0)
    try:
        with open_workspace() as workspace:
            ingest(workspace, tmp_path / "log", [("a", 0, 5)])
            workspace.tables.keep_accounts(ACCOUNT_SCHEMA.empty_table())
            root = workspace.path
    finally:
        os.umask(before)
    assert mode(root) == 0o700
    entries = list(root.rglob("*"))
    assert {mode(entry) for entry in entries if entry.is_dir()} == {0o700}
    assert {mode(entry) for entry in entries if entry.is_file()} == {0o600}


def test_a_folder_open_to_others_is_closed_to_them(open_workspace, tmp_path):
    (tmp_path / "w").mkdir(mode=0o755)
    with open_workspace() as workspace:
        assert mode(workspace.path) == 0o700


def test_the_key_is_made_once(open_workspace):
    with open_workspace() as workspace:
        first = workspace.key
    with open_workspace() as workspace:
        assert workspace.key == first
    assert len(first.secret) == 32
    assert first.key_id not in first.secret.hex()
    assert repr(first.secret) not in repr(workspace)


@pytest.mark.parametrize("name", ["with space", "100%25?mode=ro#x", "ünïcödé", "'; drop table"])
def test_the_folder_may_have_any_name(open_workspace, ingest, accounts_of, tmp_path, name):
    with open_workspace(tmp_path / name) as workspace:
        ingest(workspace, tmp_path / "log", [("a", 0, 0)])
    with open_workspace(tmp_path / name, read_only=True) as workspace:
        assert accounts_of(workspace) == ["a"]
    assert (tmp_path / name / "state.sqlite").is_file()


def test_two_workspaces_have_two_keys(open_workspace, tmp_path):
    with open_workspace() as one, open_workspace(tmp_path / "other") as other:
        assert one.key.secret != other.key.secret
        assert one.key.key_id != other.key.key_id


@pytest.mark.parametrize("bits", [0o640, 0o604, 0o620])
def test_a_key_that_others_can_reach_is_refused(open_workspace, bits):
    with open_workspace() as workspace:
        key = workspace.path / "keys/master.key"
    key.chmod(bits)
    with pytest.raises(SettingsError, match="chmod 600"), open_workspace():
        pass


@pytest.mark.parametrize("content", [b"", b"one two three\n", b"\xff\xfe", b"gauger-master-key/1 aaaaaaaa AAAA\n"])
def test_a_damaged_key_is_refused(open_workspace, content):
    with open_workspace() as workspace:
        key = workspace.path / "keys/master.key"
    key.write_bytes(content)
    with pytest.raises(SettingsError, match="damaged"), open_workspace():
        pass


def test_one_changed_letter_of_the_key_is_noticed(open_workspace):
    with open_workspace() as workspace:
        key = workspace.path / "keys/master.key"
    mark, key_id, secret = key.read_text().split()
    changed = ("B" if secret[0] == "A" else "A") + secret[1:]
    key.write_text(f"{mark} {key_id} {changed}\n")
    with pytest.raises(SettingsError, match="damaged"), open_workspace():
        pass


def test_a_lost_key_is_not_made_anew(open_workspace, ingest, tmp_path):
    with open_workspace() as workspace:
        ingest(workspace, tmp_path / "log", [("a", 0, 0)])
        key = workspace.path / "keys/master.key"
    key.unlink()
    with pytest.raises(SettingsError, match="backup"), open_workspace():
        pass
    assert not key.exists()


def test_the_key_of_another_workspace_is_refused(open_workspace, tmp_path):
    with open_workspace() as one, open_workspace(tmp_path / "other") as other:
        pass
    (one.path / "keys/master.key").write_bytes((other.path / "keys/master.key").read_bytes())
    message = f"this is key {other.key.key_id}; the workspace was made with key {one.key.key_id}"
    with pytest.raises(SettingsError, match=message), open_workspace():
        pass


def test_settings_start_as_comments_and_are_never_overwritten(open_workspace):
    with open_workspace() as workspace:
        settings = workspace.path / "gauger.toml"
    assert tomllib.loads(settings.read_text()) == {}
    settings.write_text("seed = 7\n")
    with open_workspace():
        pass
    assert settings.read_text() == "seed = 7\n"


def test_the_commented_settings_are_the_defaults(open_workspace):
    with open_workspace() as workspace:
        lines = (workspace.path / "gauger.toml").read_text().splitlines()
    uncommented = tomllib.loads("\n".join(line.removeprefix("# ") for line in lines[3:]))
    assert uncommented["windows"].pop("tested_days") == 7.0  # unset by default, shown as an example
    assert Settings.model_validate(uncommented) == Settings()


def test_a_folder_of_other_things_is_left_alone(open_workspace, tmp_path):
    (tmp_path / "w").mkdir(mode=0o755)
    (tmp_path / "w/thesis.txt").write_text("mine")
    with pytest.raises(WorkspaceError, match="other things"), open_workspace():
        pass
    assert [entry.name for entry in (tmp_path / "w").iterdir()] == ["thesis.txt"]
    assert mode(tmp_path / "w") == 0o755


def test_settings_may_be_written_before_the_first_run(open_workspace, tmp_path):
    (tmp_path / "w").mkdir()
    (tmp_path / "w/gauger.toml").write_text("seed = 3\n")
    with open_workspace():
        pass
    assert (tmp_path / "w/gauger.toml").read_text() == "seed = 3\n"


def test_a_file_is_no_workspace(open_workspace, tmp_path):
    (tmp_path / "w").write_text("mine")
    with pytest.raises(WorkspaceError, match="a file"), open_workspace():
        pass


@pytest.mark.parametrize("read_only", [False, True])
def test_a_missing_workspace_is_not_made_unasked(open_workspace, tmp_path, read_only):
    with pytest.raises(WorkspaceError, match="no workspace here"), open_workspace(create=False, read_only=read_only):
        pass
    assert not (tmp_path / "w").exists()


@pytest.mark.parametrize("read_only", [False, True])
def test_another_format_is_refused_with_what_to_do(open_workspace, read_only):
    with open_workspace() as workspace:
        state = workspace.path / "state.sqlite"
    connection = sqlite3.connect(state)
    with connection:
        connection.execute("update workspace_fact set value = '99' where name = 'format'")
    connection.close()
    with pytest.raises(WorkspaceError, match=r"format 99.*new workspace"), open_workspace(read_only=read_only):
        pass


def test_a_state_that_is_no_database_is_refused(open_workspace):
    with open_workspace() as workspace:
        state = workspace.path / "state.sqlite"
    state.write_bytes(b"not a database, but long enough to be taken for one" * 100)
    with pytest.raises(WorkspaceError, match="not a database"), open_workspace():
        pass


def test_a_second_writer_is_told_who_holds_the_workspace(open_workspace, other_writer):
    with pytest.raises(WorkspaceLocked) as caught, open_workspace():
        pass
    message = str(caught.value)
    assert f"process {other_writer.pid} on {os.uname().nodename}" in message
    assert "2026-11-20T09:30:00+00:00" in message
    assert caught.value.exit_code == 5


def test_the_refused_writer_touches_nothing(open_workspace, other_writer, tmp_path):
    with pytest.raises(WorkspaceLocked), open_workspace():
        pass
    assert (tmp_path / "w/tmp/half-done").exists()


def test_the_lock_of_a_dead_writer_is_taken_over(open_workspace, other_writer):
    other_writer.send_signal(signal.SIGKILL)
    other_writer.wait()
    with open_workspace() as workspace:
        assert list(workspace.tmp.iterdir()) == []


def test_readers_work_beside_a_writer(open_workspace, ingest, accounts_of, tmp_path):
    with open_workspace() as writer, open_workspace(read_only=True) as reader:
        assert reader.sketches.sketch_paths() == []
        ingest(writer, tmp_path / "log", [("a", 0, 0), ("b", 1, 0)])
        assert accounts_of(reader) == ["a", "b"]
        assert reader.key == writer.key


def test_a_reader_cannot_change_anything(open_workspace, ingest, tmp_path):
    with open_workspace() as workspace:
        ingest(workspace, tmp_path / "log", [("a", 0, 0)])
    before = {p: p.read_bytes() for p in sorted(workspace.path.rglob("*")) if p.is_file()}
    with open_workspace(read_only=True) as reader:
        with pytest.raises(WorkspaceError, match="only be read"):
            reader.pin("colour", "blue")
        with pytest.raises(WorkspaceError, match="only be read"):
            reader.tables.keep_accounts(ACCOUNT_SCHEMA.empty_table())
        with pytest.raises(WorkspaceError, match="only be read"):
            reader.forget("a")
        with pytest.raises(UsageError):
            _ = reader.tmp
    assert {p: p.read_bytes() for p in sorted(workspace.path.rglob("*")) if p.is_file()} == before


def test_scratch_is_emptied_at_open_and_at_close_without_following_links(open_workspace, tmp_path):
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious/file").write_text("kept")
    with open_workspace() as workspace:
        (workspace.tmp / "spill").mkdir()
        (workspace.tmp / "spill/x").write_bytes(b"x")
        (workspace.tmp / "link").symlink_to(tmp_path / "precious")
    assert list((tmp_path / "w/tmp").iterdir()) == []
    assert (tmp_path / "precious/file").read_text() == "kept"
    (tmp_path / "w/tmp/left-over").write_bytes(b"x")
    with open_workspace() as workspace:
        assert list(workspace.tmp.iterdir()) == []


def test_a_file_that_nothing_names_is_removed_at_open(open_workspace, ingest, accounts_of, tmp_path):
    with open_workspace() as workspace:
        ingest(workspace, tmp_path / "log", [("a", 0, 0)])
        stored = workspace.sketches.sketch_paths()[0]
    left_over = stored.with_name("99999999-000001-000001.parquet")
    left_over.write_bytes(stored.read_bytes())
    left_over_day = workspace.path / "sketches/day=2020-01-01"
    left_over_day.mkdir()
    (left_over_day / "x.parquet").write_bytes(b"half a file")
    with open_workspace() as workspace:
        assert not left_over.exists()
        assert not left_over_day.exists()
        assert accounts_of(workspace) == ["a"]


def test_a_missing_stored_file_is_noticed(open_workspace, ingest, tmp_path):
    with open_workspace() as workspace:
        ingest(workspace, tmp_path / "log", [("a", 0, 0)])
        workspace.sketches.sketch_paths()[0].unlink()
    with pytest.raises(WorkspaceError, match="1 of 1 stored files are missing"), open_workspace():
        pass


def test_a_pinned_value_holds(open_workspace):
    with open_workspace() as workspace:
        workspace.pin("sketch.max_words", "220")
    with open_workspace() as workspace:
        workspace.pin("sketch.max_words", "220")
        with pytest.raises(SettingsError, match="max_words = 220, not 300"):
            workspace.pin("sketch.max_words", "300")


def test_an_error_inside_gives_the_workspace_back(open_workspace):
    with pytest.raises(ZeroDivisionError), open_workspace():
        1 / 0  # noqa: B018
    with open_workspace():
        pass
