"""`gauger lab distil`: what is refused before anything is trained."""

import importlib.util
from dataclasses import replace

import msgspec
import pytest

from gauger.cli.distilling import _stops
from gauger.lab import SCENARIOS, Campaign, ChatPersons
from gauger.lab.distil.alarms import read_leaked


@pytest.fixture
def without_torch(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "torch" else object())


def test_without_torch_nothing_is_begun_and_the_way_is_told(gauger, without_torch, tmp_path):
    assert importlib.util.find_spec("torch") is None
    shown = gauger("lab", "distil", "smoke", "--out", tmp_path / "out")
    assert shown.code == 2
    assert "pip install 'gauger[distil]'" in shown.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["large"], "choose one of smoke, standard"),
        (["smoke", "--leaked", "300,many"], "'many' is no number"),
        (["smoke", "--cell", "traces/7"], "no cell 'traces/7'"),
    ],
)
def test_a_slip_is_told(gauger, tmp_path, arguments, said):
    shown = gauger("lab", "distil", *arguments, "--out", tmp_path / "out")
    assert shown.code == 2
    assert said in shown.err
    assert not (tmp_path / "out").exists()


def test_numbers_may_have_names():
    assert _stops("300, live alarm=264", ()) == {"300 exchanges": 300.0, "live alarm": 264.0}


def test_a_score_says_what_leaked(gauger, tmp_path, monkeypatch):
    small = replace(SCENARIOS["pool"], parts=(ChatPersons(n=6), Campaign(n=4)), history_weeks=1)
    monkeypatch.setitem(SCENARIOS, "pool", small)
    gauger("lab", "simulate", "pool", "--out", tmp_path / "world", "--format", "parquet")
    log, accounts = tmp_path / "world" / "exchanges.parquet", tmp_path / "world" / "accounts.csv"
    gauger("scan", log, "--accounts", accounts, "--out", tmp_path / "report")
    score = tmp_path / "score.json"
    score.write_text(gauger("lab", "score", tmp_path / "report", tmp_path / "world", "--json").out)
    hostile = msgspec.json.decode(score.read_bytes())["hostile_exchanges"]
    assert list(read_leaked(score).values()) == [hostile]
