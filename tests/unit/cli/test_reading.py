"""What a run reads: logs, standard input, account tables and events, and what of them is set aside."""

import gzip
import io
import json
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from gauger.store.workspace import Workspace


@pytest.fixture
def stdin(monkeypatch):
    """Put bytes on standard input."""

    def put(data: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))

    return put


@pytest.fixture
def opened(reading):
    """Ask a workspace."""

    def ask(path: Path, what):
        with reading(path) as workspace:
            return what(workspace)

    return ask


def test_what_was_read_is_not_read_again(gauger, tiny, tmp_path):
    ws = tmp_path / "ws"
    first = gauger("ingest", *tiny.logs, "--workspace", ws)
    assert first.out == "432 exchanges read, 0 in quarantine; the workspace holds 432.\n"
    again = gauger("ingest", *tiny.logs, "--workspace", ws)
    assert again.out == "0 exchanges read, 0 in quarantine; the workspace holds 432.\n"


def test_the_workspace_comes_from_the_environment(gauger, tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("GAUGER_WORKSPACE", str(tmp_path / "elsewhere"))
    assert gauger("ingest", tiny.logs[0], "--quiet").err == ""
    assert (tmp_path / "elsewhere" / "state.sqlite").exists()


@pytest.mark.parametrize("compress", [False, True])
def test_standard_input_is_known_again_compressed_or_not(compress, gauger, tiny, tmp_path, stdin):
    data = Path(tiny.logs[1]).read_bytes()
    stdin(gzip.compress(data) if compress else data)
    shown = gauger("ingest", "-", "--workspace", tmp_path / "ws")
    assert shown.out == "144 exchanges read, 0 in quarantine; the workspace holds 144.\n"
    stdin(data)
    shown = gauger("ingest", "-", "--workspace", tmp_path / "ws")
    assert "read before" in shown.err
    assert shown.out.endswith("holds 144.\n")
    shown = gauger("ingest", tiny.logs[1], "--workspace", tmp_path / "ws")
    assert shown.out == "0 exchanges read, 0 in quarantine; the workspace holds 144.\n"


def test_damaged_standard_input_is_read_up_to_the_damage_and_quarantined(gauger, tiny, tmp_path, stdin, opened):
    whole = gzip.compress(Path(tiny.logs[1]).read_bytes(), mtime=0)
    stdin(whole[: len(whole) // 2])
    shown = gauger("ingest", "-", "--workspace", tmp_path / "ws", "--max-bad", 0.5)
    assert shown.code == 0, shown.err
    quarantine = opened(tmp_path / "ws", lambda ws: ws.sketches.quarantined())
    assert "damaged_compression" in quarantine["reason"].to_pylist()
    assert opened(tmp_path / "ws", lambda ws: ws.manifest.sources()[0].n_exchanges) > 10


def test_standard_input_comes_back_after_it_was_read(gauger, tiny, tmp_path, stdin):
    stdin(Path(tiny.logs[1]).read_bytes())
    before = sys.stdin
    gauger("ingest", "-", "--workspace", tmp_path / "ws")
    assert sys.stdin is before
    assert not before.closed


def test_rows_and_columns_of_the_account_table_that_were_not_read_are_named(gauger, tiny, tmp_path, opened):
    accounts = tmp_path / "accounts.csv"
    accounts.write_text(
        "account_id,signed_up_at,plan,shoe_size\n"
        "person-00,2025-01-01T00:00:00Z,pro,44\n"
        ",2025-01-01T00:00:00Z,pro,44\n"
        "person-01,some day,pro,44\n"
        "person-00,2025-02-01T00:00:00Z,free,44\n"
    )
    shown = gauger("ingest", tiny.logs[0], "--accounts", accounts, "--workspace", tmp_path / "ws")
    assert shown.code == 0
    assert f"{accounts}: 2 accounts read." in shown.err
    assert "columns not read: shoe_size" in shown.err
    assert "set aside 1 in column account_id (row 1; the first is 0): a required column is empty here" in shown.err
    assert "set aside 1 in column signed_up_at (row 2; the first is 0): not a time" in shown.err
    assert "(row 0; the first is 0): the account stands in a later row too" in shown.err
    kept = opened(tmp_path / "ws", lambda ws: ws.tables.accounts())
    assert dict(zip(kept["account_id"].to_pylist(), kept["plan"].to_pylist(), strict=True)) == {
        "person-00": "free",
        "person-01": "pro",
    }


def test_what_was_set_aside_of_the_tables_is_in_the_quarantine_of_the_result(gauger, tiny, tmp_path):
    events = tmp_path / "events.csv"
    events.write_text("occurred_at,kind,account_id,model\n2026-01-10,ban,person-00,\n2026-01-11,birthday,person-00,\n")
    shown = gauger("scan", *tiny.logs, "--events", events, "--out", tmp_path / "report", "--json")
    assert shown.code == 0
    assert "1 event read" in shown.err
    quarantine = pq.read_table(tmp_path / "report" / "quarantine.parquet").to_pylist()
    assert [(one["source_file"], one["row"], one["column"], one["reason"]) for one in quarantine] == [
        (str(events), 1, "kind", "unknown_kind")
    ]
    assert json.loads(shown.out)["input"]["quarantined"] == 1


def test_one_mapping_file_serves_logs_accounts_and_events(gauger, tmp_path, opened):
    log = tmp_path / "log.jsonl"
    log.write_text(
        json.dumps({"ts": "2026-01-10T10:00:00Z", "who": {"id": "acct-1"}, "said": "good day to you all"}) + "\n"
    )
    (tmp_path / "customers.csv").write_text("customer,since\nacct-1,2025-01-01\n")
    (tmp_path / "bans.csv").write_text("when,what,customer\n2026-01-11,banned,acct-1\n")
    mapping = tmp_path / "mapping.toml"
    mapping.write_text(
        'occurred_at = "ts"\naccount_id = "who.id"\nuser_prompt = "said"\n'
        '[accounts]\naccount_id = "customer"\nsigned_up_at = "since"\n'
        '[events]\noccurred_at = "when"\nkind = "what"\naccount_id = "customer"\n'
    )
    shown = gauger(
        *("ingest", log, "--mapping", mapping, "--workspace", tmp_path / "ws"),
        *("--accounts", tmp_path / "customers.csv", "--events", tmp_path / "bans.csv"),
    )
    assert shown.code == 0, shown.err
    assert shown.out.startswith("1 exchanges read")
    assert opened(tmp_path / "ws", lambda ws: ws.tables.accounts())["account_id"].to_pylist() == ["acct-1"]
    assert opened(tmp_path / "ws", lambda ws: ws.tables.events())["kind"].to_pylist() == ["ban"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('user_prompt = "said"\n[accounts]\naccount_id = "customer"\n', "lacks a required column"),
        ("[accounts]\naccount_id = 3\n", "accounts: expected lines of"),
        ('[accounts]\nshoe_size = "size"\n', "no such column"),
    ],
)
def test_a_mapping_that_cannot_be_says_where(text, said, gauger, tiny, tmp_path):
    mapping = tmp_path / "mapping.toml"
    mapping.write_text(text)
    shown = gauger(
        "ingest", tiny.logs[0], "--mapping", mapping, "--accounts", tiny.accounts, "--workspace", tmp_path / "ws"
    )
    assert shown.code == 4
    assert said in shown.err
    assert str(mapping) in shown.err or "mapping of" in shown.err


def test_lists_of_networks_and_of_disposable_mail_are_used(gauger, tiny, tmp_path, opened):
    ws = tmp_path / "ws"
    (tmp_path / "vpn.txt").write_text("198.51.3.0/24\n")
    (tmp_path / "mail.txt").write_text("throwaway.example\n")
    accounts = tmp_path / "accounts.csv"
    accounts.write_text("account_id,email\nperson-00,a@throwaway.example\nperson-01,b@example.org\n")
    assert gauger("ingest", tiny.logs[0], "--workspace", ws).code == 0
    settings = ws / "gauger.toml"
    settings.write_text(settings.read_text() + '\n[networks]\nvpn = ["../vpn.txt"]\ndisposable = ["../mail.txt"]\n')
    assert gauger("ingest", tiny.logs[1], "--workspace", ws, "--accounts", accounts).code == 0

    def classes(workspace: Workspace) -> set[str | None]:
        return {
            one
            for path in workspace.sketches.sketch_paths()
            for one in pq.ParquetFile(path).read(["network_class"])["network_class"].to_pylist()
        }

    assert opened(ws, classes) == {None, "vpn"}
    assert opened(ws, lambda one: one.tables.accounts())["is_disposable_email"].to_pylist() == [True, False]


def test_retention_follows_the_reading(gauger, tiny, tmp_path):
    shown = gauger("ingest", *tiny.logs, "--workspace", tmp_path / "ws", "--retain", 30)
    assert "Deleted for age: 432 exchanges of 14 days." in shown.err
