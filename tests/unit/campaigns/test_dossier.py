"""Numbers of a dossier: shares of capability sum to one, times are RFC 3339 in UTC."""

import re
from datetime import UTC, datetime

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gauger.campaigns.dossier import capabilities, rfc3339
from gauger.campaigns.findings import CAPABILITIES
from gauger.sketches.intents import intent_weights
from gauger.sketches.schema import INTENTS

INTENT_ROWS = hnp.arrays(
    np.float32,
    st.tuples(st.integers(0, 40), st.just(len(INTENTS))),
    elements=st.floats(0, 1, width=32),
)


@given(INTENT_ROWS)
def test_capabilities_are_shares_that_sum_to_one(intents):
    shares = capabilities(intents)
    assert tuple(shares) == CAPABILITIES
    assert all(0 <= share <= 1 for share in shares.values())
    assert abs(sum(shares.values()) - 1) < 1e-9


def test_no_exchange_is_all_other():
    assert capabilities(np.empty((0, len(INTENTS)), np.float32))["other"] == 1.0


def test_thirds_sum_to_one_to_the_last_digit_shown():
    intents = np.zeros((3, len(INTENTS)), np.float32)
    intents[[0, 1, 2], [0, 1, 2]] = 1
    shares = capabilities(intents)
    assert [shares[name] for name in INTENTS[:3]] == [0.333334, 0.333333, 0.333333]
    assert abs(sum(shares.values()) - 1) < 1e-9
    assert shares["other"] >= 0


def test_the_strongest_intent_counts_among_those_that_are_flagged():
    flagged = intent_weights().flagged
    intents = np.zeros((4, len(INTENTS)), np.float32)
    intents[0, 4], intents[0, 1], intents[0, 0] = flagged[4], (flagged[1] + flagged[4]) / 3, flagged[0] - 0.001
    intents[1, 1] = flagged[1]
    intents[2, 1] = flagged[1] - 0.01
    shares = capabilities(intents)
    assert (shares[INTENTS[4]], shares[INTENTS[1]], shares["other"]) == (0.25, 0.25, 0.5)


@given(st.integers(-(2**50), 2**53))
def test_a_time_is_rfc_3339_in_utc_and_comes_back_exactly(time_us):
    text = rfc3339(time_us)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z", text)
    back = datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=UTC)
    assert (back.days * 86_400 + back.seconds) * 10**6 + back.microseconds == time_us


def test_whole_seconds_show_no_fraction():
    assert rfc3339(0) == "1970-01-01T00:00:00Z"
    assert rfc3339(1_700_000_000_000_001) == "2023-11-14T22:13:20.000001Z"
