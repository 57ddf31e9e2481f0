"""A log known by its content: the hash of its first bytes, uncompressed."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final, Self

from gauger.errors import InputError
from gauger.sources.content_hash import ContentHash
from gauger.sources.streams import is_parquet, opened_file, uncompressed

_STEP: Final = 1 << 20


class ContentReader:
    """Moves a content hash forward over a log.

    The bytes are those that a source reads: after decompression, and of a damaged archive those before the damage. So a
    log is the same log before and after it was rotated into an archive. Parquet files are hashed as they lie.

    Attributes
    ----------
    content
        Hash of the bytes so far.
    is_one_piece
        Whether the log is of a format that cannot grow at its end: Parquet, whose index is there.

    Raises
    ------
    InputError
        The file cannot be read.
    """

    def __init__(self, path: str, content: ContentHash | None = None) -> None:
        self.content = content or ContentHash()
        self._path = path
        self._ahead = b""
        with ExitStack() as opened, _reading(path):
            raw = opened.enter_context(opened_file(path))
            self.is_one_piece = is_parquet(raw)
            self._stream = uncompressed(raw, path=path)
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
                where=self._path,
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


@contextmanager
def _reading(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(
            f"the log cannot be read: {error.strerror or error}", where=path, todo="check its disk and try again"
        ) from error
