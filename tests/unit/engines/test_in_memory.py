"""A stretch in memory gives the items and new shared shingles that the engine gives of the same stretch in files."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from gauger.campaigns.detection import candidates
from gauger.campaigns.windows import DAY_US, HOUR_US, Window
from gauger.engines.fetch import fetch_owners, fetch_window
from gauger.engines.in_memory import MemoryReader
from gauger.evidence.novelty import empty_filter
from gauger.lab import SCENARIOS, Campaign, ChatPersons, Developers, TemplateApps, grammar_pools, simulate
from gauger.lab.scanning import opened
from gauger.settings import Settings
from gauger.store.durable import read_parquet

SETTINGS = Settings()


@pytest.fixture(scope="module")
def log():
    parts = (ChatPersons(n=40), Developers(n=15), TemplateApps(n=8), Campaign(n=15, exchanges=40.0))
    scenario = replace(SCENARIOS["pool"], history_weeks=1, weekly_exchanges=25.0, parts=parts)
    world = simulate(scenario, seed=2, pools=grammar_pools())
    with opened(world, key=1, settings=SETTINGS) as seen:
        yield seen


@pytest.mark.parametrize(("hours", "before_end"), [(1, 30), (6, 30), (24, 48)])
@pytest.mark.parametrize("with_accounts", [True, False])
def test_as_the_engine_gives_it(log, hours, before_end, with_accounts):
    accounts = log.accounts if with_accounts else None
    end = log.log.activity.last_us // DAY_US * DAY_US - (before_end - 30) * HOUR_US
    window = Window(end - hours * HOUR_US, end, end - hours * HOUR_US)
    owners = fetch_owners(log.engine, log.log, accounts)
    expected = fetch_window(log.engine, log.log, owners, window, min_principals=SETTINGS.core.min_principals)

    kept = pa.concat_tables(map(read_parquet, log.rows))
    times = kept["occurred_us"].to_numpy()
    inside = (times >= window.start_us) & (times < window.end_us)
    rows = kept.filter(pa.array(inside))
    rows = rows.take(np.random.default_rng(1).permutation(len(rows)))  # in any order
    reader = MemoryReader(SETTINGS.core, accounts)
    for path in log.parts:
        reader.learn(read_parquet(path))
    rows = reader.kept(rows)
    today = empty_filter(20)
    reader.note(rows, today)
    found, names = reader.window_data(rows, window, today=today, known=empty_filter(20))

    assert len(found.items) == len(expected.items) > 0
    for name in ("occurred_at", "turn", "projection", "intents", "system_part", "tool_part", "failed"):
        assert np.array_equal(getattr(found.items, name), getattr(expected.items, name)), name
    assert [names[k] for k in found.items.account] == [owners.account_ids[k] for k in expected.items.account]
    for mine, theirs in zip(found.texts, expected.texts, strict=True):
        assert mine.part == theirs.part
        assert np.array_equal(mine.postings.shingles, theirs.postings.shingles)
        assert np.array_equal(mine.postings.item, theirs.postings.item)
        assert np.array_equal(mine.postings.code, theirs.postings.code)
        assert (theirs.n_before == 0).all()
        assert (mine.n_before == 0).all()
    mine, theirs = (candidates(one, SETTINGS.core, path="novel") for one in (found, expected))
    assert [one.strength for one in mine] == [one.strength for one in theirs]
    if hours == 24:
        assert mine
