"""The live path: exchanges as they come, hours that close, stretches that are scored once, bets, alarms.

Nothing here depends on how the log was cut into batches, nor on when it was read. An hour closes when the clock of
every feed has passed its end by the lateness; an exchange is late when its own feed's clock had passed it before the
exchange came. So which exchanges count in an hour is decided by the order within each feed alone, and reading the same
feeds again gives the same stretches. Late exchanges count in every scan, and not here.

A feed's clock is the 20th latest time it has shown: a few clocks that are ahead move nothing, and what they date waits
for its hour. A stretch is scored by the procedure that scores a scan's windows, on templates that at most one principal
held in the look-back, which ends some days before: a campaign's template stays new for that long.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numba as nb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gauger.campaigns.betting import Capital, online_p_value, traffic_class
from gauger.campaigns.candidates import Candidate
from gauger.campaigns.detection import WindowData, candidates, gate, novel_candidates
from gauger.campaigns.tracking import sample
from gauger.campaigns.windows import DAY_US, HOUR_US, Window
from gauger.evidence.novelty import Cells, empty_filter, fill_share, merged
from gauger.settings import Settings

Ints = NDArray[np.int64]

#: A feed's clock is the time that so many of its exchanges have reached.
CLOCK_RANK: Final = 20
#: An exchange so far ahead of its feed's clock has a clock of its own, or follows a long silence.
AHEAD_US: Final = DAY_US
#: Where more of a look-back's cells are in use, what is new begins to look known.
FULL: Final = 0.5
_HOURS_A_DAY: Final = DAY_US // HOUR_US


@dataclass(frozen=True, slots=True)
class Stretch:
    """A closed stretch, scored once.

    Attributes
    ----------
    hours, start_us
        Its length and where it begins.
    n_items, n_candidates
        Items that came in time, and the candidates that personhood did not clear.
    score
        The largest of theirs, 0 without any.
    p_value
        Its rank among the stretches before it that compare; None where the look-back was not full.
    capital
        After the bet; a new one of 1 after an alarm.
    value
        What the capital came to.
    is_alarm
        Whether it reached the bound, with a candidate to show that the last 24 hours do not clear.
    accounts, shingles
        The candidate's as the last 24 hours show it, kept of an alarm only; shingles are a sample.
    """

    hours: int
    start_us: int
    n_items: int
    n_candidates: int
    score: float
    p_value: float | None
    capital: Capital
    value: float
    is_alarm: bool
    accounts: frozenset[str] = frozenset()
    shingles: frozenset[int] = frozenset()

    @property
    def end_us(self) -> int:
        """Where it ends."""
        return self.start_us + self.hours * HOUR_US


@dataclass(frozen=True, slots=True)
class _Group:
    """Whom an alarm names, and a sample of the shingles."""

    accounts: frozenset[str]
    shingles: frozenset[int]


class Reader(Protocol):
    """Takes rows apart; what it says of rows depends on no other rows."""

    def kept(self, rows: pa.Table) -> pa.Table:
        """Return what is looked at of rows (SKETCH_SCHEMA), row for row; the other methods are given that."""
        ...

    def forget(self, waiting: Sequence[pa.RecordBatch]) -> None:
        """Forget what is known of rows that were kept, but for these."""
        ...

    def note(self, rows: pa.Table, cells: Cells) -> None:
        """Note the shingles of an hour's exchanges in the day's filter, under the marks of their principals."""
        ...

    def window_data(
        self, rows: pa.Table, window: Window, *, today: Cells, known: Cells
    ) -> tuple[WindowData, tuple[str, ...]]:
        """Return a stretch's items and new shared shingles, and the ids of the accounts by code.

        `today` is the filter of the day the stretch is of, `known` that of its look-back.
        """
        ...


@dataclass(frozen=True, slots=True)
class Told:
    """What is to be told of the feeds so far: exchanges in all, those that came late, and those far ahead."""

    n_exchanges: int = 0
    n_late: int = 0
    n_ahead: int = 0


class Live:
    """Takes kept rows in the order of each feed, and closes stretches.

    Parameters
    ----------
    settings
        Everything that changes a result.
    reader
        Takes rows apart.
    recorded
        Stretches closed by earlier runs, in the order they closed. They are not scored again.
    """

    def __init__(self, settings: Settings, reader: Reader, recorded: Sequence[Stretch] = ()) -> None:
        self._settings = settings
        self._reader = reader
        self._clocks: dict[str, Ints] = {}
        self._over_until = self._forgot_on = -(1 << 62)
        self._open: dict[int, list[pa.RecordBatch]] = {}
        self._noted: set[int] = set()
        self._days: dict[int, Cells] = {}
        self._known: tuple[int, Cells] | None = None
        self._closed = {(one.hours, one.start_us // HOUR_US) for one in recorded}
        self._maxima: dict[tuple[int, int], list[float]] = {}
        self._capitals: dict[int, Capital] = {}
        self._first_us = min((one.start_us for one in recorded), default=None)
        self.told = Told()
        for one in recorded:
            self._remember(one)

    @property
    def bound(self) -> float:
        """The capital at which a stretch length raises an alarm."""
        watch = self._settings.watch
        return len(watch.stretch_hours) / watch.alpha

    @property
    def is_full(self) -> bool:
        """Whether the look-back in use is so full that what is new begins to look known."""
        return self._known is not None and fill_share(self._known[1]) > FULL

    def expect(self, feeds: Iterable[str]) -> None:
        """Wait for these feeds too: no hour closes before each has passed it."""
        for feed in feeds:
            self._clocks.setdefault(feed, np.full(CLOCK_RANK, np.iinfo(np.int64).min))

    @property
    def clocks(self) -> dict[str, int]:
        """The clock of each feed, microseconds since the epoch."""
        return {feed: int(top[0]) for feed, top in self._clocks.items()}

    def absorb(self, rows: pa.Table, *, feed: str = "") -> list[Stretch]:
        """Take the next rows of a feed (SKETCH_SCHEMA), and return the stretches that they close, in order."""
        if rows.num_rows == 0:
            return []
        times = rows["occurred_us"].to_numpy()
        self.expect([feed])
        top = self._clocks[feed]
        before = _clock_before(times, top)
        hours = times // HOUR_US
        late = ((hours + 1) * HOUR_US + self._lateness_us <= before) | (hours < self._over_until)
        ahead = (before > top[0] - AHEAD_US) & (times > before + AHEAD_US)
        self.told = Told(
            self.told.n_exchanges + len(times),
            self.told.n_late + int(late.sum()),
            self.told.n_ahead + int(ahead.sum()),
        )
        at = 0
        for batch in self._reader.kept(rows).to_batches():
            until = at + len(batch)
            for hour, places in _by_hour(hours[at:until], np.flatnonzero(~late[at:until])):
                # Copies: an hour that has to wait holds nothing of others.
                self._open.setdefault(hour, []).append(batch.take(pa.array(places)))
            at = until
        return self._close(min(self.clocks.values()))

    @property
    def _lateness_us(self) -> int:
        return int(self._settings.watch.lateness_minutes * 60_000_000)

    def _close(self, clock_us: int) -> list[Stretch]:
        passed = clock_us - self._lateness_us
        due = [(hour + 1, 0, hour) for hour in self._open.keys() - self._noted if (hour + 1) * HOUR_US <= passed]
        lengths: tuple[int, ...] = self._settings.watch.stretch_hours
        for length in lengths:
            starts = {hour // length * length for hour in self._open if hour >= self._over_until - _HOURS_A_DAY}
            due += [
                (start + length, length, start)
                for start in starts
                if (start + length) * HOUR_US <= passed and (length, start) not in self._closed
            ]
        closed = []
        for _, length, start in sorted(due):
            if length:
                closed.append(self._score(length, start))
                self._remember(closed[-1])
                self._closed.add((length, start))
            else:
                self._note(start)
        self._over_until = max(self._over_until, passed // HOUR_US)
        self._forget(self._over_until)
        return closed

    def _note(self, hour: int) -> None:
        if self._first_us is None:
            self._first_us = hour * HOUR_US
        self._reader.note(self._rows([hour]), self._today(hour))
        self._noted.add(hour)

    def _score(self, length: int, start: int) -> Stretch:
        settings, watch = self._settings, self._settings.watch
        rows = self._rows([hour for hour in sorted(self._open) if start <= hour < start + length])
        day = start // _HOURS_A_DAY
        look_back_us = (day - watch.gap_days - watch.look_back_days) * DAY_US
        window = Window(start * HOUR_US, (start + length) * HOUR_US, look_back_us)
        data, _ = self._reader.window_data(rows, window, today=self._today(start), known=self._look_back(day))
        found = novel_candidates(data, settings.core, seed=settings.seed)
        score = found[0].strength.score if found else 0.0
        capital, value, p_value = self._capitals.get(length, Capital()), 0.0, None
        if self._first_us is not None and self._first_us <= look_back_us:
            earlier = self._maxima.get((length, traffic_class(len(data.items))), [])
            tie = float(np.random.default_rng([settings.seed, 8, length, abs(start)]).random())
            p_value = online_p_value(score, earlier, tie=tie)
            capital = capital.after(p_value)
        value = capital.value
        group = self._group(found[0], window) if found and value >= self.bound else None
        return Stretch(
            hours=length,
            start_us=window.start_us,
            n_items=len(data.items),
            n_candidates=len(found),
            score=score,
            p_value=p_value,
            capital=capital if group is None else Capital(),
            value=value,
            is_alarm=group is not None,
            accounts=frozenset() if group is None else group.accounts,
            shingles=frozenset() if group is None else group.shingles,
        )

    def _group(self, best: Candidate, window: Window) -> "_Group | None":
        """Return the group behind a stretch's strongest candidate as the last 24 hours show it.

        None where persons are behind it, or where it holds too little to tell: an hour seldom holds enough of a person.
        To raise no alarm is always allowed.
        """
        end = window.end_us // HOUR_US
        hours = [hour for hour in sorted(self._open) if end - _HOURS_A_DAY <= hour < end]
        days = {hour // _HOURS_A_DAY for hour in hours}
        data, names = self._reader.window_data(
            self._rows(hours),
            Window((end - _HOURS_A_DAY) * HOUR_US, window.end_us, window.look_back_us),
            today=merged([self._days[day] for day in sorted(days)], self._settings.watch.filter_bits),
            known=self._look_back(window.start_us // DAY_US),
        )
        core, seed = self._settings.core, self._settings.seed
        same = [
            one
            for one in gate(candidates(data, core, path="novel"), data.items, seed=seed)
            if 2 * len(np.intersect1d(one.candidate.shingles, best.shingles)) >= len(best.shingles)
        ]
        if not same or not all(one.removed.has_power and not one.removed.clears for one in same):
            return None
        largest = same[0].candidate
        members = np.unique(data.items.account[largest.items]).tolist()
        return _Group(frozenset(names[code] for code in members), sample(largest.shingles))

    def _rows(self, hours: Iterable[int]) -> pa.Table:
        return pa.Table.from_batches([batch for hour in hours for batch in self._open[hour]])

    def _remember(self, one: Stretch) -> None:
        if one.p_value is not None:
            self._maxima.setdefault((one.hours, traffic_class(one.n_items)), []).append(one.score)
        self._capitals[one.hours] = one.capital

    def _today(self, hour: int) -> Cells:
        day = hour // _HOURS_A_DAY
        if day not in self._days:
            self._days[day] = empty_filter(self._settings.watch.filter_bits)
        return self._days[day]

    def _look_back(self, day: int) -> Cells:
        """Return the filter of a day's look-back: its days are over, so it is made once a day."""
        watch = self._settings.watch
        if self._known is None or self._known[0] != day:
            end = day - watch.gap_days
            days = [self._days[one] for one in range(end - watch.look_back_days, end) if one in self._days]
            self._known = day, merged(days, watch.filter_bits)
        return self._known[1]

    def _forget(self, hour: int) -> None:
        """Drop what no stretch after this hour needs."""
        watch = self._settings.watch
        # Of an open stretch that begins a day back, a day before its end is looked at.
        for past in [one for one in self._noted if one < hour - 2 * _HOURS_A_DAY]:
            del self._open[past]
            self._noted.remove(past)
        today = hour // _HOURS_A_DAY
        if today > self._forgot_on:
            self._reader.forget([batch for batches in self._open.values() for batch in batches])
            self._forgot_on = today
        first = today - 1 - watch.gap_days - watch.look_back_days
        for day in [one for one in self._days if one < first]:
            del self._days[day]


def _by_hour(hours: Ints, places: Ints) -> Iterator[tuple[int, Ints]]:
    """Yield the hours of some places of rows, and the places of each in their order."""
    places = places[np.argsort(hours[places], kind="stable")]
    for of_hour in np.split(places, 1 + np.flatnonzero(np.diff(hours[places]))):
        if len(of_hour):
            yield int(hours[of_hour[0]]), of_hour


def first_day_needed(recorded: Sequence[Stretch], settings: Settings) -> int | None:
    """Return the first day (since the epoch) whose rows a `Live` needs that goes on after these stretches.

    Which of those rows were late can still be told: an exchange that was late came after exchanges of later hours.
    """
    if not recorded:
        return None
    watch = settings.watch
    last_us = max(one.end_us for one in recorded)
    return last_us // DAY_US - 2 - watch.gap_days - watch.look_back_days


@nb.njit(cache=True, nogil=True)
def _clock_before(times, top):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
    """Clock before each time came; `top` holds the latest times so far, ascending, and is brought up to date."""
    out = np.empty(len(times), np.int64)
    for k in range(len(times)):
        out[k] = top[0]
        if times[k] > top[0]:
            at = 0
            while at + 1 < len(top) and top[at + 1] < times[k]:
                top[at] = top[at + 1]
                at += 1
            top[at] = times[k]
    return out
