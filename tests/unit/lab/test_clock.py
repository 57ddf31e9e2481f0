from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gauger.lab.clock import HOURS, MAX_TURNS, WEEK_S, agenda, from_start, person_rhythm, program_rhythm, weekly_profile
from gauger.lab.grammar import declared_arrivals

ARRIVALS = declared_arrivals()


def person_agenda(counts, seed=0, retry_share=0.12):
    rng = np.random.default_rng(seed)
    profile = weekly_profile(len(counts), rng=rng)
    return agenda(np.asarray(counts), profile=profile, rhythm=person_rhythm(ARRIVALS, retry_share=retry_share), rng=rng)


@given(st.lists(st.lists(st.integers(0, 40), min_size=3, max_size=3), min_size=1, max_size=6), st.integers(0, 9))
def test_every_account_gets_its_exchanges_in_every_week(counts, seed):
    plan = person_agenda(counts, seed)
    found = np.zeros_like(counts)
    np.add.at(found, (plan.account, plan.week), 1)
    assert (found == counts).all()
    assert ((plan.at_s >= plan.week * WEEK_S) & (plan.at_s < (plan.week + 1) * WEEK_S)).all()


@given(st.lists(st.lists(st.integers(0, 40), min_size=2, max_size=2), min_size=1, max_size=6), st.integers(0, 9))
def test_retries_repeat_an_earlier_exchange_of_their_own_conversation(counts, seed):
    plan = person_agenda(counts, seed, retry_share=0.3)
    retries = np.flatnonzero(plan.is_retry)
    source = plan.source[retries]
    assert (source < retries).all()
    assert not plan.is_retry[source].any()
    for name in ("account", "conversation", "session", "turn"):
        values = getattr(plan, name)
        assert (values[source] == values[retries]).all()


def test_turns_of_a_conversation_count_from_zero_without_gaps():
    plan = person_agenda(np.full((20, 5), 50))
    for conversation in np.unique(plan.conversation):
        own = plan.turn[(plan.conversation == conversation) & ~plan.is_retry]
        assert (own == np.arange(len(own))).all()
        assert len(own) <= MAX_TURNS


def test_the_retry_share_is_met_and_retries_follow_within_minutes():
    plan = person_agenda(np.full((200, 5), 60))
    assert plan.is_retry.mean() == pytest.approx(0.12, abs=0.01)
    wait = np.diff(plan.at_s)[plan.is_retry[1:]]
    assert np.quantile(wait, 0.99) < 200


def test_profiles_are_distributions_and_persons_sleep():
    profile = weekly_profile(300, rng=np.random.default_rng(0))
    assert profile.sum(axis=1) == pytest.approx(np.ones(300))
    quiet = np.sort(profile, axis=1)[:, : HOURS // 3].sum(axis=1)
    assert np.median(quiet) < 0.03


def test_a_log_that_starts_on_a_thursday_begins_with_thursdays_hours():
    profile = weekly_profile(4, rng=np.random.default_rng(0))
    weekday = datetime(2026, 1, 8, tzinfo=UTC).weekday()
    assert (from_start(profile, weekday)[:, 0] == profile[:, 3 * 24]).all()


def test_exchanges_fall_where_the_profile_is():
    rng = np.random.default_rng(1)
    profile = np.zeros((1, HOURS))
    profile[0, [10, 100]] = 0.5
    plan = agenda(np.array([[4_000]]), profile=profile, rhythm=program_rhythm(ARRIVALS), rng=rng)
    hours = np.unique((plan.at_s // 3_600).astype(int))
    # Bursts may run over into the next hours, never before the first.
    assert set(hours) <= {*range(10, 16), *range(100, 106)}
    assert {10, 100} <= set(hours)


def test_declared_arrivals_have_the_stated_medians():
    assert np.median(ARRIVALS.think_s) == pytest.approx(125.0)
    assert np.median(ARRIVALS.output_tokens) == 130
    assert ARRIVALS.machine_gaps.mean() == pytest.approx(1.0)
    assert (ARRIVALS.turns == 1).mean() == pytest.approx(0.75, abs=0.01)
