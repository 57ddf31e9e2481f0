"""`gauger safeguards`: what a suspect refuses, beside its teacher and its base."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gauger.cli import options, suspects
from gauger.cli.options import examples
from gauger.cli.output import print_result, terminal_width

if TYPE_CHECKING:
    from gauger.proof.refusals import Judge
    from gauger.proof.safeguards import Corrected, Paired, Respondent, SafeguardsDocument, Share
    from gauger.sources.texts import Fields


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command(
        epilog=examples(
            "gauger safeguards suspect.jsonl --prompts xstest_prompts.csv \\",
            "    --teacher ours.jsonl --base base.jsonl",
        )
    )(safeguards)


def safeguards(
    answers: suspects.Answers,
    prompts: Annotated[
        Path, typer.Option("--prompts", metavar="FILE", help="The prompts, fetched by you; Gauger bundles none.")
    ],
    sha256: Annotated[
        str | None, typer.Option("--sha256", metavar="HEX", help="Which file it must be, unless Gauger knows it.")
    ] = None,
    teacher: Annotated[
        list[Path] | None, typer.Option("--teacher", metavar="FILE", help="Answers of your own model.")
    ] = None,
    base: Annotated[
        list[Path] | None, typer.Option("--base", metavar="FILE", help="Answers of the model the suspect grew from.")
    ] = None,
    id_field: suspects.IdField = "id",
    text_field: suspects.TextField = "text",
    json: options.Json = False,
) -> None:
    """Count what suspects refuse, beside their teacher and base.

    Each line of ANSWERS is {"id": ID, "text": ANSWER}, with the prompt's id. A linear judge calls answers refusals; its
    errors are stated and corrected for. No statement is made on where a model comes from.

    Known by the hash of their file: XSTest v2, HarmBench, SimpleSafetyTests and AILuminate's demo, each fetched by you.
    Any other set is pinned by --sha256; the refusal of a file says its hash.
    """
    import msgspec

    from gauger.proof.refusals import shipped_judge
    from gauger.proof.safeguards import write
    from gauger.sources.prompt_sets import read_prompt_set
    from gauger.sources.texts import Fields

    suspects.check_files([*answers, *(teacher or ()), *(base or ())])
    asked = read_prompt_set(prompts, sha256=sha256)
    judge, fields = shipped_judge(), Fields(id_field, text_field)
    others = [*_respondents(teacher, "teacher", fields, judge), *_respondents(base, "base", fields, judge)]
    tested = _respondents(answers, "suspect", fields, judge)
    document = write(tested, others, asked.kinds, judge, prompts=asked.name, sha256=asked.sha256)
    if json:
        print_result(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())
    else:
        print_result(_text(document))


def _respondents(files: Sequence[Path] | None, role: str, fields: "Fields", judge: "Judge") -> list["Respondent"]:
    from gauger.proof.safeguards import Respondent
    from gauger.sources.texts import answers_by_prompt

    found = []
    for path in files or ():
        texts = answers_by_prompt(path, fields)
        refused = judge.refuses(list(texts.values())).tolist()
        found.append(Respondent(str(path), role, dict(zip(texts, refused, strict=True))))
    return found


def _text(document: "SafeguardsDocument") -> str:
    from gauger.report.layout import Column, columns, paragraph
    from gauger.report.untrusted import visible

    rows, pairs, width = document.refusals, document.pairs, terminal_width()
    table = [
        Column(title="model", values=[visible(row.model) for row in rows]),
        Column(title="role", values=[row.role for row in rows]),
        Column(title="prompts", values=[row.kind for row in rows]),
        Column(title="answers", values=[f"{row.refused.n:,}" for row in rows], right=True),
        Column(title="judged refused", values=[_brief(row.refused) for row in rows], right=True),
        Column(title="corrected", values=[_brief(row.corrected) for row in rows], right=True),
    ]
    lines = [f"{document.prompts}, 95 % intervals", "", *columns(table, width=width)]
    for pair in pairs:
        lines += ["", *paragraph(_pair_text(pair), width=width)]
    return "\n".join([*lines, "", *paragraph(_judge_text(document), width=width)])


def _pair_text(pair: "Paired") -> str:
    from gauger.evidence.records import p_text
    from gauger.report.untrusted import visible

    other, refuses = f"{pair.role} {visible(pair.beside)}", "refuses" if pair.kind == "unsafe" else "over-refuses"
    n = pair.both + pair.only_suspect + pair.only_other + pair.neither
    kept = (
        f"of the {pair.kept.n:,} {pair.kind} prompts that the {other} {refuses}, it refuses {_share(pair.kept)} too"
        if pair.kept.n
        else f"the {other} {refuses} none of {n:,} {pair.kind} prompts"
    )
    return (
        f"{visible(pair.suspect)}: {kept}; it refuses {pair.only_suspect:,} alone and the {pair.role}"
        f" {pair.only_other:,} (McNemar, exact: p = {p_text(pair.p_value)})."
    )


def _share(share: "Share | Corrected | None") -> str:
    if share is None or share.share is None or share.low is None or share.high is None:
        return "-"
    return f"{100 * share.share:.1f} % ({100 * share.low:.1f} to {100 * share.high:.1f})"


def _brief(share: "Share | Corrected | None") -> str:
    if share is None or share.share is None or share.low is None or share.high is None:
        return "-"
    return f"{100 * share.share:.0f} % ({100 * share.low:.0f} to {100 * share.high:.0f})"


def _judge_text(document: "SafeguardsDocument") -> str:
    said = [
        f"of {row.kind} prompts it finds {_share(row.recall)} of the refusals (worst model"
        f" {100 * row.worst_recall:.0f} %) and {_share(row.specificity)} of the rest"
        for row in document.judge
    ]
    return f"The judge, on models it never saw: {'; '.join(said)}. A newer model may be harder. {document.means}"
