"""Exchanges picked from the operator's own logs, to be looked at and not kept."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from gauger.campaigns.findings import Finding
from gauger.cli.session import Session
from gauger.cli.shared_words import Run, runs_of, shared_runs
from gauger.exchanges.pseudonyms import pseudonymise_personal
from gauger.sources import ReadOptions, SourceBatch, read_log
from gauger.sources.places import settled

#: Parts of an exchange that can hold a template, as they are shown.
PARTS: Final = {"system_prompt": "system prompt", "tool_schema": "tool schema", "user_prompt": "user turn"}
#: Exchanges of others that are looked through for innocent ones that share words.
MAX_LOOKED_AT: Final = 20_000

Place = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One exchange with its texts, by part. It lives as long as it is on the screen."""

    account_id: str
    request_id: str | None
    occurred_at: str
    log: str
    row: int
    texts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Exhibits:
    """What is shown.

    Attributes
    ----------
    attributed
        Exchanges of the finding.
    shared
        Part -> the runs of words that they share across accounts.
    innocent
        Exchanges of other accounts, not attributed, that share most of these runs.
    n_moved
        Exchanges that are no longer where they were read.
    n_looked_at
        Exchanges of others that were looked through.
    """

    attributed: tuple[Exhibit, ...]
    shared: Mapping[str, frozenset[Run]]
    innocent: tuple[Exhibit, ...]
    n_moved: int
    n_looked_at: int


@dataclass(frozen=True, slots=True)
class Pointer:
    """An attributed exchange: whose it is, and where it lies in the logs given now."""

    account_id: str
    request_id: str | None
    log: str
    row: int


def pointers(attribution: pa.Table, finding: Finding, logs: Sequence[str]) -> list[Pointer]:
    """Return the attributed exchanges that the given logs hold, by log and row.

    A log is known by its path, or where it was moved by its name, if no other log given has that name.
    """
    log_of = _located(attribution["source_file"].unique().to_pylist(), logs)
    mine = attribution.filter(pc.equal(attribution["finding_id"], finding.finding_id)).to_pylist()
    found = [
        Pointer(one["account_id"], one["request_id"], log_of[one["source_file"]], one["source_row"])
        for one in mine
        if one["source_file"] in log_of
    ]
    return sorted(found, key=lambda one: (one.log, one.row))


def _located(read_as: Collection[str], logs: Sequence[str]) -> dict[str, str]:
    by_path = {settled(log): log for log in logs}
    by_name: dict[str, list[str]] = {}
    for log in logs:
        by_name.setdefault(Path(log).name, []).append(log)
    located = {}
    for name in read_as:
        same_name = by_name.get(Path(name).name, [])
        found = by_path.get(settled(name)) or (same_name[0] if len(same_name) == 1 else None)
        if found is not None:
            located[name] = found
    return located


def choose(found: Sequence[Pointer], first: Sequence[str], n: int) -> list[Pointer]:
    """Return up to n exchanges, one account after the other, from as few logs as will do.

    Parameters
    ----------
    found
        The exchanges to choose from.
    first
        Accounts in the order in which they matter.
    n
        Most exchanges.
    """
    place = {account: index for index, account in enumerate(first)}
    accounts_in: dict[str, set[str]] = {}
    for one in found:
        accounts_in.setdefault(one.log, set()).add(one.account_id)
    logs = sorted(accounts_in, key=lambda log: (-len(accounts_in[log]), log))
    queues: dict[str, list[Pointer]] = {}
    for one in sorted(found, key=lambda one: (logs.index(one.log), one.row)):
        queues.setdefault(one.account_id, []).append(one)
    order = sorted(queues, key=lambda account: (place.get(account, len(place)), account))
    chosen: list[Pointer] = []
    while len(chosen) < n and any(queues.values()):
        chosen += [queues[account].pop(0) for account in order if queues[account]]
    return chosen[:n]


def show(
    session: Session,
    chosen: Sequence[Pointer],
    *,
    options: ReadOptions,
    theirs: Collection[str],
    n_innocent: int,
) -> Exhibits:
    """Return the chosen exchanges, read again from the logs, and innocent ones from the same logs.

    Parameters
    ----------
    session
        Its keys tell which account an exchange is of.
    chosen
        What to show.
    options
        How the logs are read, as when they were ingested.
    theirs
        Accounts of the finding, those it merely touches too: none of them is an innocent look-alike.
    n_innocent
        Most look-alikes, each of another account.
    """
    attributed = _read_again(session, chosen, options)
    shared = {part: shared_runs([(one.account_id, one.texts.get(part, "")) for one in attributed]) for part in PARTS}
    logs = list(dict.fromkeys(one.log for one in chosen))
    innocent, n_looked_at = _look_alikes(session, logs, options, theirs=theirs, shared=shared, n=n_innocent)
    return Exhibits(tuple(attributed), shared, tuple(innocent), len(chosen) - len(attributed), n_looked_at)


def _read_again(session: Session, chosen: Sequence[Pointer], options: ReadOptions) -> list[Exhibit]:
    wanted: dict[str, dict[int, Pointer]] = {}
    for one in chosen:
        wanted.setdefault(one.log, {})[one.row] = one
    found: dict[Place, Exhibit] = {}
    for log, rows in wanted.items():
        for batch in read_log(log, options=options):
            is_wanted = pc.is_in(batch.exchanges["source_row"], pa.array(sorted(rows), pa.int64()))
            for exhibit in _exhibits(session, batch.exchanges.filter(is_wanted), log):
                pointer = rows[exhibit.row]
                if (exhibit.account_id, exhibit.request_id) == (pointer.account_id, pointer.request_id):
                    found[log, exhibit.row] = exhibit
            if batch.end_row > max(rows):
                break
    return [found[one.log, one.row] for one in chosen if (one.log, one.row) in found]


def _look_alikes(
    session: Session,
    logs: Sequence[str],
    options: ReadOptions,
    *,
    theirs: Collection[str],
    shared: Mapping[str, frozenset[Run]],
    n: int,
) -> tuple[list[Exhibit], int]:
    best: dict[str, tuple[int, Exhibit]] = {}
    n_looked_at = 0
    for others in _exchanges_of_others(session, logs, options, theirs):
        n_looked_at += 1
        score = sum(len(runs_of(others.texts.get(part, "")) & runs) for part, runs in shared.items() if runs)
        if score > best.get(others.account_id, (0, None))[0]:
            best[others.account_id] = (score, others)
    ranked = sorted(best.values(), key=lambda pair: (-pair[0], pair[1].account_id))
    return [exhibit for _, exhibit in ranked[:n]], n_looked_at


def _exchanges_of_others(
    session: Session, logs: Sequence[str], options: ReadOptions, theirs: Collection[str]
) -> Iterator[Exhibit]:
    left = MAX_LOOKED_AT
    for log in logs:
        for batch in read_log(log, options=options):
            kept = _kept(session, batch, "account_id")
            others = batch.exchanges.filter(pc.invert(pc.is_in(kept, pa.array(sorted(theirs), pa.string()))))
            yield from _exhibits(session, others.slice(0, left), log)
            left -= min(left, len(others))
            if left == 0:
                return


def _kept(session: Session, batch: SourceBatch | pa.Table, column: str) -> pa.Array:
    """Return ids as the workspace holds them."""
    table = batch.exchanges if isinstance(batch, SourceBatch) else batch
    values = table[column].combine_chunks()
    return pseudonymise_personal(values, session.keys.identity, key_id=session.keys.key_id)


def _exhibits(session: Session, rows: pa.Table, log: str) -> Iterator[Exhibit]:
    accounts, requests = _kept(session, rows, "account_id"), _kept(session, rows, "request_id")
    for row, account, request in zip(
        rows.select(["occurred_at", "source_row", *PARTS]).to_pylist(),
        accounts.to_pylist(),
        requests.to_pylist(),
        strict=True,
    ):
        yield Exhibit(
            account_id=account,
            request_id=request,
            occurred_at=_written(row["occurred_at"]),
            log=log,
            row=row["source_row"],
            texts={part: row[part] for part in PARTS if row[part]},
        )


def _written(time: Any) -> str:
    return time.isoformat(timespec="seconds").replace("+00:00", "Z") if time is not None else "unknown time"
