"""Logs on a real server of S3: found, read and known as the same logs are on this machine."""

import gzip
import json
import os
import string
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.object_store import forget_connections, wire_to

from gauger.errors import InputError
from gauger.exchanges.networks import NetworkTable
from gauger.exchanges.pseudonyms import derive_keys
from gauger.ingestion import ingest, ingest_apart, replanned, unread
from gauger.settings import Settings
from gauger.sources import ReadOptions, find_logs, load_mapping, read_log
from gauger.store.apart import Recipe, Wanted, reported, reports
from gauger.store.filling import Sketching
from gauger.store.workspace import Workspace

FIXTURES = Path(__file__).parents[1] / "fixtures" / "logs"
NOW = datetime(2026, 3, 1, tzinfo=UTC)
OPTIONS = ReadOptions()


def lines(first: int, n: int, *, noise: int = 0) -> bytes:
    """Return n records; `noise` makes them long, and hard to compress."""
    letters, rng = np.array(list(string.ascii_lowercase)), np.random.default_rng(first)
    records = [
        {
            "request_id": f"r-{k}",
            "account_id": f"a-{k % 7}",
            "occurred_at": f"2026-02-0{1 + k % 9}T10:00:00Z",
            "user_prompt": f"question {k} " + "".join(rng.choice(letters, noise)),
        }
        for k in range(first, first + n)
    ]
    return b"".join(json.dumps(one).encode() + b"\n" for one in records)


def as_parquet(data: bytes) -> bytes:
    held = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist([json.loads(line) for line in data.splitlines()]), held, row_group_size=100)
    return held.getvalue().to_pybytes()


PACKED = {
    "jsonl": lambda data: data,
    "jsonl.gz": gzip.compress,
    "jsonl.zst": lambda data: pa.Codec("zstd").compress(data, asbytes=True),
    "parquet": as_parquet,
}


@pytest.fixture(scope="module")
def how():
    return Sketching(derive_keys(bytes(32)), NetworkTable(), Settings(), threads=1)


@pytest.fixture
def workspace(tmp_path):
    with Workspace.open(tmp_path / "w", create=True, now=NOW, random_bytes=os.urandom) as opened:
        yield opened


@pytest.fixture
def take_in(workspace, how):
    """Ingest a log; `then` is called when it was read, before it counts."""

    def run(log, then=lambda: None):
        return ingest(workspace, log, options=OPTIONS, how=how, now=NOW, progress=lambda *_: then())

    return run


def held(workspace) -> list[int]:
    """Return the numbers of the records that count, sorted, once for each time they do."""
    tables = [pq.ParquetFile(path).read(["request_id"]) for path in workspace.sketches.sketch_paths()]
    return sorted(int(one.removeprefix("r-")) for table in tables for one in table["request_id"].to_pylist())


def quarantined(workspace) -> int:
    return workspace.sketches.quarantined().num_rows


# Finding


@pytest.fixture
def tree(store, tmp_path, monkeypatch):
    """The same files here, in the current folder, and in the bucket."""
    names = """a.jsonl b.csv.gz .hidden.jsonl notes.txt day=1/a.jsonl day=1/b.parquet day=1/.x/c.jsonl day=2/a.jsonl.zst
        day=2/deep/er/a.log.1 old/state.sqlite old/a.jsonl with[brackets]/a.jsonl sp%20ce/a.jsonl"""
    for name in names.split():
        store.put(name, b"{}\n")
        (tmp_path / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "tree" / name).write_bytes(b"{}\n")
    monkeypatch.chdir(tmp_path / "tree")


@pytest.mark.parametrize(
    "argument",
    [
        ".", "day=1", "day=1/", "a.jsonl", "notes.txt", "*", "*.jsonl", "*/*.jsonl", "**/*.jsonl", "**", "day=*/**/a*",
        "day=[12]/a.*", "day=?/deep/*/*", ".h*", "day=1/.x/*", "day=1/.x", "with[brackets]/a.jsonl", "sp%20ce/*",
        "**/deep/**/*",
    ],
)  # fmt: skip
def test_folders_and_globs_find_what_they_find_here(tree, argument):
    skipped_here, skipped_there = list[str](), list[str]()
    here = find_logs([argument], skipped=skipped_here)
    there = find_logs([f"s3://bucket/{'' if argument == '.' else argument}"], skipped=skipped_there)
    assert there == [f"s3://bucket/{name}" for name in here]
    assert sorted(skipped_there) == sorted(f"s3://bucket/{name}" for name in skipped_here)


def test_a_log_has_one_name_whatever_calls_it(tree, tmp_path):
    assert find_logs(["s3a://bucket/a.jsonl", "s3://bucket/*.jsonl", "s3://bucket/a.jsonl"]) == ["s3://bucket/a.jsonl"]
    assert find_logs([(tmp_path / "tree/sp%20ce").as_uri()]) == [str(tmp_path / "tree/sp%20ce/a.jsonl")]


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("s3://bucket/none*", "no log is here"),
        ("s3://bucket/none", "no log is here"),
        ("s3://no-such-bucket/x", "no such bucket"),
        ("s3://no-such-bucket/*", "no such bucket"),
        ("s3://key:secret@bucket/x", "no address"),
        ("ftp://host/x", "no address"),
        ("file://host/x", "another machine"),
    ],
)
def test_what_is_not_there_is_told(store, argument, message):
    with pytest.raises(InputError, match=message) as raised:
        find_logs([argument])
    assert "secret" not in str(raised.value)


# Reading


@pytest.mark.parametrize("name", sorted(path.name for path in FIXTURES.iterdir() if path.suffix != ".toml"))
def test_every_format_gives_the_rows_it_gives_here(store, name):
    data = (FIXTURES / name).read_bytes()
    options = ReadOptions(mapping=load_mapping(FIXTURES / "mapping.toml") if name.startswith("mapped") else None)
    address = store.put(name, data)
    here = list(read_log(str(FIXTURES / name), options=options, name=address))
    there = list(read_log(address, options=options))
    assert len(here) == len(there) > 0
    for one, other in zip(here, there, strict=True):
        assert one.exchanges.equals(other.exchanges)
        assert one.quarantined.equals(other.quarantined)
        assert (one.content is None) == (other.content is None)
        assert one.content is None or one.content.mark() == other.content.mark()


@pytest.mark.parametrize("kind", PACKED)
def test_a_log_is_read_once_and_read_on_when_it_grew(store, workspace, take_in, kind):
    name = f"log.{kind}"
    assert take_in(store.put(name, PACKED[kind](lines(0, 300)))).action == "continue"
    assert take_in(f"s3://bucket/{name}").action == "skip"
    store.put(f"copy-of-{name}", PACKED[kind](lines(0, 300)))
    assert take_in(f"s3://bucket/copy-of-{name}").action == "skip"
    assert held(workspace) == list(range(300))
    if kind != "parquet":  # which does not grow
        assert take_in(store.put(name, PACKED[kind](lines(0, 300) + lines(300, 50)))).action == "continue"
        assert held(workspace) == list(range(350))
        take_in(store.put("rotated.gz", gzip.compress(lines(0, 300) + lines(300, 50))))
        assert held(workspace) == list(range(350))
    assert quarantined(workspace) == 0


def test_the_same_log_here_and_there_is_one_log(store, workspace, take_in, tmp_path):
    (tmp_path / "log.jsonl").write_bytes(lines(0, 100))
    take_in(str(tmp_path / "log.jsonl"))
    assert take_in(store.put("log.jsonl", lines(0, 100))).action == "skip"
    take_in(store.put("log.jsonl", lines(0, 100) + lines(100, 10)))
    assert held(workspace) == list(range(110))


@pytest.mark.parametrize("kind", PACKED)
def test_of_an_object_that_is_replaced_while_it_is_read_nothing_counts(store, workspace, take_in, kind):
    name, pack = f"log.{kind}", PACKED[kind]
    address = store.put(name, pack(lines(0, 300)))
    with pytest.raises(InputError, match="changed while it was read"):
        take_in(address, then=lambda: store.put(name, pack(lines(1000, 300))))
    assert held(workspace) == []
    take_in(address)
    assert held(workspace) == list(range(1000, 1300))


def test_of_an_object_that_vanishes_while_it_is_read_nothing_counts(store, workspace, take_in):
    address = store.put("log.jsonl", lines(0, 300))
    with pytest.raises(InputError, match="no such object"):
        take_in(address, then=lambda: store.remove("log.jsonl"))
    assert held(workspace) == []


def test_an_object_that_is_replaced_while_others_read_it_is_read_again(store, workspace, how, tmp_path):
    addresses = [store.put("a.jsonl", lines(0, 50)), store.put("b.jsonl", lines(50, 50))]
    take_apart(workspace, how, addresses, then=lambda: store.put("b.jsonl", lines(500, 50)))
    assert held(workspace) == [*range(50), *range(500, 550)]


def test_what_others_read_is_known_again_and_read_on(store, workspace, how):
    addresses = [store.put("a.jsonl", lines(0, 50)), store.put("b.jsonl.gz", gzip.compress(lines(50, 50)))]
    take_apart(workspace, how, addresses)
    assert unread(workspace, addresses, reading=OPTIONS.fingerprint) == ([], None)
    store.put("a.jsonl", lines(0, 50) + lines(100, 5))
    store.put("b.jsonl.gz", gzip.compress(lines(50, 50) + lines(200, 5)))
    take_apart(workspace, how, addresses)
    assert held(workspace) == [*range(105), *range(200, 205)]
    assert unread(workspace, addresses, reading=OPTIONS.fingerprint) == ([], None)


def take_apart(workspace, how, logs, then=lambda: None):
    """Ingest logs as other processes do, here; `then` is called when they were read."""
    recipe = Recipe(workspace.path, {}, Path.cwd(), how.settings, OPTIONS, None)

    def read_apart(plans, _options):
        staged = [reported(list(reports(Wanted.by(plan), recipe, how))) for plan in plans]
        then()
        return staged

    found, error = unread(workspace, logs, reading=OPTIONS.fingerprint)
    assert error is None
    ingest_apart(workspace, found, read_apart=read_apart, options=OPTIONS, how=how, now=NOW, taken=lambda _log: None)


# What can go wrong on the way


def test_refused_keys_are_told_and_not_shown(store, take_in):
    address = store.put("log.jsonl", lines(0, 10))
    with store.keys_refused():
        for attempt in (lambda: take_in(address), lambda: find_logs(["s3://bucket/*"]), lambda: find_logs([address])):
            with pytest.raises(InputError, match="access is denied") as raised:
                attempt()
            assert store.environment["AWS_SECRET_ACCESS_KEY"] not in str(raised.value)
            assert "credentials" in raised.value.todo


@pytest.fixture
def wire(store, monkeypatch):
    """A relay between this process and the store."""
    with wire_to(store) as opened:
        monkeypatch.setenv("AWS_ENDPOINT_URL", opened.url)
        forget_connections()
        yield opened


@pytest.mark.parametrize("kind", PACKED)
def test_a_connection_that_is_cut_is_taken_up_again(store, wire, workspace, take_in, kind):
    address = store.put(f"log.{kind}", PACKED[kind](lines(0, 300, noise=3000)))
    wire.cut_after, wire.n_cuts_left = 100_000, 2
    take_in(address)
    assert wire.n_cut == 2
    assert held(workspace) == list(range(300))
    assert quarantined(workspace) == 0


@pytest.mark.parametrize("kind", PACKED)
def test_of_an_object_that_does_not_come_through_nothing_counts(store, wire, workspace, take_in, kind):
    address = store.put(f"log.{kind}", PACKED[kind](lines(0, 300, noise=3000)))
    wire.cut_after = 200_000
    with pytest.raises(InputError, match="connection failed"):
        take_in(address)
    assert (held(workspace), quarantined(workspace), workspace.manifest.sources()) == ([], 0, [])
    wire.cut_after = None
    take_in(address)
    assert held(workspace) == list(range(300))


@pytest.mark.parametrize(
    ("kind", "n", "times"),
    [("jsonl", 4000, 1.3), ("jsonl", 20, 3.2), ("parquet", 1000, 2.3)],  # planned, planned again, read
)
def test_how_often_the_objects_come_over_the_wire(store, wire, workspace, how, kind, n, times):
    packed = [PACKED[kind](lines(first, n, noise=5000)) for first in (0, n)]
    addresses = [store.put(f"{k}.{kind}", one) for k, one in enumerate(packed)]
    found, _ = unread(workspace, addresses, reading=OPTIONS.fingerprint)
    for log in found:
        plan = replanned(workspace, log)
        ingest(workspace, log.plan.name, options=OPTIONS, how=how, now=NOW, progress=lambda *_: None, plan=plan)
    assert wire.n_bytes < times * sum(map(len, packed))
    assert held(workspace) == list(range(2 * n))


def test_a_server_that_is_not_there_is_told(store, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    forget_connections()
    with pytest.raises(InputError, match="connection failed"):
        find_logs(["s3://bucket/*"])


def test_a_log_that_is_followed_by_another_plan_keeps_its_stamp(store, workspace, take_in):
    """The plan of reading on is that of the object as it lay there: another that has its name is told."""
    address = store.put("log.jsonl", lines(0, 10))
    rest = take_in(address)
    store.put("log.jsonl", lines(50, 10))
    with pytest.raises(InputError, match="changed"):
        rest.require_unchanged()
    assert replace(rest, stamp=None).require_unchanged() is None
