"""`gauger prove radioactivity`: was this model trained on text that carries one of our keys?"""

import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from gauger.cli import options, provenance
from gauger.cli.options import examples
from gauger.cli.output import Aside, print_result, terminal_width

if TYPE_CHECKING:
    from gauger.proof.commitments import Entry
    from gauger.proof.document import Document
    from gauger.proof.examination import KeyInQuestion, Role, Subject

Answers = Annotated[
    list[Path], typer.Argument(metavar="ANSWERS", help="One file of answers for each suspect.", show_default=False)
]


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    group = typer.Typer(
        help="Tests of a suspect model. Detection proves; no detection proves nothing.",
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
    workspace: options.Workspace = None,
    threads: options.Threads = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Test whether suspects were trained on text that carries a key.

    Each line of ANSWERS is {"tokens": [...]}, ids of the teacher's vocabulary, with optional "prompt", "candidates" and
    "probabilities". The p-value is exact: the key's rank among keys that nobody used. Detection proves training on
    marked text, not who took it. That nothing is detected proves nothing.
    """
    import msgspec

    from gauger.proof.document import write
    from gauger.proof.examination import count_tests, examine
    from gauger.proof.radioactivity import check_alpha, check_null_keys, required_null_keys
    from gauger.proof.verdicts import Served

    check_alpha(alpha)
    entries, keys = _keys(campaign, workspace)
    subjects = [*_subjects(answers, "suspect"), *_subjects(control, "control"), *_subjects(positive, "positive")]
    n_tests = count_tests(subjects, keys, method)
    drawn = required_null_keys(alpha, n_tests) if null_keys is None else null_keys
    check_null_keys(drawn, alpha=alpha, n_tests=n_tests)
    with Aside(quiet).progress() as progress:
        rows = examine(
            subjects, keys, methods=method, null_keys=drawn, threads=threads or os.cpu_count() or 1, progress=progress
        )
    document = write(
        rows,
        entries,
        alpha=alpha,
        null_keys=drawn,
        n_tests=n_tests,
        served=Served(served_to, served_since, served_until, other_routes),
    )
    if json:
        print_result(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())
    else:
        print_result(_text(document))


def _keys(campaigns: Sequence[str], workspace: Path | None) -> tuple[list["Entry"], list["KeyInQuestion"]]:
    """Return every rotation of these campaigns' keys, from a log that was verified."""
    from gauger.cli.keys import watermark_keys
    from gauger.cli.session import open_session, workspace_at_hand
    from gauger.proof.commitments import newest
    from gauger.proof.examination import KeyInQuestion
    from gauger.proof.keys import key_words

    with open_session(workspace_at_hand(workspace), read_only=True) as session:
        held = watermark_keys(session)
        log = [entry for entry in held.entries() if not entry.terms.is_canary]
        for campaign in campaigns:
            newest(log, campaign)
        entries = [entry for entry in log if entry.campaign in campaigns]
        secret = [held.key(entry) for entry in entries]
    schemes = [entry.terms.watermark() for entry in entries]
    return entries, [
        KeyInQuestion(entry.name, scheme, key_words(key, scheme.n_words), entry.commitment)
        for entry, scheme, key in zip(entries, schemes, secret, strict=True)
    ]


def _subjects(files: Sequence[Path] | None, role: "Role") -> list["Subject"]:
    from gauger.proof.examination import Subject
    from gauger.sources.answers import read_answers

    return [Subject(str(path), role, read_answers(path)) for path in files or ()]


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
    for one in document.verdicts:
        lines += ["", *paragraph(visible(one.sentence), width=width)]
        for reason in one.held_back:
            lines += paragraph(reason, width=width, indent="  ", first="- ")
    return "\n".join(lines)
