"""What a log format is to the reader."""

from collections.abc import Mapping
from typing import Protocol

from gauger.sources.batches import ReadOptions
from gauger.sources.faults import Bad


class Refused(Exception):
    """A record cannot become a row; the reader catches this. `fault` says why, `column` which column wanted it."""

    def __init__(self, fault: Bad, *, column: str | None = None) -> None:
        super().__init__(fault.reason)
        self.fault = fault
        self.column = column


class Source(Protocol):
    """One log format. Stateless: the same record gives the same row, whatever came before.

    Attributes
    ----------
    name
        Its name, as `--format` takes it.
    """

    @property
    def name(self) -> str:
        """Name of the format."""
        ...

    def columns_absent(self, options: ReadOptions) -> frozenset[str]:
        """Columns of `EDGE_SCHEMA` that this format cannot fill."""
        ...

    def matches(self, record: Mapping[str, object]) -> bool:
        """Whether a record looks like one of this format. Never raises."""
        ...

    def row(self, record: Mapping[str, object], options: ReadOptions) -> Mapping[str, object]:
        """Values by canonical column, as the log gives them; `Bad` for one that is there and cannot be read.

        All columns are there, in their order: a row begins as `gauger.sources.values.empty_row`. The reader converts
        them: a source only knows where things lie.

        Raises
        ------
        Refused
            The record cannot be read at all.
        """
        ...
