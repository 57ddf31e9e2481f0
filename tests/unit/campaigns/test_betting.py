"""A bet on a rank has the mean 1, and the capital of such bets seldom ever reaches a bound."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gauger.campaigns.betting import Capital, bet, online_p_value, traffic_class


def test_a_bet_on_a_uniform_p_value_pays_one_on_average():
    # By p = exp(-x), where the integrand is smooth.
    x = np.concatenate([np.linspace(1e-6, 50, 200_001), np.geomspace(50, 1e7, 20_001)[1:]])
    pays = np.array([bet(float(np.exp(-one))) * np.exp(-one) if one < 700 else 1 / one**2 for one in x])
    assert np.trapezoid(pays, x) == pytest.approx(1, abs=1e-3)


@given(st.floats(1e-12, 1), st.floats(1e-12, 1))
def test_a_smaller_p_value_never_pays_less(left, right):
    small, large = sorted((left, right))
    assert bet(small) >= bet(large) * (1 - 1e-6)
    assert bet(large) >= 0.5 - 1e-9


def test_an_untouched_capital_is_one_and_what_waits_is_not_lost_to_losing_bets():
    capital = Capital()
    assert capital.value == 1
    for _ in range(1_000):
        capital = capital.after(1.0)
    assert 0.1 < capital.value < 0.2


def test_small_ranks_in_a_row_reach_any_bound_also_after_a_long_quiet():
    capital = Capital()
    for _ in range(5_000):
        capital = capital.after(0.9)
    for _ in range(10):
        capital = capital.after(0.001)
    assert capital.value > 1_000


def test_the_rank_of_a_maximum():
    assert online_p_value(3.0, [1.0, 2.0, 3.0, 4.0], tie=0.5) == pytest.approx((1 + 0.5 * 2) / 5)
    assert online_p_value(9.0, [], tie=0.25) == 0.25
    # The last digits of sums of logarithms are no order.
    assert online_p_value(3.0 + 1e-12, [3.0], tie=1.0) == 1.0


@pytest.mark.parametrize("draw", ["continuous", "mostly zero", "few values"])
def test_ranks_of_exchangeable_maxima_are_uniform_and_independent(draw):
    rng = np.random.default_rng(3)
    last, before = [], []
    for _ in range(2_000):
        scores = _scores(rng, draw, 20)
        p = [online_p_value(s, scores[:k], tie=float(rng.random())) for k, s in enumerate(scores)]
        last.append(p[-1])
        before.append(p[-2])
    assert np.mean(np.array(last) <= 0.1) == pytest.approx(0.1, abs=0.02)
    assert np.mean(np.array(last) <= 0.5) == pytest.approx(0.5, abs=0.04)
    assert abs(np.corrcoef(last, before)[0, 1]) < 0.06


def _scores(rng, draw, n):
    if draw == "continuous":
        # One level a stream: exchangeable, not independent.
        return (rng.gamma(1.0) * rng.pareto(1.5, n)).tolist()
    if draw == "mostly zero":
        return np.where(rng.random(n) < 0.9, 0.0, rng.exponential(size=n)).tolist()
    return rng.integers(0, 3, n).astype(float).tolist()


@pytest.mark.parametrize("draw", ["continuous", "mostly zero", "few values"])
def test_the_capital_of_exchangeable_streams_ever_reaches_a_bound_no_oftener_than_promised(draw):
    """Ville: P(ever 1/alpha) <= alpha. At 0.2 about 400 streams tell a breach from chance."""
    rng, alpha, n_streams = np.random.default_rng(5), 0.2, 400
    n_alarms = 0
    for _ in range(n_streams):
        scores = _scores(rng, draw, 300)
        capital, earlier = Capital(), []
        for score in scores:
            capital = capital.after(online_p_value(score, earlier, tie=float(rng.random())))
            earlier.append(score)
            if capital.value >= 1 / alpha:
                n_alarms += 1
                break
    assert n_alarms <= alpha * n_streams + 2.5 * np.sqrt(alpha * (1 - alpha) * n_streams)


def test_stretches_compare_by_their_traffic_to_a_factor_of_two():
    assert traffic_class(0) == traffic_class(1) == 0
    assert traffic_class(64) == traffic_class(127) == 6
    assert traffic_class(128) == 7
