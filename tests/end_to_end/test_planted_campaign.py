"""A planted campaign is found; a quiet log raises no campaign verdict."""

from dataclasses import replace

import pyarrow.parquet as pq
import pytest

from gauger.lab import SCENARIOS, ChatPersons, Developers, PopularAgent, TemplateApps, UniversityClass, simulate

SEEDS = (1, 2, 3)


def test_the_planted_campaign_is_found_and_nobody_else_is_named_with_it(small_scanned, small_logs):
    named = small_scanned.accounts("campaign")
    assert len(named & small_logs.members) >= 0.9 * len(small_logs.members)
    assert not named - small_logs.members
    assert small_scanned.verdicts.count("campaign") == 1
    assert small_scanned.verdicts[0] == "campaign"


def test_the_exchanges_of_the_finding_are_the_hostile_ones(small_scanned, small_world):
    table = pq.read_table(small_scanned.out / "exchanges.parquet")
    first = small_scanned.document["findings"][0]["finding_id"]
    found = {row["request_id"] for row in table.to_pylist() if row["finding_id"] == first}
    truth = {row["request_id"] for row in small_world.truth_exchanges.to_pylist() if row["campaign"]}
    assert len(found & truth) >= 0.9 * len(truth)
    assert len(found & truth) >= 0.9 * len(found)


def test_the_viral_template_is_not_called_a_campaign(small_scanned, small_world):
    viral = {row["account_id"] for row in small_world.truth_exchanges.to_pylist() if row["class"] == "viral_template"}
    assert viral
    assert not viral & small_scanned.accounts("campaign")
    assert not viral & small_scanned.accounts("supported")


@pytest.mark.data
def test_the_planted_campaign_is_found_among_real_prompts(small_scenario, real_prompts, written, scan, tmp_path):
    logs = written(simulate(small_scenario, seed=1, pools=real_prompts), tmp_path / "logs", format="parquet")
    scanned = scan(logs.folder / "exchanges.parquet", options=logs.tables)
    named = scanned.accounts("campaign")
    assert len(named & logs.members) >= 0.8 * len(logs.members)
    assert len(named - logs.members) <= 0.1 * len(named)


@pytest.fixture(scope="module")
def quiet_scenario():
    """A log without a campaign, with all that looks like one: the quiet scenario at a third of its size."""
    shrunk = {
        ChatPersons: lambda part: replace(part, n=60),
        Developers: lambda part: replace(part, n=15),
        TemplateApps: lambda part: replace(part, n=max(2, part.n // 4)),
        PopularAgent: lambda part: replace(part, n=20),
        UniversityClass: lambda part: replace(part, n=12),
    }
    parts = tuple(shrunk.get(type(part), lambda part: part)(part) for part in SCENARIOS["quiet"].parts)
    return replace(SCENARIOS["quiet"], parts=parts, history_weeks=3, weekly_exchanges=25.0)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_quiet_log_has_no_campaign(seed, quiet_scenario, grammar, written, scan, tmp_path):
    logs = written(simulate(quiet_scenario, seed=seed, pools=grammar), tmp_path / "logs", format="parquet")
    scanned = scan(logs.folder / "exchanges.parquet", options=logs.tables)
    assert scanned.document["input"]["exchanges"] > 5_000
    assert "campaign" not in scanned.verdicts
