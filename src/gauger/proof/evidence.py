"""The evidence against one suspect, as something to hand over: what was found, what it rests on, and a signature.

    index.html         the report for people
    evidence.json      the same for machines (`Evidence`)
    commitments.jsonl  the whole log of commitments: that the keys were there before, and in which order
    manifest.json      the hash of each of these and of every input, signed with the key that signs the log

Whoever has the folder can check that nothing in it was changed, that the keys were committed to, and that the verdicts
follow by rule from the figures; with the inputs, that these are the files. That the figures follow from the inputs only
the holder of the key can show: by the same command, which gives the same bytes.
"""

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Final, TypeVar

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gauger.errors import InputError, SettingsError, UsageError
from gauger.evidence.records import rounded_up
from gauger.proof.commitments import Entry, is_hex, read_log
from gauger.proof.document import Document, write
from gauger.proof.examination import Role, Row
from gauger.proof.radioactivity import check_alpha

SCHEMA: Final = "gauger/evidence/1"
MANIFEST_SCHEMA: Final = "gauger/evidence-manifest/1"
PAGE, EVIDENCE, LOG, MANIFEST = "index.html", "evidence.json", "commitments.jsonl", "manifest.json"
#: p-values are written to six digits, rounded up: so much larger they may be than what they stand for.
_ROUNDING: Final = 1.0001e-5
_DOMAIN: Final = b"gauger/evidence-bundle/1\n"
_Record = TypeVar("_Record", bound=msgspec.Struct)


class InputFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A file of answers that was tested: whose, its SHA-256 in hexadecimal, its size in bytes.

    `model_sha256` is there where it holds the answers of a model whose files the signer had: one hash for all of them
    (`gauger.sources.model_files.digest_of`).
    """

    role: Role
    name: str
    sha256: str
    size_bytes: int
    model_sha256: str | None = None


class Evidence(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was found of one suspect. Times are UTC."""

    schema: str
    made_at: datetime
    gauger_version: str
    suspect: str
    inputs: list[InputFile]
    report: Document


class Piece(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file of the bundle."""

    name: str
    sha256: str
    size_bytes: int


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is signed: every file of the bundle and every input. Key and signature are in hexadecimal (Ed25519)."""

    schema: str
    suspect: str
    made_at: datetime
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
    return InputFile(role=role, name=name, sha256=_sha256(content), size_bytes=len(content), model_sha256=model_sha256)


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
        EVIDENCE: _pretty(evidence),
        LOG: b"".join(entry.line + b"\n" for entry in log),
    }
    unsigned = Manifest(
        schema=MANIFEST_SCHEMA,
        suspect=evidence.suspect,
        made_at=evidence.made_at,
        files=[_piece(name, content) for name, content in files.items()],
        inputs=evidence.inputs,
        log_line=log[-1].digest,
        public_key=public_key.hex(),
    )
    signed = msgspec.structs.replace(unsigned, signature=sign(unsigned.signed_bytes).hex())
    return {**files, MANIFEST: _pretty(signed)}


def verify(
    files: Mapping[str, bytes],
    *,
    public_key: bytes | None = None,
    inputs: Mapping[str, bytes] | None = None,
    models: Mapping[str, str] | None = None,
) -> tuple[Manifest, Evidence]:
    """Return manifest and evidence of a bundle that holds.

    Parameters
    ----------
    files
        Everything in its folder.
    public_key
        Who must have signed; by default whoever did.
    inputs
        Files that should be among the inputs, by name for the message.
    models
        Hashes of models whose answers should be among them, likewise.

    Raises
    ------
    InputError
        It does not hold; the message says what is wrong.
    """
    manifest = _manifest(files)
    _check_signature(manifest, public_key)
    _check_files(manifest, files)
    evidence = _decoded(files[EVIDENCE], Evidence, EVIDENCE)
    log = _log(files[LOG], manifest.public_key)
    _check_evidence(manifest, evidence, log)
    known = {one.sha256 for one in manifest.inputs}
    for name, content in (inputs or {}).items():
        if _sha256(content) not in known:
            raise _broken("this file is not among its inputs", name)
    answered = {one.model_sha256 for one in manifest.inputs}
    for name, digest in (models or {}).items():
        if digest not in answered:
            raise _broken("answers of this model are not among its inputs", name)
    return manifest, evidence


def _manifest(files: Mapping[str, bytes]) -> Manifest:
    if MANIFEST not in files:
        raise _broken("there is no manifest", MANIFEST)
    manifest = _decoded(files[MANIFEST], Manifest, MANIFEST)
    if manifest.schema != MANIFEST_SCHEMA:
        raise _broken("its manifest is of another version", MANIFEST)
    hashes = [manifest.public_key, manifest.log_line, *(one.sha256 for one in manifest.files)]
    hashes += [one.sha256 for one in manifest.inputs]
    hashes += [one.model_sha256 for one in manifest.inputs if one.model_sha256 is not None]
    if not all(map(is_hex, hashes)) or not is_hex(manifest.signature, digits=128):
        raise _broken("a hash, key or signature in its manifest is none", MANIFEST)
    return manifest


def _log(content: bytes, public_key: str) -> list[Entry]:
    try:
        return read_log(content, where=LOG, public_key=bytes.fromhex(public_key))
    except SettingsError as error:
        raise _broken(error.what, error.where or LOG) from None


def _check_signature(manifest: Manifest, public_key: bytes | None) -> None:
    if public_key is not None and manifest.public_key != public_key.hex():
        raise _broken("it is signed by somebody else", MANIFEST)
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(manifest.public_key))
        key.verify(bytes.fromhex(manifest.signature), manifest.signed_bytes)
    except (ValueError, InvalidSignature):
        raise _broken("its signature does not fit", MANIFEST) from None


def _check_files(manifest: Manifest, files: Mapping[str, bytes]) -> None:
    named = {piece.name: piece for piece in manifest.files}
    if set(named) != {PAGE, EVIDENCE, LOG}:
        raise _broken("its manifest names other files than a bundle has", MANIFEST)
    for name in sorted(files.keys() - named.keys() - {MANIFEST}):
        raise _broken("its manifest does not name this file", name)
    for name, piece in named.items():
        if name not in files:
            raise _broken("a file is missing", name)
        if _piece(name, files[name]) != piece:
            raise _broken("a file was changed", name)


def _check_evidence(manifest: Manifest, evidence: Evidence, log: Sequence[Entry]) -> None:
    """Compare what is said twice, and what follows by rule."""
    said = (evidence.suspect, evidence.made_at, evidence.inputs)
    if evidence.schema != SCHEMA or said != (manifest.suspect, manifest.made_at, manifest.inputs):
        raise _broken("evidence and manifest differ", EVIDENCE)
    if not log or log[-1].digest != manifest.log_line:
        raise _broken("its log of commitments is another one", LOG)
    report, entries = evidence.report, {entry.name: entry for entry in log}
    if {key.name for key in report.keys} - entries.keys():
        raise _broken("a key is not in the log of commitments", EVIDENCE)
    _check_figures(evidence)
    again = write(
        report.tests,
        [entries[key.name] for key in report.keys],
        alpha=report.alpha,
        null_keys=report.null_keys,
        n_tests=report.n_tests,
        served=report.served,
        first_look=report.first_look,
    )
    if again != report:
        raise _broken("keys or verdicts do not follow from the log and the figures", EVIDENCE)


def _check_figures(evidence: Evidence) -> None:
    """Refuse figures that no test can have given."""
    report = evidence.report
    try:
        check_alpha(report.alpha)
    except UsageError:
        raise _broken("its alpha is no level of a proof", EVIDENCE) from None
    claims = [row for row in report.tests if row.role == "suspect"]
    if any(row.subject != evidence.suspect for row in claims) or len(claims) > report.n_tests:
        raise _broken("a test is of another suspect, or of more than it was corrected for", EVIDENCE)
    keys = {key.name for key in report.keys}
    for row in report.tests:
        fault = _row_fault(row, keys, null_keys=report.null_keys, n_tests=report.n_tests)
        if fault:
            raise _broken(fault, EVIDENCE)


def _row_fault(row: Row, keys: Collection[str], *, null_keys: int, n_tests: int) -> str | None:
    """Return what is wrong with a test, or None."""
    p_value, adjusted = row.p_value, row.adjusted_p_value
    faults = {
        "a test is of a key that the report does not name": row.key not in keys,
        "a p-value is none": not 0 < p_value <= 1,
        "a test drew more other keys than the report says": not 0 <= row.n_null_keys <= null_keys,
        "a p-value is not what its test could give": p_value > 0 and not _is_possible(row),
        "a control has a corrected p-value, or a suspect has none": (adjusted is None) == (row.role == "suspect"),
        "a p-value is not corrected as its number of tests allows": adjusted is not None
        and not p_value <= adjusted <= min(1.0, n_tests * p_value) * (1 + _ROUNDING),
    }
    return next((fault for fault, found in faults.items() if found), None)


def _is_possible(row: Row) -> bool:
    """Return whether the p-value is one of this number of other keys, or follows from the last look."""
    if row.looks:
        last = row.looks[-1].e_value
        is_reachable = last <= (row.n_null_keys + 1) * (1 + _ROUNDING)
        return is_reachable and row.p_value == rounded_up(1 / last if last > 1 else 1.0)
    return row.p_value * (row.n_null_keys + 1) >= 1 - _ROUNDING


def _piece(name: str, content: bytes) -> Piece:
    return Piece(name=name, sha256=_sha256(content), size_bytes=len(content))


def _pretty(record: msgspec.Struct) -> bytes:
    return msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n"


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _decoded(content: bytes, kind: type[_Record], name: str) -> _Record:
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise _broken("it cannot be read", name) from None


def _broken(fault: str, where: str) -> InputError:
    return InputError(f"the bundle does not hold: {fault}", where=where, todo="ask for it again from whoever made it")
