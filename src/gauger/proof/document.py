"""The report of a test as one typed record: what was tested, with which keys, and what it lets one say."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final, Protocol

import msgspec

from gauger.proof.bounds import Count, Share
from gauger.proof.commitments import Entry
from gauger.proof.examination import Row
from gauger.proof.keys import Terms
from gauger.proof.verdicts import (
    CONTROL_ALARM,
    DETECTED_MEANS,
    NOTHING_MEANS,
    WATERMARK,
    Control,
    Controls,
    Mark,
    Served,
    Word,
    judge,
)

#: A control with fewer cells than these, or than this share of the suspect's, could miss what the suspect shows: z
#: grows with the square root of the cells, so a tenth of them gives a third of it.
LEAST_CELLS: Final = 100
LEAST_SHARE: Final = 0.1


class KeyRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A key as the log has it. `log_line` is the hash of its line."""

    name: str
    terms: Terms
    commitment: str
    committed_at: datetime
    log_line: str
    public_key: str


class VerdictRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict on one suspect and key; its p-value is the smallest adjusted one over the methods."""

    suspect: str
    key: str
    adjusted_p_value: Share
    word: Word
    sentence: str
    held_back: list[str]


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """The whole report. It holds no token of any answer and no key. `first_look` is null where one looked once."""

    schema: str
    alpha: Share
    null_keys: Count
    n_tests: Count
    first_look: Count | None = None
    served: Served
    keys: list[KeyRecord]
    tests: list[Row]
    verdicts: list[VerdictRecord]
    detection_means: str
    no_detection_means: str


def write(
    rows: Sequence[Row],
    entries: Sequence[Entry],
    *,
    alpha: float,
    null_keys: int,
    n_tests: int,
    served: Served,
    first_look: int | None = None,
) -> Document:
    """Return the report of these tests."""
    return Document(
        schema="gauger/radioactivity/1",
        alpha=alpha,
        null_keys=null_keys,
        n_tests=n_tests,
        first_look=first_look,
        served=served,
        keys=[key_record(entry) for entry in entries],
        tests=list(rows),
        verdicts=verdict_records(rows, entries, controls_of(rows, null_keys), alpha=alpha, served=served),
        detection_means=DETECTED_MEANS,
        no_detection_means=NOTHING_MEANS,
    )


def about(document: Document, suspect: str) -> Document:
    """Return the report without the other suspects; it still says how many tests there were in all."""
    return msgspec.structs.replace(
        document,
        tests=[row for row in document.tests if row.role != "suspect" or row.subject == suspect],
        verdicts=[one for one in document.verdicts if one.suspect == suspect],
    )


class Claim(Protocol):
    """What a verdict needs to know of a test: any kind of row has it. No claim is made where the last is None."""

    @property
    def subject(self) -> str:
        """The model."""

    @property
    def key(self) -> str:
        """The key's name."""

    @property
    def adjusted_p_value(self) -> float | None:
        """After Holm's correction; None for controls."""


def verdict_records(
    rows: Sequence[Claim],
    entries: Sequence[Entry],
    controls: Callable[[str, str], Controls],
    *,
    alpha: float,
    served: Served,
    mark: Mark = WATERMARK,
) -> list[VerdictRecord]:
    """Return the verdict on each suspect and key, by its smallest adjusted p-value and its own controls."""
    claims: dict[tuple[str, str], float] = {}
    for row in rows:
        if row.adjusted_p_value is not None:
            asked = (row.subject, row.key)
            claims[asked] = min(row.adjusted_p_value, claims.get(asked, 1.0))
    committed_at = {entry.name: entry.committed_at for entry in entries}
    verdicts = []
    for (suspect, key), adjusted in claims.items():
        said = judge(
            suspect=suspect,
            key=key,
            adjusted=adjusted,
            alpha=alpha,
            committed_at=committed_at[key],
            served=served,
            controls=controls(suspect, key),
            mark=mark,
        )
        verdicts.append(
            VerdictRecord(
                suspect=suspect,
                key=key,
                adjusted_p_value=adjusted,
                word=said.word,
                sentence=said.sentence,
                held_back=list(said.held_back),
            )
        )
    return verdicts


def controls_of(rows: Sequence[Row], null_keys: int) -> Callable[[str, str], Controls]:
    """Return what gives the controls of a suspect and key, with which of them could have shown the key."""
    # A model that said nothing is no control.
    tested = [row for row in rows if row.role == "control" and row.n_cells]
    can_fire = len(tested) <= CONTROL_ALARM * (null_keys + 1)
    by_key: dict[str, list[Row]] = {}
    for row in rows:
        by_key.setdefault(row.key, []).append(row)

    def of(suspect: str, key: str) -> Controls:
        beside = by_key.get(key, [])
        cells = {(row.subject, row.method): row.n_cells for row in beside if row.role == "control"}
        # By each method that the suspect was tested by: what one of them shows, the other may not.
        needed = {
            row.method: max(LEAST_CELLS, LEAST_SHARE * row.n_cells)
            for row in beside
            if (row.role, row.subject) == ("suspect", suspect)
        }

        def is_able(model: str) -> bool:
            return can_fire and all(cells.get((model, method), 0) >= least for method, least in needed.items())

        return Controls(
            negative=[
                Control(row.subject, row.p_value, is_able=is_able(row.subject))
                for row in beside
                if row.role == "control" and row.n_cells
            ],
            positive=[row.p_value for row in beside if row.role == "positive"],
            n_tests=len(tested),
        )

    return of


def key_record(entry: Entry) -> KeyRecord:
    """Return a key as a report shows it."""
    return KeyRecord(
        name=entry.name,
        terms=entry.terms,
        commitment=entry.commitment,
        committed_at=entry.committed_at,
        log_line=entry.digest,
        public_key=entry.public_key,
    )
