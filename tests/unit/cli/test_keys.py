"""Keys on the command line: made, rotated, listed, exported, verified; never shown."""

import json

import pytest


@pytest.fixture
def workspace(gauger, tmp_path):
    path = tmp_path / "ws"
    assert gauger("keys", "new", "--campaign", "C-17", "--workspace", path).code == 0
    return path


def test_a_key_is_made_rotated_and_listed(gauger, workspace):
    rotated = gauger("keys", "rotate", "--campaign", "C-17", "--workspace", workspace)
    assert (rotated.code, rotated.err) == (0, "")
    assert rotated.out.startswith("Key C-17/2 is committed to, 20")
    table = gauger("keys", "list", "--workspace", workspace).out
    shown_keys = [line.split()[:3] for line in table.splitlines()[2:]]
    assert shown_keys == [["C-17/1", "gumbel", "1"], ["C-17/2", "gumbel", "1"]]
    listed = json.loads(gauger("keys", "list", "--json", "--workspace", workspace).out)
    assert [(one["campaign"], one["rotation"]) for one in listed] == [("C-17", 1), ("C-17", 2)]


def test_a_campaign_with_a_key_is_rotated_and_not_made_again(gauger, workspace):
    shown = gauger("keys", "new", "--campaign", "C-17", "--workspace", workspace)
    assert shown.code == 2
    assert "gauger keys rotate --campaign C-17" in shown.err


def test_a_wide_context_is_warned_of(gauger, workspace):
    shown = gauger("keys", "new", "--campaign", "C-18", "--context", "4", "--workspace", workspace)
    assert shown.code == 0
    assert "students hardly learn the mark" in shown.err


def test_a_share_of_green_tokens_belongs_to_kgw(gauger, tmp_path):
    shown = gauger("keys", "new", "--campaign", "a", "--gamma", "0.5", "--workspace", tmp_path / "ws")
    assert shown.code == 2
    assert "--gamma" in shown.err


def test_an_exported_key_is_private_and_nothing_of_it_is_printed(gauger, workspace, tmp_path):
    out = tmp_path / "c-17.json"
    shown = gauger("keys", "export", "--campaign", "C-17", "--out", out, "--workspace", workspace)
    written = json.loads(out.read_text())
    assert out.stat().st_mode & 0o777 == 0o600
    assert (written["algorithm"], written["context_width"]) == ("gumbel", 1)
    assert str(written["key"]) not in shown.out + shown.err
    again = gauger("keys", "export", "--campaign", "C-17", "--out", out, "--workspace", workspace)
    assert again.code == 2


def test_a_log_that_holds_is_said_to_and_one_that_does_not_exits_with_4(gauger, workspace):
    log = workspace / "keys" / "commitments.jsonl"
    shown = gauger("keys", "commit-log", "verify", "--workspace", workspace)
    assert shown.code == 0
    assert "The log holds: 1 key" in shown.out
    public_key = json.loads(log.read_text())["public_key"]
    assert gauger("keys", "commit-log", "verify", log, "--public-key", public_key).code == 0
    assert gauger("keys", "commit-log", "verify", log, "--public-key", "00" * 32).code == 4
    assert gauger("keys", "commit-log", "verify", log, "--public-key", "zz").code == 2
    log.write_text(log.read_text().replace("gumbel", "gumbbl"))
    for given in ((), (log,)):
        broken = gauger("keys", "commit-log", "verify", *given, "--workspace", workspace)
        assert broken.code == 4
        assert "line 1" in broken.err


def test_a_passphrase_from_the_environment_opens_and_nothing_else_does(gauger, tmp_path, monkeypatch):
    monkeypatch.setenv("GAUGER_VAULT_PASSPHRASE", "correct horse")
    path = tmp_path / "ws"
    assert gauger("keys", "new", "--campaign", "a", "--workspace", path).code == 0
    assert gauger("keys", "commit-log", "verify", "--workspace", path).code == 0
    monkeypatch.delenv("GAUGER_VAULT_PASSPHRASE")
    shown = gauger("keys", "list", "--workspace", path)
    assert shown.code == 4
    assert "GAUGER_VAULT_PASSPHRASE" in shown.err
    assert "correct horse" not in shown.err
