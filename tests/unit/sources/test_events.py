from datetime import UTC, datetime

import pytest

from gauger.errors import InputError
from gauger.exchanges.schema import EVENT_SCHEMA
from gauger.sources.events import read_events

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def written(tmp_path):
    def write(content):
        path = tmp_path / "events.csv"
        path.write_text("occurred_at,kind,account_id,model\n" + content, encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("ban", "ban"),
        ("Banned", "ban"),
        ("account-terminated", "ban"),
        ("suspension", "suspension"),
        ("Account Suspended", "suspension"),
        ("MODEL_RELEASE", "model_release"),
        ("model release", "model_release"),
        ("launch", "model_release"),
    ],
)
def test_every_word_for_a_kind_is_understood(written, word, kind):
    raw, quarantine = read_events(written(f"2026-03-01T12:00:00Z,{word},a,m\n"))
    assert raw.schema == EVENT_SCHEMA
    assert raw.to_pylist() == [{"occurred_at": NOON, "kind": kind, "account_id": "a", "model": "m"}]
    assert quarantine.num_rows == 0


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        ("2026-03-01T12:00:00Z,promotion,a,", "kind", "unknown_kind"),
        ("2026-03-01T12:00:00Z,,a,", "kind", "missing_value"),
        ("2026-03-01T12:00:00Z,ban,,", "account_id", "missing_value"),
        ("2026-03-01T12:00:00Z,suspended,,m", "account_id", "missing_value"),
        (",ban,a,", "occurred_at", "missing_value"),
        ("soon,ban,a,", "occurred_at", "bad_time"),
    ],
)
def test_an_event_that_says_too_little_is_left_out_and_named_once(written, row, column, reason):
    raw, quarantine = read_events(written(f"2026-03-01T12:00:00Z,ban,a,\n{row}\n"))
    assert raw["account_id"].to_pylist() == ["a"]
    assert [(note["row"], note["column"], note["reason"]) for note in quarantine.to_pylist()] == [(1, column, reason)]


def test_a_model_release_needs_neither_account_nor_model(written):
    raw, quarantine = read_events(written("2026-03-01T12:00:00Z,release,,\n"))
    assert raw.to_pylist() == [{"occurred_at": NOON, "kind": "model_release", "account_id": None, "model": None}]
    assert quarantine.num_rows == 0


def test_a_mapping_names_the_columns(tmp_path):
    path = tmp_path / "events.jsonl"
    path.write_text('{"when": 1772366400, "what": "ban", "who": "a"}\n', encoding="utf-8")
    raw, _ = read_events(path, mapping={"occurred_at": "when", "kind": "what", "account_id": "who"})
    assert raw.to_pylist() == [{"occurred_at": NOON, "kind": "ban", "account_id": "a", "model": None}]


def test_a_file_without_times_is_refused_in_words(tmp_path):
    path = tmp_path / "events.csv"
    path.write_text("kind,account_id\nban,a\n", encoding="utf-8")
    with pytest.raises(InputError, match="no column 'occurred_at'"):
        read_events(path)
