"""Sets of prompts, harmful or harmless, which the user fetches: Gauger bundles none, and knows some by their hash."""

import csv
import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from gauger.errors import InputError, UsageError
from gauger.proof.refusals import Kind

_SHAPE: Final = '{"id": "prompt-1", "kind": "unsafe"}'


@dataclass(frozen=True, slots=True)
class KnownSet:
    """A published set, as one file of one revision: CSV with a header.

    Attributes
    ----------
    name, source, licence
        For the reader.
    id
        Column of the prompts' ids.
    label
        Column that says "safe" or "unsafe"; None where every prompt is unsafe.
    """

    name: str
    source: str
    licence: str
    id: str
    label: str | None = None


#: By SHA-256 of the file, as it stands in the repository and revision that are named.
KNOWN: Final = {
    "11783fb294ed017473ee53c207d71f2161c7672c8d0b037501e78387f801cb5a": KnownSet(
        "XSTest v2", "paul-rottger/exaggerated-safety, xstest_prompts.csv at d7bb5bd", "CC-BY-4.0", "id", "label"
    ),
    "2745611872be3b2eab141e39bb328b8c1140dc3cd8d0a49da6174260d9ccbfb9": KnownSet(
        "HarmBench",
        "busycalibrating/AdversariaLLM, data/behavior_datasets/harmbench_behaviors_text_all.csv at f970939",
        "MIT",
        "BehaviorID",
    ),
    "6d95a1301e0d0f3a3c4cf5392f4afff11ad6e3066f95d23aaa138d44aedf986c": KnownSet(
        "SimpleSafetyTests",
        "bertiev/SimpleSafetyTests, SimpleSafetyTests - test cases.csv at d7aee9a",
        "CC-BY-4.0",
        "id",
    ),
    "63e2b654325c5405096fabf28ef5f057b0ad674904b1839fd1f52b523e324d02": KnownSet(
        "AILuminate demo, English",
        "mlcommons/ailuminate, airr_official_1.0_demo_en_us_prompt_set_release.csv at 769cc2b",
        "CC-BY-4.0",
        "release_prompt_id",
    ),
}


@dataclass(frozen=True, slots=True)
class PromptSet:
    """What a file of prompts says: its name, its hash, and each prompt's kind by id."""

    name: str
    sha256: str
    kinds: dict[str, Kind]


class _Line(msgspec.Struct, frozen=True):
    id: str | int
    kind: Kind


def read_prompt_set(path: Path, *, sha256: str | None) -> PromptSet:
    """Return a set whose hash is pinned: it is a known one, or the one that the user names.

    A known set is CSV; any other has a line of JSON for each prompt, with its id and kind. What the prompts say is not
    kept.

    Raises
    ------
    UsageError
        The file is not the one that is pinned, or is neither known nor pinned.
    InputError
        It cannot be read, a line is not of this shape, or two have the same id.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"the prompts cannot be read: {error.strerror}", where=str(path)) from error
    found = hashlib.sha256(content).hexdigest()
    if sha256 is not None and sha256.casefold() != found:
        raise UsageError(
            f"the file is another one: its hash is {found}", where=str(path), todo="fetch the pinned file again"
        )
    if found not in KNOWN and sha256 is None:
        names = ", ".join(one.name for one in KNOWN.values())
        raise UsageError(
            f"this is none of the sets that Gauger knows by their hash ({names})",
            where=str(path),
            todo=f"read it, then pin it: --sha256 {found}",
        )
    known = KNOWN.get(found)
    rows = _json_rows(content, path) if known is None else _csv_rows(content, path, known)
    kinds: dict[str, Kind] = {}
    for where, name, kind in rows:
        if name in kinds:
            raise InputError("this id stands twice", where=where, todo="give each prompt an id of its own")
        kinds[name] = kind
    if not kinds:
        raise InputError("there are no prompts in this file", where=str(path), todo=f"write lines like {_SHAPE}")
    return PromptSet(path.name if known is None else known.name, found, kinds)


def _csv_rows(content: bytes, path: Path, known: KnownSet) -> Iterator[tuple[str, str, Kind]]:
    """Yield place, id and kind of the rows of a known set."""
    for number, row in enumerate(csv.DictReader(io.StringIO(content.decode("utf-8"), newline="")), start=1):
        is_unsafe = known.label is None or row[known.label] == "unsafe"
        yield f"{path}, row {number}", row[known.id], "unsafe" if is_unsafe else "safe"


def _json_rows(content: bytes, path: Path) -> Iterator[tuple[str, str, Kind]]:
    for number, line in enumerate(content.split(b"\n"), start=1):
        if line.strip():
            yield (where := f"{path}, line {number}"), *_decoded(line, where)


def _decoded(line: bytes, where: str) -> tuple[str, Kind]:
    try:
        row = msgspec.json.decode(line, type=_Line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise InputError(
            'this is no prompt with an id and a kind, "safe" or "unsafe"',
            where=where,
            todo=f"write lines like {_SHAPE}",
        ) from None
    return str(row.id), row.kind
