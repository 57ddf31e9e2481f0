"""Plain text for a terminal: paragraphs and columns."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Final

from gauger.report.untrusted import cells

_NARROWEST_COLUMN: Final = 8


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of a plain table: `right` aligns numbers."""

    title: str
    values: Sequence[str]
    right: bool = False

    @property
    def width(self) -> int:
        """Columns of the terminal that the widest cell takes."""
        return max(cells(text) for text in (self.title, *self.values))


def paragraph(text: str, *, width: int, indent: str = "", first: str | None = None) -> list[str]:
    """Return the text wrapped to the width; `first` begins the first line in place of the indent."""
    return wrap(
        text,
        width,
        initial_indent=indent if first is None else first,
        subsequent_indent=indent,
        break_on_hyphens=False,
    )


def columns(table: Sequence[Column], *, width: int) -> list[str]:
    """Return the lines of a table: titles, a rule, the rows; the last column is wrapped into what the width leaves."""
    room = max(width - sum(column.width + 2 for column in table[:-1]), _NARROWEST_COLUMN)
    widths = [*(column.width for column in table[:-1]), min(table[-1].width, room)]
    rows = [[column.title for column in table], ["-" * size for size in widths]]
    rows += [list(values) for values in zip(*(column.values for column in table), strict=True)]
    return [line for row in rows for line in _row(row, table, widths)]


def _row(row: Sequence[str], table: Sequence[Column], widths: Sequence[int]) -> Iterator[str]:
    first, *more = wrap(row[-1], widths[-1]) or [""]
    cells_of_row = zip([*row[:-1], first], widths, table, strict=True)
    yield "  ".join(_aligned(text, size, right=column.right) for text, size, column in cells_of_row).rstrip()
    margin = " " * (sum(widths[:-1]) + 2 * len(widths[:-1]))
    yield from (margin + line for line in more)


def _aligned(text: str, width: int, *, right: bool) -> str:
    gap = " " * (width - cells(text))
    return gap + text if right else text + gap
