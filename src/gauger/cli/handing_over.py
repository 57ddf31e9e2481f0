"""Evidence to hand over: a signed bundle for each suspect, and `gauger prove verify`."""

import re
from collections.abc import Sequence
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gauger.cli.options import examples
from gauger.cli.output import harmless, print_result
from gauger.errors import InputError, UsageError

if TYPE_CHECKING:
    from gauger.proof.commitments import Entry
    from gauger.proof.document import Document
    from gauger.proof.evidence import InputFile
    from gauger.store.watermark_keys import WatermarkKeys


def register(group: typer.Typer) -> None:
    """Add the command to `gauger prove`."""
    group.command(
        epilog=examples(
            "gauger prove verify evidence", "gauger prove verify evidence --public-key 3b6a... --input suspect.jsonl"
        )
    )(verify)


def verify(
    folder: Annotated[Path, typer.Argument(metavar="BUNDLE", help="Folder of `gauger prove radioactivity --out`.")],
    public_key: Annotated[
        str | None, typer.Option("--public-key", metavar="HEX", help="Who must have signed. [default: anybody]")
    ] = None,
    inputs: Annotated[
        list[Path] | None, typer.Option("--input", metavar="FILE", help="Must be among what was tested.")
    ] = None,
    model_dirs: Annotated[
        list[Path] | None,
        typer.Option("--model-dir", metavar="DIR", help="Answers of this model must be among what was tested."),
    ] = None,
) -> None:
    """Check a bundle of evidence: hashes, signature, commitment log, and all that follows from the rest of it.

    Verdicts, corrected p-values, tails and the page are made again; every p-value must be one that its test can give.
    Exits with 3 where it does not hold. No workspace and no key is needed. Whose key signed is for you to know: compare
    it with one you had from elsewhere.
    """
    from gauger.proof.verification import verify as verify_bundle
    from gauger.sources.model_files import digest_of, read_model_files
    from gauger.store.bundles import read_bundle

    verified = verify_bundle(
        read_bundle(folder),
        gauger_version=version("gauger"),
        public_key=_hex(public_key),
        inputs={str(path): _content(path) for path in inputs or ()},
        models={str(path): digest_of(read_model_files(path)) for path in model_dirs or ()},
    )
    manifest, found = verified.manifest, verified.evidence
    lines = [f"The bundle holds: {manifest.suspect}, {_time(manifest.made_at)}."]
    lines += [f"{one.word}: key {one.key}" for one in found.report.verdicts]
    lines += [
        f"alpha        {found.report.alpha:g}",
        f"signed by    {manifest.public_key}",
        f"newest line  {manifest.log_line}",
    ]
    if not verified.is_page_compared:
        lines.append(f"page         not made again: it is of Gauger {found.gauger_version}")
    print_result("\n".join(harmless(line) for line in lines))


def hand_over(
    folder: Path,
    document: "Document",
    inputs: "Sequence[InputFile]",
    log: "Sequence[Entry]",
    keys: "WatermarkKeys",
    *,
    now: datetime,
) -> list[Path]:
    """Write a signed bundle for each suspect and return where: the folder itself, or one in it for each of several."""
    from gauger.proof import evidence
    from gauger.proof.document import about
    from gauger.proof.page import render_evidence
    from gauger.store.bundles import write_bundle

    suspects = list(dict.fromkeys(row.subject for row in document.tests if row.role == "suspect"))
    written = []
    for number, suspect in enumerate(suspects, start=1):
        found = evidence.Evidence(
            schema=evidence.SCHEMA,
            made_at=now,
            gauger_version=version("gauger"),
            suspect=suspect,
            inputs=[one for one in inputs if one.role != "suspect" or one.name == suspect],
            report=about(document, suspect),
        )
        files = evidence.sealed(found, render_evidence(found, log), log, public_key=keys.public_key(), sign=keys.sign)
        place = folder if len(suspects) == 1 else folder / f"{number:02d}-{_name(suspect)}"
        write_bundle(place, files)
        written.append(place)
    return written


def _name(suspect: str) -> str:
    """Return what of a file's name can stand in a folder's."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", Path(suspect).stem)[:48].strip(".-") or "suspect"


def _hex(public_key: str | None) -> bytes | None:
    try:
        return None if public_key is None else bytes.fromhex(public_key)
    except ValueError:
        raise UsageError("this is no key in hexadecimal", where="--public-key", todo="copy it from the log") from None


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"the file cannot be read: {error.strerror}", where=str(path)) from error


def _time(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
