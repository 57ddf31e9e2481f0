"""A topic of Kafka over librdkafka's own mock cluster, and over a real broker where the environment names one."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
import uuid
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from gauger.errors import InputError, UsageError
from gauger.exchanges.networks import NetworkTable
from gauger.exchanges.pseudonyms import derive_keys
from gauger.ingestion import ingest_partition
from gauger.settings import Settings
from gauger.sources import ReadOptions
from gauger.sources.kafka import opened_topic
from gauger.sources.partitions import Topic
from gauger.store.filling import Sketching
from gauger.store.keys import create_master_key
from gauger.store.workspace import Workspace

NOW = datetime(2026, 3, 1, tzinfo=UTC)
#: As many as the mock gives a topic.
N_PARTITIONS = 4


@pytest.fixture(scope="module", params=["mock", "real"])
def brokers(request):
    """Addresses of brokers that know no topics yet."""
    if request.param == "real":
        if not os.environ.get("GAUGER_TEST_KAFKA"):
            pytest.skip("not run: GAUGER_TEST_KAFKA names no broker")
        yield os.environ["GAUGER_TEST_KAFKA"]
        return
    host = Producer({"bootstrap.servers": "unused", "test.mock.num.brokers": 1, "log_level": 0})
    listed = host.list_topics(timeout=10).brokers.values()
    yield ",".join(f"{one.host}:{one.port}" for one in listed)
    del host


@pytest.fixture
def topic(brokers) -> str:
    name = f"gauger-{uuid.uuid4().hex[:8]}"
    admin = AdminClient({"bootstrap.servers": brokers, "log_level": 0})
    if os.environ.get("GAUGER_TEST_KAFKA") == brokers:
        admin.create_topics([NewTopic(name, N_PARTITIONS, 1)])[name].result(15)
    else:  # the mock makes a topic when it is asked for
        admin.list_topics(name, timeout=10)
    return f"kafka://{brokers}/{name}"


def send(topic: str, records: list[dict | bytes], *, partition: int = 0) -> None:
    found = Topic.of(topic)
    producer = Producer({"bootstrap.servers": found.brokers, "log_level": 0})
    for one in records:
        value = one if isinstance(one, bytes) or one is None else json.dumps(one).encode()
        producer.produce(found.name, value=value, partition=partition)
        producer.poll(0)
    assert producer.flush(20) == 0


def record(number: int, minutes: float | None = None) -> dict:
    moment = datetime.fromtimestamp(1_767_225_600 + 60 * (number if minutes is None else minutes), UTC)
    return {
        "request_id": f"r-{number}",
        "occurred_at": moment.isoformat(),
        "account_id": f"a-{number % 7}",
        "user_prompt": f"quince number {number}",
    }


@contextmanager
def workspace_of(path):
    with Workspace.open(path, create=True, now=NOW, random_bytes=lambda n: bytes(range(n))) as workspace:
        yield workspace


@pytest.fixture
def how() -> Sketching:
    return Sketching(derive_keys(bytes(range(32))), NetworkTable(), Settings(), threads=1)


def ids(workspace) -> list[str]:
    return sorted(
        one
        for paths in workspace.sketches.pieces().values()
        for one in workspace.sketches.piece(paths)["request_id"].to_pylist()
    )


def test_each_message_counts_once_however_often_reading_goes_on(topic, how, tmp_path):
    options, sent = ReadOptions(), 0
    for size in (40, 0, 25):
        send(topic, [record(k) for k in range(sent, sent + size)])
        sent += size
        with workspace_of(tmp_path / "w") as workspace, opened_topic(topic, {}) as reader:
            assert reader.partitions() == list(range(N_PARTITIONS))
            n_pieces = 0
            while ingest_partition(workspace, reader, 0, options=options, how=how, now=NOW):
                n_pieces += 1
            assert n_pieces == (size > 0)
            assert ids(workspace) == sorted(f"r-{k}" for k in range(sent))
    with workspace_of(tmp_path / "w") as workspace:
        assert workspace.manifest.plan_partition(Topic.of(topic).feed(0), reading=options.fingerprint).row == sent


def test_what_is_no_record_is_in_quarantine_with_its_offset(topic, how, tmp_path):
    send(topic, [record(0), b"not json", None, record(1), b"x" * 3_000])
    options = ReadOptions(max_record_bytes=2_000)
    with workspace_of(tmp_path / "w") as workspace, opened_topic(topic, {}) as reader:
        assert ingest_partition(workspace, reader, 0, options=options, how=how, now=NOW)
        assert ids(workspace) == ["r-0", "r-1"]
        left = workspace.sketches.quarantined()
        assert left["row"].to_pylist() == [1, 4]
        assert left["reason"].to_pylist() == ["not_json", "record_too_long"]


def test_batches_are_bounded(topic):
    send(topic, [record(k) for k in range(50)])
    with opened_topic(topic, {}) as reader:
        found = list(reader.batches(0, ReadOptions(), start_offset=5, max_rows=20))
    assert [(len(one.exchanges), one.end_offset) for one in found] == [(20, 25), (20, 45), (5, 50)]


def test_an_offset_that_is_not_there_and_an_unknown_topic_are_told(topic, brokers):
    send(topic, [record(0)])
    with opened_topic(topic, {}) as reader, pytest.raises(InputError, match="not there any more"):
        list(reader.batches(0, ReadOptions(), start_offset=99))
    with pytest.raises(UsageError, match="no topic"):
        Topic.of("kafka://broker")
    with pytest.raises(UsageError, match="refuses its options"), opened_topic(topic, {"no.such.option": "1"}):
        pass
    assert brokers


def recorded(workspace) -> list[tuple]:
    with sqlite3.connect(f"file:{workspace / 'state.sqlite'}?mode=ro", uri=True) as state:
        rows = state.execute("select hours, start_us, n_items, score, p_value, value from watch_stretch order by id")
        found = rows.fetchall()
    state.close()
    return found


def start(topic: str, workspace, *options: str) -> subprocess.Popen:
    command = [sys.executable, "-m", "gauger", "watch", topic, "--workspace", workspace, "--poll", "0.05", *options]
    return subprocess.Popen([str(one) for one in command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def test_watched_while_it_grows_and_killed_it_records_what_one_that_sees_all_at_once_records(topic, tmp_path):
    rng = np.random.default_rng(8)
    n = 1_600
    minutes = np.sort(rng.uniform(0, 20 * 60, n)) + rng.exponential(2, n)
    records = [record(k, float(one)) for k, one in enumerate(minutes)]
    partition = rng.integers(0, N_PARTITIONS, n)
    for name in ("whole", "killed"):
        (tmp_path / name).mkdir(mode=0o700)
        create_master_key(tmp_path / name / "keys" / "master.key", random_bytes=np.random.default_rng(1).bytes)
    for begin, end in pairwise([0, 300, 500, 900, 1_300, n]):
        for number in range(N_PARTITIONS):
            send(topic, [records[k] for k in range(begin, end) if partition[k] == number], partition=number)
        process = start(topic, tmp_path / "killed")
        time.sleep(float(rng.uniform(2, 6)))
        process.kill()
        _, err = process.communicate(timeout=30)
        assert process.returncode == -signal.SIGKILL, err.decode()
    for name in ("whole", "killed"):
        last = start(topic, tmp_path / name, "--once")
        _, err = last.communicate(timeout=120)
        assert last.returncode == 0, err.decode()
    assert len(recorded(tmp_path / "whole")) > 15
    assert recorded(tmp_path / "killed") == recorded(tmp_path / "whole")
    with workspace_of(tmp_path / "killed") as workspace:
        assert ids(workspace) == sorted(f"r-{k}" for k in range(n))
