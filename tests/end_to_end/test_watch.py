"""`gauger watch`: the findings of a scan of the same logs, live alarms before them, and kill -9 at any point."""

import gzip
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from functools import partial
from itertools import pairwise

import numpy as np
import pytest

from gauger.lab import SCENARIOS, Campaign, ChatPersons, Developers, TemplateApps, simulate

NOW = "2026-03-01T00:00:00Z"
RESULTS = ("findings.json", "accounts.parquet", "accounts.csv", "index.html")
#: A live path that comes to a point within the small world's four weeks.
SETTINGS = "[watch]\nalpha = 0.2\nstretch_hours = [1, 6]\nfilter_bits = 20\n"


@pytest.fixture(scope="module")
def log(grammar, tmp_path_factory, written):
    """One log of four weeks with a campaign in the last, as it lies when it has grown to its end."""
    campaign = Campaign(name="planted", n=25, exchanges=110.0, share=0.9)
    parts = (ChatPersons(n=60), Developers(n=15), TemplateApps(n=10), campaign)
    scenario = replace(SCENARIOS["pool"], name="live", history_weeks=3, weekly_exchanges=25.0, parts=parts)
    folder = tmp_path_factory.mktemp("live")
    logs = written(simulate(scenario, seed=1, pools=grammar), folder)
    path = folder / "whole.log"
    path.write_bytes(b"".join(gzip.decompress(file.read_bytes()) for file in logs.files))
    return path, logs


@pytest.fixture(scope="module")
def make_workspace(workspace_with_key):
    def make(path):
        workspace = workspace_with_key(path)
        (workspace / "gauger.toml").write_text(SETTINGS)
        return workspace

    return make


def recorded(workspace) -> dict[str, list]:
    """Return what the live path keeps, apart from where pieces of the log ended."""
    with sqlite3.connect(f"file:{workspace / 'state.sqlite'}?mode=ro", uri=True) as state:
        tables = ("watch_stretch", "live_alarm", "live_alarm_account")
        found = {table: state.execute(f"select * from {table} order by 1, 2").fetchall() for table in tables}
    state.close()
    return found


@pytest.fixture(scope="module")
def watched(log, make_workspace, gauger, tmp_path_factory):
    """A workspace that watched the whole log in one go, what was recorded, and what was said."""
    workspace = make_workspace(tmp_path_factory.mktemp("watched") / "workspace")
    done = gauger("watch", log[0], "--workspace", workspace, "--once", "--json", *log[1].tables[:2])
    assert done.code == 0, done.err
    return workspace, recorded(workspace), done


def test_a_live_alarm_names_the_campaign_and_is_said_once(watched, log, gauger):
    _, kept, done = watched
    said = [json.loads(line) for line in done.out.splitlines()]
    assert said
    assert len(said) == len(kept["live_alarm"])
    for alarm in said:
        assert len(set(alarm["accounts"]) & log[1].members) >= 0.9 * len(alarm["accounts"])
        assert alarm["capital"] >= 2 / 0.2
        assert alarm["fate"] is None
    again = gauger("watch", log[0], "--workspace", watched[0], "--once", "--json")
    assert (again.code, again.out) == (0, "")


def test_a_scan_of_what_was_watched_gives_the_findings_of_a_scan_of_the_log_and_settles_the_alarms(
    watched, log, make_workspace, gauger, tmp_path
):
    outs = [tmp_path / "watched", tmp_path / "scanned"]
    done = gauger("scan", "--workspace", watched[0], "--out", outs[0], "--now", NOW)
    assert done.code == 0, done.err
    fresh = make_workspace(tmp_path / "workspace")
    other = gauger("scan", log[0], "--workspace", fresh, "--out", outs[1], "--now", NOW, *log[1].tables[:2])
    assert other.code == 0, other.err
    assert [name for name in RESULTS if (outs[0] / name).read_bytes() != (outs[1] / name).read_bytes()] == []
    assert "Live alarm a-" in done.err
    assert "Live alarm" not in other.err

    listed = json.loads(gauger("alarms", "--workspace", watched[0], "--json").out)["alarms"]
    found = {one["finding_id"]: one for one in json.loads((outs[0] / "findings.json").read_bytes())["findings"]}
    assert listed
    for alarm in listed:
        assert alarm["fate"] in ("confirmed", "widened")
        assert found[alarm["finding_id"]]["verdict"] == alarm["verdict"] == "campaign"
    text = gauger("alarms", "--workspace", watched[0])
    assert "no verdict" in text.out
    assert listed[0]["alarm_id"] in text.out
    repeated = gauger("scan", "--workspace", watched[0], "--out", outs[0], "--now", NOW)
    assert "Live alarm" not in repeated.err  # nothing new to say


def test_a_log_that_grows_under_a_running_watch(log, make_workspace, watched, tmp_path):
    content, growing = log[0].read_bytes(), tmp_path / "growing.log"
    workspace = make_workspace(tmp_path / "workspace")
    cuts = [0, *sorted(np.random.default_rng(2).integers(1, len(content), 6).tolist()), len(content)]
    growing.write_bytes(b"")
    command = ["watch", growing, "--workspace", workspace, "--poll", "0.05", *log[1].tables[:2]]
    process = start(command)
    with growing.open("ab") as file:
        for begin, end in pairwise(cuts):
            file.write(content[begin:end])
            file.flush()
            time.sleep(0.4)
    wait_until(lambda: (workspace / "state.sqlite").exists() and recorded_or_none(workspace) == watched[1], process)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err.decode()
    assert b"Traceback" not in err


@pytest.mark.parametrize("n_kills", [5, pytest.param(60, marks=pytest.mark.slow)])
def test_killed_at_random_moments_and_started_again(n_kills, log, make_workspace, watched, tmp_path):
    content, growing = log[0].read_bytes(), tmp_path / "growing.log"
    rng = np.random.default_rng(n_kills)
    workspace = make_workspace(tmp_path / "workspace")
    command = ["watch", growing, "--workspace", workspace, "--poll", "0.05", *log[1].tables[:2]]
    ends = np.linspace(0, len(content), n_kills + 1).astype(int)[1:] + rng.integers(-400, 400, n_kills)
    for n_bytes in ends.tolist():
        growing.write_bytes(content[: max(n_bytes, 0)])
        process = start(command)
        wait_until(partial(lock_is_held_by, workspace, process.pid), process)
        time.sleep(float(rng.uniform(0, 1.2)))
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
        assert process.returncode == -signal.SIGKILL
    growing.write_bytes(content)
    last = start([*command, "--once"])
    _, err = last.communicate(timeout=240)
    assert last.returncode == 0, err.decode()
    assert recorded(workspace) == watched[1]


def test_what_other_commands_ingest_is_watched_without_logs(log, make_workspace, watched, gauger, tmp_path):
    workspace = make_workspace(tmp_path / "workspace")
    assert gauger("ingest", log[0], "--workspace", workspace, *log[1].tables[:2]).code == 0
    done = gauger("watch", "--workspace", workspace, "--once")
    assert done.code == 0, done.err
    assert recorded(workspace) == watched[1]


def test_an_account_that_is_forgotten_is_named_by_no_alarm(log, make_workspace, gauger, tmp_path):
    workspace = make_workspace(tmp_path / "workspace")
    done = gauger("watch", log[0], "--workspace", workspace, "--once", "--json", "--quiet")
    account = json.loads(done.out.splitlines()[0])["accounts"][0]
    assert gauger("forget", "--account", account, "--workspace", workspace, "--yes").code == 0
    assert account not in gauger("alarms", "--workspace", workspace, "--json").out
    assert account.encode() not in (workspace / "state.sqlite").read_bytes()


@pytest.mark.parametrize("pauses", [False, True])
def test_a_pipe_is_watched_to_its_end_as_a_file_is(pauses, log, watched, make_workspace, tmp_path):
    workspace = make_workspace(tmp_path / "workspace")
    command = ["watch", "-", "--workspace", workspace, "--poll", "0.2", *log[1].tables[:2]]
    process = start(command, stdin=subprocess.PIPE)
    data, rng = log[0].read_bytes(), np.random.default_rng(5)
    cuts = np.sort(rng.integers(0, len(data), 6)).tolist() if pauses else []
    for begin, end in pairwise([0, *cuts, len(data)]):
        process.stdin.write(data[begin:end])
        process.stdin.flush()
        time.sleep(0.3 if pauses else 0)
    assert process.communicate(timeout=120)[0] is None
    assert process.returncode == 0
    assert recorded(workspace) == watched[1]


def test_a_bad_topic_is_refused_with_a_reason(gauger, tmp_path):
    done = gauger("watch", "kafka://broker", "--workspace", tmp_path / "w", "--once")
    assert done.code == 2


def start(command, **given) -> subprocess.Popen:
    def heed_the_keyboard() -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    return subprocess.Popen(
        [sys.executable, "-m", "gauger", *map(str, command)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        preexec_fn=heed_the_keyboard,
        env={**os.environ},
        **given,
    )


def lock_is_held_by(workspace, pid: int) -> bool:
    lock = workspace / "lock"
    return lock.exists() and f'"pid": {pid},'.encode() in lock.read_bytes()


def recorded_or_none(workspace):
    try:
        return recorded(workspace)
    except sqlite3.OperationalError:  # its tables are not made yet
        return None


def wait_until(is_so, process: subprocess.Popen, seconds: float = 120) -> None:
    until = time.monotonic() + seconds
    while not is_so():
        assert process.poll() is None, process.communicate()[1].decode()
        assert time.monotonic() < until
        time.sleep(0.02)


def test_a_log_that_is_not_there_yet_is_waited_for_and_said(gauger, tmp_path):
    done = gauger("watch", tmp_path / "later.jsonl", "--workspace", tmp_path / "w", "--once")
    assert done.code == 0
    assert "later.jsonl is not there yet." in done.err
