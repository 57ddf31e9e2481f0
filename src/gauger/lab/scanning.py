"""From a simulated world to a report, without writing the log: what a scan does past its parser."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from gauger.campaigns.document import RunFacts
from gauger.campaigns.dossier import TOUCHED_SCHEMA, exchange_table
from gauger.engines.duckdb import duck_engine
from gauger.engines.engine import Engine
from gauger.engines.fetch import Log, open_log
from gauger.exchanges.accounts import keep_accounts
from gauger.exchanges.networks import NetworkTable
from gauger.exchanges.pseudonyms import Keys, derive_keys
from gauger.exchanges.schema import BATCH_ROWS, QUARANTINE_SCHEMA
from gauger.lab.scores import Report
from gauger.lab.world import World
from gauger.pipeline import detect
from gauger.report.tables import all_accounts
from gauger.results import write_up
from gauger.settings import Settings
from gauger.sources import SourceBatch
from gauger.sources.enrichment import disposable_domains
from gauger.store.filling import Sketching, sketch

#: Workspace keys of the lab are drawn from this stream, so that a seed of a world never is one of a key.
KEY_STREAM: Final = 917

#: Memory of the embedded engine, bytes.
ENGINE_MEMORY: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Scanned:
    """A world's report, and how many bytes its sketches take."""

    report: Report
    sketch_bytes: int


def master_key(number: int) -> bytes:
    """Return the `number`-th master key of the lab, 32 bytes."""
    return np.random.default_rng([KEY_STREAM, number]).bytes(32)


@dataclass(frozen=True, slots=True)
class Opened:
    """A world's log as the pipeline sees it: the keys it was sketched under, its files, and the operator's table."""

    keys: Keys
    engine: Engine
    log: Log
    accounts: pa.Table
    rows: list[Path]
    parts: list[Path]


@contextmanager
def opened(world: World, *, key: int, settings: Settings) -> Iterator[Opened]:
    """Yield a world's log, sketched under the `key`-th master key into a folder that is removed afterwards."""
    keys = derive_keys(master_key(key))
    with tempfile.TemporaryDirectory(prefix="gauger-lab-") as folder:
        rows, parts = sketched(world.exchanges, Path(folder), keys=keys, settings=settings)
        with opened_files(rows, parts, world.accounts, keys=keys) as seen:
            yield seen


@contextmanager
def opened_files(rows: list[Path], parts: list[Path], accounts: pa.Table, *, keys: Keys) -> Iterator[Opened]:
    """Yield the log that lies in files of sketches, made under `keys`, beside the account table as it was given."""
    with (
        tempfile.TemporaryDirectory(prefix="gauger-lab-") as scratch,
        duck_engine(scratch=Path(scratch), threads=1, memory_bytes=ENGINE_MEMORY) as engine,
    ):
        yield Opened(
            keys=keys,
            engine=engine,
            log=open_log(engine, rows, parts),
            accounts=keep_accounts(accounts, keys=keys, disposable=disposable_domains()),
            rows=rows,
            parts=parts,
        )


def scan_world(world: World, *, key: int, settings: Settings, with_accounts: bool = True) -> Scanned:
    """Return the report on a world, from the pipeline that a scan of its log runs.

    Parameters
    ----------
    world
        What `simulate` returned.
    key
        Number of the workspace key (`master_key`).
    settings
        Everything that changes a result.
    with_accounts
        Whether the operator has an account table.
    """
    with opened(world, key=key, settings=settings) as seen:
        report = report_on(seen, settings, with_accounts=with_accounts)
        return Scanned(report, sketch_bytes=sum(path.stat().st_size for path in (*seen.rows, *seen.parts)))


def report_on(seen: Opened, settings: Settings, *, with_accounts: bool = True) -> Report:
    """Return the report on an open log."""
    detection = detect(seen.engine, seen.log, seen.accounts if with_accounts else None, settings)
    facts = RunFacts(generated_at="2026-01-01T00:00:00Z", version="lab", quarantined=0, columns_absent=[])
    findings, dossiers = write_up(detection, seen.log, facts=facts, settings=settings)
    touched = pa.concat_tables([TOUCHED_SCHEMA.empty_table(), *(one.touched for one in dossiers)])
    return Report(findings, accounts=all_accounts(findings, touched), exchanges=exchange_table(dossiers))


def sketched(exchanges: pa.Table, folder: Path, *, keys: Keys, settings: Settings) -> tuple[list[Path], list[Path]]:
    """Return the files of a log's sketches, written to a folder: their rows, and the parts beside them."""
    how = Sketching(keys, NetworkTable(), settings, threads=1)
    rows, parts = [], []
    for number, batch in enumerate(_batches(exchanges)):
        sketches, _ = sketch(batch, how)
        rows.append(_written(sketches.rows, folder / f"rows-{number:04d}.parquet"))
        parts.append(_written(sketches.parts, folder / f"parts-{number:04d}.parquet"))
    return rows, parts


def _written(table: pa.Table, path: Path) -> Path:
    pq.write_table(table, path, compression="zstd", compression_level=1)
    return path


def _batches(exchanges: pa.Table) -> Iterator[SourceBatch]:
    for start in range(0, len(exchanges), BATCH_ROWS):
        yield SourceBatch(
            exchanges=exchanges.slice(start, BATCH_ROWS),
            quarantined=QUARANTINE_SCHEMA.empty_table(),
            end_offset=0,
            end_row=0,
            bytes_read=0,
        )
