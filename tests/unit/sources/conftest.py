"""What the tests of log sources share: a log as bytes in, its rows and faults out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from gauger.sources import ReadOptions, SourceBatch, load_mapping, read_log


@dataclass(frozen=True)
class Outcome:
    """All that came out of a log."""

    rows: list[dict]
    faults: list[dict]
    batches: list[SourceBatch]

    @property
    def reasons(self) -> list[tuple[int | None, str | None, str]]:
        return [(fault["row"], fault["column"], fault["reason"]) for fault in self.faults]

    @property
    def end(self) -> tuple[int, int]:
        return self.batches[-1].end_offset, self.batches[-1].end_row


def _outcome(batches: list[SourceBatch]) -> Outcome:
    rows = [row for batch in batches for row in batch.exchanges.to_pylist()]
    faults = [fault for batch in batches for fault in batch.quarantined.to_pylist()]
    return Outcome(rows, faults, batches)


@pytest.fixture(scope="session")
def log_folder() -> Path:
    """Small logs in the shape of every source."""
    return Path(__file__).parents[2] / "fixtures" / "logs"


@pytest.fixture(scope="session")
def read_path(log_folder: Path) -> Callable[..., Outcome]:
    """Read a log; `mapped=True` takes the mapping beside the fixtures."""

    def read(path: Path | str, *, mapped: bool = False, bounds: Mapping[str, int] | None = None, **options) -> Outcome:
        start = {name: options.pop(name) for name in ("start_offset", "start_row") if name in options}
        if mapped:
            options["mapping"] = load_mapping(log_folder / "mapping.toml")
        return _outcome(list(read_log(str(path), options=ReadOptions(**options), **start, **(bounds or {}))))

    return read


@pytest.fixture
def read_bytes(tmp_path: Path, read_path: Callable[..., Outcome]) -> Callable[..., Outcome]:
    """Write bytes to a file and read it as a log."""

    def read(data: bytes, *, name: str = "log.jsonl", **options) -> Outcome:
        path = tmp_path / name
        path.write_bytes(data)
        return read_path(path, **options)

    return read
