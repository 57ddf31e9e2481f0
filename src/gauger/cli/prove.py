"""`gauger prove radioactivity`: was this model trained on text that carries one of our keys?"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from gauger.cli import answers as answered
from gauger.cli import asking, handing_over, options, planning, provenance, suspects
from gauger.cli.keys_in_question import keys_in_question
from gauger.cli.options import examples
from gauger.cli.output import Aside, print_result, terminal_width
from gauger.errors import UsageError

if TYPE_CHECKING:
    from gauger.proof.document import Document
    from gauger.proof.evidence import InputFile
    from gauger.proof.examination import Role, Row, Subject

Answers = Annotated[
    list[Path], typer.Argument(metavar="ANSWERS", help="One file of answers for each suspect.", show_default=False)
]


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    group = typer.Typer(
        help="Tests of a suspect model. That nothing is detected proves nothing.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    group.callback()(_root)
    group.command(
        epilog=examples(
            "gauger prove radioactivity suspect.jsonl --campaign C-17",
            "gauger prove radioactivity suspect.jsonl --campaign C-17 --control a.jsonl \\",
            "    --control b.jsonl --control c.jsonl --served-since 2026-03-01 \\",
            '    --served-to "the 41 accounts of C-17"',
        )
    )(radioactivity)
    asking.register(group)
    answered.register(group)
    handing_over.register(group)
    planning.register(group)
    group.command(epilog=provenance.EXAMPLES)(provenance.provenance)
    app.add_typer(group, name="prove", epilog=examples("gauger prove radioactivity suspect.jsonl --campaign C-17"))


def _root() -> None:
    pass


def radioactivity(
    answers: Answers,
    campaign: Annotated[
        list[str], typer.Option("--campaign", metavar="ID", help="Whose keys to look for; may be given again.")
    ],
    control: Annotated[
        list[Path] | None,
        typer.Option("--control", metavar="FILE", help="Answers of an unrelated model; a proof needs three."),
    ] = None,
    positive: Annotated[
        list[Path] | None,
        typer.Option("--positive", metavar="FILE", help="Answers of a student that you trained on the mark yourself."),
    ] = None,
    method: Annotated[
        Literal["auto", "plain", "both"],
        typer.Option("--method", help="auto: against the teacher wherever its word is in the file, else plain."),
    ] = "auto",
    alpha: Annotated[float, typer.Option("--alpha", metavar="P", help="Level of a proof.")] = 1e-6,
    null_keys: Annotated[
        int | None,
        typer.Option("--null-keys", min=1, metavar="K", help="Other keys. [default: as many as alpha needs]"),
    ] = None,
    served_to: Annotated[str | None, typer.Option("--served-to", metavar="TEXT", help="To whom alone.")] = None,
    served_since: Annotated[
        datetime | None,
        typer.Option(
            "--served-since",
            parser=options.moment("--served-since"),
            metavar="TIME",
            help="From when text under the key was served.",
        ),
    ] = None,
    served_until: Annotated[
        datetime | None,
        typer.Option("--served-until", parser=options.moment("--served-until"), metavar="TIME", help="Until when."),
    ] = None,
    other_routes: Annotated[
        str | None, typer.Option("--other-routes", metavar="TEXT", help="How else the text could reach a trainer.")
    ] = None,
    sequential: Annotated[
        bool, typer.Option("--sequential", help="Look again whenever there are twice as many answers; stop when sure.")
    ] = False,
    first_look: Annotated[
        int, typer.Option("--first-look", min=1, metavar="N", help="Answers at the first look, with --sequential.")
    ] = suspects.FIRST_LOOK,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="A new folder for signed evidence to hand over.")
    ] = None,
    workspace: options.Workspace = None,
    threads: options.Threads = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Test whether suspects were trained on text that carries a key.

    Each line of ANSWERS is {"tokens": [...]}, ids of the teacher's vocabulary, with optional "prompt", "candidates" and
    "probabilities". The p-value is exact: the key's rank among keys that nobody used. A proof is of training on marked
    text, not of who took it. That nothing is detected proves nothing.
    """
    from datetime import UTC

    import msgspec

    from gauger.proof.document import write
    from gauger.proof.examination import Plan, count_tests, examine
    from gauger.proof.radioactivity import check_alpha
    from gauger.proof.verdicts import Served
    from gauger.store.bundles import check_new

    check_alpha(alpha)
    if out is not None:
        check_new(out)
    suspects.check_files([*answers, *(control or ()), *(positive or ())])
    held = keys_in_question(campaign, workspace)
    files = [*_read(answers, "suspect"), *_read(control, "control"), *_read(positive, "positive")]
    _check_models(files)
    subjects = [one.subject for one in files]
    _check_asked_for(files, first_look if sequential else None)
    if sequential:
        _check_first_look(subjects, first_look)
    n_tests = count_tests(subjects, held.in_question, method)
    drawn = _other_keys(null_keys, alpha, n_tests, sequential=sequential)
    looked = first_look if sequential else None
    with Aside(quiet).progress() as progress:
        rows = examine(
            subjects,
            held.in_question,
            Plan(method, drawn, looked, enough=n_tests / alpha),
            threads=threads or os.cpu_count() or 1,
            progress=progress,
        )
    document = write(
        rows,
        held.entries,
        alpha=alpha,
        null_keys=drawn,
        n_tests=n_tests,
        served=Served(served_to, served_since, served_until, other_routes),
        first_look=looked,
    )
    if json:
        print_result(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())
    else:
        print_result(_text(document))
    if out is not None:
        now = datetime.now(UTC)
        places = handing_over.hand_over(out, document, [one.record for one in files], held.log, held.keys, now=now)
        Aside(quiet).say(*(f"Signed evidence is in {place}." for place in places))


def _check_models(files: "Sequence[_File]") -> None:
    """Refuse two files of one model: it is not held against itself."""
    seen: dict[str, str] = {}
    for record in (one.record for one in files):
        if record.model_sha256 is None:
            continue
        if record.model_sha256 in seen:
            raise UsageError(
                "these are answers of the same model",
                where=f"{record.name} and {seen[record.model_sha256]}",
                todo="name each model's answers once",
            )
        seen[record.model_sha256] = record.name


def _check_asked_for(files: "Sequence[_File]", first_look: int | None) -> None:
    """Refuse to test answers otherwise than they were asked for: their number follows from what looks showed."""
    for one in files:
        if one.subject.role == "suspect" and one.first_look not in (None, first_look):
            raise UsageError(
                f"these answers were asked for look by look, first at {one.first_look:,}",
                where=one.subject.name,
                todo=f"give --sequential --first-look {one.first_look}",
            )


def _check_first_look(subjects: "Sequence[Subject]", first_look: int) -> None:
    fewest = min(len(one.answers) for one in subjects if one.role == "suspect")
    if fewest < first_look:
        raise UsageError(
            f"a suspect has {fewest:,} answers, and the first look is at {first_look:,}",
            where="--first-look",
            todo="ask on, or give a smaller number; it must not follow from what the answers showed",
        )


def _other_keys(asked: int | None, alpha: float, n_tests: int, *, sequential: bool) -> int:
    """Return how many other keys to draw at most; refuse too few."""
    from gauger.proof.looks import check_sequential_null_keys, sequential_null_keys
    from gauger.proof.radioactivity import check_null_keys, required_null_keys

    if sequential:
        drawn = sequential_null_keys(alpha, n_tests) if asked is None else asked
        check_sequential_null_keys(drawn, alpha=alpha, n_tests=n_tests)
    else:
        drawn = required_null_keys(alpha, n_tests) if asked is None else asked
        check_null_keys(drawn, alpha=alpha, n_tests=n_tests)
    return drawn


@dataclass(frozen=True, slots=True)
class _File:
    """A file that is tested, its record, and how many answers were awaited at a first look while it was asked."""

    subject: "Subject"
    record: "InputFile"
    first_look: int | None


def _read(files: Sequence[Path] | None, role: "Role") -> list[_File]:
    from gauger.proof.evidence import input_file
    from gauger.proof.examination import Subject
    from gauger.sources.answers import read_answer_file

    read = [(str(path), read_answer_file(path)) for path in files or ()]
    return [
        _File(
            Subject(name, role, one.answers),
            input_file(role, name, one.content, model_sha256=one.model_sha256),
            one.first_look,
        )
        for name, one in read
    ]


def _text(document: "Document") -> str:
    from gauger.report.layout import Column, columns, paragraph
    from gauger.report.untrusted import visible

    rows, width = document.tests, terminal_width()
    table = [
        Column(title="model", values=[visible(row.subject) for row in rows]),
        Column(title="role", values=[row.role for row in rows]),
        Column(title="key", values=[row.key for row in rows]),
        Column(title="method", values=[row.method for row in rows]),
        Column(title="cells", values=[f"{row.n_cells:,}" for row in rows], right=True),
        Column(title="z", values=["" if row.z_score is None else f"{row.z_score:.1f}" for row in rows], right=True),
        Column(title="p", values=[f"{row.p_value:.2g}" for row in rows], right=True),
    ]
    lines = columns(table, width=width)
    for row in rows:
        if row.looks:
            lines += ["", *paragraph(_looks(row), width=width)]
    for one in document.verdicts:
        lines += ["", *paragraph(visible(one.sentence), width=width)]
        for reason in one.held_back:
            lines += paragraph(visible(reason), width=width, indent="  ", first="- ")
    return "\n".join(lines)


def _looks(row: "Row") -> str:
    from gauger.evidence.records import p_text
    from gauger.report.untrusted import visible

    seen = ", ".join(f"{one.e_value:.3g} after {one.n_answers:,} answers" for one in row.looks)
    return (
        f"{visible(row.subject)}, key {row.key}, {row.method}: e-value {seen}."
        f" p = {p_text(row.p_value)} is one over the largest and holds wherever one stops."
    )
