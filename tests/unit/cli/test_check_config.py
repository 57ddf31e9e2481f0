"""Settings: where each comes from, and which word is the strongest."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gauger.cli.configuration import configure
from gauger.errors import SettingsError
from gauger.settings import Settings


def line(text: str, name: str) -> list[str]:
    return next(line.split() for line in text.splitlines() if line.split()[:1] == [name])


def test_flags_come_before_the_environment_before_the_file_before_the_default(tmp_path):
    (tmp_path / "gauger.toml").write_text("seed = 2\nmax_bad = 0.2\n[windows]\ntarget = 0.2\n")
    environment = {"GAUGER_SETTING_WINDOWS__TARGET": "0.3", "GAUGER_SETTING_SEED": "3", "OTHER": "4"}
    found = configure(tmp_path, environment, {"windows.target": 0.4, "threads": None})
    assert (found.settings.windows.target, found.settings.seed, found.settings.max_bad) == (0.4, 3, 0.2)
    assert found.settings.threads == Settings().threads
    assert found.origins == {
        "windows.target": "command line",
        "seed": "$GAUGER_SETTING_SEED",
        "max_bad": "gauger.toml",
    }


def test_lists_in_the_environment_are_written_as_in_the_file():
    found = configure(None, {"GAUGER_SETTING_ACCOUNT_FIELDS": '["user_api_key_hash"]'}, {})
    assert found.settings.account_fields == ("user_api_key_hash",)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("sede = 1\n", "setting sede"),
        ("[windows]\ntarget = 2\n", "setting windows.target"),
        ("windows = 3\n", "setting windows"),
        ("networks = 3\n", "networks"),
        ("seed = \n", "gauger.toml"),
    ],
)
def test_what_cannot_be_is_refused_and_named(text, where, tmp_path):
    (tmp_path / "gauger.toml").write_text(text)
    with pytest.raises(SettingsError) as error:
        configure(tmp_path, {}, {})
    assert where in str(error.value)


def test_a_value_where_a_table_belongs_is_refused(tmp_path):
    (tmp_path / "gauger.toml").write_text("windows = 3\n")
    with pytest.raises(SettingsError, match="not a table"):
        configure(tmp_path, {"GAUGER_SETTING_WINDOWS__TARGET": "0.1"}, {})


@given(st.dictionaries(st.sampled_from(["SEED", "WINDOWS__TARGET", "CORE__JACCARD", "X__Y__Z", "CORE"]), st.text()))
def test_any_environment_is_taken_or_refused_in_words(variables):
    with suppress(SettingsError):
        found = configure(None, {f"GAUGER_SETTING_{name}": value for name, value in variables.items()}, {})
        assert set(found.origins.values()) == {f"$GAUGER_SETTING_{name}" for name in variables}


def test_every_setting_is_shown_with_its_origin(gauger, scanned, monkeypatch):
    monkeypatch.setenv("GAUGER_SETTING_SEED", "9")
    (scanned.workspace / "gauger.toml").write_text("[windows]\ntarget = 0.01\n")
    shown = gauger("check-config", "--workspace", scanned.workspace)
    assert shown.code == 0
    assert line(shown.out, "seed") == ["seed", "9", "$GAUGER_SETTING_SEED"]
    assert line(shown.out, "windows.target") == ["windows.target", "0.01", "gauger.toml"]
    assert line(shown.out, "windows.tested_days") == ["windows.tested_days", "automatic", "default"]


def test_the_lists_of_networks_are_loaded_and_counted(gauger, scanned):
    folder = scanned.workspace
    (folder / "vpn.txt").write_text("198.51.100.0/24\n203.0.113.0/24\n64500\n")
    (folder / "mail.txt").write_text("throwaway.example\n")
    (folder / "gauger.toml").write_text('[networks]\nvpn = ["vpn.txt"]\ndisposable = ["mail.txt"]\n')
    shown = gauger("check-config", "--workspace", folder)
    assert "vpn: 2 ranges, 1 autonomous systems" in shown.out
    assert "1 of your own" in shown.out
    (folder / "gauger.toml").write_text('[networks]\nvpn = ["gone.txt"]\n')
    shown = gauger("check-config", "--workspace", folder)
    assert shown.code == 4
    assert "gone.txt" in shown.err


def test_without_a_workspace_the_defaults_are_shown(gauger, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shown = gauger("check-config")
    assert shown.code == 0
    assert "There is no workspace" in shown.out
    assert list(tmp_path.iterdir()) == []
