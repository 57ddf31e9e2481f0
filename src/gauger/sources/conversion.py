"""From records, whatever they are, to rows or to the reasons why there are none."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import tzinfo
from typing import Final

from gauger.sources.batches import ReadOptions
from gauger.sources.batching import Converted, Place, converted, filled
from gauger.sources.detection import source_of
from gauger.sources.faults import NESTED, Bad, Fault
from gauger.sources.records import Record
from gauger.sources.source import Refused, Source

#: Records that are converted together, and the bytes from the first of them at which no more are.
_RUN_RECORDS: Final = 512
_RUN_BYTES: Final = 1 << 21


class Conversion:
    """How the records of one log become rows.

    Parameters
    ----------
    options
        How the log is read.
    zone
        Zone of times that carry none.
    source
        Source for all records when the options name it; else the one that most of the first records want.
    """

    def __init__(self, options: ReadOptions, zone: tzinfo, *, source: Source | None) -> None:
        self._options = options
        self._zone = zone
        self._source = source
        self._is_forced = options.format is not None or options.mapping is not None
        self._used: set[str] = set()
        self._absent: frozenset[str] | None = None

    def converted(
        self, records: Iterable[Record], *, first_row: int, has_room: Callable[[Converted], bool]
    ) -> Iterator[tuple[list[Record], Converted]]:
        """Yield records and what they become: as many together as there is room for."""
        row = first_row
        for source, run in self._runs(records):
            yield from self._fitting(source, run, row, has_room)
            row += len(run)

    def _fitting(
        self, source: Source | None, run: list[Record], row: int, has_room: Callable[[Converted], bool]
    ) -> Iterator[tuple[list[Record], Converted]]:
        """Yield a run whole when there is room for it, else half by half, down to single records."""
        found = self._run(source, run, row)
        if len(run) == 1 or has_room(found):
            yield run, found
            return
        middle = len(run) // 2
        yield from self._fitting(source, run[:middle], row, has_room)
        yield from self._fitting(source, run[middle:], row + middle, has_room)

    def _runs(self, records: Iterable[Record]) -> Iterator[tuple[Source | None, list[Record]]]:
        """Yield neighbours of one source, each with its row as its value: a record itself is not held for long."""
        run: list[Record] = []
        source: Source | None = None
        full = 0
        for record in records:
            own = self._source_for(record.value)
            if run and (own is not source or len(run) == _RUN_RECORDS or record.end > full):
                yield source, run
                run = []
            if not run:
                source, full = own, record.end + _RUN_BYTES
            if own is not None:
                record.value = self._row(own, record.value)
            run.append(record)
        if run:
            yield source, run

    def _row(self, source: Source, record: Mapping[str, object]) -> tuple[object, ...] | Refused:
        try:
            # At once: a row of 512 others would have to be fetched into the processor's cache again.
            return filled(source.row(record, self._options))
        except Refused as verdict:
            return verdict.with_traceback(None)
        except RecursionError:
            return Refused(NESTED)

    def _source_for(self, value: object) -> Source | None:
        """Source for a record; None for what is not one."""
        if not isinstance(value, dict):
            return None
        if self._source is not None and (self._is_forced or self._source.matches(value)):
            return self._source
        return source_of(value)

    def _run(self, source: Source | None, run: list[Record], first_row: int) -> Converted:
        places = [Place(first_row + at, record.offset, record.length) for at, record in enumerate(run)]
        if source is None:
            return converted([], [], self._zone, refused=list(map(_unknown, run, places)))
        self._note(source)
        values = [record.value for record in run]
        verdicts = [(place, value) for place, value in zip(places, values, strict=True) if type(value) is Refused]
        if verdicts:
            places = [place for place, value in zip(places, values, strict=True) if type(value) is not Refused]
            values = [value for value in values if type(value) is not Refused]
        refused = [place.fault(verdict.fault.reason, column=verdict.column) for place, verdict in verdicts]
        return converted(values, places, self._zone, refused=refused)

    def _note(self, source: Source) -> None:
        """Remember what the sources in use cannot fill: a column is absent when all of them lack it."""
        if source.name not in self._used:
            self._used.add(source.name)
            absent = source.columns_absent(self._options)
            self._absent = absent if self._absent is None else self._absent & absent

    @property
    def columns_absent(self) -> frozenset[str]:
        """Columns that no source used so far can fill."""
        return self._absent or frozenset()


def _unknown(record: Record, place: Place) -> Fault:
    """Say why no source takes a record."""
    if isinstance(record.value, Bad):
        return place.fault(record.value.reason)
    return place.fault("unknown_format" if isinstance(record.value, dict) else "not_an_object")
