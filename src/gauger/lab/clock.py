"""When requests come: a declared weekly profile, and gaps resampled from traces laid on it.

The profile is declared, not measured, as no public trace has accounts over weeks. Of a person's working days each
draws a main stretch of about three hours' spread around a personal centre, and a smaller one in the evening; most
persons do 35 % of a weekday's volume on a day of the weekend, the others 130 %; the hours are those of the person's
own zone. Applications follow the same shape on a flat floor, since their end users are many.

Within a session come conversations, within a conversation turns. How many turns and how many seconds between them is
resampled from `Arrivals`. A session holds a geometric number of conversations with mean three.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gauger.lab.pools import Arrivals, Floats, Ints

Bools = NDArray[np.bool_]

HOUR_S: Final = 3_600
WEEK_S: Final = 7 * 24 * HOUR_S
HOURS: Final = 168

MAX_TURNS: Final = 8
MAX_GAP_S: Final = 1_800.0

#: Where persons live, as hours from UTC, and how many of them.
_ZONES: Final = np.array([-8, -5, -3, 0, 1, 2, 5.5, 8, 9])
_ZONE_SHARES: Final = np.array([0.16, 0.18, 0.05, 0.1, 0.2, 0.08, 0.1, 0.08, 0.05])


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How exchanges follow one another.

    Attributes
    ----------
    turns
        int64[k], turns of a conversation, resampled.
    gaps_s
        float64[k], seconds between turns, resampled.
    conversations
        Mean number of conversations in a session.
    retry_share
        Share of exchanges that repeat the one before.
    """

    turns: Ints
    gaps_s: Floats
    conversations: float
    retry_share: float


def person_rhythm(arrivals: Arrivals, *, retry_share: float) -> Rhythm:
    """Return how a person types: conversations of the trace, three a session."""
    return Rhythm(arrivals.turns, arrivals.think_s, 3.0, retry_share)


def agent_rhythm(arrivals: Arrivals, *, retry_share: float) -> Rhythm:
    """Return how an agent works for a person: five steps more a task, a tenth of the time between them."""
    return Rhythm(arrivals.turns + 2, arrivals.think_s / 10, 2.0, retry_share)


def program_rhythm(arrivals: Arrivals) -> Rhythm:
    """Return how an application calls: single turns in bursts of about eight, mean gap 40 s, 2 % client retries."""
    return Rhythm(np.ones(1, dtype=np.int64), arrivals.machine_gaps * 40.0, 8.0, 0.02)


@dataclass(frozen=True, slots=True)
class Agenda:
    """Exchanges in the order account, week, session, time; every array has one entry an exchange.

    Attributes
    ----------
    account
        int64, row of the account in its cast.
    at_s
        float64, seconds since the start of the log.
    week
        int64, week of the log.
    session, conversation
        int64, numbers unique in the agenda.
    turn
        int64, 0 on the first turn of a conversation; a retry keeps the turn it repeats.
    source
        int64, the exchange that this one repeats, or itself.
    """

    account: Ints
    at_s: Floats
    week: Ints
    session: Ints
    conversation: Ints
    turn: Ints
    source: Ints

    def __len__(self) -> int:
        return len(self.account)

    @property
    def is_retry(self) -> Bools:
        """Whether the exchange repeats the one before."""
        return np.asarray(self.source != np.arange(len(self.source)))


def weekly_profile(n: int, *, rng: np.random.Generator, floor: float = 0.0) -> Floats:
    """Return when each account is active: float64[n, 168], rows sum to 1, hour 0 is Monday 00:00 UTC.

    Parameters
    ----------
    n
        Accounts.
    rng
        Source of chance.
    floor
        Share of the activity that is spread evenly over the week.
    """
    hour = np.arange(24)
    centre = rng.normal(13.5, 2.5, n)
    evening = rng.normal(20.5, 1.0, n)
    weight = rng.beta(1.2, 2.5, n)
    spread = rng.uniform(1.5, 4.0, n)
    day = (1 - weight)[:, None] * _bump(hour, centre, spread) + weight[:, None] * _bump(hour, evening, np.full(n, 1.5))
    weekend = np.where(rng.random(n) < 0.8, 0.35, 1.3)
    days = np.where(np.arange(7) < 5, 1.0, weekend[:, None]) * rng.lognormal(0.0, 0.25, (n, 7))
    local = (days[:, :, None] * day[:, None, :]).reshape(n, HOURS)
    shift = np.rint(rng.choice(_ZONES, n, p=_ZONE_SHARES)).astype(np.int64)
    utc = np.take_along_axis(local, (np.arange(HOURS) + shift[:, None]) % HOURS, axis=1)
    return (1 - floor) * utc / utc.sum(axis=1, keepdims=True) + floor / HOURS


def _bump(hour: Ints, centre: Floats, spread: Floats) -> Floats:
    distance = (hour[None, :] - centre[:, None] + 12) % 24 - 12
    return np.exp(-0.5 * (distance / spread[:, None]) ** 2)


def from_start(profile: Floats, weekday: int) -> Floats:
    """Return the profile with hour 0 at the log's start, which falls on `weekday` (0 = Monday)."""
    return np.roll(profile, -24 * weekday, axis=1)


def agenda(counts: Ints, *, profile: Floats, rhythm: Rhythm, rng: np.random.Generator) -> Agenda:
    """Return exchanges laid on the profile.

    Parameters
    ----------
    counts
        int64[n, weeks], exchanges of each account in each week of the log.
    profile
        float64[n, 168], counted from the start of the log (`from_start`).
    rhythm
        Conversations, gaps and retries.
    rng
        Source of chance.
    """
    n_weeks = counts.shape[1]
    unit = np.repeat(np.arange(counts.size), counts.ravel())
    total = len(unit)
    index = np.arange(total)
    turns = np.minimum(rng.choice(rhythm.turns, total), MAX_TURNS)
    conversation = np.repeat(index, turns)[:total]
    session = np.repeat(index, rng.geometric(1 / rhythm.conversations, total))[:total][conversation]
    new_unit = _changes(unit)
    new_session = new_unit | _changes(session)
    retry = _retries(new_session, share=rhythm.retry_share, rng=rng)
    new_conversation = (new_session | _changes(conversation)) & ~retry
    conversation_of, session_of = np.cumsum(new_conversation) - 1, np.cumsum(new_session) - 1
    step = np.cumsum(~retry)
    gaps = np.minimum(rng.choice(rhythm.gaps_s, total), MAX_GAP_S) * np.where(new_conversation, 2.0, 1.0)
    gaps = np.where(retry, np.minimum(gaps, rng.uniform(8.0, 180.0, total)), gaps)
    account, week = unit // n_weeks, unit % n_weeks
    at_s = week * WEEK_S + _within_week(account, gaps, session_of, new_session, profile=profile, rng=rng)
    return Agenda(
        account=account,
        at_s=at_s,
        week=week,
        session=session_of,
        conversation=conversation_of,
        turn=step - step[new_conversation][conversation_of],
        source=np.maximum.accumulate(np.where(retry, 0, index)),
    )


def _changes(values: Ints) -> Bools:
    """Return where a value differs from the one before; the first always does."""
    return np.concatenate([np.ones(min(len(values), 1), dtype=bool), values[1:] != values[:-1]])


def _retries(new_session: Bools, *, share: float, rng: np.random.Generator) -> Bools:
    """Return which exchanges are retries: `share` of all, none of them first in its session."""
    eligible = ~new_session
    chance = min(0.9, share * len(eligible) / max(int(eligible.sum()), 1))
    return eligible & (rng.random(len(eligible)) < chance)


def _within_week(
    account: Ints, gaps: Floats, session: Ints, new_session: Bools, *, profile: Floats, rng: np.random.Generator
) -> Floats:
    """Return seconds since the week's start; a session that would leave its week is moved to end with it."""
    first = np.flatnonzero(new_session)
    if len(first) == 0:
        return np.empty(0)
    whose = account[first]
    # One search over all rows of the profile: row k of the running sums lies in [k, k + 1].
    ladder = (np.cumsum(profile, axis=1) + np.arange(len(profile))[:, None]).ravel()
    hour = np.clip(np.searchsorted(ladder, whose + rng.random(len(first))) - whose * HOURS, 0, HOURS - 1)
    start = (hour + rng.random(len(first))) * HOUR_S
    since = np.cumsum(gaps)
    offset = since - since[first][session]
    length = np.maximum.reduceat(offset, first)
    start = np.maximum(0.0, np.minimum(start, WEEK_S - 1.0 - length))
    return np.minimum(start[session] + offset, WEEK_S - rng.uniform(1e-6, 1.0, len(gaps)))


def dispatched(n: int, *, begin_s: float, end_s: float, rng: np.random.Generator) -> Floats:
    """Return the times of n jobs of a dispatcher that never sleeps: constant rate, sorted, in seconds."""
    return np.sort(rng.uniform(begin_s, end_s, n))
