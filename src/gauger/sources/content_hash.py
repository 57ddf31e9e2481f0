"""The running hash by which a log is known, fed with the very bytes that its reader takes."""

import hashlib
from collections import deque
from dataclasses import dataclass
from typing import Final, Protocol

#: Bytes that are hashed first: most logs never seen before are told apart by them, without reading further.
HEAD_BYTES: Final = 4096

_DIGEST_BYTES: Final = 32
_STEP: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class ContentMark:
    """What a hash said of the first bytes of a log.

    Attributes
    ----------
    n_bytes
        Uncompressed bytes; of a log in one piece, its bytes as they lie.
    digest
        Hash of them, 32 bytes.
    head
        Hash of the first 4,096 of them, or of all while there are fewer.
    """

    n_bytes: int
    digest: bytes
    head: bytes

    @property
    def head_bytes(self) -> int:
        """Bytes that `head` covers."""
        return min(self.n_bytes, HEAD_BYTES)


class ContentHash:
    """The running hash (BLAKE2b, 256 bits) by which a log is known.

    A stream is fed to it as it is read: `update` with every run of uncompressed bytes.

    Attributes
    ----------
    n_bytes
        Bytes taken in.
    """

    def __init__(self) -> None:
        self._hash = hashlib.blake2b(digest_size=_DIGEST_BYTES)
        self._head = self._hash.digest()
        self.n_bytes = 0

    def update(self, data: bytes) -> None:
        """Take in the next bytes."""
        if self.n_bytes < HEAD_BYTES:
            start = HEAD_BYTES - self.n_bytes
            self._take(data[:start])
            self._head = self._hash.digest()
            data = data[start:]
        self._take(data)

    def digest(self) -> bytes:
        """Return the hash of all bytes so far."""
        return self._hash.digest()

    def mark(self) -> ContentMark:
        """Return what is known of the bytes so far."""
        return ContentMark(self.n_bytes, self.digest(), self._head)

    def copy(self) -> "ContentHash":
        """Return an independent hash of the same bytes."""
        twin = ContentHash()
        twin._hash, twin._head, twin.n_bytes = self._hash.copy(), self._head, self.n_bytes
        return twin

    def _take(self, data: bytes) -> None:
        self._hash.update(data)
        self.n_bytes += len(data)


class _Stream(Protocol):
    @property
    def offset(self) -> int: ...

    def read(self, size: int) -> bytes: ...


class HashedStream:
    """A stream whose bytes are hashed as they pass, up to where its reader says that it is.

    Parameters
    ----------
    stream
        It stands where `content` ends, or before.
    content
        Hash of the bytes before that; it is not changed.
    max_held
        Bytes that wait at most to be hashed. A reader never goes back further, but for one that passes over a record
        too long to hold: then the hash covers more than the reader says.
    """

    def __init__(self, stream: _Stream, content: ContentHash, *, max_held: int) -> None:
        self._stream = stream
        self._content = content.copy()
        self._max_held = max_held
        self._held: deque[bytes] = deque()
        self._n_held = 0

    @property
    def offset(self) -> int:
        """Uncompressed bytes before the next `read`."""
        return self._stream.offset

    @property
    def content(self) -> ContentHash:
        """Hash of the bytes up to where `advance` went last."""
        return self._content.copy()

    def read(self, size: int) -> bytes:
        """Return at most `size` bytes; none only at the end."""
        hashed = max(0, self._content.n_bytes - self._stream.offset)
        found = self._stream.read(size)
        self._held.append(found[hashed:])
        self._n_held += len(self._held[-1])
        while self._n_held > self._max_held and len(self._held) > 1:
            self._take(self._held.popleft())
        return found

    def skip_to(self, offset: int) -> None:
        """Read up to `offset`, or up to the end when that comes first."""
        while self.offset < offset and self.read(min(_STEP, offset - self.offset)):
            self.advance(self.offset)

    def advance(self, to: int) -> None:
        """Hash what was read before `to`."""
        while self._held and (left := to - self._content.n_bytes) > 0:
            first = self._held.popleft()
            if len(first) > left:
                self._held.appendleft(first[left:])
            self._take(first[:left])

    def _take(self, data: bytes) -> None:
        self._content.update(data)
        self._n_held -= len(data)
