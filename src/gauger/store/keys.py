"""The workspace's master key: made once, kept in one file that only its owner can read."""

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from gauger.errors import SettingsError
from gauger.exchanges.pseudonyms import derive_keys
from gauger.store.durable import make_folder, put_in_place, storage_errors, write_file

KEY_BYTES: Final = 32
_MARK: Final = "gauger-master-key/1"


@dataclass(frozen=True, slots=True)
class MasterKey:
    """32 secret bytes from which the other keys are derived, and the short id that stands in pseudonyms.

    The id is derived from the secret, so a damaged file does not pass, and tells nothing about it.
    """

    secret: bytes = field(repr=False)

    @property
    def key_id(self) -> str:
        """The same for the same key (`gauger.exchanges.pseudonyms.derive_keys`)."""
        return derive_keys(self.secret).key_id


def read_master_key(path: Path) -> MasterKey:
    """Return the key in the file.

    Raises
    ------
    SettingsError
        The file can be read by others than its owner, or does not hold the key that was written.
    """
    text = read_private_file(path)
    try:
        mark, key_id, secret = text.decode("ascii").split()
        key = MasterKey(base64.b64decode(secret, validate=True))
    except ValueError:
        raise _damaged(path) from None
    if mark != _MARK or len(key.secret) != KEY_BYTES or key.key_id != key_id:
        raise _damaged(path)
    return key


def create_master_key(path: Path, *, random_bytes: Callable[[int], bytes]) -> MasterKey:
    """Make a key, write it to the file, and return it."""
    key = MasterKey(random_bytes(KEY_BYTES))
    line = f"{_MARK} {key.key_id} {base64.b64encode(key.secret).decode()}\n"
    with storage_errors(path):
        make_folder(path.parent)
        temporary = path.with_suffix(".new")
        write_file(temporary, line.encode())
        put_in_place(temporary, path)
    return key


def read_private_file(path: Path) -> bytes:
    """Return what a file of secrets holds.

    Raises
    ------
    SettingsError
        It cannot be read, or can be read by others than its owner.
    """
    try:
        mode, content = path.stat().st_mode, path.read_bytes()
    except OSError as error:
        raise SettingsError(
            f"the key cannot be read: {error.strerror}",
            where=str(path),
            todo="work as the user that made the workspace, or restore the file from a backup",
        ) from error
    if mode & 0o077:
        raise SettingsError(
            "the key can be read by others than its owner",
            where=str(path),
            todo=f"run chmod 600 {path}; if others had access to it, start a new workspace",
        )
    return content


def _damaged(path: Path) -> SettingsError:
    return SettingsError(
        "the key file is damaged",
        where=str(path),
        todo="restore it from a backup; sketches made under a lost key can be compared with no new ones",
    )
