"""`gauger prove tokens` and `texts`: the answers of a run in our model's tokens, and by the prompts' ids."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gauger.cli.options import examples
from gauger.cli.output import check_new, print_result
from gauger.errors import InputError

if TYPE_CHECKING:
    from gauger.sources.prompts import Question
    from gauger.sources.tokenizers import Encode
    from gauger.store.query_runs import Answered


def register(group: typer.Typer) -> None:
    """Add the commands to `gauger prove`."""
    group.command(epilog=examples("gauger prove tokens run --tokenizer tokenizer.json --out suspect.jsonl"))(tokens)
    group.command(epilog=examples("gauger prove texts run --out suspect.jsonl"))(texts)


def tokens(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run of `gauger prove query`.")],
    tokenizer: Annotated[
        Path, typer.Option("--tokenizer", metavar="FILE", help="tokenizer.json of your own model (extra `proof`).")
    ],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="A new file, readable by you alone.")],
    reasoning: Annotated[bool, typer.Option("--reasoning", help="Test the reasoning that was shown, too.")] = False,
) -> None:
    """Turn the answers of a run into token ids of your own model's vocabulary, for `gauger prove radioactivity`."""
    import msgspec

    from gauger.sources.tokenizers import load_tokenizer
    from gauger.store.durable import storage_errors, write_file
    from gauger.store.query_looks import read_looks
    from gauger.store.query_runs import read_run

    check_new(out)
    asked, questions, answers, _ = read_run(run)
    encode = load_tokenizer(tokenizer)
    # Which model said it: with its hash the answers can name it in evidence.
    named = {} if asked.local is None else {"model_sha256": asked.local.sha256}
    # Asked for look by look, they may be tested in no other way (`gauger.proof.looks`).
    looks = read_looks(run)
    first = {} if looks is None else {"first_look": looks.first_look}
    lines = [
        msgspec.json.encode({"prompt": prompt, "tokens": said, **named, **first})
        for prompt, said in in_tokens(questions, answers, encode, reasoning=reasoning)
    ]
    if not lines:
        raise InputError("every answer of this run is empty", where=str(run), todo="ask other prompts")
    with storage_errors(out):
        write_file(out, b"\n".join(lines) + b"\n")
    print_result(f"{len(lines):,} answers in tokens are in {out}.")


def texts(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run of `gauger prove query`.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="A new file, readable by you alone.")],
) -> None:
    """Write the answers of a run as text with their prompts' ids.

    So `gauger canary test`, `gauger safeguards` and `gauger prove provenance` read them. Each prompt of the run must
    have had an "id".
    """
    import msgspec

    from gauger.store.durable import storage_errors, write_file
    from gauger.store.query_runs import read_run

    check_new(out)
    _, questions, answers, _ = read_run(run)
    names = {one.number: one.id for one in questions}
    if None in names.values():
        raise InputError(
            "its prompts have no ids", where=str(run), todo='ask lines of {"id": "...", "prompt": "..."} in a new run'
        )
    if not answers:
        raise InputError("nothing is answered in this run", where=str(run), todo="go on with `gauger prove query`")
    lines = [msgspec.json.encode({"id": names[one.prompt, one.sample], "text": one.reply.text}) for one in answers]
    with storage_errors(out):
        write_file(out, b"\n".join(lines) + b"\n")
    print_result(f"{len(lines):,} answers are in {out}.")


def in_tokens(
    questions: "Sequence[Question]", answers: "Sequence[Answered]", encode: "Encode", *, reasoning: bool = False
) -> Iterator[tuple[list[int], list[int]]]:
    """Yield prompt and answer as token ids, in the order in which answers came; empty ones say nothing.

    What was there at an earlier look stays first (`gauger.proof.looks`).
    """
    asked = {one.number: one.text for one in questions}
    for one in answers:
        prompt = encode(asked[one.prompt, one.sample])
        said = [one.reply.reasoning or "", one.reply.text] if reasoning else [one.reply.text]
        yield from ((prompt, encode(part)) for part in said if part)
