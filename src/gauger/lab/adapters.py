"""Local copies of public data as pools: conversations that persons had, and traces of when requests came.

Prompts come from Parquet, JSON-lines or CSV files of any data set with a column of texts or of conversations. WildChat
(columns `conversation`, `language`, `hashed_ip`) and LMSYS-Chat-1M (`conversation`, `language`, `conversation_id`) are
read as published: their `conversation` is a list of records with `role` and `content`. Arrivals come from traces of
BurstGPT, Azure or Mooncake. Every text is put into its part by the rule of `gauger.lab.pools`, whatever file it is in.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from gauger.errors import InputError, UsageError
from gauger.lab.datasets import MAX_CHARACTERS, azure_trace, conversations, fitting, json_lines
from gauger.lab.pools import Arrivals, Floats, Pools, Shelf, place, split
from gauger.sources.json_text import decode

#: Columns that hold what persons said, the most telling first, where none is named.
FIELDS: Final = ("conversation", "messages", "prompt", "instruction", "question", "text")

#: Columns that say which person it was, and in which language; both may be absent.
PERSON: Final = "hashed_ip"
LANGUAGE: Final = "language"

#: Tags of language that mean no tongue of its own.
UNMARKED: Final = frozenset({"", "english", "en", "unknown", "nolang"})

#: Persons of a data set are dealt to this many topics: it says who asked, and not about what.
TOPICS: Final = 12

#: Conversations that are read, from the first on: a million would fill the memory, and no world needs them.
MAX_TALKS: Final = 200_000

#: Rows of a file held at a time, and bytes of a CSV file.
_ROWS: Final = 1_024
_CSV_BYTES: Final = 16 * 1024 * 1024

_SUFFIXES: Final = (".parquet", ".jsonl", ".json", ".csv")
_SHOWN_NAMES: Final = 12


@dataclass(frozen=True, slots=True)
class LocalCopies:
    """What an operator has on disk to speak with, and to time requests by.

    Attributes
    ----------
    prompts
        File or folder of Parquet, JSON-lines or CSV files.
    field
        The column of texts or of conversations; default: the first of `FIELDS` that is there.
    arrivals
        A trace of BurstGPT or Azure (CSV) or of Mooncake (JSON lines).
    """

    prompts: Path | None = None
    field: str | None = None
    arrivals: Path | None = None

    def __post_init__(self) -> None:
        if self.field is not None and self.prompts is None:
            raise UsageError("a field is named and no prompts are given", todo="name the file or folder of the prompts")

    def into(self, pools: Pools) -> Pools:
        """Return the pools with these prompts and arrivals in place of theirs.

        Raises
        ------
        InputError
            A file is absent or cannot be read, or holds no prompt.
        """
        if self.prompts is not None:
            pools = with_talks(pools, talks(self.prompts, field=self.field), where=str(self.prompts))
        if self.arrivals is not None:
            pools = replace(pools, arrivals=arrivals_of(self.arrivals, pools.arrivals))
        return pools


# -- prompts


@dataclass(frozen=True, slots=True)
class Talk:
    """What one person said in one conversation.

    Attributes
    ----------
    turns
        The person's own words, in order; at least one.
    language
        As the data set tags it, in lower case; "" where it does not.
    person
        Who it was, as the data set tells; "" where it does not.
    """

    turns: tuple[str, ...]
    language: str = ""
    person: str = ""


def with_talks(pools: Pools, said: Iterable[Talk], *, where: str) -> Pools:
    """Return pools whose persons say what was said in conversations; the old topics are the reserve.

    First turns become topics: those of one person lie in one topic, a tongue other than English has its own. Later
    turns become follow-ups.

    Raises
    ------
    InputError
        There is no conversation.
    """
    first: dict[str, list[str]] = {}
    later: list[str] = []
    for talk in islice(said, MAX_TALKS):
        first.setdefault(_topic(talk), []).append(talk.turns[0])
        if len(later) < MAX_TALKS:
            later.extend(text for text in talk.turns[1:] if len(text) <= MAX_CHARACTERS)
    spoken = {topic: split(fitting(texts)) for topic, texts in sorted(first.items())}
    reserves = [own for name, own in pools.topics.items() if ":" not in name]
    plain = {
        topic: Shelf(parts, reserves[number % len(reserves)].texts)
        for number, (topic, parts) in enumerate((name, own) for name, own in spoken.items() if ":" not in name)
    }
    # A tongue has no reserve, so it needs a text in every part; a rare one is left out.
    tongues = {
        topic: Shelf(parts, split(fitting(())))
        for topic, parts in spoken.items()
        if ":" in topic and all(map(len, parts.values()))
    }
    if not plain and not tongues:
        raise InputError("no prompt was found", where=where, todo="name the column that holds them")
    foreign = tongues or {name: own for name, own in pools.topics.items() if ":" in name}
    return replace(
        pools,
        topics={**(plain or {name: own for name, own in pools.topics.items() if ":" not in name}), **foreign},
        follow_ups=Shelf(split(fitting(later)), pools.follow_ups.texts),
    )


def _topic(talk: Talk) -> str:
    if talk.language not in UNMARKED:
        return f"{talk.language}:talks"
    return f"talks_{int(TOPICS * place(talk.person or talk.turns[0]))}"


def talks(path: Path, *, field: str | None = None) -> Iterator[Talk]:
    """Yield the conversations of a file or of all files below a folder, in order of their names.

    Parameters
    ----------
    path
        A Parquet, JSON-lines or CSV file, or a folder of such.
    field
        The column of texts or of conversations; default: the first of `FIELDS` that is there.

    Raises
    ------
    InputError
        There is no such file, it cannot be read, or it has no such column.
    """
    for file in _files(path):
        for row in _rows(file, field=field):
            turns = tuple(_said(row.get("said")))
            if turns:
                yield Talk(turns, _word(row.get(LANGUAGE)).lower(), _word(row.get(PERSON)))


def _word(value: object) -> str:
    return value if isinstance(value, str) else ""


def _said(value: object) -> Iterator[str]:
    """Yield the texts of a cell: the text itself, or what the user says in a list of messages."""
    if isinstance(value, str):
        yield from [value] if value.strip() else []
    for message in value if isinstance(value, list) else []:
        if isinstance(message, Mapping) and message.get("role") in ("user", "human", None):
            text = message.get("content")
            yield from [text] if isinstance(text, str) and text.strip() else []


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    found = sorted(file for file in path.rglob("*") if file.suffix in _SUFFIXES and file.is_file())
    if not found:
        raise InputError(
            "there is no Parquet, JSON-lines or CSV file",
            where=str(path),
            todo="name the file of the prompts, or the folder of a local copy",
        )
    return found


def _rows(path: Path, *, field: str | None) -> Iterator[dict[str, Any]]:
    """Yield of each row what was said, under that name, with the language and the person if they are there."""
    reader = {".parquet": _parquet_rows, ".csv": _csv_rows}.get(path.suffix, _json_rows)
    try:
        yield from reader(path, field=field)
    except (pa.ArrowException, OSError) as error:
        raise InputError("the file cannot be read", where=str(path), todo="fetch it anew") from error


def _json_rows(path: Path, *, field: str | None) -> Iterator[dict[str, Any]]:
    """Yield the rows of JSON lines, one line in memory at a time; the first record decides on the column."""
    said = ""
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            record = decode(line) if line.strip() else {}
            if not isinstance(record, dict):
                raise InputError("the line is no JSON object", where=f"{path}, line {number}", todo="fetch it anew")
            said = said or (_field_of(record, field, where=path) if record else "")
            yield {"said": record.get(said), LANGUAGE: record.get(LANGUAGE), PERSON: record.get(PERSON)}


def _parquet_rows(path: Path, *, field: str | None) -> Iterator[dict[str, Any]]:
    file = pa.parquet.ParquetFile(path)
    names = file.schema_arrow.names
    said = _field_of(names, field, where=path)
    columns = [said, *(name for name in (LANGUAGE, PERSON) if name in names)]
    for batch in file.iter_batches(batch_size=_ROWS, columns=columns):
        for row in batch.to_pylist():
            yield {**row, "said": row[said]}


def _csv_rows(path: Path, *, field: str | None) -> Iterator[dict[str, Any]]:
    parse = pa.csv.ParseOptions(newlines_in_values=True)
    read = pa.csv.ReadOptions(block_size=_CSV_BYTES)
    with pa.csv.open_csv(path, parse_options=parse, read_options=read) as file:
        names = file.schema.names
    said = _field_of(names, field, where=path)
    columns = [said, *(name for name in (LANGUAGE, PERSON) if name in names)]
    convert = pa.csv.ConvertOptions(include_columns=columns, column_types=dict.fromkeys(columns, pa.string()))
    with pa.csv.open_csv(path, parse_options=parse, read_options=read, convert_options=convert) as file:
        for batch in file:
            for row in batch.to_pylist():
                yield {**row, "said": row[said]}


def _field_of(names: Iterable[str], field: str | None, *, where: Path) -> str:
    known = list(names)
    wanted = FIELDS if field is None else (field,)
    found = next((name for name in wanted if name in known), None)
    if found is None:
        raise InputError(
            f"there is no column {' or '.join(wanted)}; there are {', '.join(known[:_SHOWN_NAMES])}",
            where=str(where),
            todo="name the column that holds the prompts",
        )
    return found


# -- arrivals


def arrivals_of(path: Path, base: Arrivals) -> Arrivals:
    """Return the arrivals of a trace; what the trace does not tell is as in `base`.

    Parameters
    ----------
    path
        BurstGPT CSV (Timestamp in seconds, Model, Request tokens, Response tokens, Total tokens, Log Type, and from its
        third release on Session ID), Azure CSV (TIMESTAMP, ContextTokens, GeneratedTokens), or Mooncake JSON lines
        (timestamp in milliseconds, input_length, output_length, hash_ids).
    base
        Where the rest comes from.

    Raises
    ------
    InputError
        The file is absent, of no such kind, or too short.
    """
    names = _header(path)
    if {"Timestamp", "Response tokens"} <= set(names):
        return _burst_gpt(path, base, names)
    if {"TIMESTAMP", "GeneratedTokens"} <= set(names):
        gaps, tokens = azure_trace(path)
        return replace(base, machine_gaps=gaps, output_tokens=tokens)
    if names[0].startswith("{"):
        return _mooncake(path, base)
    raise InputError(
        "the trace is of no known kind",
        where=str(path),
        todo="give a CSV file of BurstGPT or of the Azure LLM trace, or a JSON-lines file of Mooncake",
    )


def _header(path: Path) -> list[str]:
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            line = file.readline()
    except OSError as error:
        raise InputError("the trace cannot be read", where=str(path), todo="name an existing file") from error
    return [name.strip().strip('"') for name in line.split(",")]


def _burst_gpt(path: Path, base: Arrivals, names: list[str]) -> Arrivals:
    wanted = [name for name in ("Timestamp", "Response tokens", "Log Type", "Session ID") if name in names]
    types = {
        "Timestamp": pa.float64(),
        "Response tokens": pa.int64(),
        "Log Type": pa.string(),
        "Session ID": pa.string(),
    }
    convert = pa.csv.ConvertOptions(include_columns=wanted, column_types={name: types[name] for name in wanted})
    try:
        table = pa.csv.read_csv(path, convert_options=convert)
    except pa.ArrowException as error:
        raise InputError("the trace cannot be read", where=str(path), todo="fetch it anew") from error
    at_s = table["Timestamp"].to_numpy()
    kind = table["Log Type"].to_numpy() if "Log Type" in wanted else np.full(len(at_s), "API log", dtype=object)
    tokens = table["Response tokens"].to_numpy()
    by_program = kind == "API log"
    gaps = np.diff(np.sort(at_s[by_program] if by_program.sum() > 1 else at_s))
    if len(gaps) == 0 or gaps.sum() == 0 or not (tokens > 0).any():
        raise InputError("the trace is too short", where=str(path), todo="give one with more than two requests")
    found = replace(base, machine_gaps=gaps / gaps.mean(), output_tokens=tokens[tokens > 0].astype(np.int64))
    return _with_sessions(found, table["Session ID"].to_pylist(), at_s) if "Session ID" in wanted else found


def _with_sessions(base: Arrivals, sessions: list[str | None], at_s: Floats) -> Arrivals:
    """Return arrivals with the turns of the trace's sessions and the seconds between them."""
    own: dict[str, list[float]] = {}
    for session, at in zip(sessions, at_s.tolist(), strict=True):
        if session:
            own.setdefault(session, []).append(at)
    gaps = [gap for times in own.values() for gap in np.diff(np.sort(times)).tolist()]
    if not gaps:
        return base
    return replace(base, turns=np.array([len(times) for times in own.values()], dtype=np.int64), think_s=np.array(gaps))


def _mooncake(path: Path, base: Arrivals) -> Arrivals:
    requests = list(json_lines(path))
    turns, think_s = conversations(requests)
    if len(think_s) == 0:
        raise InputError(
            "no request of the trace goes on from another", where=str(path), todo="give a conversation trace"
        )
    tokens = np.array([request.get("output_length", 0) for request in requests], dtype=np.int64)
    known = tokens[tokens > 0]
    return replace(base, turns=turns, think_s=think_s, output_tokens=known if len(known) else base.output_tokens)
