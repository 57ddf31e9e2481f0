"""The watermark keys of a workspace: the vault and the commitment log, kept in step."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gauger.errors import SettingsError, UsageError
from gauger.proof.commitments import START, Entry, next_entry, read_log
from gauger.proof.keys import KEY_BYTES, Terms, campaign_key, commitment
from gauger.store.durable import make_folder, put_in_place, storage_errors, write_file
from gauger.store.keys import read_private_file
from gauger.store.vault import Opening, Vault, read_vault, write_vault

VAULT_FILE: Final = "watermark.vault"
LOG_FILE: Final = "commitments.jsonl"


@dataclass(frozen=True, slots=True)
class WatermarkKeys:
    """The keys in a folder. Nothing is read before it is asked for; who adds holds the workspace's lock.

    Attributes
    ----------
    folder
        Where both files lie, mode 0600.
    opening
        What opens the vault.
    """

    folder: Path
    opening: Opening = field(repr=False)

    @property
    def log_path(self) -> Path:
        """The commitment log."""
        return self.folder / LOG_FILE

    def entries(self) -> list[Entry]:
        """Return every entry of the log, verified: signatures, order, the vault's memory, and each key's commitment.

        Raises
        ------
        SettingsError
            The log or the vault does not hold.
        """
        if not (self.folder / VAULT_FILE).exists():
            if self.log_path.exists():
                raise SettingsError(
                    "there is a commitment log without its vault",
                    where=str(self.folder / VAULT_FILE),
                    todo="restore the vault from a backup",
                )
            return []
        return self._verified(self._vault())

    def add(self, campaign: str, terms: Terms | None, *, now: datetime, random_bytes: Callable[[int], bytes]) -> Entry:
        """Commit to a campaign's first key or, where `terms` are None, to its next one under the terms it has.

        The log is on the disk before the key can be had. Of keys that pick canaries any number may follow each other.

        Raises
        ------
        UsageError
            A first key is asked for and there is one, or a next one and there is none.
        """
        log = self.entries()
        earlier = [one for one in log if one.campaign == campaign and not one.terms.is_canary]
        picks = terms is not None and terms.is_canary
        if not picks and (terms is not None) == bool(earlier):
            raise UsageError(
                f"{campaign} has {'a' if earlier else 'no'} key",
                where="--campaign",
                todo=f"`gauger keys {'rotate' if earlier else 'new'} --campaign {campaign}` makes the "
                f"{'next' if earlier else 'first'}",
            )
        vault = self._vault() if log or (self.folder / VAULT_FILE).exists() else self._new_vault(random_bytes)
        signer = Ed25519PrivateKey.from_private_bytes(vault.signing)
        agreed = terms if terms is not None else earlier[-1].terms
        if not picks:
            agreed.watermark()
        entry = next_entry(
            log,
            campaign=campaign,
            terms=agreed,
            commit=lambda rotation: commitment(
                campaign_key(vault.root, campaign, rotation), campaign, rotation, agreed
            ),
            now=now,
            public_key=signer.public_key().public_bytes_raw(),
            sign=signer.sign,
        )
        self._write_log([*log, entry])
        grown = replace(vault, n_entries=len(log) + 1, head=entry.digest)
        write_vault(self.folder / VAULT_FILE, grown, self.opening, random_bytes=random_bytes)
        return entry

    def key(self, entry: Entry) -> bytes:
        """Return the 32 bytes of a key that was committed to."""
        return campaign_key(self._vault().root, entry.campaign, entry.rotation)

    def public_key(self) -> bytes:
        """Return the 32 bytes against which the log and what else is signed can be checked."""
        return self._signer().public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        """Return the signature of the log's signer; the message says by its first bytes what it is."""
        return self._signer().sign(message)

    def _signer(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self._vault().signing)

    def _vault(self) -> Vault:
        return read_vault(self.folder / VAULT_FILE, self.opening)

    def _new_vault(self, random_bytes: Callable[[int], bytes]) -> Vault:
        vault = Vault(random_bytes(KEY_BYTES), random_bytes(KEY_BYTES), 0, START)
        write_vault(self.folder / VAULT_FILE, vault, self.opening, random_bytes=random_bytes)
        return vault

    def _verified(self, vault: Vault) -> list[Entry]:
        public_key = Ed25519PrivateKey.from_private_bytes(vault.signing).public_key().public_bytes_raw()
        content = read_private_file(self.log_path) if vault.n_entries or self.log_path.exists() else b""
        log = read_log(content, where=str(self.log_path), public_key=public_key)
        # A crash between log and vault leaves the log longer by a line that is signed; shorter it cannot be.
        if len(log) < vault.n_entries or (vault.n_entries and log[vault.n_entries - 1].digest != vault.head):
            raise self._broken(f"the vault remembers {vault.n_entries} lines of another log")
        for entry in log:
            key = campaign_key(vault.root, entry.campaign, entry.rotation)
            if commitment(key, entry.campaign, entry.rotation, entry.terms) != entry.commitment:
                raise self._broken(f"key {entry.name} is not the one that was committed to")
        return log

    def _broken(self, fault: str) -> SettingsError:
        return SettingsError(
            f"the commitment log does not hold: {fault}",
            where=str(self.log_path),
            todo="restore both files of the folder from one backup",
        )

    def _write_log(self, log: list[Entry]) -> None:
        with storage_errors(self.log_path):
            make_folder(self.folder)
            temporary = self.log_path.with_suffix(".new")
            write_file(temporary, b"".join(entry.line + b"\n" for entry in log))
            put_in_place(temporary, self.log_path)
