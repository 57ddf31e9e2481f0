from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gauger.report.numbers import count, error_rate, p_equation, p_value, percent, percent_interval

SHARES = st.floats(min_value=0, max_value=1)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1"),
        (0.05, "0.05"),
        (0.0499, "0.05"),
        (0.0412, "0.042"),
        (0.0004, "0.0004"),
        (0.00041, "0.00041"),
        (0.000412, "0.00042"),
        (0.0001, "0.0001"),
        (0.00009999, "< 0.0001"),
        (0.0, "< 0.0001"),
    ],
)
def test_p_value_reads_as_a_person_writes_it(value, text):
    assert p_value(value) == text


@given(SHARES)
def test_p_value_is_never_rounded_down(value):
    text = p_value(value)
    if text.startswith("<"):
        assert value < 0.0001
    else:
        assert Decimal(repr(value)) <= Decimal(text) <= Decimal(repr(value)) * Decimal("1.1")


@given(SHARES)
def test_share_is_never_rounded_up(share):
    text = percent(share)
    if text == "< 0.1%":
        assert 0 < share < 0.001
    else:
        assert 0 <= Decimal(repr(share)) * 100 - Decimal(text.removesuffix("%")) < Decimal("0.1")


@given(SHARES)
def test_only_certainty_reads_100_percent(share):
    assert (percent(share) == "100%") == (share == 1)


@given(SHARES, SHARES)
def test_interval_shown_holds_the_interval_meant(one, other):
    low, high = sorted((one, other))
    shown_low, shown_high = (Decimal(part) for part in percent_interval(low, high).removesuffix("%").split(" to "))
    assert shown_low <= Decimal(repr(low)) * 100
    assert shown_high >= Decimal(repr(high)) * 100


@given(SHARES)
def test_rate_of_error_is_never_rounded_down(rate):
    assert Decimal(error_rate(rate).removesuffix("%")) >= Decimal(repr(rate)) * 100


def test_numbers_have_the_usual_signs():
    assert percent(0.29) == "29.0%"  # 28.999999999999996 in floating point
    assert error_rate(0.05) == "5%"
    assert error_rate(0.0001) == "0.01%"
    assert count(1_204_338) == "1,204,338"
    assert count(None) == "unknown"
    assert p_equation(0.0004) == "p = 0.0004"
    assert p_equation(0.00001) == "p < 0.0001"
