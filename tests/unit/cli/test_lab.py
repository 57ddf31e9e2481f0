"""`gauger lab`: scenarios by name, and a world whose log can be read."""

from dataclasses import replace
from typing import get_args

import pyarrow.parquet
import pytest

from gauger.cli.lab import LogFormat
from gauger.lab import SCENARIOS, Campaign, ChatPersons
from gauger.lab.writing import WRITERS


def test_every_scenario_is_listed(gauger):
    shown = gauger("lab", "scenarios")
    assert shown.code == 0
    for name in SCENARIOS:
        assert f"\n{name} " in shown.out
    assert max(map(len, shown.out.splitlines())) <= 80


def test_a_simulated_world_is_read_back_whole(gauger, tmp_path, monkeypatch):
    small = replace(SCENARIOS["pool"], parts=(ChatPersons(n=6), Campaign(n=4)), history_weeks=1)
    monkeypatch.setitem(SCENARIOS, "pool", small)
    shown = gauger("lab", "simulate", "pool", "--seed", 3, "--out", tmp_path / "world", "--format", "parquet")
    assert shown.code == 0
    n_exchanges = shown.out.split()[0]
    assert "planted campaigns: campaign (truth.csv)" in shown.out
    assert (tmp_path / "world" / "accounts.csv").exists()
    read = gauger("ingest", tmp_path / "world" / "exchanges.parquet", "--workspace", tmp_path / "ws")
    assert read.out.startswith(f"{n_exchanges} exchanges read, 0 in quarantine")


FORMATS = ("litellm", "openai", "anthropic", "parquet", "mapped-json", "mapped-csv")


def test_the_command_line_knows_the_formats_of_the_lab():
    assert tuple(WRITERS) == FORMATS == get_args(LogFormat)


@pytest.fixture
def few(monkeypatch):
    small = replace(SCENARIOS["pool"], parts=(ChatPersons(n=6), Campaign(n=4)), history_weeks=1)
    monkeypatch.setitem(SCENARIOS, "pool", small)


def test_a_mapped_log_is_read_with_the_mapping_beside_it(few, gauger, tmp_path):
    shown = gauger("lab", "simulate", "pool", "--out", tmp_path / "world", "--format", "mapped-csv")
    logs = sorted((tmp_path / "world").glob("own-*.csv.gz"))
    assert logs
    mapping = tmp_path / "world" / "mapping.toml"
    read = gauger("ingest", *logs, "--mapping", mapping, "--workspace", tmp_path / "ws")
    assert read.out.startswith(f"{shown.out.split()[0]} exchanges read, 0 in quarantine")


def test_persons_speak_with_a_local_copy(few, gauger, tmp_path):
    (tmp_path / "own.jsonl").write_text("".join(f'{{"ask": "fold boat {number}"}}\n' for number in range(99)))
    (tmp_path / "burst.csv").write_text(
        "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
        + "".join(f"{second},ChatGPT,5,77,82,API log\n" for second in (1, 5, 6, 9))
    )
    shown = gauger(
        *("lab", "simulate", "pool", "--out", tmp_path / "world", "--format", "parquet"),
        *("--prompts", tmp_path / "own.jsonl", "--prompts-field", "ask", "--arrivals", tmp_path / "burst.csv"),
    )
    assert shown.code == 0
    log = pyarrow.parquet.read_table(tmp_path / "world" / "exchanges.parquet")
    assert any("fold boat" in text for text in log["user_prompt"].to_pylist())
    assert set(log["output_tokens"].to_pylist()) <= {0, 77}


def test_what_is_wrong_with_a_local_copy_is_said(few, gauger, tmp_path):
    (tmp_path / "own.jsonl").write_text('{"ask": "x"}\n')
    shown = gauger("lab", "simulate", "pool", "--out", tmp_path / "w", "--prompts", tmp_path / "own.jsonl")
    assert shown.code == 3
    assert "there are ask" in shown.err
    shown = gauger("lab", "simulate", "pool", "--out", tmp_path / "w", "--prompts-field", "ask")
    assert shown.code == 2
    assert not (tmp_path / "w").exists()
