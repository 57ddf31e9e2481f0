"""Options of the commands that test a suspect by its answers in text, and what they all check."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from gauger.cli import options
from gauger.errors import UsageError

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
    """Refuse a file that is given twice: a model is not held against itself.

    Raises
    ------
    UsageError
        One is.
    """
    for path in files:
        if files.count(path) > 1:
            raise UsageError("this file is given twice", where=str(path), todo="name each model's answers once")
