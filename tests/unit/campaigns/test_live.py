"""The live path: what counts in an hour is decided by the order within each feed, and nothing else."""

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gauger.campaigns.live import CLOCK_RANK, Live
from gauger.campaigns.windows import DAY_US, HOUR_US
from gauger.engines.in_memory import MemoryReader
from gauger.settings import Settings, WatchSettings
from gauger.sketches.schema import SKETCH_SCHEMA

MINUTE = 60_000_000
START = 20_000 * DAY_US
SETTINGS = Settings(watch=WatchSettings(stretch_hours=(1, 6), gap_days=1, look_back_days=1, filter_bits=14))


def sketch_rows(times, accounts=None, shingles=None) -> pa.Table:
    """Return exchanges at these times; each a fill of its own, of an account of its own unless said."""
    n = len(times)
    values = {
        "account_id": [f"a{k}" for k in range(n)] if accounts is None else accounts,
        "occurred_at": [datetime.fromtimestamp(t / 1e6, UTC) for t in times],
        "occurred_us": times,
        "shingles": [[k] for k in range(n)] if shingles is None else shingles,
        "turn_hash_high": times,
        "turn_hash_low": list(range(n)),
        "projection": [b"\x01" * 64] * n,
        "intents": [[0.0] * 7] * n,
        "extends": [0] * n,
        "source_file": ["log"] * n,
        "source_row": list(range(n)),
    }
    empty = [0] * n
    columns = [pa.array(values.get(f.name, [None] * n if f.nullable else empty), f.type) for f in SKETCH_SCHEMA]
    return pa.Table.from_arrays(columns, schema=SKETCH_SCHEMA)


def live(recorded=(), with_settings=SETTINGS) -> Live:
    return Live(with_settings, MemoryReader(with_settings.core, None), recorded)


def jittered(seed: int, *, days: float, per_hour: int = 30, jitter_min: float = 20) -> list[int]:
    """Return times in the order they arrive: some come up to `jitter_min` minutes after later ones."""
    rng = np.random.default_rng(seed)
    times = np.sort(rng.uniform(0, days * DAY_US, int(days * 24 * per_hour)))
    arrival = times + rng.exponential(jitter_min / 4, len(times)) * MINUTE
    return (START + times[np.argsort(arrival)].astype(np.int64)).tolist()


def test_an_hour_closes_once_twenty_exchanges_have_passed_it_by_the_lateness():
    one = live()
    in_hour = [START + k * MINUTE for k in range(30)]
    after = [START + HOUR_US + 10 * MINUTE] * CLOCK_RANK
    assert one.absorb(sketch_rows([*in_hour, *after[1:]])) == []
    [closed] = one.absorb(sketch_rows(after[:1]))
    assert (closed.hours, closed.start_us, closed.n_items) == (1, START, 30)


def test_what_comes_later_is_told_and_changes_no_closed_hour():
    one = live()
    one.absorb(sketch_rows([START] * 30 + [START + 2 * HOUR_US] * CLOCK_RANK))
    assert one.told.n_late == 0
    assert one.absorb(sketch_rows([START + MINUTE] * 5)) == []
    assert (one.told.n_late, one.told.n_exchanges) == (5, 55)


def test_a_few_clocks_that_are_ahead_close_nothing_and_are_told():
    one = live()
    one.absorb(sketch_rows([START] * 30))
    assert one.absorb(sketch_rows([START + 400 * DAY_US] * (CLOCK_RANK - 1))) == []
    assert one.told.n_ahead == CLOCK_RANK - 1
    closed = one.absorb(sketch_rows([START + MINUTE] * 10 + [START + 2 * HOUR_US] * CLOCK_RANK))
    assert [(s.hours, s.n_items) for s in closed] == [(1, 40)]


@given(st.integers(0, 1_000), st.lists(st.integers(1, 400), max_size=12))
@settings(max_examples=15, deadline=None)
def test_how_a_feed_is_cut_into_batches_changes_nothing(seed, cuts):
    rows = sketch_rows(jittered(seed, days=0.6))
    whole = live()
    expected = whole.absorb(rows)
    assert expected
    pieces, closed, at = live(), [], 0
    for size in [*cuts, len(rows)]:
        closed += pieces.absorb(rows.slice(at, size))
        at += size
    assert closed == expected
    assert pieces.told == whole.told


@given(st.integers(0, 1_000), st.randoms())
@settings(max_examples=15, deadline=None)
def test_how_feeds_take_turns_changes_nothing(seed, random):
    feeds = {name: sketch_rows(jittered(seed + k, days=0.5)) for k, name in enumerate("abc")}

    def run(order) -> tuple:
        one, closed = live(), []
        one.expect(feeds)
        at = dict.fromkeys(feeds, 0)
        for name in order:
            closed += one.absorb(feeds[name].slice(at[name], 30), feed=name)
            at[name] += 30
        return closed, one.told

    turns = [name for name in feeds for _ in range(12)]
    expected = run(turns)
    assert expected[0]
    random.shuffle(turns)
    assert run(turns) == expected


def test_no_hour_closes_before_every_feed_has_passed_it():
    one = live()
    one.expect(["a", "b"])
    rows = sketch_rows(jittered(1, days=0.2))
    assert one.absorb(rows, feed="a") == []
    assert one.clocks["a"] > one.clocks["b"]
    assert one.absorb(rows, feed="b")


def test_a_new_template_of_several_principals_is_scored_and_an_old_one_is_not():
    def hour(day, shingles) -> list:
        template = list(range(100, 120))
        times = [START + day * DAY_US + k * MINUTE for k in range(30)]
        return times, [[*template, 1_000 * day + k] if shingles else [1_000 * day + k] for k in range(30)]

    def scores(template_days) -> dict:
        one, found = live(), {}
        for day in range(4):
            times, shingles = hour(day, day in template_days)
            later = [START + day * DAY_US + 7 * HOUR_US] * CLOCK_RANK
            for table in (sketch_rows(times, shingles=shingles), sketch_rows(later, shingles=[[]] * CLOCK_RANK)):
                for closed in one.absorb(table):
                    if closed.hours == 1 and closed.n_items == 30:
                        found[(closed.start_us - START) // DAY_US] = closed
        return found

    fresh, known = scores({3}), scores({1, 3})
    assert fresh[3].score > 10
    assert fresh[3].n_candidates == 1
    assert known[1].score > 10
    assert known[3].score == 0  # it was there in the look-back: day 1, with a day between
    assert fresh[1].p_value is None  # nothing to look back on yet
    assert fresh[3].p_value is not None


def test_it_raises_an_alarm_under_small_ranks_and_names_the_accounts_and_goes_on_at_one():
    watch = SETTINGS.watch.model_copy(update={"alpha": 0.3, "stretch_hours": (1,)})
    one = live(with_settings=SETTINGS.model_copy(update={"watch": watch}))
    rng, closed = np.random.default_rng(4), []
    for hour in range(24 * 6):
        times = (START + hour * HOUR_US + np.sort(rng.integers(0, HOUR_US, 40))).tolist()
        words = rng.integers(1_000, 2**62, (40, 3)).tolist()
        hostile = hour >= 24 * 5
        wrapper = list(range(100 + 20 * (hour // 24), 120 + 20 * (hour // 24))) if hostile else []
        shingles = [[*wrapper[: 20 if k < 8 + hour % 3 else 0], *words[k]] for k in range(40)]
        closed += one.absorb(sketch_rows(times, shingles=shingles))
    alarms = [s for s in closed if s.is_alarm]
    assert alarms
    assert alarms[0].start_us >= START + 5 * DAY_US
    assert alarms[0].accounts >= {f"a{k}" for k in range(8)}
    assert alarms[0].value >= one.bound
    assert alarms[0].capital.value == 1
    assert all(not s.accounts for s in closed if not s.is_alarm)


@pytest.mark.parametrize("stop", [100, 700, 1_500])
def test_one_that_is_read_back_goes_on_as_if_it_had_not_stopped(stop):
    rows = sketch_rows(jittered(9, days=3.2))
    whole = live()
    expected = whole.absorb(rows)
    before = live().absorb(rows.slice(0, stop))
    again = live(before)
    assert again.absorb(rows.slice(0, stop)) == []
    assert before + again.absorb(rows.slice(stop)) == expected
