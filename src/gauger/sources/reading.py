"""Reading a log from start to end: the one way from a path or an address to batches of exchanges."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from gauger.errors import InputError
from gauger.exchanges.schema import BATCH_ROWS, BATCH_TEXT_BYTES
from gauger.sources.batches import ReadOptions, SourceBatch
from gauger.sources.batching import Batcher
from gauger.sources.content_hash import ContentHash, HashedStream
from gauger.sources.conversion import Conversion
from gauger.sources.detection import detected, forced_source
from gauger.sources.faults import INCOMPLETE, Fault
from gauger.sources.layout import Layout, layout_of
from gauger.sources.parquet_log import ParquetLog
from gauger.sources.records import Record, Tail, records
from gauger.sources.source import Source
from gauger.sources.streams import LogStream, RawFile, is_parquet, opened_file, uncompressed
from gauger.sources.times import zone_of

#: Bytes beside the longest record that wait to be hashed: the rows that are converted together, and what is read ahead.
_HELD_BYTES: Final = 16 << 20


def read_log(
    path: str,
    *,
    options: ReadOptions,
    name: str | None = None,
    start_offset: int = 0,
    start_row: int = 0,
    content: ContentHash | None = None,
    max_rows: int = BATCH_ROWS,
    max_text_bytes: int = BATCH_TEXT_BYTES,
) -> Iterator[SourceBatch]:
    """Batches of a log, in its order; an empty log gives none.

    Every record comes out once: as a row of `SourceBatch.exchanges`, or as a row of `SourceBatch.quarantined`. A
    record with a bad value in an optional column is in both: kept, with that column empty. Without `options.format`
    each record is read by the source that knows it, so that a file may mix formats.

    Parameters
    ----------
    path
        A file, an address (`gauger.sources.places`), or "-" for standard input.
    options
        How to read it.
    name
        What it is called in `source_file`; default: `path`.
    start_offset, start_row
        Where to go on: `end_offset` and `end_row` of the last batch of an earlier reading of the same file.
    content
        And its `content`; without it what lies before is read again, to be hashed.
    max_rows, max_text_bytes
        Bounds of a batch. They never change the rows.

    Raises
    ------
    InputError
        The log cannot be read, or no source knows its records.
    UsageError
        The options ask for what cannot be.
    """
    forced = forced_source(options)
    zone = zone_of(options.timezone)
    source_file = _shown(path if name is None else name)
    with opened_file(path) as raw:
        if is_parquet(raw):
            _refuse_parquet_stream(raw, path)
            file = ParquetLog(path, source_file=source_file, bounds=(max_rows, max_text_bytes))
            yield from file.batches(options, forced, start_offset=start_offset, start_row=start_row)
            return
        stream = uncompressed(raw, path=path)
        layout = layout_of(stream.head)
        conversion = Conversion(options, zone, source=forced or _source_of_text(stream, layout, path, options))
        hashed = _hashed(stream, content or ContentHash(), max(start_offset, layout.start), options)
        found = records(hashed, layout, max_record_bytes=options.max_record_bytes)
        batcher = Batcher(source_file, max_rows=max_rows, max_text_bytes=max_text_bytes)
        yield from _text_batches(
            stream, hashed, found, conversion, batcher, start_offset=start_offset, start_row=start_row
        )


def _hashed(stream: LogStream, content: ContentHash, start: int, options: ReadOptions) -> HashedStream:
    """Return a log from `start` on, with the hash of what comes before."""
    stream.skip_to(min(content.n_bytes, start))
    hashed = HashedStream(stream, content, max_held=options.max_record_bytes + _HELD_BYTES)
    hashed.skip_to(start)
    return hashed


def detect_format(path: str, options: ReadOptions) -> str:
    """Name of the source that `read_log` would use for a log: a key of `SOURCES`.

    Raises
    ------
    InputError
        The file cannot be read, is empty, or no source knows its records; says what was seen and what to do.
    UsageError
        The options ask for what cannot be.
    """
    forced = forced_source(options)
    if forced is not None:
        return forced.name
    with opened_file(path) as raw:
        if is_parquet(raw):
            _refuse_parquet_stream(raw, path)
            found = ParquetLog(path, source_file=_shown(path)).source()
        else:
            stream = uncompressed(raw, path=path)
            found = _source_of_text(stream, layout_of(stream.head), path, options)
    if found is None:
        raise InputError(
            "the log holds no whole record", where=path, todo="leave it out, or check that it is the right file"
        )
    return found.name


def _refuse_parquet_stream(raw: RawFile, path: str) -> None:
    if path == "-" or not raw.can_seek:
        raise InputError("Parquet cannot be read from a stream", where=path, todo="give the path of the file")


def _shown(path: str) -> str:
    """Path as it stands in tables: names that are not UTF-8 with U+FFFD."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _source_of_text(stream: LogStream, layout: Layout, path: str, options: ReadOptions) -> Source | None:
    """Source for a text log, told from its head, which stays unread; None for a log without whole records."""
    head = _Head(stream.head)
    head.read(layout.start)
    found = records(head, layout, max_record_bytes=options.max_record_bytes)
    values = [record.value for record in found if isinstance(record, Record) and record.value is not INCOMPLETE]
    return detected(values, path=path) if values else None


class _Head:
    """The head of a log as a stream of its own."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.offset = 0

    def read(self, size: int) -> bytes:
        found = self._data[self.offset : self.offset + size]
        self.offset += len(found)
        return found


def _text_batches(
    stream: LogStream,
    hashed: HashedStream,
    found: Iterator[Record | Tail],
    conversion: Conversion,
    batcher: Batcher,
    *,
    start_offset: int,
    start_row: int,
) -> Iterator[SourceBatch]:
    tail = end = given = start_offset
    row = start_row

    def whole() -> Iterator[Record]:
        nonlocal tail
        for item in found:
            if isinstance(item, Record):
                yield item
            else:
                tail = item.end

    def cut() -> SourceBatch:
        batch = batcher.cut(
            end_offset=end, end_row=row, bytes_read=stream.bytes_read, columns_absent=conversion.columns_absent
        )
        return replace(batch, content=hashed.content)

    for run, taken in conversion.converted(whole(), first_row=row, has_room=batcher.has_room):
        if not (batcher.is_empty or batcher.has_room(taken)):
            yield cut()
            given = end
        batcher.add(taken)
        read = [record for record in run if record.value is not INCOMPLETE]
        end, row = read[-1].end if read else end, row + len(read)
        hashed.advance(end)
    end = max(end, tail)
    hashed.advance(end)
    if stream.damage:
        batcher.report(Fault(None, stream.offset, None, None, stream.damage))
    if not batcher.is_empty or end > given:
        yield cut()
