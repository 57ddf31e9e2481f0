"""The canary catalogues that plans of a workspace commit to, each under the hash of its words."""

from dataclasses import dataclass
from pathlib import Path

import msgspec

from gauger.errors import SettingsError
from gauger.proof.canaries import Catalogue
from gauger.store.durable import make_folder, put_in_place, storage_errors, write_file
from gauger.store.keys import read_private_file


@dataclass(frozen=True, slots=True)
class Catalogues:
    """The catalogues in a folder: files of mode 0600. They hold no pick."""

    folder: Path

    def add(self, catalogue: Catalogue) -> None:
        """Write a catalogue; the same one again changes nothing."""
        path = self._path(catalogue.digest)
        with storage_errors(path):
            make_folder(self.folder)
            temporary = path.with_suffix(".new")
            write_file(temporary, msgspec.json.encode(catalogue, order="sorted") + b"\n")
            put_in_place(temporary, path)

    def get(self, digest: str) -> Catalogue:
        """Return the catalogue of this hash.

        Raises
        ------
        SettingsError
            It is not there, or is no longer the one that was committed to.
        """
        path = self._path(digest)
        try:
            found = msgspec.json.decode(read_private_file(path), type=Catalogue)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise self._changed(path) from None
        if found.digest != digest:
            raise self._changed(path)
        return found

    def _path(self, digest: str) -> Path:
        return self.folder / f"canaries-{digest[:16]}.json"

    def _changed(self, path: Path) -> SettingsError:
        return SettingsError(
            "the catalogue of canaries is not the one that was committed to",
            where=str(path),
            todo="restore the file from a backup, or plan again from the catalogue you had",
        )
