"""Where a log lies: a file on this machine, or an object at an address. How it is opened, and whether it changed."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from gauger.errors import InputError

#: How the addresses begin that are read (`gauger.sources.addresses`).
SCHEMES: Final = ("s3", "gs", "abfs", "abfss", "hdfs")
#: Other names of a scheme: Hadoop's connector calls S3 so.
ALIASES: Final = {"s3a": "s3", "s3n": "s3"}

_ADDRESS: Final = re.compile(rf"(?:{'|'.join([*SCHEMES, *ALIASES])})://")


@dataclass(frozen=True, slots=True)
class Stamp:
    """What changes when a log is written to or replaced: its size in bytes, and what the place says beside it.

    It tells whether a log changed between two moments of one run. What a log *is*, its content alone tells.
    """

    size_bytes: int
    mark: tuple[object, ...]


class Place(Protocol):
    """Where one log lies. Both kinds keep the same promises (`tests/contracts/test_places.py`).

    Attributes
    ----------
    name
        The log's name: a path, or an address.
    may_grow
        Whether it may be written to at its end while it is read. Elsewhere it is replaced as a whole, and parts that
        were fetched before and after do not fit together.
    """

    @property
    def name(self) -> str:
        """Name of the log."""
        ...

    @property
    def may_grow(self) -> bool:
        """Whether the log may grow while it is read."""
        ...

    def open(self) -> BinaryIO:
        """Open the log for reading; it can be sought in.

        Raises
        ------
        OSError, InputError
            It cannot be opened. An address raises `InputError`, here and wherever the file is read.
        """
        ...

    def arrow_source(self) -> str | BinaryIO:
        """Return what Arrow's reader of Parquet opens (errors: `open`)."""
        ...

    def stamp(self) -> Stamp:
        """Return what tells the log as it lies there now.

        Raises
        ------
        InputError
            It is not there, or may not be read.
        """
        ...


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file on this machine (`Place`)."""

    name: str

    @property
    def may_grow(self) -> bool:
        """A log is written to while it is read."""
        return True

    def open(self) -> BinaryIO:
        """Open the file."""
        return Path(self.name).open("rb")

    def arrow_source(self) -> str:
        """Return the path, which Arrow opens by itself."""
        return self.name

    def stamp(self) -> Stamp:
        """Return size, device, inode and time of the last change."""
        try:
            found = Path(self.name).stat()
        except OSError as error:
            raise InputError(f"the file cannot be read: {error.strerror or error}", where=self.name) from error
        return Stamp(found.st_size, (found.st_dev, found.st_ino, found.st_mtime_ns))


def is_address(name: str) -> bool:
    """Whether a log's name is an address rather than a path."""
    return _ADDRESS.match(name) is not None


def place_of(name: str) -> Place:
    """Return where a log of that name lies.

    Raises
    ------
    InputError
        It is an address that is none.
    """
    if not is_address(name):
        return LocalFile(name)
    from gauger.sources.addresses import Address, RemoteObject  # noqa: PLC0415 - Arrow's file systems take a while

    return RemoteObject(Address.of(name))


def settled(name: str) -> str:
    """Return the name that all names of one log share: links followed, an address as it is."""
    return name if is_address(name) else os.path.realpath(name)
