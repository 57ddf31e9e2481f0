"""Every error that Gauger raises on purpose, with what happened, where, and what to do.

The tree::

    GaugerError
    ├── UsageError          exit 2    the command line or the call is off
    ├── InputError          exit 3    nothing readable, or more bad rows than `--max-bad` allows
    ├── SettingsError       exit 4    a setting or a key is off
    ├── WorkspaceError      exit 5    the workspace is damaged, or was made by another version
    │   └── WorkspaceLocked exit 5    another process writes to the workspace
    └── Interrupted         exit 130  stopped by the user; the work done so far is kept
"""

from typing import ClassVar


class GaugerError(Exception):
    """Root of the tree: `what` happened, `where`, and what `todo`.

    Parameters
    ----------
    what
        One sentence without the place: "the file ends in the middle of a record".
    where
        The place as a person would look it up: "logs/a.jsonl.gz, line 12", or an option's name.
    todo
        What the reader can do now.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, *, where: str | None = None, todo: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.todo = todo

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        advice = f" ({self.todo})" if self.todo else ""
        return f"{place}{self.what}{advice}"


class UsageError(GaugerError):
    """The command line, or a call of the library, asks for something that cannot be."""

    exit_code = 2


class InputError(GaugerError):
    """Nothing could be read, or too much of it was bad."""

    exit_code = 3


class SettingsError(GaugerError):
    """A setting has a value it cannot have, or a key is missing, unreadable or too short."""

    exit_code = 4


class WorkspaceError(GaugerError):
    """The workspace cannot be used as it is."""

    exit_code = 5


class WorkspaceLocked(WorkspaceError):
    """Another process writes to the workspace; the message names it."""


class Interrupted(GaugerError):
    """The user stopped the work; what was finished is kept and the next run goes on from there."""

    exit_code = 130
