"""`gauger prove query`, `tokens` and `texts`: a suspect's answers, in our model's tokens, and by the prompts' ids."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from gauger.cli import options, targets
from gauger.cli.options import examples
from gauger.cli.output import Aside, print_result
from gauger.errors import InputError, UsageError

if TYPE_CHECKING:
    from gauger.sources.querying import Budget, Outcome
    from gauger.store.query_runs import Asked, QueryRun, Summary

_CHANGES_SHOWN = 6


def register(group: typer.Typer) -> None:
    """Add the commands to `gauger prove`."""
    group.command(
        epilog=examples(
            "gauger prove query ask.jsonl --endpoint https://host/v1 --model m --out run",
            "gauger prove query ask.jsonl --endpoint https://host/v1 --model m \\",
            "    --out run --per-minute 30 --max-requests 2000 --key-file s.key",
            "gauger prove query ask.jsonl --model-dir ./their-model --out run",
        )
    )(query)
    group.command(epilog=examples("gauger prove tokens run --tokenizer tokenizer.json --out suspect.jsonl"))(tokens)
    group.command(epilog=examples("gauger prove texts run --out suspect.jsonl"))(texts)


def query(
    context: typer.Context,
    prompts: Annotated[Path, typer.Argument(metavar="PROMPTS", help='Lines of {"prompt": "..."} or {"messages": []}.')],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder of the run, new or one to go on with.")],
    endpoint: Annotated[
        str | None, typer.Option("--endpoint", metavar="URL", help="Such as https://host/v1; with --model.")
    ] = None,
    model: Annotated[str | None, typer.Option("--model", metavar="NAME", help="As the endpoint calls it.")] = None,
    model_dir: Annotated[
        Path | None,
        typer.Option("--model-dir", metavar="DIR", help="Or a Transformers model on this disk (extra `transformers`)."),
    ] = None,
    interface: Annotated[
        Literal["chat", "completions"],
        typer.Option("--interface", help="chat/completions, or completions. A local model without template completes."),
    ] = "chat",
    samples: Annotated[int, typer.Option("--samples", min=1, metavar="N", help="Answers to each prompt.")] = 1,
    max_tokens: Annotated[int, typer.Option("--max-tokens", min=1, metavar="N", help="Most tokens an answer.")] = 512,
    temperature: Annotated[
        float | None, typer.Option("--temperature", min=0, metavar="T", help="[default: the suspect's own]")
    ] = None,
    device: Annotated[
        str, typer.Option("--device", metavar="NAME", help="Where a local model runs: cpu, cuda, mps.")
    ] = "cpu",
    seed: Annotated[int, typer.Option("--seed", min=0, metavar="N", help="Of a local model's draws.")] = 0,
    key_file: Annotated[
        Path | None, typer.Option("--key-file", metavar="FILE", help=f"API key, mode 0600. [default: ${targets.KEY}]")
    ] = None,
    per_minute: Annotated[
        float, typer.Option("--per-minute", min=0.01, metavar="N", help="Most requests a minute.")
    ] = 60.0,
    concurrency: Annotated[
        int, typer.Option("--concurrency", min=1, max=64, metavar="N", help="Requests at a time.")
    ] = 2,
    max_requests: Annotated[
        int | None, typer.Option("--max-requests", min=1, metavar="N", help="Most requests, all reruns together.")
    ] = None,
    max_total_tokens: Annotated[
        int | None, typer.Option("--max-total-tokens", min=1, metavar="N", help="Most tokens, all reruns together.")
    ] = None,
    attempts: Annotated[
        int, typer.Option("--attempts", min=1, metavar="N", help="Requests for a question in one go.")
    ] = 6,
    timeout: Annotated[float, typer.Option("--timeout", min=0.1, metavar="S", help="Seconds for a request.")] = 120.0,
    max_answer: Annotated[
        int, typer.Option("--max-answer", min=1024, metavar="BYTES", help="A longer body is not read.")
    ] = 4 << 20,
    ca_file: Annotated[
        Path | None, typer.Option("--ca-file", metavar="FILE", help="Certificates to trust. [default: the system's]")
    ] = None,
    insecure_http: Annotated[
        bool, typer.Option("--insecure-http", help="Allow http to another machine: questions and key go in the clear.")
    ] = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Put prompts to an OpenAI-compatible endpoint or a local model and keep every answer.

    Each answer is on the disk before the next question is asked. Run the same command again to go on where it stopped.
    What an endpoint does wrong is written down beside. The prompts must hold no text that was served under a key.
    A local model is loaded from safetensors, nothing is fetched, no code of its folder runs, and the run holds the hash
    of every file.
    """
    from datetime import UTC, datetime

    from gauger.sources.prompts import read_file
    from gauger.store.query_runs import Asked, hash_of, open_run

    targets.check_one_kind(context, is_local=model_dir is not None)
    content, aside = read_file(prompts), Aside(quiet)
    if model_dir is not None:
        with aside.progress() as progress:
            target = targets.model_target(model_dir, device=device, seed=seed, progress=progress)
    else:
        target = targets.endpoint_target(
            endpoint or "", model or "", insecure_http=insecure_http, key_file=key_file, ca_file=ca_file,
            timeout=timeout, max_bytes=max_answer, per_minute=per_minute, concurrency=concurrency, attempts=attempts,
        )  # fmt: skip
    asked = Asked(
        endpoint=target.endpoint,
        model=target.model,
        interface=interface,
        samples=samples,
        max_tokens=max_tokens,
        temperature=temperature,
        prompts_sha256=hash_of(content),
        local=target.local,
    )
    with open_run(out, asked, content, now=datetime.now(UTC)) as run:
        outcome = _ask(run, target, (max_requests, max_total_tokens), aside)
    _say(out, outcome, target, json=json)


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
    from gauger.store.query_runs import read_run

    if out.exists():
        raise UsageError("there is a file of this name", where=str(out), todo="name a new one")
    asked, questions, answers, _ = read_run(run)
    encode = load_tokenizer(tokenizer)
    put = {one.number: one.text for one in questions}
    # Which model said it: with its hash the answers can name it in evidence.
    named = {} if asked.local is None else {"model_sha256": asked.local.sha256}
    lines = []
    # In the order in which they came: what was there at an earlier look stays first (`gauger.proof.looks`).
    for one in answers:
        said = [one.reply.reasoning or "", one.reply.text] if reasoning else [one.reply.text]
        prompt = encode(put[one.prompt, one.sample])
        lines += [msgspec.json.encode({"prompt": prompt, "tokens": encode(part), **named}) for part in said if part]
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

    if out.exists():
        raise UsageError("there is a file of this name", where=str(out), todo="name a new one")
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


def _ask(run: "QueryRun", target: targets.Target, limits: tuple[int | None, int | None], aside: Aside) -> "Outcome":
    from datetime import UTC, datetime

    import numpy as np

    from gauger.sources.querying import Outcome, Pace, Record, ask_all

    left = run.left()
    if not left:
        return Outcome(None, is_spent=False, n_open=0)
    record = Record(
        lambda question, reply, number: run.keep_answer(question, reply, number, now=datetime.now(UTC)),
        lambda question, fault: run.keep_fault(question, fault, now=datetime.now(UTC)),
    )
    with aside.progress() as progress:
        suspect = target.reach(run.asked)
        progress("answers", 0, len(left))
        return ask_all(
            left,
            suspect.ask,
            record,
            pace=Pace(target.per_minute),
            budget=_budget(run, *limits),
            attempts=target.attempts,
            max_tokens=run.asked.max_tokens,
            concurrency=target.concurrency,
            rng=np.random.default_rng(),
            hang_up=suspect.hang_up,
            progress=lambda done: progress("answers", done, len(left)),
        )


def _budget(run: "QueryRun", most_requests: int | None, most_tokens: int | None) -> "Budget":
    """Return what earlier goes of this run have left."""
    from gauger.sources.querying import Budget, spent
    from gauger.sources.replies import Fault

    said = {one.number: one for one in run.questions}
    used = len(run.answers) + len(run.faults)
    most = run.asked.max_tokens
    spent_tokens = sum(spent(said[one.prompt, one.sample], one.reply, most) for one in run.answers)
    spent_tokens += sum(spent(said[one.prompt, one.sample], Fault(one.code), most) for one in run.faults)
    return Budget(
        None if most_requests is None else most_requests - used,
        None if most_tokens is None else most_tokens - spent_tokens,
    )


def _say(folder: Path, outcome: "Outcome", target: targets.Target, *, json: bool) -> None:
    """Print what the run holds; raise where the suspect ended it."""
    import msgspec

    from gauger.store.query_runs import read_run, summarise

    asked, questions, answers, faults = read_run(folder)
    summary = summarise(questions, answers, faults, left=outcome.n_open, budget_spent=outcome.is_spent)
    printed = msgspec.json.format(msgspec.json.encode(summary), indent=2).decode() if json else _text(summary, asked)
    print_result(printed)
    if outcome.ended_by is not None:
        what, todo = target.faults[outcome.ended_by.code]
        raise InputError(
            f"the {target.noun} was given up: {what}", where=str(folder), todo=f"{todo}; what was answered is kept"
        )


def _text(summary: "Summary", asked: "Asked") -> str:
    from gauger.report.untrusted import shorten

    lines = [f"{summary.answers:,} of {summary.questions:,} questions are answered."]
    if summary.left:
        lines.append(f"{summary.left:,} are left: run the same command again to go on.")
    if summary.budget_spent:
        lines.append("The budget is spent.")
    if summary.empty_answers or summary.inexact_answers:
        lines.append(f"Empty: {summary.empty_answers:,}. Not as sent: {summary.inexact_answers:,}.")
    if summary.requests_without_answer:
        counts = summary.requests_without_answer.items()
        lines.append("Without an answer: " + ", ".join(f"{n:,} {code}" for code, n in counts) + ".")
    if asked.local is not None:
        return "\n".join([*lines, f"The files of {shorten(asked.model)} have the SHA-256 {asked.local.sha256}."])
    names = [shorten(one.model or "(none)") for one in summary.claimed_models]
    if len(names) > 1:
        more = " > ..." * (len(names) > _CHANGES_SHOWN)
        lines.append(f"It changed the model that it says it is: {' > '.join(names[:_CHANGES_SHOWN])}{more}")
    elif names:
        lines.append(f"It says it is {names[0]}.")
    return "\n".join(lines)
