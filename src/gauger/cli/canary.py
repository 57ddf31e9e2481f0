"""`gauger canary`: free choices that a secret makes, and whether a suspect makes them too."""

import secrets
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gauger.cli import options, suspects
from gauger.cli.keys import Campaign, Rotation
from gauger.cli.options import examples
from gauger.cli.output import check_new, print_result, terminal_width
from gauger.errors import InputError, UsageError

if TYPE_CHECKING:
    from gauger.cli.session import Session
    from gauger.proof.canaries import Catalogue
    from gauger.proof.canary_plans import Plan
    from gauger.proof.canary_report import Answerer, CanaryDocument
    from gauger.proof.commitments import Entry
    from gauger.proof.examination import Role
    from gauger.sources.texts import Fields
    from gauger.store.catalogues import Catalogues

Out = Annotated[Path, typer.Option("--out", metavar="FILE", help="A new file, readable by you alone.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    group = typer.Typer(
        help="Free choices that a secret makes; no access to a model's probabilities is needed.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    group.command(
        epilog=examples(
            "gauger canary plan --campaign C-17", "gauger canary plan --campaign C-17 --catalogue our-own.toml"
        )
    )(plan)
    group.command(
        epilog=examples(
            "gauger canary inject --campaign C-17 --out system-prompt.txt",
            "gauger canary inject --campaign C-17 --answers served.jsonl --out new.jsonl",
        )
    )(inject)
    group.command(epilog=examples("gauger canary probes --campaign C-17 --out probes.jsonl"))(probes)
    group.command(
        "test",
        epilog=examples(
            "gauger canary test suspect.jsonl --campaign C-17",
            "gauger canary test suspect.jsonl --campaign C-17 --control a.jsonl \\",
            "    --control b.jsonl --control c.jsonl --served-since 2026-03-01 \\",
            '    --served-to "the 41 accounts of C-17"',
        ),
    )(examine)
    app.add_typer(group, name="canary", epilog=examples("gauger canary plan --campaign C-17"))


def plan(
    campaign: Campaign,
    catalogue: Annotated[
        Path | None, typer.Option("--catalogue", metavar="FILE", help="Your own choices, TOML. [default: Gauger's]")
    ] = None,
    workspace: options.Workspace = None,
) -> None:
    """Draw a campaign's picks, and commit to them.

    Picks follow from a key in the workspace's vault. Key and catalogue are committed to, signed, before the picks can
    be had. Hand the newest line's hash to somebody you trust, now.
    """
    from gauger.cli.keys import watermark_keys
    from gauger.cli.session import open_session, workspace_to_fill
    from gauger.proof.canary_plans import terms_for

    chosen = _catalogue(catalogue)
    with open_session(workspace_to_fill(workspace), create=True) as session:
        _catalogues(session).add(chosen)
        entry = watermark_keys(session).add(
            campaign, terms_for(chosen), now=session.started_at, random_bytes=secrets.token_bytes
        )
    size = len(chosen.canary)
    print_result(
        f"Plan {entry.name} is committed to; it holds {size} {'choice' if size == 1 else 'choices'}.\n"
        f"commitment   {entry.commitment}\nnewest line  {entry.digest}"
    )


def inject(
    campaign: Campaign,
    out: Out,
    answers: Annotated[
        Path | None,
        typer.Option("--answers", metavar="FILE", help="Rewrite these answers instead; only phrases are exchanged."),
    ] = None,
    parts: Annotated[
        int, typer.Option("--parts", min=1, metavar="N", help="Deal the choices out to N texts, as JSON lines.")
    ] = 1,
    text_field: suspects.TextField = "text",
    rotation: Rotation = None,
    workspace: options.Workspace = None,
) -> None:
    """Write what a gateway adds to the system prompt, or rewrite answers.

    The text asks the model to make free choices as the plan picked them. Rewriting exchanges phrases that can stand for
    each other, outside code and quotations. The file holds the secret.
    """
    from gauger.proof.canary_plans import system_prompts
    from gauger.store.durable import storage_errors, write_file

    check_new(out)
    (plan, _), *_ = _plans([campaign], workspace, rotation=rotation, newest_alone=True)
    if answers is not None:
        content, said = _rewritten(plan, answers, text_field)
    else:
        texts = system_prompts(plan, parts)
        content = f"{texts[0]}\n".encode() if parts == 1 else _json_lines({"text": text} for text in texts)
        said = f"{len(plan.catalogue.canary)} choices of plan {plan.name} are in {out}."
    with storage_errors(out):
        write_file(out, content)
    print_result(said)


def probes(campaign: Campaign, out: Out, rotation: Rotation = None, workspace: options.Workspace = None) -> None:
    """Write the prompts that bring a plan's choices out, to ask suspects and unrelated models.

    They hold no pick. Ask each several times, and keep their ids with the answers.
    """
    from gauger.store.durable import storage_errors, write_file

    check_new(out)
    (plan, _), *_ = _plans([campaign], workspace, rotation=rotation, newest_alone=True)
    asked = plan.catalogue.probes
    with storage_errors(out):
        write_file(out, _json_lines({"id": name, "prompt": text} for name, text in asked.items()))
    print_result(f"{len(asked)} prompts are in {out}.")


def examine(
    answers: suspects.Answers,
    campaign: Annotated[
        list[str], typer.Option("--campaign", metavar="ID", help="Whose plans to look for; may be given again.")
    ],
    control: suspects.Controls = None,
    positive: suspects.Positive = None,
    alpha: suspects.Alpha = 1e-6,
    served_to: suspects.ServedTo = None,
    served_since: suspects.ServedSince = None,
    served_until: suspects.ServedUntil = None,
    other_routes: suspects.OtherRoutes = None,
    id_field: suspects.IdField = "id",
    text_field: suspects.TextField = "text",
    workspace: options.Workspace = None,
    json: options.Json = False,
) -> None:
    """Test whether suspects make our choices.

    Each line of ANSWERS is {"id": ID, "text": ANSWER}, with the probe's id; a probe may be asked many times. The
    p-value is exact: how our picks rank among all picks that could have been drawn. That nothing is detected proves
    nothing.
    """
    import msgspec

    from gauger.proof.canary_report import write
    from gauger.proof.radioactivity import check_alpha
    from gauger.proof.verdicts import Served
    from gauger.sources.texts import Fields

    check_alpha(alpha)
    suspects.check_files([*answers, *(control or ()), *(positive or ())])
    plans = _plans(campaign, workspace)
    fields = Fields(id_field, text_field)
    known = {probe for plan, _ in plans for probe in plan.catalogue.probes}
    models = [
        *_answerers(answers, "suspect", fields, known),
        *_answerers(control, "control", fields, known),
        *_answerers(positive, "positive", fields, known),
    ]
    document = write(
        models,
        [plan for plan, _ in plans],
        [entry for _, entry in plans],
        alpha=alpha,
        served=Served(served_to, served_since, served_until, other_routes),
    )
    if json:
        print_result(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())
    else:
        print_result(_text(document))


def _catalogue(path: Path | None) -> "Catalogue":
    from gauger.proof.canaries import parse_catalogue, shipped_catalogue

    if path is None:
        return shipped_catalogue()
    try:
        return parse_catalogue(path.read_bytes(), where=str(path))
    except OSError as error:
        raise InputError(f"the catalogue cannot be read: {error.strerror}", where=str(path)) from error


def _catalogues(session: "Session") -> "Catalogues":
    from gauger.store.catalogues import Catalogues
    from gauger.store.workspace import KEY_FILE

    return Catalogues((session.workspace.path / KEY_FILE).parent)


def _plans(
    campaigns: Sequence[str], workspace: Path | None, *, rotation: int | None = None, newest_alone: bool = False
) -> list[tuple["Plan", "Entry"]]:
    """Return the plans of these campaigns with their lines of the log, which was verified."""
    from gauger.cli.keys import watermark_keys
    from gauger.cli.session import open_session, workspace_at_hand
    from gauger.proof.canary_plans import plan_of

    with open_session(workspace_at_hand(workspace), read_only=True) as session:
        keys, catalogues = watermark_keys(session), _catalogues(session)
        log = [entry for entry in keys.entries() if entry.terms.is_canary]
        wanted = {campaign: _newest(log, campaign, rotation) for campaign in campaigns}
        entries = list(wanted.values()) if newest_alone else [one for one in log if one.campaign in wanted]
        return [(plan_of(one.name, keys.key(one), catalogues.get(str(one.terms.catalogue))), one) for one in entries]


def _newest(log: Sequence["Entry"], campaign: str, rotation: int | None) -> "Entry":
    found = [one for one in log if one.campaign == campaign and rotation in (None, one.rotation)]
    if not found:
        known = ", ".join(one.name for one in log) or "none yet"
        raise UsageError(
            f"no such plan was committed to: {campaign}" + (f"/{rotation}" if rotation else ""),
            where="--campaign",
            todo=f"plans: {known}; `gauger canary plan` makes one",
        )
    return found[-1]


def _answerers(files: Sequence[Path] | None, role: "Role", fields: "Fields", known: set[str]) -> list["Answerer"]:
    from gauger.proof.canary_report import Answerer
    from gauger.sources.texts import samples_by_prompt

    found = [Answerer(str(path), role, samples_by_prompt(path, fields)) for path in files or ()]
    for one in found:
        if not known & set(one.answers):
            raise InputError(
                "none of these answers is to a probe of the plan",
                where=one.name,
                todo="keep the ids that `gauger canary probes` gave",
            )
    return found


def _rewritten(plan: "Plan", answers: Path, text_field: str) -> tuple[bytes, str]:
    from gauger.proof.canary_plans import rewritten
    from gauger.sources.texts import read_records

    records, n_changed = [], 0
    for where, record in read_records(answers):
        text = record.get(text_field)
        if not isinstance(text, str):
            raise InputError(f"there is no text {text_field!r} here", where=where, todo="name it with --text-field")
        changed, count = rewritten(plan, text)
        records.append({**record, text_field: changed})
        n_changed += count
    return _json_lines(records), f"{n_changed:,} phrases of {len(records):,} answers follow plan {plan.name} now."


def _json_lines(records: Iterable[object]) -> bytes:
    import msgspec

    return b"".join(msgspec.json.encode(record) + b"\n" for record in records)


def _text(document: "CanaryDocument") -> str:
    from gauger.report.layout import Column, columns, paragraph
    from gauger.report.untrusted import visible

    rows, width = document.tests, terminal_width()
    table = [
        Column(title="model", values=[visible(row.subject) for row in rows]),
        Column(title="role", values=[row.role for row in rows]),
        Column(title="plan", values=[row.key for row in rows]),
        Column(title="shown", values=[f"{row.n_shown} of {row.n_canaries}" for row in rows], right=True),
        Column(title="ours", values=[str(row.n_matches) for row in rows], right=True),
        Column(title="by chance", values=[f"{row.expected_matches:.1f}" for row in rows], right=True),
        Column(title="z", values=["" if row.z_score is None else f"{row.z_score:.1f}" for row in rows], right=True),
        Column(title="p", values=[f"{row.p_value:.2g}" for row in rows], right=True),
    ]
    lines = columns(table, width=width)
    for one in document.verdicts:
        lines += ["", *paragraph(visible(one.sentence), width=width)]
        for reason in one.held_back:
            lines += paragraph(visible(reason), width=width, indent="  ", first="- ")
    return "\n".join(lines)
