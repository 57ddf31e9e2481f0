"""History is asked whether its own ranks held: exactly when windows are exchangeable, loudly when they are not."""

import numpy as np
import pytest
from scipy.stats import binom

from gauger.campaigns.calibration import Split, split_target
from gauger.campaigns.drift import drift, spendable
from gauger.campaigns.windows import DAY_US, Window

LEVEL = 0.025


def _windows(n):
    return [Window(start_us=day * DAY_US, end_us=(day + 1) * DAY_US, look_back_us=0) for day in range(n)]


@pytest.mark.parametrize("n", [60, 200])
def test_an_exchangeable_history_is_seldom_called_broken(n):
    rng = np.random.default_rng(n)
    found = [drift(_windows(n), rng.normal(size=n).tolist(), LEVEL) for _ in range(600)]
    assert binom.sf(sum(one.is_broken for one in found) - 1, 600, 0.01) > 1e-3
    alarms, expected = sum(one.alarms for one in found), sum(one.expected for one in found)
    assert alarms == pytest.approx(expected, rel=0.15)
    p_values = np.array([one.p_value for one in found])
    assert all((p_values <= level).mean() <= level + 0.03 for level in (0.05, 0.2, 0.5))


def test_a_history_in_which_maxima_grow_is_called_broken():
    rng = np.random.default_rng(3)
    growing = rng.normal(size=120) + np.linspace(0, 3, 120)
    assert drift(_windows(120), growing.tolist(), LEVEL).is_broken


def test_equal_maxima_never_alarm():
    said = drift(_windows(100), [0.0] * 100, LEVEL)
    assert (said.alarms, said.p_value) == (0, pytest.approx(1.0))


def test_the_order_in_which_windows_are_given_changes_nothing():
    rng = np.random.default_rng(4)
    windows, maxima = _windows(90), rng.normal(size=90).tolist()
    assert drift(windows, maxima, LEVEL) == drift(windows[::-1], maxima[::-1], LEVEL)


def test_weeks_begin_on_mondays_and_hold_every_window_that_can_alarm():
    said = drift(_windows(90), list(range(90)), LEVEL)
    assert said.windows == 90 - 39  # forty windows are needed for one in forty
    assert all((week.start_us // DAY_US + 3) % 7 == 0 for week in said.weeks)  # the first day of 1970 was a Thursday
    assert said.alarms == said.windows  # every one is the largest so far


def test_a_short_history_says_nothing():
    said = drift(_windows(20), list(range(20)), LEVEL)
    assert (said.windows, said.p_value, said.is_broken) == (0, 1, False)


def test_a_broken_history_certifies_nothing_and_gives_its_share_to_nobody():
    split = split_target(0.05, 120)
    rising = np.linspace(0, 3, 120).tolist()
    assert spendable(split, _windows(120), rising)[0] == Split(conditional=split.conditional, window=0.0)
    level = np.random.default_rng(5).normal(size=120).tolist()
    assert spendable(split, _windows(120), level)[0] == split


def test_a_history_too_short_to_certify_is_not_asked():
    split = split_target(0.05, 10)
    assert spendable(split, _windows(10), list(range(10))) == (split, None)
