"""Standard input as a log: uncompressed and hashed as it is read, so that the same stream is known again."""

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from gauger.sources.content_hash import ContentHash
from gauger.sources.streams import LogStream, RawFile, uncompressed


class StandardInput(io.RawIOBase):
    """The uncompressed bytes of standard input.

    Attributes
    ----------
    content
        Hash of what was read so far.
    """

    def __init__(self, stream: LogStream) -> None:
        self._stream = stream
        self.content = ContentHash()

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill the buffer as far as the stream goes; 0 at its end."""
        found = self._stream.read(len(buffer))
        buffer[: len(found)] = found
        self.content.update(found)
        return len(found)

    @property
    def damage(self) -> str | None:
        """Reason code of a fault that ended the stream early."""
        return self._stream.damage

    @property
    def bytes_read(self) -> int:
        """Bytes taken from standard input as they came."""
        return self._stream.bytes_read


@contextmanager
def hashed_standard_input() -> Iterator[StandardInput]:
    """Put the uncompressed stream in the place of standard input for the length of the block."""
    original = sys.stdin
    hashed = StandardInput(uncompressed(RawFile(original.buffer), path="-"))
    sys.stdin = io.TextIOWrapper(io.BufferedReader(hashed))
    try:
        yield hashed
    finally:
        sys.stdin.detach()
        sys.stdin = original
