"""Standard input as a log that grows: a line a record, taken as it comes.

What a pipe gave cannot be asked for again. A batch counts once it is committed; of what was read after that, a stop
loses what is in memory, and the writer must send it again.
"""

import os
import select
from collections.abc import Iterator
from typing import Final

from gauger.exchanges.schema import BATCH_ROWS, BATCH_TEXT_BYTES
from gauger.sources.batches import ReadOptions, SourceBatch
from gauger.sources.batching import Batcher
from gauger.sources.conversion import Conversion
from gauger.sources.detection import forced_source
from gauger.sources.faults import TOO_LONG
from gauger.sources.json_text import decode
from gauger.sources.records import Record
from gauger.sources.times import zone_of

#: Bytes asked of the pipe at a time, and taken into one batch at most.
_READ_BYTES: Final = 1 << 18
_BATCH_BYTES: Final = 1 << 23
#: A batch waits so long for more, seconds: a writer that is busy fills it.
_WAIT_S: Final = 0.1
_BLANK: Final = b" \t\r"


class PipeReader:
    """Lines of a file descriptor as the one partition of a log (`gauger.sources.partitions.PartitionReader`)."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._begun = b""  # of a line whose end has not come yet
        self._skips = False  # the line that has begun is too long: the rest of it is passed over
        self.is_over = False

    def feed(self, _partition: int) -> str:
        """Return the name of the log."""
        return "standard input"

    def partitions(self) -> list[int]:
        """Return the one there is."""
        return [0]

    def has_more(self, timeout_s: float = 0.0) -> bool:
        """Return whether there is something to read, or the end to be seen."""
        return not self.is_over and bool(select.select([self._descriptor], [], [], timeout_s)[0])

    def batches(self, _partition: int, options: ReadOptions, *, start_offset: int) -> Iterator[SourceBatch]:
        """One batch of what is there now; none where nothing is. Offsets are numbers of lines."""
        records = list(self._records(options.max_record_bytes))
        if not records:
            return
        conversion = Conversion(options, zone_of(options.timezone), source=forced_source(options))
        batcher = Batcher(self.feed(0), max_rows=BATCH_ROWS, max_text_bytes=BATCH_TEXT_BYTES)
        for _, taken in conversion.converted(records, first_row=start_offset, has_room=lambda _taken: True):
            batcher.add(taken)
        end = start_offset + len(records)
        yield batcher.cut(end_offset=end, end_row=end, bytes_read=0, columns_absent=conversion.columns_absent)

    def _records(self, max_bytes: int) -> Iterator[Record]:
        n_bytes = n_records = 0
        while n_bytes < _BATCH_BYTES and n_records < BATCH_ROWS // 2 and self.has_more(_WAIT_S):
            found = os.read(self._descriptor, _READ_BYTES)
            n_bytes += len(found)
            self.is_over = not found
            for record in self._lines(found, max_bytes):
                n_records += 1
                yield record

    def _lines(self, found: bytes, max_bytes: int) -> Iterator[Record]:
        """Yield the lines that end in what was found, and the last one where nothing follows."""
        *ended, begun = (self._begun + found).split(b"\n")
        if self.is_over:
            ended, begun = [*ended, begun], b""
        for line in ended:
            is_long = self._skips or len(line) > max_bytes
            self._skips = False
            if is_long or line.strip(_BLANK):
                yield Record(None, None, 0, TOO_LONG if is_long else decode(line))
        self._skips = self._skips or len(begun) > max_bytes
        self._begun = b"" if self._skips else begun
