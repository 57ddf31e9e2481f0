"""Worlds as files: the logs a gateway would have written, and the truth beside them."""

import csv
import gzip
import io
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from gauger.errors import UsageError
from gauger.lab import formats
from gauger.lab.adapters import LocalCopies
from gauger.lab.datasets import data_pools
from gauger.lab.grammar import grammar_pools
from gauger.lab.scenarios import SCENARIOS
from gauger.lab.world import World, simulate

Record = Callable[[dict[str, Any]], dict[str, Any]]
Lines = Callable[[pa.Table], Iterator[bytes]]

#: Rows that become Python objects at once, and rows of a Parquet group.
CHUNK_ROWS: Final = 8_192
GROUP_ROWS: Final = 65_536

#: The file that says how the mapped formats are read.
MAPPING_FILE: Final = "mapping.toml"


def simulate_to(
    scenario_name: str,
    *,
    seed: int,
    out: Path,
    data: Path | None = None,
    format: str = "litellm",
    local: LocalCopies | None = None,
) -> World:
    """Return the world of a named scenario, written to a folder.

    Parameters
    ----------
    scenario_name
        A name of `SCENARIOS`.
    seed
        Another seed gives another world.
    out
        Folder to fill; made if absent.
    data
        Folder of the public data sets; without it the built-in grammar speaks.
    format
        A name of `WRITERS`.
    local
        Prompts and arrivals of one's own, in place of those of the pools.

    Raises
    ------
    UsageError
        There is no scenario or format of that name.
    InputError
        A data set, the prompts or the arrivals are absent or cannot be read.
    """
    if scenario_name not in SCENARIOS:
        raise UsageError(f"there is no scenario {scenario_name!r}", todo="`gauger lab scenarios` lists them")
    _check_format(format)
    pools = grammar_pools() if data is None else data_pools(data)
    pools = pools if local is None else local.into(pools)
    world = simulate(SCENARIOS[scenario_name], seed=seed, pools=pools)
    write_world(world, out, format=format)
    return world


def _check_format(name: str) -> None:
    if name not in WRITERS:
        raise UsageError(f"there is no log format {name!r}", todo=f"choose one of {', '.join(WRITERS)}")


def write_world(world: World, directory: Path, *, format: str = "litellm") -> list[Path]:
    """Write a world and return the paths of its logs, in order of time.

    Beside the logs lie accounts.csv and events.csv, which an operator has, and truth.csv and truth_exchanges.csv,
    which only the lab has. Files are the same byte for byte for the same world.

    Parameters
    ----------
    world
        What `simulate` returned.
    directory
        Folder to fill; made if absent.
    format
        "litellm": one gzipped JSON-lines file a day, as the gateway's standard logging payload. "openai", "anthropic":
        the same with pairs of a request and its answer. "parquet": one file of the canonical columns. "mapped-json",
        "mapped-csv": one gzipped file a day of an operator's own make, and mapping.toml to read it with.

    Raises
    ------
    UsageError
        There is no format of that name.
    """
    _check_format(format)
    directory.mkdir(parents=True, exist_ok=True)
    for name, table in (
        ("accounts", world.accounts),
        ("events", world.events),
        ("truth", world.truth_accounts),
        ("truth_exchanges", world.truth_exchanges),
    ):
        _write_csv(table, directory / f"{name}.csv")
    return WRITERS[format](world, directory)


def _write_csv(table: pa.Table, path: Path) -> None:
    """Write a table in stretches: a Python object for every time of a long table would outweigh it."""
    header = _written_times(table.slice(0, 0))
    with pa.csv.CSVWriter(path, header.schema) as file:
        for start in range(0, len(table), GROUP_ROWS):
            file.write_table(_written_times(table.slice(start, GROUP_ROWS)))


def _written_times(table: pa.Table) -> pa.Table:
    """Return the table with times as text, RFC 3339 in UTC."""
    for place, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type):
            written = [None if time is None else _rfc3339(time) for time in table.column(place).to_pylist()]
            table = table.set_column(place, field.name, pa.array(written, pa.string()))
    return table


def _rfc3339(time: datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")


def _write_parquet(world: World, directory: Path) -> list[Path]:
    path = directory / "exchanges.parquet"
    with pa.parquet.ParquetWriter(path, world.exchanges.schema, compression="zstd") as file:
        for start in range(0, len(world.exchanges), GROUP_ROWS):
            file.write_table(world.exchanges.slice(start, GROUP_ROWS))
    return [path]


def _write_litellm(world: World, directory: Path) -> list[Path]:
    return _by_day(world, directory, "litellm-{day}.jsonl.gz", lines=partial(_json_lines, record=formats.litellm))


def _write_openai(world: World, directory: Path) -> list[Path]:
    return _by_day(world, directory, "openai-{day}.jsonl.gz", lines=partial(_json_lines, record=formats.openai))


def _write_anthropic(world: World, directory: Path) -> list[Path]:
    return _by_day(world, directory, "anthropic-{day}.jsonl.gz", lines=partial(_json_lines, record=formats.anthropic))


def _write_own_json(world: World, directory: Path) -> list[Path]:
    (directory / MAPPING_FILE).write_text(formats.MAPPING, encoding="utf-8")
    return _by_day(world, directory, "own-{day}.jsonl.gz", lines=partial(_json_lines, record=formats.own))


def _write_own_csv(world: World, directory: Path) -> list[Path]:
    (directory / MAPPING_FILE).write_text(formats.MAPPING, encoding="utf-8")
    return _by_day(world, directory, "own-{day}.csv.gz", lines=partial(_csv_rows, record=formats.own))


def _by_day(world: World, directory: Path, name: str, *, lines: Lines) -> list[Path]:
    """Write one gzipped file a day, chunk by chunk: no more than a chunk's records are held at once."""
    days = world.exchanges["occurred_at"].cast(pa.int64()).to_numpy() // 86_400_000_000
    starts = np.flatnonzero(np.diff(days, prepend=-1))
    paths = []
    for start, end in zip(starts, [*starts[1:], len(days)], strict=True):
        path = directory / name.format(day=np.datetime64(int(days[start]), "D"))
        # No time and no name in the header: the same world gives the same bytes.
        with path.open("wb") as raw, gzip.GzipFile("", "wb", compresslevel=1, fileobj=raw, mtime=0) as file:
            for chunk in lines(world.exchanges.slice(start, end - start)):
                file.write(chunk)
        paths.append(path)
    return paths


def _json_lines(exchanges: pa.Table, *, record: Record) -> Iterator[bytes]:
    encoder = msgspec.json.Encoder()
    for batch in exchanges.to_batches(max_chunksize=CHUNK_ROWS):
        yield encoder.encode_lines([record(row) for row in batch.to_pylist()])


def _csv_rows(exchanges: pa.Table, *, record: Record) -> Iterator[bytes]:
    """Yield a header, then rows; nested values are JSON in a cell, as dumps of databases have them."""
    is_first = True
    for batch in exchanges.to_batches(max_chunksize=CHUNK_ROWS):
        written = io.StringIO(newline="")
        table = csv.writer(written, lineterminator="\n")
        for row in batch.to_pylist():
            cells = record(row)
            if is_first:
                table.writerow(cells)
                is_first = False
            table.writerow(map(_cell, cells.values()))
        yield written.getvalue().encode()


def _cell(value: object) -> object:
    return msgspec.json.encode(value).decode() if isinstance(value, dict | list | msgspec.Raw) else value


#: Log formats by name.
WRITERS: Final[dict[str, Callable[[World, Path], list[Path]]]] = {
    "litellm": _write_litellm,
    "openai": _write_openai,
    "anthropic": _write_anthropic,
    "parquet": _write_parquet,
    "mapped-json": _write_own_json,
    "mapped-csv": _write_own_csv,
}
