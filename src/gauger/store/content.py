"""A log known by its content: the hash of its first bytes, uncompressed."""

import hashlib
import io
import lzma
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Self, cast

import pyarrow as pa

from gauger.errors import InputError

#: Bytes that are hashed first: most logs never seen before are told apart by them, without reading further.
HEAD_BYTES: Final = 4096

_STEP: Final = 1 << 20
_DIGEST_BYTES: Final = 32

_COMPRESSIONS: Final = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bz2",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\x04\x22\x4d\x18": "lz4",
    b"\xfd7zXZ\x00": "xz",
}
#: Formats with an index at their end: their first bytes say nothing of a file that grew, so they are one piece.
_ONE_PIECE: Final = (b"PAR1", b"ARROW1")


class ContentHash:
    """The running hash (BLAKE2b, 256 bits) by which a log is known.

    A stream is fed to it as it is read: `update` with every run of uncompressed bytes.

    Attributes
    ----------
    n_bytes
        Bytes taken in.
    head
        Hash of the first 4,096 of them, or of all while there are fewer.
    """

    def __init__(self) -> None:
        self._hash = hashlib.blake2b(digest_size=_DIGEST_BYTES)
        self.n_bytes = 0
        self.head = self._hash.digest()

    @property
    def head_bytes(self) -> int:
        """Bytes that `head` covers."""
        return min(self.n_bytes, HEAD_BYTES)

    def update(self, data: bytes) -> None:
        """Take in the next bytes."""
        if self.n_bytes < HEAD_BYTES:
            start = HEAD_BYTES - self.n_bytes
            self._take(data[:start])
            self.head = self._hash.digest()
            data = data[start:]
        self._take(data)

    def digest(self) -> bytes:
        """Return the hash of all bytes so far."""
        return self._hash.digest()

    def copy(self) -> "ContentHash":
        """Return an independent hash of the same bytes."""
        twin = ContentHash()
        twin._hash, twin.n_bytes, twin.head = self._hash.copy(), self.n_bytes, self.head
        return twin

    def _take(self, data: bytes) -> None:
        self._hash.update(data)
        self.n_bytes += len(data)


class ContentReader:
    """Moves a content hash forward over a log.

    The bytes are those after decompression (gzip, bzip2, zstd, lz4, xz), so a log is the same log before and after
    it was rotated into an archive. Parquet and Arrow files are hashed as they lie.

    Raises
    ------
    InputError
        The file cannot be read, or its compressed data is damaged.
    """

    def __init__(self, path: Path, content: ContentHash | None = None) -> None:
        self.content = content or ContentHash()
        self._path = path
        with _reading(path):
            self._stream = _open(path)
            _skip(self._stream, self.content.n_bytes)

    def advance(self, to: int) -> bool:
        """Move to `to` bytes; False where the log ends before."""
        while self.content.n_bytes < to:
            with _reading(self._path):
                data = self._stream.read(min(_STEP, to - self.content.n_bytes))
            if not data:
                return False
            self.content.update(data)
        return True

    def advance_to_end(self) -> None:
        """Move to the end of the log."""
        while self.advance(self.content.n_bytes + _STEP):
            pass

    def is_at_end(self) -> bool:
        """Whether the log holds nothing more."""
        with _reading(self._path):
            return not self._stream.peek(1)

    def close(self) -> None:
        """Close the log; the hash stays."""
        self._stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def is_one_piece(path: Path) -> bool:
    """Whether the file is of a format that cannot grow at its end (Parquet, Arrow)."""
    with _reading(path):
        return _first_bytes(path).startswith(_ONE_PIECE)


def _open(path: Path) -> io.BufferedReader:
    start = _first_bytes(path)
    compression = next((name for mark, name in _COMPRESSIONS.items() if start.startswith(mark)), None)
    if compression is None:
        return path.open("rb")
    if compression == "xz":
        return io.BufferedReader(cast("io.RawIOBase", lzma.open(path, "rb")))
    return io.BufferedReader(pa.CompressedInputStream(pa.OSFile(str(path), "rb"), compression))


def _skip(stream: io.BufferedReader, size: int) -> None:
    if stream.seekable():
        stream.seek(size)
        return
    while size > 0 and (data := stream.read(min(_STEP, size))):
        size -= len(data)


def _first_bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(8)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, EOFError, lzma.LZMAError) as error:
        raise InputError(
            f"the file cannot be read: {getattr(error, 'strerror', None) or error}",
            where=str(path),
            todo="check its name, its permissions and, where it is compressed, that it is whole",
        ) from error
