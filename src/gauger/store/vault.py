"""The vault: two secrets behind the watermark keys, in one file that is encrypted at rest.

ChaCha20-Poly1305 (RFC 8439) under a key derived from the workspace's master key and, where one is given, a passphrase
(scrypt, RFC 7914). Without a passphrase the vault protects a copy of itself alone: whoever has the whole folder has
both.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from gauger.errors import SettingsError
from gauger.store.durable import make_folder, put_in_place, storage_errors, write_file
from gauger.store.keys import read_private_file

_SCHEMA: Final = "gauger/watermark-vault/1"
_NONCE_BYTES: Final = 12
_SALT_BYTES: Final = 16
#: 32 MiB and a tenth of a second for each guess of a passphrase (RFC 7914, section 2; OWASP's second choice).
_SCRYPT_N: Final = 2**15


@dataclass(frozen=True, slots=True)
class Opening:
    """What opens a vault: the workspace's master key (32 bytes), and a passphrase or None."""

    master: bytes = field(repr=False)
    passphrase: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Vault:
    """What a vault holds.

    Attributes
    ----------
    root
        32 bytes, from which the watermark keys are derived.
    signing
        32 bytes, the Ed25519 seed that signs the commitment log.
    n_entries, head
        Lines of the log when the vault was last written, and the hash of the newest: a log cut short is seen.
    """

    root: bytes = field(repr=False)
    signing: bytes = field(repr=False)
    n_entries: int
    head: str


class _Sealed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file: bytes in hexadecimal; `salt` is empty without a passphrase."""

    schema: str
    salt: str
    nonce: str
    content: str


class _Content(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    root: str
    signing: str
    n_entries: int
    head: str


def read_vault(path: Path, opening: Opening) -> Vault:
    """Return what the vault holds.

    Raises
    ------
    SettingsError
        It can be read by others, is damaged, or does not open with this key and passphrase.
    """
    try:
        sealed = msgspec.json.decode(read_private_file(path), type=_Sealed)
        salt, nonce, content = (bytes.fromhex(one) for one in (sealed.salt, sealed.nonce, sealed.content))
        opened = _cipher(opening, salt).decrypt(nonce, content, sealed.schema.encode())
        held = msgspec.json.decode(opened, type=_Content)
    except (msgspec.DecodeError, ValueError, InvalidTag):
        raise SettingsError(
            "the vault does not open: it is damaged, or the passphrase is another one",
            where=str(path),
            todo="set GAUGER_VAULT_PASSPHRASE to the one it was made with, if any, or restore the file from a backup",
        ) from None
    return Vault(bytes.fromhex(held.root), bytes.fromhex(held.signing), held.n_entries, held.head)


def write_vault(path: Path, vault: Vault, opening: Opening, *, random_bytes: Callable[[int], bytes]) -> None:
    """Write the vault, under a new nonce each time, in place of an earlier one."""
    salt = random_bytes(_SALT_BYTES) if opening.passphrase else b""
    nonce = random_bytes(_NONCE_BYTES)
    held = _Content(root=vault.root.hex(), signing=vault.signing.hex(), n_entries=vault.n_entries, head=vault.head)
    content = _cipher(opening, salt).encrypt(nonce, msgspec.json.encode(held), _SCHEMA.encode())
    sealed = _Sealed(schema=_SCHEMA, salt=salt.hex(), nonce=nonce.hex(), content=content.hex())
    with storage_errors(path):
        make_folder(path.parent)
        temporary = path.with_suffix(".new")
        write_file(temporary, msgspec.json.encode(sealed) + b"\n")
        put_in_place(temporary, path)


def _cipher(opening: Opening, salt: bytes) -> ChaCha20Poly1305:
    if bool(salt) != bool(opening.passphrase):
        raise ValueError("a passphrase is given to a vault that has none, or is missing")
    stretched = None
    if opening.passphrase:
        stretched = Scrypt(salt=salt, length=32, n=_SCRYPT_N, r=8, p=1).derive(opening.passphrase)
    info = b"gauger/1/watermark-vault"
    return ChaCha20Poly1305(HKDF(hashes.SHA256(), length=32, salt=stretched, info=info).derive(opening.master))
