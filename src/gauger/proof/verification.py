"""Whether a bundle of evidence holds: everything in it that follows from the rest is made again.

Hashes and signature, every line of the log, which files were tested under which keys, every p-value that its number of
other keys could give, the formula's tails, the looks, Holm's correction, the verdicts' words and sentences, and the
page. What follows from the inputs and the key alone, the z-scores and how many other keys fitted as well, cannot be.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gauger.errors import InputError, SettingsError
from gauger.proof.commitments import Entry, is_hex, read_log
from gauger.proof.document import write
from gauger.proof.evidence import (
    EVIDENCE,
    LOG,
    MANIFEST,
    MANIFEST_SCHEMA,
    PAGE,
    SCHEMA,
    Evidence,
    Manifest,
    piece,
    sha256,
    written,
)
from gauger.proof.page import render_evidence
from gauger.proof.plausible import figures_fault, inputs_fault

_Record = TypeVar("_Record", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True)
class Verified:
    """A bundle that holds; its page was made again where the same version of Gauger made it."""

    manifest: Manifest
    evidence: Evidence
    is_page_compared: bool


def verify(
    files: Mapping[str, bytes],
    *,
    gauger_version: str,
    public_key: bytes | None = None,
    inputs: Mapping[str, bytes] | None = None,
    models: Mapping[str, str] | None = None,
) -> Verified:
    """Return what a bundle that holds says.

    Parameters
    ----------
    files
        Everything in its folder.
    gauger_version
        Ours: a page that this version made is made again.
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
    is_ours = evidence.gauger_version == gauger_version
    try:
        _check_evidence(manifest, evidence, log)
    except (ArithmeticError, ValueError):
        raise _broken("no test gives such figures", EVIDENCE) from None
    except InputError as fault:
        # Rules have changed before. Which version says so, the signer chose: it is told, and not believed.
        other = f"Gauger {evidence.gauger_version} made it, by rules that may differ: verify it with that one too"
        raise fault if is_ours else InputError(fault.what, where=fault.where, todo=other) from None
    if is_ours and written(evidence) != files[EVIDENCE]:
        raise _broken("it is not written as Gauger writes it", EVIDENCE)
    if is_ours and render_evidence(evidence, log).encode() != files[PAGE]:
        raise _broken("the page does not say what the evidence says", PAGE)
    known = {one.sha256 for one in manifest.inputs}
    for name, content in (inputs or {}).items():
        if sha256(content) not in known:
            raise _broken("this file is not among its inputs", name)
    answered = {one.model_sha256 for one in manifest.inputs}
    for name, digest in (models or {}).items():
        if digest not in answered:
            raise _broken("answers of this model are not among its inputs", name)
    return Verified(manifest, evidence, is_page_compared=is_ours)


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
    # The signature is of what it says. Said twice, one reader takes the first word and another the last.
    if written(manifest) != files[MANIFEST]:
        raise _broken("it is not written as Gauger writes it", MANIFEST)
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
    named = {one.name: one for one in manifest.files}
    if set(named) != {PAGE, EVIDENCE, LOG}:
        raise _broken("its manifest names other files than a bundle has", MANIFEST)
    for name in sorted(files.keys() - named.keys() - {MANIFEST}):
        raise _broken("its manifest does not name this file", name)
    for name, recorded in named.items():
        if name not in files:
            raise _broken("a file is missing", name)
        if piece(name, files[name]) != recorded:
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
    if any(evidence.made_at < entries[key.name].committed_at for key in report.keys):
        raise _broken("it was made before a key was committed to", EVIDENCE)
    fault = inputs_fault(evidence) or figures_fault(report, evidence.suspect)
    if fault is not None:
        raise _broken(fault, EVIDENCE)
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


def _decoded(content: bytes, kind: type[_Record], name: str) -> _Record:
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise _broken("it cannot be read", name) from None


def _broken(fault: str, where: str) -> InputError:
    return InputError(f"the bundle does not hold: {fault}", where=where, todo="ask for it again from whoever made it")
