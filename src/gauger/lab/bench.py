"""A benchmark: every world of a suite simulated, scanned and scored; or handed to another detector."""

import hashlib
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Final

import gauger
from gauger.errors import UsageError
from gauger.lab.datasets import data_pools
from gauger.lab.folders import Place, read_report, read_truth
from gauger.lab.grammar import grammar_pools
from gauger.lab.pools import Pools
from gauger.lab.runs import Run, kept_runs, make_missing
from gauger.lab.scanning import scan_world
from gauger.lab.scores import Truth
from gauger.lab.scoring import score
from gauger.lab.suites import SUITES, Cell, Suite
from gauger.lab.world import World, simulate
from gauger.lab.writing import write_world
from gauger.pipeline import Progress
from gauger.settings import Settings

RUNS: Final = "runs.jsonl"
STEP: Final = "worlds"


@dataclass(frozen=True, slots=True)
class Job:
    """A world to be made and scanned: its cell, its seed, which numbers its workspace key too, and with what."""

    cell: Cell
    seed: int
    settings: Settings
    data: Path | None


def suite_named(name: str) -> Suite:
    """Return a suite by name.

    Raises
    ------
    UsageError
        There is none of that name.
    """
    if name not in SUITES:
        raise UsageError(f"there is no suite {name!r}", todo=f"choose one of {', '.join(sorted(SUITES))}")
    return SUITES[name]


def run_suite(
    suite: Suite,
    seeds: Sequence[int],
    *,
    out: Path,
    settings: Settings,
    data: Path | None = None,
    processes: int = 1,
    progress: Progress = lambda _step, _done, _all: None,
) -> list[Run]:
    """Return the runs of a suite, cells within seeds. Each is written down when it is done, and not made again.

    Parameters
    ----------
    suite, seeds
        Every cell is run with every seed.
    out
        Folder that holds, or will hold, runs.jsonl.
    settings
        Everything that changes a result of the detector.
    data
        Folder of the public data sets; without it the built-in grammar speaks.
    processes
        How many worlds are run at a time.
    progress
        Told of each world that is done.

    Raises
    ------
    UsageError
        The folder holds a run of the same name that was made of something else.
    InputError
        runs.jsonl is damaged.
    """
    out.mkdir(parents=True, exist_ok=True)
    jobs = {(cell.name, seed): Job(cell, seed, settings, data) for seed in seeds for cell in suite.cells}
    wanted = {name: made_of(job) for name, job in jobs.items()}
    kept = kept_runs(out / RUNS, Run, wanted, other="other knobs, settings, prompts")
    return make_missing(out / RUNS, jobs, kept, run, step=STEP, processes=processes, progress=progress)


def made_of(job: Job) -> str:
    """Return a digest of what a run follows from: scenario, settings, prompts, code."""
    prompts = "grammar" if job.data is None else _files_told(job.data)
    said = (repr(job.cell.scenario_of(job.seed)), job.settings.model_dump_json(), prompts, _code())
    return hashlib.blake2b("\0".join(said).encode(), digest_size=8).hexdigest()


@cache
def _files_told(folder: Path) -> str:
    """Return what tells a folder of data sets from another: its files' names and sizes."""
    there = (one for one in folder.rglob("*") if one.is_file())
    return repr(sorted((one.relative_to(folder).as_posix(), one.stat().st_size) for one in there))


@cache
def _code() -> str:
    """Return a digest of this package's source: its version stays the same between two commits."""
    told = hashlib.blake2b(version("gauger").encode(), digest_size=8)
    for path in sorted(Path(gauger.__file__).parent.rglob("*.py")):
        told.update(path.read_bytes())
    return told.hexdigest()


@cache
def _pools(data: Path | None) -> Pools:
    return grammar_pools() if data is None else data_pools(data)


def run(job: Job) -> Run:
    """Return one world's run: simulated, scanned in this process, scored."""
    pools = _pools(job.data)
    started = time.process_time()
    world = simulate(job.cell.scenario_of(job.seed), seed=job.seed, pools=pools)
    simulated = time.process_time()
    scanned = scan_world(world, key=job.seed, settings=job.settings)
    ended = time.process_time()
    return Run(
        cell=job.cell.name,
        seed=job.seed,
        made_of=made_of(job),
        target=scanned.report.findings.calibration.target,
        simulate_cpu_s=round(simulated - started, 3),
        scan_cpu_s=round(ended - simulated, 3),
        sketch_bytes=scanned.sketch_bytes,
        score=score(scanned.report, truth_of(world)),
    )


def truth_of(world: World) -> Truth:
    """Return what is true of a world, with the times of its exchanges."""
    times = world.exchanges["occurred_at"]
    return Truth(accounts=world.truth_accounts, exchanges=world.truth_exchanges.append_column("occurred_at", times))


def export_suite(
    suite: Suite,
    seeds: Iterable[int],
    *,
    out: Path,
    data: Path | None = None,
    progress: Progress = lambda _step, _done, _all: None,
) -> list[Place]:
    """Write every world of a suite, its log as Parquet, and return where they lie and where reports are awaited."""
    wanted = [(cell, seed) for seed in seeds for cell in suite.cells]
    places = []
    for number, (cell, seed) in enumerate(wanted):
        progress(STEP, number, len(wanted))
        place = Place(out, cell.name, seed)
        write_world(simulate(cell.scenario_of(seed), seed=seed, pools=_pools(data)), place.world, format="parquet")
        places.append(place)
    progress(STEP, len(wanted), len(wanted))
    return places


def score_suite(suite: Suite, seeds: Iterable[int], *, root: Path) -> list[Run]:
    """Return the runs of another detector, from the reports that it wrote beside the exported worlds.

    Raises
    ------
    InputError
        A report or a truth is missing or does not have the format, or they are of two worlds.
    """
    return [_scored(Place(root, cell.name, seed)) for seed in seeds for cell in suite.cells]


def _scored(place: Place) -> Run:
    report = read_report(place.report)
    return Run(
        cell=place.cell,
        seed=place.seed,
        made_of=None,
        target=report.findings.calibration.target,
        simulate_cpu_s=None,
        scan_cpu_s=None,
        sketch_bytes=None,
        score=score(report, read_truth(place.world)),
    )
