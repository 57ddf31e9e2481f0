"""From a record, whatever it is, to a row or to the reason why there is none."""

from collections.abc import Mapping
from datetime import tzinfo

from gauger.sources.batches import ReadOptions
from gauger.sources.batching import Converted, Place, converted, refused
from gauger.sources.detection import source_of
from gauger.sources.faults import NESTED, Bad
from gauger.sources.source import Refused, Source


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

    def convert(self, value: object, place: Place) -> Converted:
        """One record, or why it is left out."""
        if isinstance(value, Bad):
            return refused(place, value.reason)
        if not isinstance(value, Mapping):
            return refused(place, "not_an_object")
        source = self._source_for(value)
        if source is None:
            return refused(place, "unknown_format")
        self._note(source)
        try:
            return converted(source.row(value, self._options), place, self._zone)
        except Refused as verdict:
            return refused(place, verdict.fault.reason, column=verdict.column)
        except RecursionError:
            return refused(place, NESTED.reason)

    def _source_for(self, record: Mapping[str, object]) -> Source | None:
        if self._source is not None and (self._is_forced or self._source.matches(record)):
            return self._source
        return source_of(record)

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
