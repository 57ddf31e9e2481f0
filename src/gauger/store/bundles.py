"""Bundles of evidence in folders of their own: written once, never over another."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from gauger.errors import InputError, UsageError
from gauger.store.durable import PRIVATE_FOLDER, flush_folder, make_folder, storage_errors, write_file

#: No bundle is near this; a folder that holds more is none.
_MAX_BYTES: Final = 256 << 20


def check_new(folder: Path) -> None:
    """Refuse a folder that has something in it.

    Raises
    ------
    UsageError
        It does.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError("there is something of this name", where=str(folder), todo="name a new folder")


def write_bundle(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write the files of a bundle; its name appears when all are on the disk."""
    check_new(folder)
    making = folder.with_name(f"{folder.name}.new")
    with storage_errors(folder):
        folder.parent.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        make_folder(making)
        for name, content in files.items():
            write_file(making / name, content)
        flush_folder(making)
        making.replace(folder)
        flush_folder(folder.parent)


def read_bundle(folder: Path) -> dict[str, bytes]:
    """Return every file in a folder by its name.

    Raises
    ------
    InputError
        It cannot be read, or holds what no bundle does.
    """
    try:
        held = sorted(folder.iterdir())
        if any(path.is_symlink() or not path.is_file() for path in held):
            raise InputError("this is no bundle of evidence: it holds more than files", where=str(folder))
        if sum(path.stat().st_size for path in held) > _MAX_BYTES:
            raise InputError("this is no bundle of evidence: it is too large", where=str(folder))
        return {path.name: path.read_bytes() for path in held}
    except OSError as error:
        raise InputError(f"the bundle cannot be read: {error.strerror}", where=str(folder)) from error
