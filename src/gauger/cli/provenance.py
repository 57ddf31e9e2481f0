"""`gauger prove provenance`: does a suspect resemble a teacher more than unrelated models do?"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gauger.cli import options, suspects
from gauger.cli.options import examples
from gauger.cli.output import print_result, terminal_width

if TYPE_CHECKING:
    from gauger.proof.provenance_report import Model, ProvenanceDocument
    from gauger.sources.texts import Fields

EXAMPLES = examples(
    "gauger prove provenance suspect.jsonl --teacher ours.jsonl \\",
    "    --control a.jsonl --control b.jsonl --control c.jsonl \\",
    "    --control d.jsonl --control e.jsonl",
)


def provenance(
    answers: suspects.Answers,
    teacher: Annotated[
        list[Path], typer.Option("--teacher", metavar="FILE", help="Answers of your own model; may be given again.")
    ],
    control: Annotated[
        list[Path], typer.Option("--control", metavar="FILE", help="Answers of an unrelated model; five at least.")
    ],
    alpha: Annotated[float, typer.Option("--alpha", metavar="P", help='Level of "consistent with".')] = 0.05,
    id_field: suspects.IdField = "id",
    text_field: suspects.TextField = "text",
    json: options.Json = False,
) -> None:
    """Test whether suspects resemble a teacher more than unrelated models do.

    Files hold the answers of all models to the same prompts, one {"id": ID, "text": ANSWER} on a line or in a JSON
    list. Resemblance never says more than "consistent with": models share data. Controls must be unrelated to both
    sides, and to each other.
    """
    import msgspec

    from gauger.proof.provenance_report import write
    from gauger.sources.texts import Fields

    suspects.check_files([*answers, *teacher, *control])
    fields = Fields(id_field, text_field)
    document = write(*(_models(files, fields) for files in (answers, teacher, control)), alpha=alpha)
    if json:
        print_result(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())
    else:
        print_result(_text(document))


def _models(files: Sequence[Path], fields: "Fields") -> "list[Model]":
    from gauger.proof.provenance_report import Model
    from gauger.sources.texts import answers_by_prompt

    return [Model(str(path), answers_by_prompt(path, fields)) for path in files]


def _text(document: "ProvenanceDocument") -> str:
    from gauger.report.layout import Column, columns, paragraph
    from gauger.report.untrusted import visible

    rows, width = document.tests, terminal_width()
    table = [
        Column(title="suspect", values=[visible(row.suspect) for row in rows]),
        Column(title="teacher", values=[visible(row.teacher) for row in rows]),
        Column(title="agree", values=[f"{row.similarity:.3f}" for row in rows], right=True),
        Column(title="prompts", values=[f"{row.n_prompts:,}" for row in rows], right=True),
        Column(title="p prompts", values=[f"{row.p_prompts:.2g}" for row in rows], right=True),
        Column(title="p models", values=[f"{row.p_models:.2g}" for row in rows], right=True),
        Column(title="hardest", values=[visible(row.hardest_control) for row in rows]),
    ]
    lines = columns(table, width=width)
    for row in rows:
        lines += ["", *paragraph(visible(row.sentence), width=width)]
    return "\n".join(lines)
