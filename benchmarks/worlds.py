"""From a simulated world to a detection, without writing the log: what a scan does past its parser."""

import os
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from gauger.campaigns.document import RunFacts
from gauger.campaigns.findings import Finding, Findings
from gauger.engines.duckdb import duck_engine
from gauger.engines.fetch import open_log
from gauger.exchanges.accounts import keep_accounts
from gauger.exchanges.networks import NetworkTable
from gauger.exchanges.pseudonyms import Keys, derive_keys
from gauger.exchanges.schema import BATCH_ROWS, QUARANTINE_SCHEMA
from gauger.lab import Pools, World, data_pools, grammar_pools
from gauger.pipeline import detect
from gauger.results import write_up
from gauger.settings import Settings
from gauger.sources import SourceBatch
from gauger.sources.enrichment import disposable_domains
from gauger.store.filling import Sketching, sketch


@cache
def pools_at_hand() -> tuple[Pools, str]:
    """Real prompts where GAUGER_DATA names their folder, else the built-in grammar."""
    folder = os.environ.get("GAUGER_DATA")
    return (data_pools(Path(folder)), "data") if folder else (grammar_pools(), "grammar")


def scan_world(world: World, *, key: int, settings: Settings, with_accounts: bool = True) -> Findings:
    """Return the findings of a world under the `key`-th workspace key."""
    keys = derive_keys(np.random.default_rng([917, key]).bytes(32))
    with tempfile.TemporaryDirectory(prefix="gauger-bench-") as folder:
        scratch = Path(folder)
        rows, parts = sketched(world.exchanges, scratch, keys=keys, settings=settings)
        accounts = keep_accounts(world.accounts, keys=keys, disposable=disposable_domains()) if with_accounts else None
        with duck_engine(scratch=scratch, threads=1, memory_bytes=1_000_000_000) as engine:
            log = open_log(engine, rows, parts)
            detection = detect(engine, log, accounts, settings)
            facts = RunFacts(generated_at="2026-01-01T00:00:00Z", version="bench", quarantined=0, columns_absent=[])
            found, _ = write_up(detection, log, facts=facts, settings=settings)
    return found


def sketched(exchanges: pa.Table, folder: Path, *, keys: Keys, settings: Settings) -> tuple[list[Path], list[Path]]:
    """Return the sketch files of a log, and those of its parts, written to a folder."""
    how = Sketching(keys, NetworkTable(), settings, threads=1)
    rows, parts = [], []
    for number, batch in enumerate(_batches(exchanges)):
        sketches, _ = sketch(batch, how)
        for kind, table, paths in (("rows", sketches.rows, rows), ("parts", sketches.parts, parts)):
            path = folder / f"{kind}-{number:04d}.parquet"
            pq.write_table(table, path, compression="zstd", compression_level=1, row_group_size=4096)
            paths.append(path)
    return rows, parts


def _batches(exchanges: pa.Table):
    for start in range(0, len(exchanges), BATCH_ROWS):
        yield SourceBatch(
            exchanges=exchanges.slice(start, BATCH_ROWS),
            quarantined=QUARANTINE_SCHEMA.empty_table(),
            end_offset=0,
            end_row=0,
            bytes_read=0,
        )


@dataclass(frozen=True)
class Match:
    """The finding that names most of a campaign's accounts."""

    rank: int | None
    verdict: str | None
    precision: float
    recall: float
    families: tuple[str, ...] = ()
    n_findings: int = 0


def best_match(found: Findings, world: World, campaign: str) -> Match:
    """Return the first finding most of whose accounts, or which most of the campaign's accounts, belong to it."""
    truth = world.truth_accounts.to_pydict()
    members = {a for a, c in zip(truth["account_id"], truth["campaign"], strict=True) if c == campaign}

    def overlap(one: Finding) -> int:
        return len(members & {account.account_id for account in one.accounts})

    hits = [one for one in found.findings if overlap(one) >= 0.5 * max(len(one.accounts), 1)]
    if not hits:
        return Match(None, None, 0.0, 0.0, n_findings=0)
    best = max(hits, key=lambda one: (overlap(one), -one.rank))
    named = len(best.accounts)
    return Match(
        rank=best.rank,
        verdict=best.verdict,
        precision=overlap(best) / named,
        recall=overlap(best) / len(members),
        families=tuple(best.families),
        n_findings=len(hits),
    )
