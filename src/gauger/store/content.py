"""A log known by its content: the hash of its first bytes, uncompressed."""

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, Self

from gauger.errors import InputError
from gauger.sources.streams import is_parquet, opened_file, uncompressed

#: Bytes that are hashed first: most logs never seen before are told apart by them, without reading further.
HEAD_BYTES: Final = 4096

_STEP: Final = 1 << 20
_DIGEST_BYTES: Final = 32


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

    The bytes are those that a source reads: after decompression, and of a damaged archive those before the damage. So a
    log is the same log before and after it was rotated into an archive. Parquet files are hashed as they lie.

    Raises
    ------
    InputError
        The file cannot be read.
    """

    def __init__(self, path: Path, content: ContentHash | None = None) -> None:
        self.content = content or ContentHash()
        self._path = path
        self._ahead = b""
        with ExitStack() as opened, _reading(path):
            raw = opened.enter_context(opened_file(str(path)))
            self._stream = uncompressed(raw, path=str(path))
            self._stream.skip_to(self.content.n_bytes)
            self._opened = opened.pop_all()

    def advance(self, to: int) -> bool:
        """Move to `to` bytes; False where the log ends before."""
        while self.content.n_bytes < to:
            data = self._read(min(_STEP, to - self.content.n_bytes))
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
        self._ahead = self._ahead or self._read(1)
        return not self._ahead

    def require_bytes(self) -> None:
        """Refuse a compressed log that is damaged before its first byte: it would pass for an empty one.

        Raises
        ------
        InputError
            It is.
        """
        if self._stream.damage and not self._stream.head:
            raise InputError(
                "the compressed log is damaged before its first byte",
                where=str(self._path),
                todo="copy it again, or leave it out",
            )

    def close(self) -> None:
        """Close the log; the hash stays."""
        self._opened.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _read(self, size: int) -> bytes:
        if self._ahead:
            data, self._ahead = self._ahead, b""
            return data
        with _reading(self._path):
            return self._stream.read(size)


def is_one_piece(path: Path) -> bool:
    """Whether the file is of a format that cannot grow at its end: Parquet, whose index is there."""
    with opened_file(str(path)) as raw:
        return is_parquet(raw)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(
            f"the log cannot be read: {error.strerror or error}", where=str(path), todo="check its disk and try again"
        ) from error
