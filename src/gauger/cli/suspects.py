"""Options of the commands that test a suspect by its answers in text, and what they all check."""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from gauger.cli import options
from gauger.errors import UsageError

#: Answers at the first look, unless one says otherwise. Here, for importing the looks themselves takes a while.
FIRST_LOOK: Final = 250

Answers = Annotated[
    list[Path], typer.Argument(metavar="ANSWERS", help="One file of answers for each suspect.", show_default=False)
]
Controls = Annotated[
    list[Path] | None,
    typer.Option("--control", metavar="FILE", help="Answers of an unrelated model; may be given again."),
]
Positive = Annotated[
    list[Path] | None,
    typer.Option("--positive", metavar="FILE", help="Answers of a student that you trained on such answers yourself."),
]
Alpha = Annotated[float, typer.Option("--alpha", metavar="P", help="Level of a proof.")]
ServedTo = Annotated[str | None, typer.Option("--served-to", metavar="TEXT", help="To whom alone.")]
ServedSince = Annotated[
    datetime | None,
    typer.Option(
        "--served-since",
        parser=options.moment("--served-since"),
        metavar="TIME",
        help="From when such answers were served.",
    ),
]
ServedUntil = Annotated[
    datetime | None,
    typer.Option("--served-until", parser=options.moment("--served-until"), metavar="TIME", help="Until when."),
]
OtherRoutes = Annotated[
    str | None, typer.Option("--other-routes", metavar="TEXT", help="How else the text could reach a trainer.")
]
IdField = Annotated[str, typer.Option("--id-field", metavar="NAME", help="What a record calls the prompt's id.")]
TextField = Annotated[str, typer.Option("--text-field", metavar="NAME", help="What a record calls the answer.")]


def check_files(files: Sequence[Path]) -> None:
    """Refuse a file that is given twice, by name, by link or by content: a model is not held against itself.

    Raises
    ------
    UsageError
        One is.
    """
    seen: dict[Path | str, Path] = {}
    for path in files:
        for known in _known_by(path):
            if known in seen:
                raise UsageError(
                    "this file is given twice",
                    where=f"{path}, the same as {seen[known]}",
                    todo="name each model's answers once",
                )
            seen[known] = path


def _known_by(path: Path) -> Iterator[Path | str]:
    """Yield the file's own path and the SHA-256 of what it holds; pipes, and what cannot be read, are not opened."""
    yield path.resolve()
    try:
        if path.is_file():
            with path.open("rb") as file:
                yield hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return  # whoever reads it says why
