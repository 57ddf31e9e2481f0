"""Where the time of ingest and scan goes, stage by stage, beside what this machine could do at best.

    python -m benchmarks.profile_scale [--exchanges 1e6] [--log DIR]

Both commands run in this process on a log of `benchmarks.scale_log` (DIR holds one: it is only read), with one thread
and every stage after the one before it, so that each second of CPU belongs to one stage. The stages are functions of
the product that are wrapped from here (`STAGES`); what a stage calls of another stage counts there. The first day is
read and scanned once before, so that nothing is compiled or imported on the clock.

Then come the limits, on the same files: reading the log's columns and no more, hashing its words and keeping nothing,
copying its bytes in memory, writing what was kept (and the report) in one piece with fsync, reading what was kept once.
A stage's share is its limit's seconds over its own: of CPU, but where a disk sets the limit, of the clock. Two cores
read the logs of `gauger ingest` side by side; here one does. benchmarks/results/profile.json holds all of it.
"""

import argparse
import importlib
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stdout
from dataclasses import dataclass, field
from functools import wraps
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

os.environ.setdefault("NUMBA_CACHE_DIR", str(Path.home() / ".cache" / "gauger" / "kernels"))

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.hardware import hardware
from benchmarks.scale import log_of
from gauger.cli.scan import ingest, scan
from gauger.sketches.texts import USER_TURN, hash_words
from gauger.store import filling

RESULT = Path("benchmarks/results/profile.json")
RECOGNISING, READING, KERNEL, HASHES, WRITING = (
    "recognising logs",
    "reading logs",
    "kernel",
    "pseudonyms, digests, threads",
    "writing sketches",
)
QUERIES, REPORT = "engine's queries", "report"
#: Stage -> the functions that are it, as they are called: "module:name", or "module:class.name".
STAGES = {
    RECOGNISING: ("gauger.store.manifest:Manifest.plan",),
    READING: ("gauger.ingestion:read_log",),
    "validating": ("gauger.store.filling:validate",),
    HASHES: (
        "gauger.store.filling:content_digests",
        "gauger.store.filling:keep",
        "gauger.sketches.exchanges:sketch_threads",
    ),
    KERNEL: ("gauger.sketches.exchanges:sketch_texts",),
    "columns and parts": ("gauger.store.filling:sketch_exchanges",),
    WRITING: ("gauger.store.staging:write_parquet",),
    QUERIES: ("gauger.engines.duckdb:DuckEngine.fetch", "gauger.engines.duckdb:DuckEngine.keep"),
    "arrays of windows": ("gauger.cli.detecting:open_log", "gauger.pipeline:fetch_window"),
    "candidates, scores": ("gauger.pipeline:novel_scores", "gauger.pipeline:both_paths"),
    "permutations": ("gauger.campaigns.detection:gate", "gauger.pipeline:examine"),
    "attribution": ("gauger.pipeline:fetch_attribution",),
    REPORT: tuple(f"gauger.cli.detecting:{name}" for name in ("write_up", "timelines", "result_files", "publish")),
}
#: What no stage takes: opening the workspace, sorting, commits, whatever else.
REST = "everything else"


# --- the clock -----------------------------------------------------------------------------------------------------


@dataclass
class Stopwatch:
    """Seconds of CPU and of the clock by stage; only the innermost stage's run."""

    now: Callable[[], tuple[float, float]] = lambda: (time.process_time(), time.perf_counter())
    spent: dict[str, np.ndarray] = field(default_factory=dict)
    _open: list[str] = field(default_factory=list)
    _since: np.ndarray = field(default_factory=lambda: np.zeros(2))

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count what happens inside the block as this stage's."""
        self._turn()
        self._open.append(name)
        try:
            yield
        finally:
            self._turn()
            self._open.pop()

    def _turn(self) -> None:
        """Give what passed since the last turn to the innermost stage."""
        now = np.array(self.now())
        if self._open:
            self.spent[self._open[-1]] = self.spent.get(self._open[-1], np.zeros(2)) + now - self._since
        self._since = now

    def timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that counts as a stage; of a generator, each of its steps does."""

        @wraps(function)
        def whole(*args: Any, **kwargs: Any) -> Any:
            with self.stage(name):
                found = function(*args, **kwargs)
            return self._steps(name, found) if isinstance(found, Iterator) else found

        return whole

    def _steps(self, name: str, steps: Iterator[Any]) -> Iterator[Any]:
        while True:
            with self.stage(name):
                step = next(steps, self)
            if step is self:
                return
            yield step


@contextmanager
def watched(watch: Stopwatch) -> Iterator[None]:
    """Count the product's stages inside the block, one after another: none while another still runs."""

    def in_turn(batches: Any, how: filling.Sketching) -> Iterator[Any]:
        return ((batch, filling.sketch(batch, how)) for batch in batches)

    with ExitStack() as wrapped:
        wrapped.enter_context(patch.object(filling, "sketched_ahead", in_turn))
        for stage, places in STAGES.items():
            for place in places:
                module, _, path = place.partition(":")
                *owners, name = path.split(".")
                owner = importlib.import_module(module)
                for part in owners:
                    owner = getattr(owner, part)
                wrapped.enter_context(patch.object(owner, name, watch.timed(stage, getattr(owner, name))))
        yield


# --- what is timed -------------------------------------------------------------------------------------------------


def both(logs: list[str], accounts: Path, folder: Path) -> dict[str, dict]:
    """Ingest and scan logs with one thread, and return the stages of each: seconds of CPU and of the clock."""
    workspace = folder / "workspace"
    return {
        "ingest": stages_of(lambda: ingest(logs, workspace=workspace, accounts=accounts, threads=1, quiet=True)),
        "scan": stages_of(lambda: scan(None, out=folder / "report", workspace=workspace, threads=1, quiet=True)),
    }


def stages_of(command: Callable[[], object]) -> dict[str, dict]:
    """Run a command and return what each stage of it took."""
    watch = Stopwatch()
    with redirect_stdout(StringIO()), watched(watch), watch.stage(REST):
        command()
    return {name: {"cpu_s": float(cpu), "wall_s": float(wall)} for name, (cpu, wall) in watch.spent.items()}


def spent(work: Callable[[], object]) -> dict[str, float]:
    """Return the seconds of CPU and of the clock that something takes."""
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    return {"cpu_s": time.process_time() - cpu, "wall_s": time.perf_counter() - wall}


def add(*parts: dict[str, float]) -> dict[str, float]:
    """Return the sums of figures of the same names."""
    return {name: sum(part[name] for part in parts) for name in parts[0]}


def limits(logs: list[str], folder: Path) -> dict[str, dict]:
    """Return for each stage that has one what sets its limit, and how long that takes."""
    reads, hashes, copies, n_bytes = [], [], [], 0
    for log in logs:
        tables: list[pa.Table] = []
        reads.append(spent(lambda log=log, tables=tables: tables.append(pq.ParquetFile(log).read(use_threads=False))))
        [table] = tables
        texts = table["user_prompt"].combine_chunks()
        texts = texts.cast(pa.large_string()) if texts.type != pa.large_string() else texts
        hashes.append(spent(lambda texts=texts: hash_words(texts, bytes(range(32)), namespace=USER_TURN)))
        copies.append(copy_of(table.nbytes))
        n_bytes += table.nbytes
    kept = sorted((folder / "workspace").rglob("*.parquet"))
    report = [path for path in (folder / "report").iterdir() if path.is_file()]
    whole_files = spent(lambda: [Path(log).read_bytes() and None for log in logs])
    read_back = spent(lambda: [pq.ParquetFile(path).read(use_threads=False) and None for path in kept])
    return {
        RECOGNISING: {"what": "plain read of the files' bytes", "by": "cpu_s", **whole_files},
        READING: {"what": "plain read of the same columns", "by": "cpu_s", **add(*reads)},
        KERNEL: {"what": "hashes of the same words", "by": "cpu_s", **add(*hashes)},
        HASHES: {"what": "one copy of the same columns in memory", "by": "cpu_s", "bytes": n_bytes, **add(*copies)},
        WRITING: {"what": "the same bytes to the disk, flushed", "by": "wall_s", **write_of(kept, folder)},
        QUERIES: {"what": "plain read of all sketches, once", "by": "cpu_s", **read_back},
        REPORT: {"what": "the same bytes to the disk, flushed", "by": "wall_s", **write_of(report, folder)},
    }


def copy_of(n_bytes: int) -> dict[str, float]:
    """Return how long a copy of so many bytes in memory takes, onto pages that are there."""
    source, target = np.ones(n_bytes, np.uint8), np.zeros(n_bytes, np.uint8)
    return spent(lambda: np.copyto(target, source))


def write_of(paths: list[Path], folder: Path) -> dict[str, float]:
    """Return how long it takes to write the bytes of files to the disk in one piece."""
    content = b"".join(path.read_bytes() for path in paths)

    def write() -> None:
        with (folder / "written").open("wb", buffering=0) as file:
            file.write(content)
            os.fsync(file.fileno())

    return {"bytes": len(content), **spent(write)}


# --- the table -----------------------------------------------------------------------------------------------------


def table(stages: dict[str, dict], limit: dict[str, dict]) -> list[dict]:
    """Return a row a command and stage: seconds, share of the command's CPU, and how near its limit it is."""
    rows = []
    for command, found in stages.items():
        total = sum(one["cpu_s"] for one in found.values())
        for stage, one in sorted(found.items(), key=lambda each: -each[1]["cpu_s"]):
            row = {"command": command, "stage": stage, **{name: round(value, 2) for name, value in one.items()}}
            row["share_of_cpu"] = round(one["cpu_s"] / total, 3)
            if stage in limit:
                of = limit[stage]
                row |= {"limit": of["what"], "limit_s": round(of[of["by"]], 3), "by": of["by"]}
                row["share_of_limit"] = round(of[of["by"]] / one[of["by"]], 3)
            rows.append(row)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--exchanges", type=float, default=1e6)
    parser.add_argument("--log", type=Path)
    args = parser.parse_args()
    pa.set_cpu_count(1)
    with tempfile.TemporaryDirectory(prefix="gauger-profile-") as scratch:
        folder = Path(scratch)
        log = args.log or folder / "log"
        facts = log_of(log, args.exchanges, "parquet", {})
        logs, accounts = sorted(map(str, (log / "logs").iterdir())), log / "accounts.parquet"
        both(logs[:1], accounts, folder / "before")
        load = os.getloadavg()[0]
        stages = both(logs, accounts, folder / "run")
        limit = limits(logs, folder / "run")
    rows = table(stages, limit)
    result = {"hardware": hardware(), "load_before": round(load, 2), **facts, "rows": rows, "limits": limit}
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    for row in rows:
        near = f"{100 * row['share_of_limit']:.0f} % of {row['limit']}" if "limit" in row else ""
        print(f"{row['command']:8}{row['stage']:30}{row['cpu_s']:8.2f}{100 * row['share_of_cpu']:6.1f} %  {near}")


if __name__ == "__main__":
    main()
