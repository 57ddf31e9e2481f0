"""Windows are disjoint, of one length, and each is read with the same look-back, all of it inside the log.

A log's ends are widened to whole hours, so "inside" means to the hour.
"""

import itertools

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gauger.campaigns.windows import DAY_US, HOUR_US, MINUTE_US, Activity, Window, plan_windows
from gauger.errors import UsageError
from gauger.settings import WindowSettings

FIRST = st.integers(0, 10**15)
DAYS = st.floats(0.02, 400)


def _even(first_us, last_us, *, count=10):
    """A log with exchanges in every minute."""
    minute = np.arange(first_us // MINUTE_US, last_us // MINUTE_US + 1)
    return Activity(minute=minute, count=np.full(len(minute), count), first_us=first_us, last_us=last_us)


def _length(window: Window) -> int:
    return window.end_us - window.start_us


def _check(plan, first_us, last_us, look_back_windows):
    stretches = [plan.tested, *plan.history]
    assert last_us < plan.tested.end_us <= last_us + 1 + HOUR_US
    for later, earlier in itertools.pairwise(stretches):
        assert earlier.end_us == later.start_us, "disjoint, side by side, the latest first"
    for window in plan.history:
        assert _length(window) == _length(plan.tested)
        assert window.start_us - window.look_back_us == look_back_windows * _length(window)
        assert window.look_back_us > first_us - HOUR_US
    if plan.history:
        assert plan.tested.start_us - plan.tested.look_back_us == look_back_windows * _length(plan.tested)
    assert first_us - HOUR_US < plan.tested.look_back_us <= plan.tested.start_us < plan.tested.end_us
    assert plan.smallest_p_value == 1 / (len(plan.history) + 1)


@given(FIRST, DAYS, st.integers(1, 5), st.one_of(st.none(), st.floats(0.5, 40)))
def test_windows_are_disjoint_and_alike(first_us, days, look_back_windows, tested_days):
    assume(tested_days is None or days / tested_days < 200)
    last_us = first_us + int(days * DAY_US)
    settings = WindowSettings(look_back_windows=look_back_windows, tested_days=tested_days)
    _check(plan_windows(_even(first_us, last_us), settings), first_us, last_us, look_back_windows)


@given(FIRST, DAYS, st.floats(0.02, 0.98))
def test_the_tested_stretch_begins_where_history_is_said_to_end(first_us, days, share):
    last_us = first_us + int(days * DAY_US)
    until = first_us + int(share * days * DAY_US)
    plan = plan_windows(_even(first_us, last_us), WindowSettings(), history_until_us=until)
    assert plan.tested.start_us == until
    _check(plan, first_us, last_us, 2)


@pytest.mark.parametrize(("log_days", "tested_days"), [(90, 7), (28, 7), (27, 6.75), (8, 2), (1, 0.25)])
def test_the_last_seven_days_or_the_last_quarter_of_a_shorter_log_are_tested(log_days, tested_days):
    plan = plan_windows(_even(0, log_days * DAY_US - 1), WindowSettings())
    assert _length(plan.tested) == int(tested_days * DAY_US)


def test_twenty_eight_days_give_one_history_window_with_its_look_back():
    plan = plan_windows(_even(0, 28 * DAY_US - 1), WindowSettings())
    assert plan.history == (Window(start_us=14 * DAY_US, end_us=21 * DAY_US, look_back_us=0),)
    assert plan.smallest_p_value == 1 / 2


def test_a_log_of_one_exchange_has_a_tested_stretch_and_no_history():
    plan = plan_windows(_even(5, 5), WindowSettings())
    assert plan.tested == Window(start_us=5, end_us=6, look_back_us=5)
    assert plan.history == ()


def test_history_that_ends_before_the_log_leaves_no_history():
    plan = plan_windows(_even(1_000, 2_000), WindowSettings(), history_until_us=10)
    assert (plan.tested.start_us, plan.history) == (1_000, ())


def test_history_that_ends_after_the_log_is_refused():
    with pytest.raises(UsageError):
        plan_windows(_even(0, 28 * DAY_US), WindowSettings(), history_until_us=29 * DAY_US)


def _joined(*parts):
    """One log of several stretches, in order."""
    return Activity(
        minute=np.concatenate([part.minute for part in parts]),
        count=np.concatenate([part.count for part in parts]),
        first_us=parts[0].first_us,
        last_us=parts[-1].last_us,
    )


MONTH = _even(100 * DAY_US, 135 * DAY_US - 1)


@pytest.mark.parametrize("gap_days", [8, 90, 3_000])
def test_a_clock_that_is_wrong_moves_no_window(gap_days):
    behind = _even(*[(100 - min(gap_days, 100)) * DAY_US] * 2, count=1)
    ahead = _even(*[(135 + gap_days) * DAY_US] * 2, count=1)
    plan = plan_windows(MONTH, WindowSettings())
    assert plan_windows(_joined(MONTH, ahead), WindowSettings()) == plan
    if gap_days > 8:
        assert plan_windows(_joined(behind, MONTH, ahead), WindowSettings()) == plan


def test_a_part_of_the_log_that_stands_apart_is_no_stray():
    after = _even(200 * DAY_US, 207 * DAY_US - 1)
    assert plan_windows(_joined(MONTH, after), WindowSettings()).tested.end_us == 207 * DAY_US


def test_weeks_without_exchanges_are_no_history():
    long_ago = _even(0, 35 * DAY_US - 1)
    plan = plan_windows(_joined(long_ago, MONTH), WindowSettings())
    assert [window.start_us // DAY_US for window in plan.history] == [121, 114, 107, 100, 23, 16]


def _by_day(*per_day):
    """A log of so many exchanges a minute on each day."""
    days = [_even(d * DAY_US, (d + 1) * DAY_US - 1, count=n) for d, n in enumerate(per_day) if n]
    return _joined(*days)


def test_a_monday_after_a_quiet_weekend_is_compared_with_mondays():
    """Six weeks from a Tuesday on, weekends at a third."""
    week = [10, 10, 10, 10, 3, 3, 10]
    plan = plan_windows(_by_day(*week * 6), WindowSettings(tested_days=1))
    assert {window.start_us // DAY_US % 7 for window in plan.history} == {6}
    assert len(plan.history) == 5


def test_a_service_that_grew_is_not_compared_with_the_small_one_it_was():
    plan = plan_windows(_by_day(*[10] * 30, *[20] * 30), WindowSettings(tested_days=1))
    assert min(window.start_us // DAY_US for window in plan.history) == 30


def test_a_stretch_without_a_look_back_is_compared_with_nothing():
    plan = plan_windows(_by_day(*[10] * 40, *[0] * 6, 10), WindowSettings(tested_days=1))
    assert plan.history == ()


def test_strays_are_counted():
    stray = _even(400 * DAY_US, 400 * DAY_US + MINUTE_US)
    both = _joined(MONTH, stray)
    assert both.n_exchanges - both.without_strays().n_exchanges == 20


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 1_000)), min_size=1, max_size=30))
def test_whatever_the_log_there_is_something_to_test(rows):
    minutes = dict(sorted(rows))
    activity = Activity(
        minute=np.array(list(minutes)),
        count=np.array(list(minutes.values())),
        first_us=min(minutes) * MINUTE_US,
        last_us=max(minutes) * MINUTE_US,
    )
    kept = activity.without_strays()
    assert kept.n_exchanges >= 0.97 * activity.n_exchanges
    assert activity.first_us <= kept.first_us <= kept.last_us <= activity.last_us + MINUTE_US
    plan = plan_windows(activity, WindowSettings())
    assert plan.tested.start_us < plan.tested.end_us
