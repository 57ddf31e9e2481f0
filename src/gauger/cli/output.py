"""Where words go: the result to stdout, everything else to stderr."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gauger.errors import UsageError

if TYPE_CHECKING:
    from gauger.pipeline import Progress

_NARROWEST, _WIDEST = 60, 120


def terminal_width() -> int:
    """Return how wide text is set, in columns."""
    return min(max(shutil.get_terminal_size((100, 24)).columns, _NARROWEST), _WIDEST)


def print_result(text: str) -> None:
    """Print the result of a command, the only thing on stdout. A reader that has gone away (`| head`) is no error."""
    try:
        print(text.rstrip("\n"), flush=True)  # noqa: T201
    except BrokenPipeError:
        # Python flushes once more at exit; what is left goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def check_new(out: Path) -> None:
    """Refuse to write over a file.

    Raises
    ------
    UsageError
        There is one.
    """
    if out.exists():
        raise UsageError("there is a file of this name", where=str(out), todo="name a new one")


def harmless(text: str) -> str:
    """Return the text with everything that does not show as itself spelt out: names of files may hold anything."""
    if text.isprintable():
        return text
    from gauger.report.untrusted import visible

    return visible(text)


@dataclass(frozen=True, slots=True)
class Aside:
    """What is said beside the result, on stderr; `quiet` leaves only errors."""

    quiet: bool = False

    def say(self, *lines: str) -> None:
        """Print lines."""
        if not self.quiet:
            for line in lines:
                print(harmless(line), file=sys.stderr)  # noqa: T201

    @contextmanager
    def progress(self) -> Iterator["Progress"]:
        """Yield a callback that shows steps; silent unless stderr is a terminal."""
        from gauger.cli.progress import bars, silent

        if self.quiet or not sys.stderr.isatty():
            yield silent
            return
        with bars() as show:
            yield show
