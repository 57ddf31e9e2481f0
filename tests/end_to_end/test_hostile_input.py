"""Logs that are damaged, mixed, hostile or gone: said or quarantined, never a fault, and nothing else is lost."""

import gzip
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gauger.store.workspace import Workspace

GOOD = 120


def record(number: int, **changes) -> dict:
    """A pair as a gateway writes it, each with words of its own."""
    words = np.random.default_rng(number).permutation(["harbour", "ledger", "quince", "tariff", "lantern", "orchard"])
    return {
        "timestamp": f"2026-01-{1 + number // 20 % 27:02d}T{number % 24:02d}:00:00Z",
        "request_id": f"r-{number}",
        "account_id": f"a-{number % 9}",
        "request": {"model": "m", "messages": [{"role": "user", "content": f"{number}: {' '.join(words)}?"}]},
        "response": {"model": "m", "choices": [{"message": {"content": f"yes {number}"}, "finish_reason": "stop"}]},
        **changes,
    }


def lines(first: int, n: int) -> bytes:
    return b"".join(json.dumps(record(number)).encode() + b"\n" for number in range(first, first + n))


@pytest.fixture
def logs(tmp_path):
    """A folder with one good log in it."""
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "good.jsonl").write_bytes(lines(0, GOOD))
    return folder


class Outcome:
    """What a scan of a folder ended with, and what it could not read."""

    def __init__(self, done, out):
        self.done, self.code, self.err, self._out = done, done.code, done.err, out

    @property
    def input(self) -> dict:
        return json.loads((self._out / "findings.json").read_bytes())["input"]

    @property
    def quarantine(self) -> list[dict]:
        return pq.read_table(self._out / "quarantine.parquet").to_pylist()

    @property
    def reasons(self) -> set[str]:
        return {row["reason"] for row in self.quarantine}


@pytest.fixture
def look(gauger, logs, tmp_path):
    """Scans the folder of logs; whatever is in it, half of the rows may be bad."""

    def run(*options: object) -> Outcome:
        out = tmp_path / "out"
        return Outcome(gauger("scan", logs, "--out", out, "--max-bad", 0.5, *options), out)

    return run


def test_a_gzip_that_is_cut_short_keeps_what_came_before_the_cut(logs, look):
    whole = gzip.compress(lines(GOOD, 500))
    (logs / "cut.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    outcome = look()
    assert outcome.code == 0, outcome.err
    assert outcome.reasons == {"damaged_compression", "incomplete_last_record"}
    assert GOOD + 100 < outcome.input["exchanges"] < GOOD + 400


def test_a_gzip_that_is_damaged_in_the_middle_costs_no_other_log(logs, look):
    whole = bytearray(gzip.compress(lines(GOOD, 500)))
    whole[len(whole) // 2 : len(whole) // 2 + 50] = os.urandom(50)
    (logs / "damaged.jsonl.gz").write_bytes(whole)
    outcome = look("--max-bad", 0.95)  # how much garbage is unpacked before it is noticed depends on the bytes
    assert outcome.code == 0, outcome.err
    assert "damaged_compression" in outcome.reasons
    assert outcome.input["exchanges"] > GOOD


@pytest.mark.parametrize("content", [b"", b"\n\n  \n", gzip.compress(b"")], ids=["empty", "blank", "empty gzip"])
def test_an_empty_log_is_no_fault_beside_another_and_is_said_alone(content, logs, look, gauger, tmp_path):
    (logs / "empty.jsonl").write_bytes(content)
    outcome = look()
    assert outcome.code == 0, outcome.err
    assert outcome.input["exchanges"] == GOOD
    alone = gauger("scan", logs / "empty.jsonl", "--out", tmp_path / "alone")
    assert alone.code == 3
    assert "no exchanges" in alone.err


def test_lines_that_are_no_json_are_named_and_the_others_are_read(logs, look):
    bad = [
        b'{"timestamp": "2026-01-01T00:00:00Z", "account_id"',
        b"None",
        b"{'a': 1}",
        b'"text"',
        b"[1, 2]",
        b"\xff\xfe\x00",
    ]
    (logs / "bad.jsonl").write_bytes(lines(GOOD, 20) + b"\n".join(bad) + b"\n" + lines(GOOD + 20, 20))
    outcome = look()
    assert outcome.code == 0, outcome.err
    assert outcome.input["exchanges"] == GOOD + 40
    assert outcome.input["quarantined"] == len(bad)
    assert {row["row"] for row in outcome.quarantine} == set(range(20, 20 + len(bad)))


def test_more_bad_rows_than_allowed_stop_the_scan_and_are_listed(logs, look, gauger, tmp_path):
    (logs / "bad.jsonl").write_bytes(b"{oops\n" * 20 + lines(GOOD, 1))
    done = gauger("scan", logs, "--out", tmp_path / "strict")
    assert done.code == 3
    assert "--max-bad" in done.err
    assert len(pq.read_table(tmp_path / "strict" / "quarantine.parquet")) == 20
    assert not (tmp_path / "strict" / "findings.json").exists()
    assert look().input["exchanges"] == GOOD + 1


def test_a_log_may_mix_formats(logs, look, small_logs):
    litellm = gzip.decompress(small_logs.files[0].read_bytes()).splitlines(keepends=True)[:30]
    canonical = [
        json.dumps({"occurred_at": "2026-01-03", "account_id": f"c-{n}", "user_prompt": f"quince {n}"}).encode() + b"\n"
        for n in range(30)
    ]
    mixed = [line for three in zip(litellm, canonical, lines(GOOD, 30).splitlines(True), strict=True) for line in three]
    (logs / "mixed.jsonl").write_bytes(b"".join(mixed))
    outcome = look()
    assert outcome.code == 0, outcome.err
    assert outcome.input["exchanges"] == GOOD + 90
    assert outcome.quarantine == []


@pytest.mark.parametrize("name", ["noise.jsonl", "noise.log", "noise.csv", "noise.parquet", "noise.json.gz"])
def test_binary_noise_is_named_and_costs_no_other_log(name, logs, look):
    noise = random.Random(3).randbytes(50_000)
    start = {"gz": b"\x1f\x8b\x08", "parquet": b"PAR1"}.get(name.split(".")[-1], b"")
    (logs / name).write_bytes(start + noise)
    outcome = look()
    if outcome.code == 0:
        assert {row["source_file"].split("/")[-1] for row in outcome.quarantine} == {name}
    else:
        assert outcome.code == 3
        assert name in outcome.err
        (logs / name).unlink()
        outcome = look()
        assert outcome.code == 0, outcome.err
    assert outcome.input["exchanges"] == GOOD


def test_a_record_beyond_the_limit_is_skipped_and_its_neighbours_are_not(logs, look):
    long = json.dumps(record(999, note="x" * 3_000_000)).encode()
    (logs / "long.jsonl").write_bytes(lines(GOOD, 5) + long + b"\n" + lines(GOOD + 5, 5))
    outcome = look("--max-record", "1MiB")
    assert outcome.code == 0, outcome.err
    assert outcome.reasons == {"record_too_long"}
    assert outcome.quarantine[0]["row"] == 5
    assert outcome.input["exchanges"] == GOOD + 10


def test_equal_ids_with_equal_content_count_once_and_with_different_content_twice(logs, look):
    again = [record(3), record(4, account_id="a-99"), record(5)]
    (logs / "again.jsonl").write_text("".join(json.dumps(one) + "\n" for one in again))
    outcome = look()
    assert outcome.code == 0, outcome.err
    assert outcome.input["duplicates"] == 2
    assert outcome.input["exchanges"] == GOOD + 1


def test_one_id_with_different_content_is_warned_about(logs, look):
    (logs / "again.jsonl").write_text(json.dumps(record(4, account_id="a-99")) + "\n")
    assert "same request id" in look().err


def test_impossible_times_are_quarantined(logs, look):
    times = ["2126-01-01T00:00:00Z", "0001-01-01", 1e30, -5, "yesterday", None, "NaN", True, {"a": 1}]
    bad = [record(500 + n, timestamp=moment) for n, moment in enumerate(times)]
    (logs / "times.jsonl").write_text("".join(json.dumps(one) + "\n" for one in bad))
    outcome = look()
    assert outcome.code == 0, outcome.err
    assert outcome.input["exchanges"] == GOOD
    assert outcome.input["quarantined"] == len(times)


def test_one_clock_that_runs_ahead_does_not_hide_a_campaign(small_logs, scan, tmp_path):
    ahead = tmp_path / "ahead.jsonl"
    ahead.write_text(json.dumps(record(1, timestamp="2026-08-01T00:00:00Z")) + "\n")
    scanned = scan(*small_logs.files, ahead, options=small_logs.tables)
    assert scanned.accounts("campaign") >= small_logs.members


def test_one_clock_that_stood_still_adds_no_history(small_logs, small_scanned, scan, tmp_path):
    behind = tmp_path / "behind.jsonl"
    behind.write_text(json.dumps(record(1, timestamp="2025-10-01T00:00:00Z")) + "\n")
    scanned = scan(*small_logs.files, behind, options=small_logs.tables)
    assert scanned.document["calibration"]["windows"] == small_scanned.document["calibration"]["windows"]


def test_columns_that_are_missing_are_said_and_lower_power_only(logs, look):
    (logs / "good.jsonl").unlink()
    rows = "".join(f"2026-01-0{1 + n % 9},a-{n % 7},quince {n}\n" for n in range(200))
    (logs / "few.csv").write_text("occurred_at,account_id,user_prompt\n" + rows)
    outcome = look()
    assert outcome.code == 0, outcome.err
    assert outcome.input["exchanges"] == 200
    assert {one["channel"] for one in outcome.input["channels_off"]} >= {"payment", "network", "reasoning_block"}


def test_a_log_without_accounts_is_refused_with_the_reason(gauger, tmp_path):
    (tmp_path / "log.csv").write_text("occurred_at,user_prompt\n2026-01-01,quince\n")
    done = gauger("scan", tmp_path / "log.csv", "--out", tmp_path / "out")
    assert done.code == 3
    assert "log.csv" in done.err
    pq.write_table(pa.table({"occurred_at": ["2026-01-01"], "user_prompt": ["quince"]}), tmp_path / "log.parquet")
    done = gauger("scan", tmp_path / "log.parquet", "--out", tmp_path / "out2")
    assert done.code == 3
    assert "log.parquet" in done.err
    assert "user_prompt" in done.err


#: The seventh turns a year into one far off, which has a test of its own.
@pytest.mark.parametrize("seed", [seed for seed in range(13) if seed != 7])
def test_flipped_bytes_anywhere_are_no_fault(seed, logs, look, small_world):
    chance = random.Random(seed)
    good = lines(GOOD, 150)
    whole = [gzip.compress(good), good, _parquet_of(small_world)][seed % 3]
    name = ["flipped.jsonl.gz", "flipped.jsonl", "flipped.parquet"][seed % 3]
    damaged = bytearray(whole)
    for _ in range(chance.randint(1, 6)):
        damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
    (logs / name).write_bytes(damaged)
    outcome = look()
    assert outcome.code in (0, 3)
    if outcome.code == 0:
        assert outcome.input["exchanges"] >= GOOD
    else:
        assert name in outcome.err or "--max-bad" in outcome.err or "bad" in outcome.err


def _parquet_of(world) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(world.exchanges.slice(0, 300), sink, compression="zstd", row_group_size=100)
    return sink.getvalue().to_pybytes()


def test_a_place_without_logs_is_said(gauger, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.md").write_text("no log")
    for place in ("empty", "other", "absent", "absent/*.jsonl", "bad\0name", "x" * 5_000):
        done = gauger("scan", f"{tmp_path}/{place}", "--out", tmp_path / "out")
        assert done.code == 3, place
        assert done.err.count("\n") <= 3


def test_names_that_would_steer_the_terminal_are_shown_harmless(gauger, tmp_path):
    name = "log\x1b[31m\n\u202efake.jsonl"
    (tmp_path / name).write_bytes(b"{oops\n")
    done = gauger("scan", tmp_path, "--out", tmp_path / "out")
    assert done.code == 3
    assert "\x1b" not in done.err
    assert "\u202e" not in done.err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_log_that_may_not_be_read_is_named_and_the_others_are_kept(logs, look):
    (logs / "secret.jsonl").write_bytes(lines(GOOD, 5))
    (logs / "secret.jsonl").chmod(0)
    outcome = look()
    assert outcome.code == 3
    assert "secret.jsonl" in outcome.err
    (logs / "secret.jsonl").chmod(0o600)
    assert look().input["exchanges"] == GOOD + 5


def ingest_apart(log, workspace, **popen) -> subprocess.Popen:
    command = [sys.executable, "-m", "gauger", "ingest", log, "--workspace", workspace, "--max-bad", "0.5"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **popen)


def said(process: subprocess.Popen) -> str:
    _, err = process.communicate(timeout=120)
    assert "Traceback" not in err
    assert "fault in Gauger" not in err
    return err


def count_of(gauger, workspace, out) -> int:
    done = gauger("scan", "--workspace", workspace, "--out", out)
    assert done.code == 0, done.err
    return json.loads((out / "findings.json").read_bytes())["input"]["exchanges"]


def test_a_log_that_grows_while_it_is_read_counts_every_row_once(gauger, tmp_path):
    log, workspace = tmp_path / "live.jsonl", tmp_path / "workspace"
    log.write_bytes(lines(0, 2_000))
    process = ingest_apart(log, workspace)
    written = 2_000
    with log.open("ab", buffering=0) as live:
        while process.poll() is None:
            # Halves of a record: what is read may end anywhere.
            one = lines(written, 1)
            live.write(one[:40])
            time.sleep(0.001)
            live.write(one[40:])
            written += 1
    err = said(process)
    assert process.returncode == 0, err
    assert gauger("ingest", log, "--workspace", workspace, "--max-bad", 0.5).code == 0
    assert count_of(gauger, workspace, tmp_path / "out") == written


def test_a_log_that_is_cut_while_it_is_read_is_no_fault(gauger, tmp_path):
    log, workspace = tmp_path / "live.jsonl", tmp_path / "workspace"
    content = lines(0, 15_000)
    log.write_bytes(content)
    process = ingest_apart(log, workspace)
    while process.poll() is None and not (workspace / "state.sqlite").exists():
        time.sleep(0.001)
    time.sleep(0.1)
    os.truncate(log, len(content) // 3)
    said(process)
    assert process.returncode in (0, 3)
    log.write_bytes(content)
    assert gauger("ingest", log, "--workspace", workspace, "--max-bad", 0.5).code == 0
    assert count_of(gauger, workspace, tmp_path / "out") == 15_000


def limit_files():
    """No file may grow beyond 100 kB: what a full disk or a quota looks like to a program."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))


def test_a_full_disk_is_said_and_the_same_command_goes_on_when_there_is_room(gauger, tmp_path):
    log, workspace = tmp_path / "log.jsonl", tmp_path / "workspace"
    one_day = [record(number, timestamp="2026-01-05T10:00:00Z") for number in range(4_000)]
    log.write_text("".join(json.dumps(one) + "\n" for one in one_day))
    process = ingest_apart(log, workspace, preexec_fn=limit_files)
    err = said(process)
    assert process.returncode == 5, err
    assert "space" in err
    assert list((workspace / "tmp").iterdir()) == []
    assert gauger("ingest", log, "--workspace", workspace).code == 0
    assert count_of(gauger, workspace, tmp_path / "out") == 4_000


def test_a_full_disk_under_the_result_is_said_and_leaves_the_old_result(gauger, small_scanned, tmp_path):
    workspace, out = tmp_path / "workspace", tmp_path / "out"
    shutil.copytree(small_scanned.workspace, workspace)
    shutil.copytree(small_scanned.out, out)
    command = [sys.executable, "-m", "gauger", "scan", "--workspace", workspace, "--out", out, "--target", "0.2"]
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=limit_files
    )
    err = said(process)
    assert process.returncode == 5, err
    for path in small_scanned.out.iterdir():
        assert (out / path.name).read_bytes() == path.read_bytes()


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("mount"), reason="only root may mount")
def test_a_disk_that_is_really_full(gauger, tmp_path):
    disk, log = tmp_path / "disk", tmp_path / "log.jsonl"
    disk.mkdir()
    log.write_bytes(lines(0, 12_000))
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], capture_output=True).returncode:
        pytest.skip("this machine lets nobody mount")
    try:
        process = ingest_apart(log, disk / "workspace")
        err = said(process)
        assert process.returncode == 5, err
        assert "space" in err
        subprocess.run(["mount", "-o", "remount,size=200m", disk], check=True)
        assert gauger("ingest", log, "--workspace", disk / "workspace").code == 0
        assert count_of(gauger, disk / "workspace", tmp_path / "out") == 12_000
    finally:
        subprocess.run(["umount", disk], check=True)


def test_a_workspace_in_use_is_left_alone_and_its_holder_is_named(gauger, logs, tmp_path):
    first, release = threading.Event(), threading.Event()

    def hold():
        now = datetime(2026, 1, 1, tzinfo=UTC)
        with Workspace.open(tmp_path / "workspace", create=True, now=now, random_bytes=os.urandom):
            first.set()
            release.wait(60)

    holder = threading.Thread(target=hold)
    holder.start()
    first.wait(60)
    try:
        done = gauger("ingest", logs, "--workspace", tmp_path / "workspace")
        assert done.code == 5
        assert str(os.getpid()) in done.err
    finally:
        release.set()
        holder.join()
    assert gauger("ingest", logs, "--workspace", tmp_path / "workspace").code == 0
