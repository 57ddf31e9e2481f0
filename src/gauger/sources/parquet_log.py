"""A Parquet file as a log: canonical columns are taken whole, any other schema record by record."""

from collections.abc import Iterator
from datetime import tzinfo
from itertools import pairwise
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from gauger.exchanges.schema import BATCH_ROWS, BATCH_TEXT_BYTES, EDGE_SCHEMA
from gauger.sources.batches import ReadOptions, SourceBatch
from gauger.sources.batching import FILLED, Batcher, Place
from gauger.sources.canonical import CanonicalSource
from gauger.sources.conversion import Conversion
from gauger.sources.detection import detected
from gauger.sources.faults import Fault, fault_table
from gauger.sources.parquet import DAMAGE, Edge, dictionaries, edge, stretches, text_cuts
from gauger.sources.places import place_of
from gauger.sources.records import Record
from gauger.sources.source import Source
from gauger.sources.times import zone_of

#: Rows that become records at a time, and that decide the source.
_RECORD_ROWS: Final = 1024


class ParquetLog:
    """One Parquet file.

    Parameters
    ----------
    path
        The file.
    source_file
        Its name as it stands in every row.
    bounds
        Rows and bytes of text that a batch holds at most.
    """

    def __init__(
        self, path: str, *, source_file: str, bounds: tuple[int, int] = (BATCH_ROWS, BATCH_TEXT_BYTES)
    ) -> None:
        self._path = path
        self._source_file = source_file
        self._max_rows, self._max_text_bytes = bounds
        place = place_of(path)
        self._size_bytes = place.stamp().size_bytes
        try:
            self._file = pq.ParquetFile(place.arrow_source(), page_checksum_verification=True)
        except DAMAGE:
            self._file = None

    def source(self) -> Source | None:
        """Source that knows the rows; None for a file without rows, or one that cannot be opened.

        Raises
        ------
        InputError
            No source knows them.
        """
        if self._file is None or not self._file.metadata.num_rows:
            return None
        found = stretches(self._file, start_row=0, max_rows=100, max_bytes=BATCH_TEXT_BYTES, columns=None)
        table = next(found).table
        names = dict.fromkeys(self._file.schema_arrow.names)
        return detected([names] if table is None else dictionaries(table), path=self._path)

    def batches(
        self, options: ReadOptions, forced: Source | None, *, start_offset: int, start_row: int
    ) -> Iterator[SourceBatch]:
        """Batches from `start_row` on."""
        zone = zone_of(options.timezone)
        if self._file is None:
            damage = Fault(None, 0, self._size_bytes, None, "damaged_parquet")
            yield self._batch(None, [damage], start_offset, start_row, frozenset())
            return
        source = forced or self.source()
        if isinstance(source, CanonicalSource):
            yield from self._canonical(self._file, zone, start_row)
        elif source is not None:
            yield from self._by_records(self._file, Conversion(options, zone, source=source), start_row)

    def _offset(self, row: int) -> int:
        """Share of the file behind a row, in bytes; all of it behind the last."""
        return self._size_bytes * row // max(1, self._rows)

    @property
    def _rows(self) -> int:
        return 0 if self._file is None else int(self._file.metadata.num_rows)

    def _canonical(self, file: pq.ParquetFile, zone: tzinfo, start_row: int) -> Iterator[SourceBatch]:
        here = [name for name in file.schema_arrow.names if name in FILLED]
        absent = frozenset(FILLED) - frozenset(here)
        found = stretches(
            file, start_row=start_row, max_rows=self._max_rows, max_bytes=self._max_text_bytes, columns=here or None
        )
        for stretch in found:
            if stretch.table is None:
                yield self._batch(None, [_damaged(stretch.row)], self._offset(stretch.end_row), stretch.end_row, absent)
                continue
            rows = edge(stretch.table, first_row=stretch.row, source_file=self._source_file, zone=zone)
            yield from self._cut(rows, stretch.row, stretch.end_row, absent)

    def _cut(self, rows: Edge, first_row: int, end_row: int, absent: frozenset[str]) -> Iterator[SourceBatch]:
        """Batches of a stretch, none with more text than the bound."""
        numbers = rows.table.column("source_row")
        cuts = text_cuts(rows.table, self._max_text_bytes)
        begins = [first_row, *(numbers[cut].as_py() for cut in cuts), end_row]
        for (start, stop), (begin, end) in zip(
            pairwise([0, *cuts, rows.table.num_rows]), pairwise(begins), strict=True
        ):
            faults = [fault for fault in rows.faults if fault.row is not None and begin <= fault.row < end]
            yield self._batch(rows.table.slice(start, stop - start), faults, self._offset(end), end, absent)

    def _by_records(self, file: pq.ParquetFile, conversion: Conversion, start_row: int) -> Iterator[SourceBatch]:
        batcher = Batcher(self._source_file, max_rows=self._max_rows, max_text_bytes=self._max_text_bytes)
        row = start_row

        def cut() -> SourceBatch:
            offset = self._offset(row)
            absent = conversion.columns_absent
            return batcher.cut(end_offset=offset, end_row=row, bytes_read=offset, columns_absent=absent)

        found = stretches(
            file, start_row=start_row, max_rows=_RECORD_ROWS, max_bytes=self._max_text_bytes, columns=None
        )
        for stretch in found:
            if stretch.table is None:
                batcher.report(_damaged(stretch.row))
                row = stretch.end_row
                continue
            records = (Record(None, None, 0, value) for value in dictionaries(stretch.table))
            for run, taken in conversion.converted(records, first_row=row, has_room=batcher.has_room):
                if not (batcher.is_empty or batcher.has_room(taken)):
                    yield cut()
                batcher.add(taken)
                row += len(run)
        if not batcher.is_empty:
            yield cut()

    def _batch(
        self, table: pa.Table | None, faults: list[Fault], offset: int, row: int, absent: frozenset[str]
    ) -> SourceBatch:
        return SourceBatch(
            exchanges=EDGE_SCHEMA.empty_table() if table is None else table,
            quarantined=fault_table(faults, self._source_file),
            end_offset=offset,
            end_row=row,
            bytes_read=offset,
            columns_absent=absent,
        )


def _damaged(row: int) -> Fault:
    return Place(row).fault("damaged_row_group")
