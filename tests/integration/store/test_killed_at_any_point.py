"""Kill -9 at any point: nothing is lost or counted twice, nothing is half deleted."""

import os
import shutil
import signal
import sqlite3
import time
from pathlib import Path

import numpy as np
import pytest

from gauger.store.workspace import Workspace

KILLED = -signal.SIGKILL
N_RANDOM_KILLS = 40


@pytest.fixture(scope="module")
def logs(loop, tmp_path_factory) -> list[str]:
    folder = tmp_path_factory.mktemp("logs")
    loop.write_log(folder / "a.jsonl", n_rows=90)
    loop.write_log(folder / "b.jsonl", n_rows=50, first=90)
    with (folder / "b.jsonl").open("a") as file:
        file.write("not a record\n" * 5)
    return [str(folder / "a.jsonl"), str(folder / "b.jsonl")]


@pytest.fixture(scope="module")
def held(loop):
    """What a workspace holds, read back beside any writer."""

    def read(path: Path):
        with Workspace.open(path, create=False, now=loop.NOW, random_bytes=os.urandom, read_only=True) as workspace:
            counts = [(s.n_exchanges, s.n_quarantined, s.is_complete) for s in workspace.manifest.sources()]
            parts = workspace.sketches.parts().to_pylist()
            return loop.rows(workspace), parts, workspace.sketches.quarantined().to_pylist(), counts

    return read


@pytest.fixture(scope="module")
def uninterrupted(children, logs, held, tmp_path_factory):
    path = tmp_path_factory.mktemp("uninterrupted") / "w"
    assert children.run(workspace=str(path), logs=logs, task="ingest") == 0
    result = held(path)
    assert len(result[0]) == 140
    assert len(result[2]) == 5
    return result


def strays(path: Path) -> list[Path]:
    """Return files that an open and a close should have removed."""
    with sqlite3.connect(f"file:{path / 'state.sqlite'}?mode=ro", uri=True) as state:
        named = {path / name for (name,) in state.execute("select path from stored_file")}
    state.close()
    return [file for file in path.rglob("*.parquet") if file not in named]


@pytest.mark.parametrize("stride", [3, pytest.param(1, marks=pytest.mark.slow)])
def test_killed_at_any_step_and_resumed_gives_what_an_uninterrupted_ingest_gives(
    children, logs, held, uninterrupted, folder, stride
):
    n_killed = 0
    for step in range(1, 10_000, stride):
        path = folder / f"w{step}"
        outcome = children.run(workspace=str(path), logs=logs, task="ingest", crash_at=step)
        if outcome == 0:
            break
        assert outcome == KILLED
        n_killed += 1
        assert children.run(workspace=str(path), logs=logs, task="ingest") == 0
        assert held(path) == uninterrupted, f"killed at step {step}"
        assert not strays(path)
    assert n_killed > 60 // stride


def test_killed_again_and_again_at_random_moments_ingest_still_ends_with_the_same_rows(
    children, logs, held, uninterrupted, folder
):
    started = time.perf_counter()
    assert children.run(workspace=str(folder / "whole"), logs=logs, task="ingest") == 0
    seconds = time.perf_counter() - started
    rng = np.random.default_rng(7)
    n_killed, path = 0, folder / "w0"
    while n_killed < N_RANDOM_KILLS:
        child = children.start(workspace=str(path), logs=logs, task="ingest")
        time.sleep(float(rng.uniform(0, seconds)))
        os.kill(child, signal.SIGKILL)
        if children.wait() == KILLED:
            n_killed += 1
            continue
        assert held(path) == uninterrupted
        path = folder / f"w{n_killed}"
    assert children.run(workspace=str(path), logs=logs, task="ingest") == 0
    assert held(path) == uninterrupted


@pytest.mark.parametrize(
    ("task", "is_gone"),
    [
        ("forget", lambda row: "'account_id': 'a3'" in row),
        ("retain", lambda row: "datetime.datetime(2026, 11, 12" not in row),
    ],
)
def test_a_killed_deletion_is_done_or_not_done_and_running_it_again_ends_it(
    task, is_gone, children, logs, held, folder
):
    ingested = folder / "ingested"
    assert children.run(workspace=str(ingested), logs=logs[1:], task="ingest") == 0
    before, parts, quarantined, counts = held(ingested)
    after = [row for row in before if not is_gone(row)]
    assert 0 < len(after) < len(before)
    n_done = n_undone = 0  # kills after which all of it was gone, or none
    for step in range(1, 10_000):
        path = folder / f"w{step}"
        shutil.copytree(ingested, path)
        outcome = children.run(workspace=str(path), logs=logs, task=task, crash_at=step)
        rows = held(path)[0]
        assert rows in (before, after), f"half done at step {step}"
        n_done, n_undone = n_done + (rows == after), n_undone + (rows == before)
        if outcome == 0:
            break
        assert outcome == KILLED
        assert children.run(workspace=str(path), logs=logs, task=task) == 0
        assert held(path) == (after, parts, quarantined, counts)
    assert n_done > 5
    assert n_undone > 5
