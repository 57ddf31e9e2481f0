"""Folders of worlds and reports: what `gauger lab simulate` and a detector wrote, read back to be scored."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from gauger.campaigns.document import decode
from gauger.errors import InputError
from gauger.lab.scores import Report, Truth
from gauger.lab.world import TRUTH_ACCOUNTS_SCHEMA, TRUTH_EXCHANGES_SCHEMA

#: Columns that a table beside findings.json must have; whatever else it has is not read.
ACCOUNT_COLUMNS: Final = ("finding_id", "account_id")
EXCHANGE_COLUMNS: Final = ("finding_id", "account_id", "request_id")


@dataclass(frozen=True, slots=True)
class Place:
    """Where one world of a suite lies under an exported folder, and where its report is to be written."""

    root: Path
    cell: str
    seed: int

    @property
    def world(self) -> Path:
        """The folder of the world: its log, what its operator knows, and the truth."""
        return self.root / self.cell / str(self.seed) / "world"

    @property
    def report(self) -> Path:
        """The folder that a detector fills."""
        return self.root / self.cell / str(self.seed) / "report"


def read_truth(folder: Path) -> Truth:
    """Return the truth in a folder that `gauger lab simulate` or `gauger lab bench --export` filled.

    Times of the exchanges come from an exchanges.parquet beside it, where there is one.

    Raises
    ------
    InputError
        A file is missing or is not what was written there.
    """
    exchanges = _csv(folder / "truth_exchanges.csv", TRUTH_EXCHANGES_SCHEMA)
    log = folder / "exchanges.parquet"
    if log.exists():
        times = _parquet(log, ("request_id", "occurred_at"))
        if not times["request_id"].equals(exchanges["request_id"]):
            raise InputError(
                "the log and the truth are not of one world", where=str(folder), todo="simulate it anew into one folder"
            )
        exchanges = exchanges.append_column("occurred_at", times["occurred_at"])
    return Truth(accounts=_csv(folder / "truth.csv", TRUTH_ACCOUNTS_SCHEMA), exchanges=exchanges)


def read_report(folder: Path) -> Report:
    """Return the report in a result folder: findings.json, and the tables beside it that there are.

    Raises
    ------
    InputError
        There is no findings.json, or a file does not have the format.
    """
    path = folder / "findings.json"
    try:
        findings = decode(path.read_bytes())
    except OSError as error:
        raise InputError(
            f"there is no report here: {error.strerror}", where=str(path), todo="name the result folder of a detector"
        ) from error
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise InputError(
            f"this is no findings.json: {error}", where=str(path), todo="compare with `gauger schema`"
        ) from error
    return Report(
        findings=findings,
        accounts=_if_there(folder / "accounts.parquet", ACCOUNT_COLUMNS),
        exchanges=_if_there(folder / "exchanges.parquet", EXCHANGE_COLUMNS, optional=("score",)),
    )


def _csv(path: Path, schema: pa.Schema) -> pa.Table:
    """Return a table of the truth; only an unquoted empty cell is null, so that no name can be taken for one."""
    options = pa.csv.ConvertOptions(
        column_types=schema,
        include_columns=schema.names,
        strings_can_be_null=True,
        null_values=[""],
        quoted_strings_can_be_null=False,
    )
    try:
        return pa.csv.read_csv(path, convert_options=options).cast(schema)
    except OSError as error:
        raise InputError(
            "the truth is not here", where=str(path), todo="name a folder that `gauger lab simulate` filled"
        ) from error
    except (pa.ArrowInvalid, pa.ArrowKeyError, ValueError) as error:
        raise InputError("this is no table of the truth", where=str(path), todo="simulate the world anew") from error


def _if_there(path: Path, columns: tuple[str, ...], *, optional: tuple[str, ...] = ()) -> pa.Table | None:
    return _parquet(path, columns, optional=optional) if path.exists() else None


def _parquet(path: Path, columns: tuple[str, ...], *, optional: tuple[str, ...] = ()) -> pa.Table:
    try:
        file = pa.parquet.ParquetFile(path)
        there = file.schema_arrow.names
        missing = [name for name in columns if name not in there]
        if not missing:
            return file.read(columns=[*columns, *(name for name in optional if name in there)])
    except (OSError, pa.ArrowInvalid) as error:
        raise InputError("this is no Parquet file", where=str(path)) from error
    raise InputError(f"the table has no column {missing[0]}", where=str(path), todo=f"write {', '.join(columns)}")
