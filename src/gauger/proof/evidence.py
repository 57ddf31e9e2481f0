"""The evidence against one suspect, as something to hand over: what was found, what it rests on, and a signature.

    index.html         the report for people
    evidence.json      the same for machines (`Evidence`)
    commitments.jsonl  the whole log of commitments: that the keys were there before, and in which order
    manifest.json      the hash of each of these and of every input, signed with the key that signs the log

Whoever has the folder can check it (`gauger.proof.verification`). That the figures follow from the inputs only the
holder of the key can show: by the same command, which gives the same bytes.
"""

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Final

import msgspec

from gauger.proof.bounds import Count
from gauger.proof.commitments import Entry
from gauger.proof.document import Document
from gauger.proof.examination import Role

SCHEMA: Final = "gauger/evidence/1"
MANIFEST_SCHEMA: Final = "gauger/evidence-manifest/1"
PAGE, EVIDENCE, LOG, MANIFEST = "index.html", "evidence.json", "commitments.jsonl", "manifest.json"
_DOMAIN: Final = b"gauger/evidence-bundle/1\n"


class InputFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A file of answers that was tested: whose, its SHA-256 in hexadecimal, its size in bytes.

    `model_sha256` is there where it holds the answers of a model whose files the signer had: one hash for all of them
    (`gauger.sources.model_files.digest_of`).
    """

    role: Role
    name: str
    sha256: str
    size_bytes: Count
    model_sha256: str | None = None


class Evidence(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was found of one suspect. Times are UTC."""

    schema: str
    made_at: Annotated[datetime, msgspec.Meta(tz=True)]
    gauger_version: str
    suspect: str
    inputs: list[InputFile]
    report: Document


class Piece(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file of the bundle."""

    name: str
    sha256: str
    size_bytes: Count


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is signed: every file of the bundle and every input. Key and signature are in hexadecimal (Ed25519)."""

    schema: str
    suspect: str
    made_at: Annotated[datetime, msgspec.Meta(tz=True)]
    files: list[Piece]
    inputs: list[InputFile]
    log_line: str
    public_key: str
    signature: str = ""

    @property
    def signed_bytes(self) -> bytes:
        """Everything but the signature."""
        return _DOMAIN + msgspec.json.encode(msgspec.structs.replace(self, signature=""))


def input_file(role: Role, name: str, content: bytes, *, model_sha256: str | None = None) -> InputFile:
    """Return the record of an input."""
    return InputFile(role=role, name=name, sha256=sha256(content), size_bytes=len(content), model_sha256=model_sha256)


def sealed(
    evidence: Evidence, page: str, log: Sequence[Entry], *, public_key: bytes, sign: Callable[[bytes], bytes]
) -> dict[str, bytes]:
    """Return the files of a bundle by name.

    Parameters
    ----------
    evidence, page
        For machines and for people.
    log
        The commitment log, verified.
    public_key, sign
        32 bytes, and what signs with its other half.
    """
    files = {
        PAGE: page.encode(),
        EVIDENCE: written(evidence),
        LOG: b"".join(entry.line + b"\n" for entry in log),
    }
    unsigned = Manifest(
        schema=MANIFEST_SCHEMA,
        suspect=evidence.suspect,
        made_at=evidence.made_at,
        files=[piece(name, content) for name, content in files.items()],
        inputs=evidence.inputs,
        log_line=log[-1].digest,
        public_key=public_key.hex(),
    )
    signed = msgspec.structs.replace(unsigned, signature=sign(unsigned.signed_bytes).hex())
    return {**files, MANIFEST: written(signed)}


def piece(name: str, content: bytes) -> Piece:
    """Return the record of a file."""
    return Piece(name=name, sha256=sha256(content), size_bytes=len(content))


def written(record: Evidence | Manifest) -> bytes:
    """Return evidence or manifest as it stands in its file, the one way in which it can be written."""
    return msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n"


def sha256(content: bytes) -> str:
    """Return a hash, 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()
