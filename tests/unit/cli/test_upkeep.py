"""Forgetting an account, and deleting by age."""

import io
import json
import sys

import pyarrow.parquet as pq
import pytest


def accounts_held(workspace) -> list[str]:
    files = sorted((workspace / "sketches").rglob("*.parquet"))
    return [one for path in files for one in pq.ParquetFile(path).read(["account_id"])["account_id"].to_pylist()]


def test_forgetting_deletes_everything_about_an_account_and_says_how_much(gauger, scanned):
    shown = gauger("forget", "--account", "still-03", "--yes", "--workspace", scanned.workspace)
    assert shown.code == 0
    assert "6 exchanges, 1 row of tables, 1 mention in earlier findings" in shown.out
    held = accounts_held(scanned.workspace)
    assert "still-03" not in held
    assert len(held) == 426
    assert b"still-03" not in (scanned.workspace / "state.sqlite").read_bytes()
    again = gauger("forget", "--account", "still-03", "--yes", "--workspace", scanned.workspace)
    assert again.out == "The workspace holds nothing about still-03.\n"


@pytest.mark.parametrize(("answer", "code", "n_left"), [("y\n", 0, 426), ("n\n", 0, 432), ("", 130, 432)])
def test_forgetting_asks_first(answer, code, n_left, gauger, scanned, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    shown = gauger("forget", "--account", "still-03", "--workspace", scanned.workspace)
    assert shown.code == code
    assert "cannot be undone" in shown.err
    assert len(accounts_held(scanned.workspace)) == n_left


def test_without_a_terminal_nothing_is_forgotten_unasked(gauger, scanned):
    shown = gauger("forget", "--account", "still-03", "--workspace", scanned.workspace)
    assert shown.code == 2
    assert "--yes" in shown.err
    assert len(accounts_held(scanned.workspace)) == 432


def test_an_account_is_forgotten_by_its_address(gauger, tmp_path):
    log = tmp_path / "log.jsonl"
    log.write_text('{"occurred_at": "2026-01-10T00:00:00Z", "account_id": "a@example.com", "user_prompt": "b"}\n' * 2)
    ws = tmp_path / "ws"
    assert gauger("ingest", log, "--workspace", ws).code == 0
    assert "a@example.com" not in accounts_held(ws)
    shown = gauger("forget", "--account", "a@example.com", "--yes", "--workspace", ws)
    assert "2 exchanges" in shown.out
    assert accounts_held(ws) == []


def test_retain_deletes_what_is_older(gauger, scanned):
    shown = gauger("retain", 7, "--now", "2026-01-19T00:00:00Z", "--workspace", scanned.workspace)
    assert shown.code == 0
    assert shown.out.startswith("Deleted for age: ")
    assert 0 < len(accounts_held(scanned.workspace)) < 432
    again = gauger("retain", 7, "--now", "2026-01-19T00:00:00Z", "--workspace", scanned.workspace)
    assert again.out == "Deleted for age: 0 exchanges of 0 days.\n"


def test_nothing_is_deleted_by_a_time_that_has_not_come(gauger, scanned):
    shown = gauger("retain", 7, "--now", "2199-01-01T00:00:00Z", "--workspace", scanned.workspace)
    assert shown.code == 2
    assert "in the future" in shown.err
    assert len(accounts_held(scanned.workspace)) == 432


def test_an_account_is_forgotten_by_its_key_in_the_clear(gauger, tmp_path):
    key = "sk-test-0123456789abcdef"
    log = tmp_path / "log.jsonl"
    message = {"messages": [{"role": "user", "content": "say b"}], "model": "m"}
    one = {
        "startTime": "2026-01-10T00:00:00Z",
        "request_id": "r",
        "api_key": key,
        "model": "m",
        "call_type": "completion",
    }
    log.write_text("".join(json.dumps(one | message | {"request_id": f"r{n}"}) + "\n" for n in range(2)))
    ws = tmp_path / "ws"
    shown = gauger("ingest", log, "--workspace", ws, "--format", "litellm")
    assert shown.code == 0, shown.err
    assert len(accounts_held(ws)) == 2
    assert key not in accounts_held(ws)
    shown = gauger("forget", "--account", key, "--yes", "--workspace", ws)
    assert "2 exchanges" in shown.out
    assert accounts_held(ws) == []
