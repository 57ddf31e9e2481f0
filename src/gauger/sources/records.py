"""Records of a text log: JSON lines, JSON arrays and other runs of JSON values, and CSV.

Every reader here yields `Record`s in the order of the file and ends with one `Tail`. What cannot be read is a record
too, whose value is `Bad`, so that nothing is passed over in silence.
"""

import re
from collections import deque
from collections.abc import Iterator
from typing import Any, Final, NamedTuple, Protocol

import msgspec

from gauger.sources.faults import INCOMPLETE, NESTED, NOT_JSON, TOO_LONG, Bad
from gauger.sources.json_scan import ObjectScan
from gauger.sources.json_text import decode
from gauger.sources.layout import NEXT_PAGE, Layout, csv_fields, without_mark
from gauger.sources.streams import CHUNK_BYTES


class ByteStream(Protocol):
    """Uncompressed bytes from `offset` on; `read` returns nothing only at the end."""

    @property
    def offset(self) -> int:
        """Uncompressed bytes before the next `read`."""
        ...

    def read(self, size: int) -> bytes:
        """Return at most `size` bytes."""
        ...


class Record(msgspec.Struct, gc=False):
    """One record.

    Attributes
    ----------
    offset, length
        Bytes in the uncompressed log; None where the format has none.
    end
        Where the next record may begin.
    value
        The record, or `Bad`; later what became of it. `INCOMPLETE` is not yet a record: it is left for when the file
        has grown.
    """

    offset: int | None
    length: int | None
    end: int
    value: Any


class Tail(NamedTuple):
    """End of the log: reading goes on at `end` once the file has grown."""

    end: int


def records(stream: ByteStream, layout: Layout, *, max_record_bytes: int) -> Iterator[Record | Tail]:
    """Yield the records from where the stream stands, then the `Tail`."""
    if layout.kind == "csv":
        return _csv_rows(stream, layout, max_record_bytes)
    if layout.kind == "json_values":
        return _json_values(stream, layout, max_record_bytes)
    return _json_lines(stream, max_record_bytes)


class _Line(msgspec.Struct, frozen=True, gc=False):
    """A line without its line feed; `data` is None when it was too long to hold."""

    offset: int
    length: int
    data: bytes | None
    is_ended: bool

    @property
    def end(self) -> int:
        return self.offset + self.length + self.is_ended


def _lines(stream: ByteStream, limit: int) -> Iterator[_Line]:
    offset, held, held_bytes = stream.offset, list[bytes](), 0
    while chunk := stream.read(CHUNK_BYTES):
        first, *others = chunk.split(b"\n")
        held_bytes += len(first)
        if held_bytes <= limit:
            held.append(first)
        else:
            held.clear()
        if not others:
            continue
        yield _Line(offset, held_bytes, b"".join(held) if held_bytes <= limit else None, is_ended=True)
        offset += held_bytes + 1
        last = others.pop()
        for data in others:
            yield _Line(offset, len(data), data if len(data) <= limit else None, is_ended=True)
            offset += len(data) + 1
        held, held_bytes = [last], len(last)
    if held_bytes:
        yield _Line(offset, held_bytes, b"".join(held) if held_bytes <= limit else None, is_ended=False)


def _json_lines(stream: ByteStream, limit: int) -> Iterator[Record | Tail]:
    end = stream.offset
    for line in _lines(stream, limit):
        stop = line.end
        if line.data is None:
            yield Record(line.offset, line.length, stop, TOO_LONG)
            end = stop
            continue
        data = line.data if line.offset else without_mark(line.data)
        if data.isspace() or not data:
            end = stop
            continue
        value = decode(data)
        if type(value) is Bad and not line.is_ended:
            yield Record(line.offset, line.length, line.offset, INCOMPLETE)
            break
        yield Record(line.offset, line.length, stop, value)
        end = stop
    yield Tail(end)


_GAP: Final = re.compile(rb"[\s,\]}\[]*+")
_GAP_IN_WRAPPED: Final = re.compile(rb"[\s,]*+")

#: A window grows by no more than this at once.
_MAX_GROWTH_BYTES: Final = 16 * CHUNK_BYTES


class _Window:
    """The stretch of a stream that is being looked at: `data` begins at `base`."""

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream
        self.base = stream.offset
        self.data = b""
        self.is_over = False

    def grow(self) -> None:
        """Take more in: as much again as is held, so that looking at it anew stays linear."""
        wanted = min(max(CHUNK_BYTES, len(self.data)), _MAX_GROWTH_BYTES)
        more = self._stream.read(wanted)
        self.data += more
        self.is_over = not more

    def drop(self, count: int) -> None:
        """Forget the first bytes."""
        self.data = self.data[count:]
        self.base += count


def _json_values(stream: ByteStream, layout: Layout, limit: int) -> Iterator[Record | Tail]:
    window = _Window(stream)
    at = 0
    gap = _GAP_IN_WRAPPED if layout.is_wrapped else _GAP
    while True:
        if at > CHUNK_BYTES:
            window.drop(at)
            at = 0
        at = _after(gap, window.data, at)
        if at == len(window.data):
            if window.is_over:
                break
            window.grow()
            continue
        if layout.is_wrapped and window.data[at : at + 1] == b"]":  # what follows the list describes the list
            if not _seek_marker(window, at + 1, NEXT_PAGE):
                break
            at = 0
            continue
        found = _element(window, at, limit) if window.data[at : at + 1] == b"{" else NOT_JSON
        if isinstance(found, _Element):
            yield Record(window.base + at, found.end - at, window.base + found.end, found.value)
            at = found.end
            continue
        begin = window.base + at
        is_resumed = _seek_marker(window, at + 1, layout.marker)
        if not is_resumed and found is INCOMPLETE:
            yield Record(begin, window.base + len(window.data) - begin, begin, INCOMPLETE)
            yield Tail(begin)
            return
        at = 0 if is_resumed else len(window.data)
        stop = window.base + at
        yield Record(begin, stop - begin, stop, NOT_JSON if found is INCOMPLETE else found)
    yield Tail(window.base + len(window.data))


class _Element(NamedTuple):
    end: int
    value: Any


def _after(gap: "re.Pattern[bytes]", data: bytes, at: int) -> int:
    passed = gap.match(data, at)
    return passed.end() if passed else at


def _element(window: _Window, start: int, limit: int) -> _Element | Bad:
    """Read the JSON object at `start` of the window, which grows as needed and keeps its base."""
    scan = ObjectScan(start)
    while (end := scan.end(window.data)) is None:
        if scan.is_too_deep:
            return NESTED
        if len(window.data) - start > limit:
            return TOO_LONG
        if window.is_over:
            return INCOMPLETE
        window.grow()
    if end - start > limit:
        return TOO_LONG
    value = decode(window.data[start:end])
    return value if isinstance(value, Bad) else _Element(end, value)


#: Kept of what is dropped while looking for the next element: no marker is longer.
_MARKER_BYTES: Final = 4096


def _seek_marker(window: _Window, start: int, marker: "re.Pattern[bytes]") -> bool:
    """Move the window's base to the next place, from `start` on, where an element may begin."""
    while True:
        found = marker.search(window.data, start)
        if found:
            window.drop(found.start("element"))
            return True
        if window.is_over:
            return False
        seen = max(start, len(window.data) - _MARKER_BYTES)
        window.drop(seen)
        start = 0
        window.grow()


def _csv_rows(stream: ByteStream, layout: Layout, limit: int) -> Iterator[Record | Tail]:
    """Rows of a CSV log. A quote left open costs the one line it stands in: the next line is tried as a row anew."""
    source = _lines(stream, limit)
    waiting: deque[_Line] = deque()
    end = stream.offset
    while lines := _one_row(source, waiting, limit):
        first, last = lines[0], lines[-1]
        if len(lines) == 1 and first.data is not None and not first.data.strip():
            end = first.end
            continue
        value = _csv_row(lines, layout)
        if not isinstance(value, Bad):
            end = last.end
            yield Record(first.offset, last.offset + last.length - first.offset, end, value)
            continue
        if _is_cut_short(lines, layout):
            yield Record(first.offset, last.offset + last.length - first.offset, first.offset, INCOMPLETE)
            break
        waiting.extendleft(reversed(lines[1:]))
        end = first.end
        yield Record(first.offset, first.length, end, value)
    yield Tail(end)


def _is_cut_short(lines: list[_Line], layout: Layout) -> bool:
    """Whether these lines are the beginning of a row, and not a row whose quotes are off."""
    if any(line.data is None for line in lines):
        return False
    if len(lines) == 1:
        return not lines[0].is_ended
    is_open = sum(line.data.count(b'"') for line in lines if line.data) % 2 == 1
    return is_open and all(isinstance(_csv_row([line], layout), Bad) for line in lines[1:])


def _one_row(source: Iterator[_Line], waiting: "deque[_Line]", limit: int) -> list[_Line]:
    """Lines up to the one where all quotes are closed: a quoted field may hold line feeds."""
    lines: list[_Line] = []
    quotes = size = 0
    while size <= limit:
        line = waiting.popleft() if waiting else next(source, None)
        if line is None:
            break
        lines.append(line)
        if line.data is None:
            break
        quotes += line.data.count(b'"')
        size += line.length + 1
        if quotes % 2 == 0:
            break
    return lines


def _csv_row(lines: list[_Line], layout: Layout) -> dict[str, str] | Bad:
    parts = [line.data for line in lines if line.data is not None]
    if len(parts) < len(lines):
        return TOO_LONG if len(lines) == 1 else Bad("bad_csv")
    fields = csv_fields(b"\n".join(parts).removesuffix(b"\r"), layout.delimiter)
    if fields is None:
        return Bad("bad_csv")
    if len(fields) != len(layout.columns):
        return Bad("wrong_field_count")
    return dict(zip(layout.columns, fields, strict=True))
