"""A log that is ingested piece by piece, in any order, gives the findings of one that is ingested at once."""

import gzip
import json

import numpy as np
import pyarrow.parquet as pq
import pytest

RESULTS = ("findings.json", "accounts.parquet", "accounts.csv", "exchanges.parquet", "index.html", "quarantine.parquet")
NOW = "2026-03-01T00:00:00Z"


@pytest.fixture
def assert_same_findings(small_scanned, gauger, tmp_path):
    def check(workspace, names=RESULTS) -> None:
        out = tmp_path / "out"
        done = gauger("scan", "--workspace", workspace, "--out", out, "--now", NOW)
        assert done.code == 0, done.err
        assert [name for name in names if (out / name).read_bytes() != (small_scanned.out / name).read_bytes()] == []

    return check


def test_one_command_a_day(keyed_workspace, small_logs, gauger, assert_same_findings):
    for path in small_logs.files:
        assert gauger("ingest", path, "--workspace", keyed_workspace).code == 0
    assert gauger("ingest", small_logs.files[0], "--workspace", keyed_workspace, *small_logs.tables).code == 0
    assert_same_findings(keyed_workspace)


def nameless(document: dict) -> dict:
    """The document without identities: those that an earlier scan gave are kept, so they tell the history."""
    for finding in document["findings"]:
        del finding["finding_id"]
    return document


def test_days_in_any_order_with_scans_in_between(keyed_workspace, small_logs, small_scanned, gauger, tmp_path):
    days = np.random.default_rng(3).permutation(len(small_logs.files))
    options = ["--workspace", keyed_workspace, "--out", tmp_path / "out", "--now", NOW, *small_logs.tables]
    for places in np.array_split(days, 3):
        done = gauger("scan", *(small_logs.files[place] for place in places), *options)
        assert done.code == 0, done.err
    found = json.loads((tmp_path / "out" / "findings.json").read_bytes())
    assert nameless(found) == nameless(small_scanned.document)


@pytest.fixture
def grown(keyed_workspace, small_logs, gauger, tmp_path):
    """A workspace that read one log four times while it grew, cut anywhere, also in the middle of a record."""
    content = b"".join(gzip.decompress(path.read_bytes()) for path in small_logs.files)
    log = tmp_path / "growing.jsonl"
    cuts = sorted(np.random.default_rng(4).integers(0, len(content), 3).tolist())
    assert not any(content[:cut].endswith(b"\n") for cut in cuts)
    for end in (*cuts, len(content)):
        log.write_bytes(content[:end])
        done = gauger("ingest", log, "--workspace", keyed_workspace, *small_logs.tables)
        assert done.code == 0, done.err
    return keyed_workspace


def test_a_log_that_grows_is_read_on_where_it_ended(grown, assert_same_findings):
    assert_same_findings(grown, ["findings.json", "quarantine.parquet"])


def test_a_record_that_is_still_not_whole_is_in_the_quarantine_once(keyed_workspace, small_logs, gauger, tmp_path):
    content = gzip.decompress(small_logs.files[0].read_bytes())
    log, end = tmp_path / "growing.jsonl", content.index(b"\n", 5_000) + 200
    for more in (0, 50, 90):
        log.write_bytes(content[: end + more])
        assert gauger("ingest", log, "--workspace", keyed_workspace).code == 0
    assert gauger("scan", "--workspace", keyed_workspace, "--out", tmp_path / "out").code == 0
    left = pq.read_table(tmp_path / "out" / "quarantine.parquet")
    assert left["reason"].to_pylist() == ["incomplete_last_record"]
    assert left["byte_length"].to_pylist() == [290 - 1]


def test_a_log_that_is_exported_anew_under_its_name_adds_only_what_is_new(keyed_workspace, gauger, tmp_path):
    def record(number: int, **more: object) -> str:
        moment = f"2026-01-{1 + number % 9:02d}T00:00:00Z"
        row = {"request_id": f"r-{number}", "occurred_at": moment, "account_id": f"a-{number % 7}"}
        return json.dumps(row | {"user_prompt": f"quince {number}"} | more) + "\n"

    log = tmp_path / "log.jsonl"
    for exported in (
        [record(n) for n in range(200)],
        [record(n, another_column=1) for n in range(210)],
        [record(n).replace('"request_id"', '"nameless"') for n in range(210)],
        [record(n, another_column=1).replace('"request_id"', '"nameless"') for n in range(220)],
    ):
        log.write_text("".join(exported))
        assert gauger("ingest", log, "--workspace", keyed_workspace).code == 0
    done = gauger("scan", "--workspace", keyed_workspace, "--out", tmp_path / "out", "--json")
    assert done.code == 0, done.err
    found = json.loads(done.out)["input"]
    assert (found["exchanges"], found["duplicates"]) == (210 + 220, 200 + 210)
