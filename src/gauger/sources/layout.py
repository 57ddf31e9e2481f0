"""How a text log lies in its file, told from its first bytes."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from gauger.sources.faults import Bad
from gauger.sources.json_scan import ObjectScan
from gauger.sources.json_text import decode

_UTF_8_MARK: Final = b"\xef\xbb\xbf"

#: `{"data": [` with plain members before it at most: how listing endpoints wrap what they return.
_PLAIN_MEMBERS: Final = rb'(?:"(?:[^"\\]++|\\.)*+"\s*:\s*(?:"(?:[^"\\]++|\\.)*+"|[\d.eE+-]+|true|false|null)\s*,\s*)*'
_WRAPPED: Final = re.compile(
    rb"\s*\{\s*" + _PLAIN_MEMBERS + rb'"(?:data|logs|results|rows|records)"\s*:\s*\[\s*(?=[{\]]|\Z)'
)

#: Where the list of a page ends and the next page of the same file begins; "element" is its first record.
NEXT_PAGE: Final = re.compile(rb"\}" + _WRAPPED.pattern + b"(?P<element>)")

#: The beginning of an object, up to the colon after its first key.
_OBJECT_START: Final = re.compile(rb'\{\s*"(?:[^"\\]++|\\.){1,64}+"\s*:', re.DOTALL)

#: What stands before a record that does not begin a line of its own. A colon before it would make it part of another.
_SEPARATOR: Final = rb"[,\n]\s*+"
_ANY_OBJECT: Final = re.compile(_SEPARATOR + b"(?P<element>" + _OBJECT_START.pattern + b")", re.DOTALL)
_CANDIDATE: Final = re.compile(
    rb"(?P<before>\n[ \t]*+|[,\[][ \t]*+)(?P<element>" + _OBJECT_START.pattern + b")", re.DOTALL
)

#: Objects that do not parse, after which the choice of a marker goes by what was seen.
_MAX_FAILED: Final = 16
_DELIMITERS: Final = (",", "\t", ";")
_COLUMN_NAME: Final = re.compile(r"[\w.$@ /:\[\]-]{1,128}")


@dataclass(frozen=True, slots=True)
class Layout:
    """How records lie in a text log.

    Attributes
    ----------
    kind
        JSON lines; JSON values one after another or in a list; CSV.
    start
        Offset of the first record, headers and opening brackets behind.
    is_wrapped
        The values are a list inside an object: what follows the list is no record.
    marker
        What a record begins with, to find the next one after damage; its group "element" is the record's place.
    columns, delimiter
        CSV: names of the header, and what separates them.
    """

    kind: Literal["json_lines", "json_values", "csv"]
    start: int = 0
    is_wrapped: bool = False
    marker: "re.Pattern[bytes]" = _ANY_OBJECT
    columns: tuple[str, ...] = ()
    delimiter: str = ","


def without_mark(data: bytes) -> bytes:
    """Bytes without a UTF-8 byte order mark."""
    return data.removeprefix(_UTF_8_MARK)


def layout_of(head: bytes) -> Layout:
    """Layout of a log that begins with `head`; JSON lines when nothing speaks for another."""
    mark = len(head) - len(without_mark(head))
    begin = re.compile(rb"\s*+").match(head, mark)
    at = begin.end() if begin else mark
    opening = head[at : at + 1]
    if opening in (b"{", b"["):
        return _json_layout(head, at)
    return _csv_layout(head, mark) or Layout("json_lines", start=mark)


def _json_layout(head: bytes, at: int) -> Layout:
    line, _, others = head[at:].partition(b"\n")
    value = decode(line)
    wrapped = _WRAPPED.match(head, at)
    is_document = not isinstance(value, Bad) and not others.strip()
    if wrapped and (isinstance(value, Bad) or is_document):
        return _values_layout(head, wrapped.end(), is_wrapped=True)
    if isinstance(value, dict):
        return Layout("json_lines")
    if line.startswith(b"[") or line.strip() == b"{":
        return _values_layout(head, at, is_wrapped=False)
    return Layout("json_lines")


def _values_layout(head: bytes, start: int, *, is_wrapped: bool) -> Layout:
    return Layout("json_values", start=start, is_wrapped=is_wrapped, marker=_marker_of(head, start))


def _marker_of(head: bytes, start: int) -> "re.Pattern[bytes]":
    """Choose what records begin with: like the objects of the head that, read whole, cover most of it.

    One damaged record, the first even, does not decide; nor do the many small objects inside records.
    """
    data = b"[" + head[start:]
    covered: Counter[tuple[bytes, bytes]] = Counter()
    at = n_failed = 0
    while n_failed < _MAX_FAILED and (found := _CANDIDATE.search(data, at)):
        begin = found.start("element")
        end = ObjectScan(begin).end(data)
        if end is None or isinstance(decode(data[begin:end]), Bad):
            at, n_failed = begin, n_failed + 1
            continue
        separator = re.escape(found["before"]) if found["before"].startswith(b"\n") else _SEPARATOR
        covered[separator, found["element"]] += end - begin
        at = end
    if not covered:
        return _ANY_OBJECT
    separator, element = covered.most_common(1)[0][0]
    return re.compile(separator + b"(?P<element>" + re.escape(element) + b")")


def _csv_layout(head: bytes, start: int) -> Layout | None:
    line, feed, _ = head[start:].partition(b"\n")
    for delimiter in _DELIMITERS:
        names = csv_fields(line.removesuffix(b"\r"), delimiter)
        if names and len(names) > 1 and all(map(_COLUMN_NAME.fullmatch, names)) and len(set(names)) == len(names):
            return Layout("csv", start=start + len(line) + len(feed), columns=tuple(names), delimiter=delimiter)
    return None


@lru_cache(maxsize=8)
def _field(delimiter: str) -> "re.Pattern[str]":
    stop = re.escape(delimiter)
    return re.compile(rf'(?:"((?:[^"]++|"")*+)"|((?:[^"{stop}][^{stop}]*+)?))({stop}|\Z)', re.DOTALL)


def csv_fields(row: bytes, delimiter: str) -> list[str] | None:
    """Fields of one CSV row (RFC 4180), invalid UTF-8 replaced; None when its quotes are off."""
    text = row.decode("utf-8", "replace")
    fields = []
    for quoted, plain, stop in _field_matches(text, delimiter):
        fields.append(quoted.replace('""', '"') if quoted is not None else plain)
        if not stop:
            return fields
    return None


def _field_matches(text: str, delimiter: str) -> Iterator[tuple[str | None, str, str]]:
    field, at = _field(delimiter), 0
    while found := field.match(text, at):
        yield found[1], found[2], found[3]
        at = found.end()
