"""A log read by a process that does not hold the workspace: its sketches are written aside, and a report says where.

Text stays in the process that read it: a report holds the names and sizes of the files written. Keys are not handed
over either: a reader takes them from the workspace, which it must see under the same path.
"""

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import msgspec

from gauger.errors import GaugerError, InputError, SettingsError, UsageError, WorkspaceError
from gauger.exchanges.pseudonyms import derive_keys
from gauger.settings import Settings
from gauger.sources import ReadOptions, read_log
from gauger.sources.enrichment import load_networks
from gauger.sources.places import is_address
from gauger.store.filling import Sketching, sketched_ahead
from gauger.store.keys import read_master_key
from gauger.store.manifest import FilePlan
from gauger.store.staging import Aside, StagedLog, StagedStretch, Stager
from gauger.store.workspace import KEY_FILE, TMP

_ERRORS: Final = {kind.__name__: kind for kind in (InputError, SettingsError, UsageError, WorkspaceError)}


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a reader needs beside the log, none of it secret.

    Attributes
    ----------
    workspace
        Its folder: the key is there, and the sketches are written aside there.
    networks
        The `[networks]` table.
    folder
        Where the paths of logs begin.
    kept_from
        The first day that `retain` left.
    """

    workspace: Path
    networks: Mapping[str, Any]
    folder: Path
    settings: Settings
    options: ReadOptions
    kept_from: date | None

    def sketching(self) -> Sketching:
        """Return keys, lists and settings, read where this runs."""
        keys = derive_keys(read_master_key(self.workspace / KEY_FILE).secret)
        return Sketching(keys, load_networks(self.networks, base=self.workspace), self.settings, threads=1)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A log to read, and from where."""

    path: str
    offset: int
    row: int

    @classmethod
    def by(cls, plan: FilePlan) -> "Wanted":
        """Return what a plan wants."""
        return cls(plan.name, plan.offset, plan.row)


class _Report(msgspec.Struct):
    """What a reader says of a log: a stretch that it wrote aside, or why it stopped."""

    stretch: StagedStretch | None = None
    error: tuple[str, str, str | None, str | None] | None = None


def reports(log: Wanted, recipe: Recipe, how: Sketching) -> Iterator[bytes]:
    """Read a log, and yield a report of each stretch written aside, and of an error.

    Raises
    ------
    RuntimeError
        An error that is none of Gauger's, by its kind alone.
    """
    try:
        for stretch in _stretches(log, recipe, how):
            yield msgspec.json.encode(_Report(stretch=stretch), enc_hook=str)
    except GaugerError as error:
        where = error.where and error.where.encode("utf-8", "backslashreplace").decode()  # names need not be UTF-8
        what = error.what.encode("utf-8", "backslashreplace").decode()
        yield msgspec.json.encode(_Report(error=(type(error).__name__, what, where, error.todo)))
    except Exception as error:  # noqa: BLE001 - whatever it is, its words may be a customer's
        message = f"{type(error).__name__} while a log was sketched"
        raise RuntimeError(message) from None


def reported(said: Iterable[bytes]) -> StagedLog:
    """Return what a reader reported of a log, in the order in which it did."""
    read = [msgspec.json.decode(one, type=_Report, dec_hook=_decoded) for one in said]
    error = next((one.error for one in read if one.error is not None), None)
    return StagedLog(
        stretches=[one.stretch for one in read if one.stretch is not None],
        error=None if error is None else _ERRORS[error[0]](error[1], where=error[2], todo=error[3]),
    )


def _stretches(log: Wanted, recipe: Recipe, how: Sketching) -> Iterator[StagedStretch]:
    # A log that is read twice is written under two names; the files of the reader that is not heard of are scratch.
    aside = Aside(recipe.workspace / TMP, prefix=f"apart-{uuid.uuid4().hex}")
    stager = Stager(aside, kept_from=recipe.kept_from, end_offset=log.offset, end_row=log.row)
    place = log.path if is_address(log.path) else str(recipe.folder / log.path)  # a worker's own folder is another
    batches = read_log(place, name=log.path, options=recipe.options, start_offset=log.offset, start_row=log.row)
    for batch, (sketches, refused) in sketched_ahead(batches, how):
        if stager.is_full:
            yield stager.write()
        stager.add(
            sketches.rows,
            sketches.parts,
            quarantined=refused,
            end_offset=batch.end_offset,
            end_row=batch.end_row,
            columns_absent=batch.columns_absent,
            content=batch.content,
        )
    yield stager.write()


def _decoded(kind: Callable[[Any], Any], value: Any) -> Any:
    return kind(value)
