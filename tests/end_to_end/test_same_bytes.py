"""Same rows, settings, seed, time and key: the same output, byte for byte, however the rows lie."""

import gzip
import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest

#: What a scan writes that does not say where in the operator's files a row stands.
PLACELESS = ("findings.json", "accounts.parquet", "accounts.csv", "index.html", "quarantine.parquet")
ALL = (*PLACELESS, "exchanges.parquet")


@pytest.fixture(scope="module")
def lines(small_logs) -> list[bytes]:
    """The log's records, one by one."""
    return [line for path in small_logs.files for line in gzip.decompress(path.read_bytes()).splitlines(keepends=True)]


@pytest.fixture
def dealt(lines, tmp_path):
    """Writes the log's records, shuffled, into so many files, whose names say nothing of their order."""

    def write(n_files: int, *, packed: bool, seed: int = 5):
        rng = np.random.default_rng(seed)
        order = rng.permutation(len(lines))
        paths = []
        for number, places in zip(rng.permutation(n_files), np.array_split(order, n_files), strict=True):
            content = b"".join(lines[place] for place in places)
            path = tmp_path / f"part-{number}.jsonl{'.gz' if packed else ''}"
            path.write_bytes(gzip.compress(content, mtime=0) if packed else content)
            paths.append(path)
        return paths

    return write


def assert_same(one, other, names=PLACELESS) -> None:
    different = [name for name in names if (one.out / name).read_bytes() != (other.out / name).read_bytes()]
    assert different == []


def placeless_exchanges(scanned) -> list[dict]:
    table = pq.read_table(scanned.out / "exchanges.parquet").drop_columns(["source_file", "source_row"])
    return sorted(table.to_pylist(), key=lambda row: (row["finding_id"], row["request_id"]))


@pytest.mark.parametrize(
    ("n_files", "packed"), [(1, False), (3, True), (12, False)], ids=["one file", "three gzipped", "twelve"]
)
def test_the_order_of_rows_and_the_cut_into_files_change_nothing(
    n_files, packed, dealt, small_scanned, small_logs, scan
):
    scanned = scan(*dealt(n_files, packed=packed), options=small_logs.tables)
    assert "campaign" in scanned.verdicts
    assert_same(scanned, small_scanned)
    assert placeless_exchanges(scanned) == placeless_exchanges(small_scanned)


@pytest.mark.parametrize(("threads", "hash_seed"), [(1, "1"), (2, "2")])
def test_threads_and_processes_change_nothing(threads, hash_seed, small_scanned, small_logs, scan):
    scanned = scan(
        *reversed(small_logs.files),
        options=[*small_logs.tables, "--threads", threads],
        apart={"PYTHONHASHSEED": hash_seed},
    )
    assert_same(scanned, small_scanned, ALL)


def test_the_same_rows_in_gaugers_own_columns_give_the_same_findings(
    small_world, small_scanned, written, scan, tmp_path
):
    logs = written(small_world, tmp_path / "own", format="parquet")
    scanned = scan(logs.folder / "exchanges.parquet", options=logs.tables)
    own, other = scanned.document, small_scanned.document
    # LiteLLM has no column for the principal; a file of canonical columns has.
    assert own["input"].pop("columns_absent") != other["input"].pop("columns_absent")
    assert own == other
    assert_same(scanned, small_scanned, ["accounts.parquet", "accounts.csv"])


def test_another_key_names_the_same_accounts(small_scanned, small_logs, scan):
    scanned = scan(*small_logs.files, options=small_logs.tables, key=2)
    assert scanned.bytes != small_scanned.bytes
    assert scanned.accounts("campaign") == small_scanned.accounts("campaign")


def test_a_log_that_is_read_twice_under_two_names_counts_once(small_scanned, small_logs, scan, tmp_path):
    copy = tmp_path / "copy-of-a-day.jsonl"
    copy.write_bytes(gzip.decompress(small_logs.files[-1].read_bytes()))
    assert_same(scan(*small_logs.files, copy, options=small_logs.tables), small_scanned, ALL)


def test_rows_that_stand_in_two_files_count_once_and_are_told(small_scanned, small_logs, lines, scan, tmp_path):
    overlap = tmp_path / "zz-overlap.jsonl"
    overlap.write_bytes(b"".join(lines[-700:-100]))
    scanned = scan(*small_logs.files, overlap, options=small_logs.tables)
    document, other = scanned.document, small_scanned.document
    assert document["input"].pop("duplicates") == 600
    assert other["input"].pop("duplicates") == 0
    assert document == other


def test_scanning_a_workspace_again_gives_the_same_bytes(small_scanned, gauger, tmp_path):
    copy = tmp_path / "workspace"
    shutil.copytree(small_scanned.workspace, copy)
    done = gauger("scan", "--workspace", copy, "--out", tmp_path / "out", "--now", "2026-03-01T00:00:00Z")
    assert done.code == 0, done.err
    assert {
        name: (tmp_path / "out" / name).read_bytes() == (small_scanned.out / name).read_bytes() for name in ALL
    } == (dict.fromkeys(ALL, True))
