"""`gauger lab`: scenarios by name, and a world whose log can be read."""

from dataclasses import replace

from gauger.lab import SCENARIOS, Campaign, ChatPersons


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
