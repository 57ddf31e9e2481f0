"""The vault and the commitment log: private, encrypted, in step, and safe wherever a crash falls."""

import os
from datetime import UTC, datetime, timedelta

import pytest

from gauger.errors import SettingsError, UsageError
from gauger.proof.commitments import read_log
from gauger.proof.keys import Terms, commitment
from gauger.store import watermark_keys
from gauger.store.vault import Opening
from gauger.store.watermark_keys import LOG_FILE, VAULT_FILE, WatermarkKeys

NOW = datetime(2026, 3, 1, tzinfo=UTC)
MASTER = bytes(range(32))
TERMS = Terms(scheme="gumbel", context=1)


@pytest.fixture
def keys(tmp_path):
    return WatermarkKeys(tmp_path / "keys", Opening(MASTER, None))


def add(keys, campaign="C-1", terms=TERMS, day=0):
    return keys.add(campaign, terms, now=NOW + timedelta(days=day), random_bytes=os.urandom)


def test_keys_are_found_again_and_are_those_that_were_committed_to(keys):
    made = [add(keys), add(keys, "C-2"), add(keys, terms=None, day=1)]
    assert keys.entries() == made
    assert [one.name for one in made] == ["C-1/1", "C-2/1", "C-1/2"]
    assert len({keys.key(one) for one in made}) == 3
    for one in made:
        assert commitment(keys.key(one), one.campaign, one.rotation, one.terms) == one.commitment


def test_a_folder_without_keys_has_none(keys):
    assert keys.entries() == []


def test_files_are_private_and_hold_no_secret_in_the_clear(keys):
    entry = add(keys)
    key = keys.key(entry)
    for name in (VAULT_FILE, LOG_FILE):
        path = keys.folder / name
        assert path.stat().st_mode & 0o777 == 0o600
        assert key.hex() not in path.read_text()
        assert MASTER.hex() not in path.read_text()
    assert sorted(path.name for path in keys.folder.iterdir()) == sorted([VAULT_FILE, LOG_FILE])


def test_the_vault_opens_with_its_own_master_key_and_passphrase_alone(keys):
    secret = WatermarkKeys(keys.folder, Opening(MASTER, b"correct horse"))
    add(secret)
    assert len(secret.entries()) == 1
    for opening in (Opening(MASTER, None), Opening(MASTER, b"wrong"), Opening(bytes(32), b"correct horse")):
        with pytest.raises(SettingsError, match="does not open"):
            WatermarkKeys(keys.folder, opening).entries()


def test_a_changed_vault_does_not_open(keys):
    add(keys)
    path = keys.folder / VAULT_FILE
    text = path.read_text()
    at = text.index('"content":"') + 20
    path.write_text(text[:at] + ("0" if text[at] != "0" else "1") + text[at + 1 :])
    with pytest.raises(SettingsError, match="does not open"):
        keys.entries()


def test_a_vault_that_others_can_read_is_refused(keys):
    add(keys)
    (keys.folder / VAULT_FILE).chmod(0o640)
    with pytest.raises(SettingsError, match="read by others"):
        keys.entries()


def test_a_log_that_was_cut_short_or_taken_away_is_seen(keys):
    add(keys)
    add(keys, "C-2")
    path = keys.log_path
    whole = path.read_bytes()
    path.write_bytes(whole.splitlines(keepends=True)[0])
    assert len(read_log(path.read_bytes(), where="log")) == 1
    with pytest.raises(SettingsError, match="the vault remembers 2 lines"):
        keys.entries()
    path.unlink()
    with pytest.raises(SettingsError):
        keys.entries()
    path.write_bytes(whole)
    path.chmod(0o600)
    (keys.folder / VAULT_FILE).unlink()
    with pytest.raises(SettingsError, match="without its vault"):
        keys.entries()


def test_a_crash_between_log_and_vault_loses_nothing(keys, monkeypatch):
    add(keys)

    def crash(*_arguments, **_named):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(watermark_keys, "write_vault", crash)
        with pytest.raises(KeyboardInterrupt):
            add(keys, "C-2")
    assert [one.name for one in keys.entries()] == ["C-1/1", "C-2/1"]
    add(keys, terms=None)
    assert [one.name for one in keys.entries()] == ["C-1/1", "C-2/1", "C-1/2"]


def test_a_first_key_is_made_once_and_only_what_exists_is_rotated(keys):
    with pytest.raises(UsageError, match="has no key"):
        add(keys, terms=None)
    add(keys)
    with pytest.raises(UsageError, match="has a key"):
        add(keys)
