import csv
import io
import os
import stat
import threading
from datetime import datetime, timedelta, timezone

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gauger.errors import UsageError, WorkspaceError
from gauger.store.results import csv_bytes, publish

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def test_bytes_files_and_tables_are_published(tmp_path):
    (tmp_path / "source").write_bytes(b"copied")
    table = pa.table({"x": [1, 2]})
    out = tmp_path / "results"
    publish(out, {"a.parquet": table, "assets/x.js": tmp_path / "source", "findings.json": b"{}"})
    assert pq.ParquetFile(out / "a.parquet").read().equals(table)
    assert (out / "assets/x.js").read_bytes() == b"copied"
    assert (out / "findings.json").read_bytes() == b"{}"
    assert {p.name for p in out.iterdir()} == {"a.parquet", "assets", "findings.json"}


def test_results_are_for_their_owner_alone(tmp_path):
    before = os.umask(0)
    try:
        publish(tmp_path / "results", {"a/b.json": b"{}", "c.parquet": pa.table({"x": [1]})})
    finally:
        os.umask(before)
    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in [tmp_path / "results", *(tmp_path / "results").rglob("*")]}
    assert modes == {"results": 0o700, "a": 0o700, "b.json": 0o600, "c.parquet": 0o600}


def test_other_files_in_the_folder_stay(tmp_path):
    (tmp_path / ".workspace").mkdir()
    (tmp_path / "notes.txt").write_text("mine")
    publish(tmp_path, {"findings.json": b"1"})
    publish(tmp_path, {"findings.json": b"2"})
    assert {p.name for p in tmp_path.iterdir()} == {".workspace", "notes.txt", "findings.json"}
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert (tmp_path / "findings.json").read_bytes() == b"2"


def test_a_folder_that_was_there_keeps_its_mode(tmp_path):
    tmp_path.chmod(0o755)
    publish(tmp_path, {"findings.json": b"1"})
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/../../x", "", ".", ".incoming/x", "a\0b"])
def test_a_name_that_leads_out_is_refused_before_anything_is_written(tmp_path, name):
    with pytest.raises(UsageError):
        publish(tmp_path / "results", {"good": b"1", name: b"2"})
    assert not (tmp_path / "results").exists()


def test_a_failure_leaves_the_old_results_whole(tmp_path):
    publish(tmp_path / "results", {"a.json": b"old", "b.json": b"old"})
    with pytest.raises(WorkspaceError):
        publish(tmp_path / "results", {"a.json": b"new", "b.json": tmp_path / "missing"})
    assert {p.name: p.read_bytes() for p in (tmp_path / "results").iterdir()} == {"a.json": b"old", "b.json": b"old"}


def test_what_a_crash_left_is_removed(tmp_path):
    (tmp_path / ".incoming/deep").mkdir(parents=True)
    (tmp_path / ".incoming/deep/x").write_text("half")
    publish(tmp_path, {"a.json": b"1"})
    assert {p.name for p in tmp_path.iterdir()} == {"a.json"}


def test_a_reader_never_sees_half_a_file(tmp_path):
    contents = [bytes([65 + i]) * (1 << 20) for i in range(4)]
    publish(tmp_path, {"findings.json": contents[0]})
    seen, done = set(), threading.Event()

    def read():
        while not done.is_set():
            seen.add((tmp_path / "findings.json").read_bytes())

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for i in range(1, 13):
            publish(tmp_path, {"findings.json": contents[i % 4]})
    finally:
        done.set()
        reader.join()
    assert seen <= set(contents)
    assert len(seen) > 1


def rows_of(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode(), newline="")))


TEXT = st.one_of(st.characters(exclude_categories=("Cs", "Cc")), st.sampled_from("\t\r\n"))


@given(st.lists(st.text(TEXT), max_size=8))
def test_no_cell_of_text_starts_a_formula_and_none_loses_anything(texts):
    cells = [row[0] for row in rows_of(csv_bytes(pa.table({"t": pa.array(texts, pa.string())})))[1:]]
    assert not any(cell.startswith(FORMULA_STARTS) for cell in cells)
    assert [
        c.removeprefix("'") if t.startswith(FORMULA_STARTS) else c for c, t in zip(cells, texts, strict=True)
    ] == texts


def test_what_a_terminal_would_obey_is_replaced():
    data = csv_bytes(pa.table({"a": ["\x1b[2Jgone\x07\x9b", "one\ntwo\tthree"]}))
    assert rows_of(data)[1:] == [["\ufffd[2Jgone\ufffd\ufffd"], ["one\ntwo\tthree"]]


@pytest.mark.parametrize("start", FORMULA_STARTS)
def test_every_start_of_a_formula_gets_an_apostrophe(start):
    data = csv_bytes(pa.table({"account_id": [f"{start}cmd|' /C calc'!A0"]}))
    assert rows_of(data)[1][0].startswith(f"'{start}")


def test_text_is_quoted_so_that_another_separator_opens_no_cell():
    assert csv_bytes(pa.table({"a": ["x;=1+1"]})) == b'"a"\r\n"x;=1+1"\r\n'


def test_numbers_times_lists_and_nulls_in_csv():
    moment = datetime(2026, 11, 20, 13, tzinfo=timezone(timedelta(hours=1)))
    table = pa.table(
        {
            "n": [-3, None],
            "x": [0.5, -1e-9],
            "b": [True, None],
            "at": pa.array([moment, None], pa.timestamp("us", "UTC")),
            "l": [["=a", "b"], []],
        }
    )
    assert csv_bytes(table) == (
        b'"n","x","b","at","l"\r\n-3,0.5,"true","2026-11-20T12:00:00Z","\'=a, b"\r\n"",-1e-09,"","",""\r\n'
    )
