"""Where a JSON value ends, found without building it and without holding more than was already held."""

import re
from typing import Final

#: A string, a bracket, or the quote of a string whose end has not come yet.
_TOKEN: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"|["{}\[\]]', re.DOTALL)

#: Deeper brackets than this are damage: real tool schemas stay below 50.
_MAX_DEPTH: Final = 128


class ObjectScan:
    """Looks for the end of the JSON value that begins at `start`, as more bytes come in.

    Attributes
    ----------
    is_too_deep
        The brackets are nested more deeply than any record's: there is no use in looking further.
    """

    def __init__(self, start: int) -> None:
        self._next = start
        self._depth = 0
        self.is_too_deep = False

    def end(self, data: bytes) -> int | None:
        """Return where the value ends in `data`, which may have grown since; None when the end has not come yet."""
        for token in _TOKEN.finditer(data, self._next):
            mark = token.group()
            if mark in (b"{", b"["):
                self._depth += 1
                if self._depth > _MAX_DEPTH:
                    self.is_too_deep = True
                    return None
            elif mark in (b"}", b"]"):
                self._depth -= 1
                if self._depth == 0:
                    return token.end()
            elif mark == b'"':
                self._next = token.start()
                return None
        self._next = len(data)
        return None
