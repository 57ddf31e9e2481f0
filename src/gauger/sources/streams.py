"""A log as a stream of uncompressed bytes, in bounded memory, with everything that can still be read of a damaged file.

Compression is told by the first bytes, never by the name. A damaged or truncated file ends where its last good byte
is, and says so in `damage`.
"""

import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO, Final, Protocol

import pyarrow as pa

from gauger.errors import InputError
from gauger.sources.places import place_of

#: Bytes asked of the file at a time.
CHUNK_BYTES: Final = 1 << 20

#: Uncompressed bytes at the start of a log that decide its layout and its source.
HEAD_BYTES: Final = 1 << 20

_GZIP_MAGIC: Final = b"\x1f\x8b"
_ZSTD_MAGIC: Final = b"\x28\xb5\x2f\xfd"
_PARQUET_MAGIC: Final = b"PAR1"
_UTF_16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")

#: zlib's word for "a gzip header and trailer".
_GZIP_WINDOW_BITS: Final = 31

#: Compressed bytes handed to a decompressor at a time; what a damaged stretch can cost is found byte by byte.
_COMPRESSED_CHUNK_BYTES: Final = 1 << 16


class RawFile:
    """The file as it lies, or standard input: counts what was taken, and can give back its first bytes."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._given_back = b""
        self.bytes_read = 0
        self.closed = False

    def read(self, size: int = -1) -> bytes:
        """Return at most `size` bytes; all that are left when it is negative."""
        if self._given_back:
            taken = self._given_back[:size] if size >= 0 else self._given_back
            self._given_back = self._given_back[len(taken) :]
        else:
            taken = self._file.read(size)
        self.bytes_read += len(taken)
        return taken

    def peek(self, size: int) -> bytes:
        """Next bytes, left where they are; fewer only at the end of the file."""
        while len(self._given_back) < size:
            more = self._file.read(size - len(self._given_back))
            if not more:
                break
            self._given_back += more
        return self._given_back[:size]

    @property
    def can_seek(self) -> bool:
        """Whether this is a file rather than a pipe."""
        return self._file.seekable()

    def seek(self, offset: int) -> None:
        """Go on at that byte of the file."""
        self._given_back = b""
        self._file.seek(offset)
        self.bytes_read = offset

    def close(self) -> None:
        """Note that the reader is done; whoever opened the file closes it."""
        self.closed = True


class ByteReader(Protocol):
    """Uncompressed bytes.

    `read` returns at most `size` bytes and nothing only at the end; `damage` is the reason code of a fault that ended
    the stream early, else None.
    """

    damage: str | None

    def read(self, size: int) -> bytes:
        """Return at most `size` bytes."""
        ...


class _PlainReader:
    damage: str | None = None

    def __init__(self, raw: RawFile) -> None:
        self._raw = raw

    def read(self, size: int) -> bytes:
        return self._raw.read(size)


class _GzipReader:
    """All members of a gzip file, one after another. Zero bytes after a member are padding."""

    def __init__(self, raw: RawFile) -> None:
        self._raw = raw
        self._member = zlib.decompressobj(_GZIP_WINDOW_BITS)
        self._waiting = b""
        self._is_over = False
        self.damage: str | None = None

    def read(self, size: int) -> bytes:
        while not self._is_over:
            if self._member.eof:
                self._begin_member()
                continue
            compressed = self._waiting or self._raw.read(_COMPRESSED_CHUNK_BYTES)
            if not compressed:
                self._end(is_whole=False)
                break
            found = self._decompress(compressed, size)
            if found:
                return found
        return b""

    def _decompress(self, compressed: bytes, size: int) -> bytes:
        before = self._member.copy()
        try:
            found = self._member.decompress(compressed, size)
        except zlib.error:
            self._end(is_whole=False)
            return _salvaged(before, compressed)
        self._waiting = self._member.unused_data if self._member.eof else self._member.unconsumed_tail
        return found

    def _begin_member(self) -> None:
        self._waiting = self._waiting.lstrip(b"\0") or self._raw.read(_COMPRESSED_CHUNK_BYTES).lstrip(b"\0")
        if self._waiting:
            self._member = zlib.decompressobj(_GZIP_WINDOW_BITS)
        elif not self._raw.peek(1):
            self._end(is_whole=True)

    def _end(self, *, is_whole: bool) -> None:
        self._is_over = True
        self.damage = None if is_whole else "damaged_compression"


def _salvaged(member: "zlib._Decompress", compressed: bytes) -> bytes:
    """Return what a damaged stretch still yields, fed byte by byte up to the damage."""
    found = bytearray()
    for at in range(len(compressed)):
        try:
            found += member.decompress(compressed[at : at + 1])
        except zlib.error:
            break
    return bytes(found)


class _ZstdReader:
    """All frames of a Zstandard file."""

    def __init__(self, raw: RawFile) -> None:
        self._raw = raw
        self._stream = _zstd_stream(raw)
        self._offset = 0
        self.damage: str | None = None

    def read(self, size: int) -> bytes:
        if self.damage:
            return b""
        try:
            found: bytes = self._stream.read(min(size, _COMPRESSED_CHUNK_BYTES))
        except OSError:
            self.damage = "damaged_compression"
            return self._salvaged() if self._raw.can_seek else b""
        self._offset += len(found)
        return found

    def _salvaged(self) -> bytes:
        """Return what lies between the last whole read and the damage, by a second pass."""
        self._raw.seek(0)
        stream = _zstd_stream(self._raw)
        left = self._offset
        while left:
            left -= len(stream.read(min(left, _COMPRESSED_CHUNK_BYTES)))
        found = bytearray()
        try:
            while one := stream.read(1):
                found += one
        except OSError:
            pass  # this is the damage that was met before; `damage` tells of it
        return bytes(found)


def _zstd_stream(raw: RawFile) -> pa.CompressedInputStream:
    return pa.CompressedInputStream(pa.PythonFile(raw, mode="r"), "zstd")


class LogStream:
    """Uncompressed bytes of one log, from any offset.

    Attributes
    ----------
    head
        First `HEAD_BYTES`, wherever reading goes on.
    offset
        Uncompressed bytes before the next `read`.
    """

    def __init__(self, raw: RawFile, reader: ByteReader) -> None:
        self._raw = raw
        self._reader = reader
        self.head = _filled(reader.read, HEAD_BYTES)
        self._ahead = self.head
        self.offset = 0

    @property
    def bytes_read(self) -> int:
        """Bytes taken from the file as it lies on disk."""
        return self._raw.bytes_read

    @property
    def damage(self) -> str | None:
        """Reason code of a fault that ended the stream early."""
        return self._reader.damage

    def read(self, size: int = CHUNK_BYTES) -> bytes:
        """At most `size` bytes; none only at the end."""
        if self._ahead:
            found, self._ahead = self._ahead[:size], self._ahead[size:]
        else:
            found = self._reader.read(size)
        self.offset += len(found)
        return found

    def skip_to(self, offset: int) -> None:
        """Go on at `offset`, or at the end when that comes first."""
        if isinstance(self._reader, _PlainReader) and self._raw.can_seek and offset > len(self.head):
            self._ahead = b""
            self._raw.seek(offset)
            self.offset = offset
        while self.offset < offset and self.read(min(CHUNK_BYTES, offset - self.offset)):
            pass


def _filled(read: Callable[[int], bytes], size: int) -> bytes:
    parts: list[bytes] = []
    held = 0
    while held < size and (found := read(size - held)):
        parts.append(found)
        held += len(found)
    return b"".join(parts)


@contextmanager
def opened_file(path: str) -> Iterator[RawFile]:
    """Open the log at `path`, a path or an address, or standard input for "-".

    Raises
    ------
    InputError
        It cannot be opened or read.
    """
    if path == "-":
        yield RawFile(sys.stdin.buffer)
        return
    try:
        with place_of(path).open() as file:
            yield RawFile(file)
    except OSError as error:
        raise InputError(
            f"the log cannot be read: {error.strerror or error}",
            where=path,
            todo="check that the file exists and that you may read it",
        ) from error


def is_parquet(raw: RawFile) -> bool:
    """Whether the file begins like a Parquet file."""
    return raw.peek(len(_PARQUET_MAGIC)) == _PARQUET_MAGIC


def uncompressed(raw: RawFile, *, path: str) -> LogStream:
    """Uncompressed bytes of a file whose first bytes have not been taken.

    Raises
    ------
    InputError
        The text is UTF-16.
    """
    magic = raw.peek(len(_ZSTD_MAGIC))
    reader: ByteReader
    if magic.startswith(_GZIP_MAGIC):
        reader = _GzipReader(raw)
    elif magic == _ZSTD_MAGIC:
        reader = _ZstdReader(raw)
    else:
        reader = _PlainReader(raw)
    stream = LogStream(raw, reader)
    if stream.head.startswith(_UTF_16_MARKS):
        raise InputError("the log is UTF-16", where=path, todo="save it as UTF-8")
    return stream
