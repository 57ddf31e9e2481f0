import os
from pathlib import Path

import pytest

from gauger.errors import InputError
from gauger.sources import find_logs


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name in (
        "b.jsonl",
        "a.jsonl.gz",
        "deep/c.CSV",
        "deep/er/d.parquet",
        "README.md",
        ".hidden.jsonl",
        ".git/e.jsonl",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_folder_is_searched_for_logs_and_nothing_else(folder):
    assert find_logs(["."]) == ["a.jsonl.gz", "b.jsonl", "deep/c.CSV", "deep/er/d.parquet"]


def test_file_named_outright_may_be_called_anything(folder):
    assert find_logs(["README.md"]) == ["README.md"]


def test_globs_reach_into_folders(folder):
    assert find_logs(["*.jsonl*"]) == ["a.jsonl.gz", "b.jsonl"]
    assert find_logs(["**/*.parquet"]) == ["deep/er/d.parquet"]


def test_every_log_stands_once_and_the_order_of_arguments_does_not_matter(folder):
    Path("z.jsonl").symlink_to("b.jsonl")
    Path("loop").symlink_to(".")
    once = find_logs(["./b.jsonl", "deep/../b.jsonl", "z.jsonl", str(folder / "b.jsonl"), "a.jsonl.gz", "loop/b.jsonl"])
    assert len(once) == 2
    assert find_logs(["b.jsonl", "a.jsonl.gz"]) == find_logs(["a.jsonl.gz", "b.jsonl"]) == ["a.jsonl.gz", "b.jsonl"]


def test_standard_input_comes_first(folder):
    assert find_logs(["b.jsonl", "-", "a.jsonl.gz", "-"]) == ["-", "a.jsonl.gz", "b.jsonl"]


def test_file_whose_name_looks_like_a_glob_is_a_file(folder):
    (folder / "[x].jsonl").touch()
    assert find_logs(["[x].jsonl"]) == ["[x].jsonl"]


@pytest.mark.parametrize("argument", ["absent.jsonl", "*.log", "empty", "nul\0", "x" * 5000])
def test_what_matches_nothing_is_named(folder, argument):
    (folder / "empty").mkdir()
    with pytest.raises(InputError) as error:
        find_logs(["b.jsonl", argument])
    assert str(error.value.where) in argument
    assert error.value.todo


def test_folder_is_searched_for_rotated_logs_and_names_what_it_leaves_out(tmp_path):
    names = ["app.log.1", "app.jsonl.2026-01-06.gz", "app.jsonl-20260106", "app.json.2026-01-06_13.zst"]
    others = ["app.pid", "notes.1", "app.log.bak", "log"]
    for name in [*names, *others]:
        (tmp_path / name).touch()
    skipped = []
    assert find_logs([str(tmp_path)], skipped=skipped) == sorted(str(tmp_path / name) for name in names)
    assert sorted(skipped) == sorted(str(tmp_path / name) for name in others)


def test_folder_is_searched_without_tables_and_without_gaugers_own_folders(folder):
    for name in ("ws/state.sqlite", "ws/deep/x.parquet", "report/findings.json", "report/accounts.csv", "accounts.csv"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    skipped = []
    found = find_logs([str(folder)], others=[Path("accounts.csv")], skipped=skipped)
    assert [str(Path(path).relative_to(folder)) for path in found] == [
        "a.jsonl.gz",
        "b.jsonl",
        "deep/c.CSV",
        "deep/er/d.parquet",
    ]
    assert skipped == [str(folder / "README.md")]
    assert find_logs(["report/accounts.csv"]) == ["report/accounts.csv"]


def test_pipe_is_refused_with_what_to_do(tmp_path):
    os.mkfifo(tmp_path / "pipe.jsonl")
    with pytest.raises(InputError, match="standard input"):
        find_logs([str(tmp_path / "pipe.jsonl")])
