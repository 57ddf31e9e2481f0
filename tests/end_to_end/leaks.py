"""Finds runs of given texts in files of any format: what the privacy test looks with.

A run is 20 characters of a text, or 8 that are all Han, kana or hangul, after NFKC, casefolding and folding of white
space. Every file is searched as raw bytes (so pages that a database has given up count too) and as the values that its
format holds: cells, metadata and buffers of Parquet and Arrow, rows of SQLite, strings of JSON, cells of CSV, text and
attributes of HTML, the inside of gzip and zip.
"""

import csv
import gzip
import html.parser
import io
import json
import os
import sqlite3
import threading
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

RUN, DENSE_RUN = 20, 8
#: Scripts that say in 8 characters what others say in 20.
DENSE = (
    (0x1100, 0x11FF), (0x3040, 0x30FF), (0x3130, 0x318F), (0x31F0, 0x31FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF),
    (0xA960, 0xA97F), (0xAC00, 0xD7FF), (0xF900, 0xFAFF), (0x20000, 0x323AF),
)  # fmt: skip
#: Stands between values, and in raw bytes wherever a zero does. No run holds it.
EDGE = "\0"
_BASE = np.uint64(0x9E3779B97F4A7C15)


class Leak(NamedTuple):
    """A run that stands where it should not."""

    file: str
    place: str
    run: str


class Runs:
    """The runs of texts that must not be written, those of allowed wording left out."""

    def __init__(self, texts: Iterable[str], *, allowed: Iterable[str] = ()) -> None:
        unwanted, granted = folded(texts), folded(allowed)
        self._hashes = {
            length: np.setdiff1d(_distinct(unwanted, length), _distinct(granted, length)) for length in (RUN, DENSE_RUN)
        }

    def __len__(self) -> int:
        return sum(len(hashes) for hashes in self._hashes.values())

    def found_in(self, values: Iterable[str]) -> str | None:
        """Return the first unwanted run in these values."""
        text = folded(values)
        for length, unwanted in self._hashes.items():
            hashes, places = _runs(text, length)
            hits = places[_is_among(hashes, unwanted)]
            if len(hits):
                return text[hits[0] : hits[0] + length]
        return None


def _is_among(hashes: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return which hashes are among the known ones, which are sorted."""
    if len(known) == 0:
        return np.zeros(len(hashes), bool)
    return known[np.minimum(np.searchsorted(known, hashes), len(known) - 1)] == hashes


def folded(values: Iterable[str]) -> str:
    """Return the values, normalised, case and white space folded, with an edge between them."""
    return EDGE.join(" ".join(unicodedata.normalize("NFKC", value).casefold().split()) for value in values)


def _distinct(text: str, length: int) -> np.ndarray:
    return np.unique(_runs(text, length)[0])


def _runs(text: str, length: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the hash and the place of every run: of 20 characters without an edge, or of 8 dense ones."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    n = len(codes) - length + 1
    if n <= 0:
        return np.empty(0, np.uint64), np.empty(0, np.int64)
    excluded = codes == 0 if length == RUN else ~_is_dense(codes)
    before = np.concatenate([[0], np.cumsum(excluded)])
    places = np.flatnonzero(before[length:] == before[:-length])
    hashes = np.zeros(n, np.uint64)
    for k in range(length):
        hashes = hashes * _BASE + codes[k : n + k].astype(np.uint64)
    return hashes[places], places


def _is_dense(codes: np.ndarray) -> np.ndarray:
    dense = np.zeros(len(codes), bool)
    for first, last in DENSE:
        dense |= (codes >= first) & (codes <= last)
    return dense


def leaks_in(paths: Iterable[Path], unwanted: Runs) -> list[Leak]:
    """Return the leaks in files, at most one for each place of a file."""
    found = []
    for path in paths:
        for place, values in places_of(path.read_bytes()):
            run = unwanted.found_in(values)
            if run is not None:
                found.append(Leak(path.name, place, run))
    return found


def places_of(content: bytes) -> Iterator[tuple[str, Iterable[str]]]:
    """Yield what a file holds, place by place, as values of text."""
    yield "bytes", [content.decode("utf-8", "replace")]
    yield "bytes as UTF-16", [content[odd:].decode("utf-16-le", "replace") for odd in (0, 1)]
    for mark, reader in _READERS.items():
        if content.startswith(mark):
            yield from reader(content)
            return
    yield from _text(content)


def _text(content: bytes) -> Iterator[tuple[str, Iterable[str]]]:
    text = content.decode("utf-8", "replace")
    if text.lstrip().startswith("<"):
        yield "HTML", _html_values(text)
        return
    documents = [text, *text.splitlines()] if text.lstrip()[:1] in ("{", "[") else []
    for document in documents:
        try:
            yield "JSON", list(strings_in(json.loads(document)))
        except ValueError:
            continue
    if EDGE not in text:
        yield "CSV", _csv_cells(text)


def _csv_cells(text: str) -> list[str]:
    try:
        return [cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row]
    except csv.Error:
        return []  # not CSV: the bytes were searched


def strings_in(value: object) -> Iterator[str]:
    """Yield every text in a value as JSON has them, names of members too."""
    match value:
        case str():
            yield value
        case bytes():
            yield value.decode("utf-8", "replace")
        case dict():
            for key, inner in value.items():
                yield from strings_in(key)
                yield from strings_in(inner)
        case list() | tuple():
            for inner in value:
                yield from strings_in(inner)


class _Html(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.values: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.values += [value for _, value in attributes if value]

    def handle_data(self, data: str) -> None:
        self.values.append(data)

    handle_comment = handle_data


def _html_values(text: str) -> list[str]:
    parser = _Html()
    parser.feed(text)
    # Once value by value, and once with the tags gone: a run may go on across them.
    return [*parser.values, "".join(parser.values)]


def _parquet(content: bytes) -> Iterator[tuple[str, Iterable[str]]]:
    try:
        file = pq.ParquetFile(pa.BufferReader(content))
    except pa.ArrowException:
        return  # not finished: the bytes were searched
    metadata = file.metadata.metadata or {}
    yield "Parquet metadata", list(strings_in([[*metadata.items()], file.schema_arrow.names]))
    yield from _table(file.read())


def _arrow(content: bytes) -> Iterator[tuple[str, Iterable[str]]]:
    yield from _table(pa.ipc.open_file(pa.BufferReader(content)).read_all())


def _table(table: pa.Table) -> Iterator[tuple[str, Iterable[str]]]:
    for name, column in zip(table.column_names, table.columns, strict=True):
        yield f"column {name}", list(strings_in(column.to_pylist()))
        # What no cell shows: text behind nulls, or numbers that are letters.
        buffers = [buffer for chunk in column.chunks for buffer in chunk.buffers() if buffer]
        yield f"buffers of {name}", [buffer.to_pybytes().decode("utf-8", "replace") for buffer in buffers]


def _sqlite(content: bytes) -> Iterator[tuple[str, Iterable[str]]]:
    with sqlite3.connect(":memory:") as database:
        database.deserialize(content)
        try:
            tables = [name for (name,) in database.execute("select name from sqlite_master where type = 'table'")]
            for table in tables:
                yield f"table {table}", list(strings_in(database.execute(f'select * from "{table}"').fetchall()))
        except sqlite3.DatabaseError:
            return  # copied while it was written: the bytes were searched
    database.close()


def _gzip(content: bytes) -> Iterator[tuple[str, Iterable[str]]]:
    try:
        inside = gzip.decompress(content)
    except (EOFError, zlib.error):
        inside = zlib.decompressobj(31).decompress(content)
    for place, values in places_of(inside):
        yield f"{place} in gzip", values


def _zip(content: bytes) -> Iterator[tuple[str, Iterable[str]]]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in archive.namelist():
            for place, values in places_of(archive.read(name)):
                yield f"{place} of {name} in zip", values


_READERS = {
    b"PAR1": _parquet,
    b"ARROW1": _arrow,
    b"SQLite format 3\0": _sqlite,
    b"\x1f\x8b": _gzip,
    b"PK\x03\x04": _zip,
}


class Watch:
    """Keeps every file that appears under a folder while the block runs, those too that are gone afterwards.

    A hard link in a vault beside the folder keeps what is deleted, as it was then.
    """

    def __init__(self, folder: Path, vault: Path) -> None:
        self._folder, self._vault = folder, vault
        self._known: dict[int, str] = {}
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> "Watch":
        self._vault.mkdir()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()
        self._keep_new()

    @property
    def names(self) -> set[str]:
        """Names, relative to the folder, of all files that were seen."""
        return set(self._known.values())

    @property
    def kept(self) -> list[Path]:
        """All files that were seen, under the names of their places."""
        return sorted(self._vault.iterdir())

    def _look(self) -> None:
        while not self._is_over.wait(0.001):
            self._keep_new()

    def _keep_new(self) -> None:
        for folder, _, names in os.walk(self._folder):
            for name in names:
                self._keep(Path(folder, name))

    def _keep(self, path: Path) -> None:
        try:
            inode = path.stat().st_ino
            if inode not in self._known:
                name = str(path.relative_to(self._folder))
                (self._vault / f"{len(self._known):05d} {name.replace('/', ' ')}").hardlink_to(path)
                self._known[inode] = name
        except FileNotFoundError:
            return  # gone since the folder was listed
