"""Logs read by processes of their own count as those read one after another, and the readers end with their owner."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gauger.errors import InputError, WorkspaceError
from gauger.exchanges.networks import NetworkTable
from gauger.exchanges.pseudonyms import derive_keys
from gauger.ingestion import ingest, ingest_apart, unread
from gauger.settings import Settings
from gauger.sources import ReadOptions
from gauger.store.apart import Recipe
from gauger.store.durable import read_parquet
from gauger.store.filling import Sketching
from gauger.store.manifest import FilePlan
from gauger.store.processes import readers
from gauger.store.workspace import Workspace

NOW = datetime(2026, 2, 1, tzinfo=UTC)
PROMPT = "Please compare the ledger of the Lisbon branch with the one we keep in Porto."


def write_log(path, n_rows):
    row = {"account_id": "a", "occurred_at": "2026-01-05T00:00:00Z", "user_prompt": PROMPT}
    path.write_text("".join(json.dumps({**row, "request_id": f"{path.stem}-{n}"}) + "\n" for n in range(n_rows)))


def opened(path):
    return Workspace.open(path, create=True, now=NOW, random_bytes=bytes)


def recipe_of(workspace, folder):
    return Recipe(workspace.path, {}, folder, Settings(), ReadOptions(), workspace.sketches.kept_from)


def how_of(workspace):
    return Sketching(derive_keys(workspace.key.secret), NetworkTable(), Settings(), threads=1)


def read_here(workspace, logs):
    for log in logs:
        ingest(workspace, log, options=ReadOptions(), how=how_of(workspace), now=NOW, progress=lambda *_amount: None)


def read_side_by_side(workspace, logs, folder, *, before_taking=lambda: None):
    """Read logs by two processes; `before_taking` happens when all are read and none counts yet."""
    taken = []
    new, error = unread(workspace, logs, reading=ReadOptions().fingerprint)
    with readers(recipe_of(workspace, folder), processes=2) as read:

        def read_apart(plans, _options):
            staged = list(read(plans))
            before_taking()
            return staged

        ingest_apart(
            workspace,
            new,
            read_apart=read_apart,
            options=ReadOptions(),
            how=how_of(workspace),
            now=NOW,
            taken=taken.append,
        )
    if error is not None:
        raise error
    return taken


def contents(workspace):
    paths = [*workspace.sketches.sketch_paths(), *workspace.sketches.part_paths()]
    files = {path.relative_to(workspace.path): read_parquet(path).to_pylist() for path in paths}
    return files, workspace.manifest.sources(), workspace.sketches.quarantined().to_pylist()


def is_running(pid):
    """Whether a process is there and no zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def ended_soon(pids):
    deadline = time.monotonic() + 10
    while any(map(is_running, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not any(map(is_running, pids))


def test_logs_read_side_by_side_count_as_those_read_one_after_another(tmp_path):
    """Also a copy, a log that goes on where another ends, a record that is not whole yet, and one that is no record."""
    write_log(tmp_path / "a.jsonl", 3)
    whole = (tmp_path / "a.jsonl").read_text()
    (tmp_path / "b.jsonl").write_text(whole)
    (tmp_path / "c.jsonl").write_text(whole + whole.replace("a-", "c-"))
    (tmp_path / "d.jsonl").write_text("[1]\n" + whole.replace("a-", "d-") + '{"account_id": "a", "occ')
    logs = [str(tmp_path / f"{name}.jsonl") for name in "abcd"]
    with opened(tmp_path / "here") as here, opened(tmp_path / "apart") as apart:
        for _ in range(2):
            read_here(here, logs)
            assert set(read_side_by_side(apart, logs, tmp_path)) <= set(logs)
            assert contents(apart) == contents(here)
            with (tmp_path / "d.jsonl").open("a") as grown:
                grown.write('urred_at": "2026-01-05T00:00:00Z", "user_prompt": "more"}\n')
        assert sum(source.n_exchanges for source in here.manifest.sources()) == 10


def test_the_error_of_a_log_is_raised_and_the_logs_before_it_count(tmp_path):
    write_log(tmp_path / "a.jsonl", 2)
    (tmp_path / "b.jsonl").write_text(json.dumps({"ledger": "Lisbon"}) + "\n")
    write_log(tmp_path / "c.jsonl", 2)
    logs = [str(tmp_path / f"{name}.jsonl") for name in "abc"]
    with opened(tmp_path / "w") as workspace:
        with pytest.raises(InputError, match=r"b\.jsonl"):
            read_side_by_side(workspace, logs, tmp_path)
        assert [(source.name, source.n_exchanges) for source in workspace.manifest.sources()] == [(logs[0], 2)]


def test_a_killed_reader_is_said_and_what_was_read_counts(tmp_path):
    write_log(tmp_path / "a.jsonl", 2)
    plan = FilePlan(str(tmp_path / "a.jsonl"), "read")

    def read_and_kill(recipe):
        with readers(recipe, processes=1) as read:
            [log] = read([plan])
            assert sum(one.written.n_exchanges for one in log.stretches) == 2
            [child] = multiprocessing.active_children()
            os.kill(child.pid, signal.SIGKILL)
            child.join()
            list(read([plan]))

    with opened(tmp_path / "w") as workspace, pytest.raises(WorkspaceError, match="was killed"):
        read_and_kill(recipe_of(workspace, tmp_path))


def test_a_log_that_was_replaced_while_others_were_read_is_neither_doubled_nor_cut(tmp_path):
    table = pa.table(
        {"account_id": ["a"] * 9, "occurred_at": ["2026-01-05T00:00:00Z"] * 9, "user_prompt": [PROMPT] * 9}
    )
    pq.write_table(table.slice(0, 5), tmp_path / "a.parquet")
    write_log(tmp_path / "b.jsonl", 5)
    logs = [str(tmp_path / "a.parquet"), str(tmp_path / "b.jsonl")]

    def replace():
        pq.write_table(table, tmp_path / "a.parquet")
        write_log(tmp_path / "b.jsonl", 9)

    with opened(tmp_path / "w") as workspace:
        for _ in range(2):
            read_side_by_side(workspace, logs, tmp_path, before_taking=replace)
            assert [source.n_exchanges for source in workspace.manifest.sources()] == [9, 9]


def test_a_log_that_cannot_be_recognised_stops_only_those_after_it(tmp_path):
    write_log(tmp_path / "a.jsonl", 2)
    (tmp_path / "b.jsonl.gz").write_bytes(b"\x1f\x8bno gzip")
    write_log(tmp_path / "c.jsonl", 2)
    logs = [str(tmp_path / name) for name in ("a.jsonl", "b.jsonl.gz", "c.jsonl")]
    with opened(tmp_path / "w") as workspace:
        with pytest.raises(InputError, match=r"b\.jsonl\.gz"):
            read_side_by_side(workspace, logs, tmp_path)
        assert [(source.name, source.n_exchanges) for source in workspace.manifest.sources()] == [(logs[0], 2)]


def test_an_error_may_name_a_log_whose_name_is_no_utf_8(tmp_path):
    log = os.fsdecode(os.fsencode(tmp_path) + b"/c\xfe.jsonl")
    Path(log).write_text(json.dumps({"ledger": "Lisbon"}) + "\n")
    with opened(tmp_path / "w") as workspace, pytest.raises(InputError, match=r"c.*fe\.jsonl"):
        read_side_by_side(workspace, [log], tmp_path)


def test_what_was_read_before_a_reader_was_killed_is_handed_over(tmp_path):
    for name in "abc":
        write_log(tmp_path / f"{name}.jsonl", 1)
    plans = [FilePlan(str(tmp_path / f"{name}.jsonl"), "read") for name in "abc"]
    handed = []

    def read_and_kill(recipe):
        with readers(recipe, processes=2) as read:
            for log in read([*plans, *plans]):
                handed.append(log)
                if len(handed) == 1:
                    time.sleep(3)  # both logs that were begun are read by now
                    for child in multiprocessing.active_children():
                        os.kill(child.pid, signal.SIGKILL)
                        child.join()
                    time.sleep(1)

    with opened(tmp_path / "w") as workspace, pytest.raises(WorkspaceError, match="was killed"):
        read_and_kill(recipe_of(workspace, tmp_path))
    assert len(handed) == 3


def test_readers_end_at_once_where_their_owner_is_interrupted(tmp_path):
    write_log(tmp_path / "long.jsonl", 200_000)  # half a minute
    plan = FilePlan(str(tmp_path / "long.jsonl"), "read")
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    pressed_at = []

    def press():
        pressed_at.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    pressed = threading.Timer(4.0, press)

    def read_until_pressed(recipe):
        with readers(recipe, processes=1) as read:
            pressed.start()
            list(read([plan]))

    try:
        with opened(tmp_path / "w") as workspace, pytest.raises(KeyboardInterrupt):
            read_until_pressed(recipe_of(workspace, tmp_path))
        ended_at = time.monotonic()
    finally:
        pressed.cancel()
        signal.signal(signal.SIGINT, before)
    assert multiprocessing.active_children() == []
    assert ended_at - pressed_at[0] < 5


OWNER = """
import multiprocessing, sys, time
from pathlib import Path
from gauger.settings import Settings
from gauger.sources import ReadOptions
from gauger.store.apart import Recipe
from gauger.store.manifest import FilePlan
from gauger.store.processes import readers

folder = Path(sys.argv[1])
with readers(Recipe(folder / "w", {}, folder, Settings(), ReadOptions(), None), processes=2) as read:
    for _ in read([FilePlan("a.jsonl", "read")] * 2):
        pass
    print(*(child.pid for child in multiprocessing.active_children()), flush=True)
    time.sleep(60)
"""


def test_readers_end_when_their_owner_is_killed(tmp_path):
    write_log(tmp_path / "a.jsonl", 1)
    with opened(tmp_path / "w"):
        pass
    with subprocess.Popen([sys.executable, "-c", OWNER, str(tmp_path)], stdout=subprocess.PIPE, text=True) as owner:
        children = [int(pid) for pid in owner.stdout.readline().split()]
        assert children
        assert all(map(is_running, children))
        owner.kill()
    assert ended_soon(children)
