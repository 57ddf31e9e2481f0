"""`gauger prove query` and `gauger prove tokens`: a suspect's answers, and the same in our model's tokens."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from gauger.cli import options
from gauger.cli.options import examples
from gauger.cli.output import Aside, print_result
from gauger.errors import InputError, SettingsError, UsageError

if TYPE_CHECKING:
    from gauger.sources.endpoint import Address, Endpoint
    from gauger.sources.querying import Outcome
    from gauger.sources.replies import Code
    from gauger.store.query_runs import Asked, QueryRun, Summary

KEY = "GAUGER_SUSPECT_KEY"
_CHANGES_SHOWN = 6

_FAULTS: "dict[Code, tuple[str, str]]" = {
    "limited": ("it still says that there are too many requests", "wait, or lower --per-minute"),
    "busy": ("it answers with errors of its own", "try again later"),
    "timeout": ("it does not answer in time", "try again later, or raise --timeout"),
    "unreachable": ("it cannot be reached", "check the address, and try again"),
    "cut off": ("it cuts its answers off", "try again later"),
    "broken": ("what it sends is no answer of this interface", "check the address and --interface"),
    "encoded": ("it sends compressed answers that nobody asked for", "ask whoever runs it"),
    "denied": ("it refuses the key", f"give another by --key-file or in {KEY}"),
    "not there": ("it knows no such path or model", "check --endpoint, --model and --interface"),
    "moved": ("it sends us elsewhere, which is not followed", "name the new address"),
    "not trusted": ("its certificate is not trusted", "name its authority with --ca-file"),
}


def register(group: typer.Typer) -> None:
    """Add the commands to `gauger prove`."""
    group.command(
        epilog=examples(
            "gauger prove query ask.jsonl --endpoint https://host/v1 --model m --out run",
            "gauger prove query ask.jsonl --endpoint https://host/v1 --model m \\",
            "    --out run --per-minute 30 --max-requests 2000 --key-file s.key",
        )
    )(query)
    group.command(epilog=examples("gauger prove tokens run --tokenizer tokenizer.json --out suspect.jsonl"))(tokens)


def query(
    prompts: Annotated[Path, typer.Argument(metavar="PROMPTS", help='Lines of {"prompt": "..."} or {"messages": []}.')],
    endpoint: Annotated[str, typer.Option("--endpoint", metavar="URL", help="Such as https://host/v1.")],
    model: Annotated[str, typer.Option("--model", metavar="NAME", help="As the endpoint calls it.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder of the run, new or one to go on with.")],
    interface: Annotated[
        Literal["chat", "completions"], typer.Option("--interface", help="chat/completions, or completions.")
    ] = "chat",
    samples: Annotated[int, typer.Option("--samples", min=1, metavar="N", help="Answers to each prompt.")] = 1,
    max_tokens: Annotated[int, typer.Option("--max-tokens", min=1, metavar="N", help="Most tokens an answer.")] = 512,
    temperature: Annotated[
        float | None, typer.Option("--temperature", min=0, metavar="T", help="[default: the endpoint's own]")
    ] = None,
    key_file: Annotated[
        Path | None, typer.Option("--key-file", metavar="FILE", help=f"API key, mode 0600. [default: ${KEY}]")
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
    """Put prompts to an OpenAI-compatible endpoint and keep every answer.

    Each answer is on the disk before the next question is asked. Run the same command again to go on where it stopped.
    What an endpoint does wrong is written down beside. The prompts must hold no text that was served under a key.
    """
    from datetime import UTC, datetime

    from gauger.sources.endpoint import Address
    from gauger.sources.prompts import read_file
    from gauger.store.query_runs import Asked, hash_of, open_run

    address = Address.parse(endpoint, allow_plain=insecure_http)
    content = read_file(prompts)
    asked = Asked(
        endpoint=endpoint,
        model=model,
        interface=interface,
        samples=samples,
        max_tokens=max_tokens,
        temperature=temperature,
        prompts_sha256=hash_of(content),
    )
    reached = _endpoint(address, asked, key_file, ca_file, timeout=timeout, max_bytes=max_answer)
    with open_run(out, asked, content, now=datetime.now(UTC)) as run:
        outcome = _ask(
            run, reached, (max_requests, max_total_tokens), per_minute, attempts=attempts, concurrency=concurrency,
            quiet=quiet,
        )  # fmt: skip
    _say(out, outcome, json=json)


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
    _, questions, answers, _ = read_run(run)
    encode = load_tokenizer(tokenizer)
    asked = {one.number: one.text for one in questions}
    lines = []
    # In the order in which they came: what was there at an earlier look stays first (`gauger.proof.looks`).
    for one in answers:
        said = [one.reply.reasoning or "", one.reply.text] if reasoning else [one.reply.text]
        prompt = encode(asked[one.prompt, one.sample])
        lines += [msgspec.json.encode({"prompt": prompt, "tokens": encode(part)}) for part in said if part]
    if not lines:
        raise InputError("every answer of this run is empty", where=str(run), todo="ask other prompts")
    with storage_errors(out):
        write_file(out, b"\n".join(lines) + b"\n")
    print_result(f"{len(lines):,} answers in tokens are in {out}.")


def _endpoint(
    address: "Address", asked: "Asked", key_file: Path | None, ca_file: Path | None, *, timeout: float, max_bytes: int
) -> "Endpoint":
    from gauger.sources.endpoint import Asking, Endpoint, Limits, trust

    return Endpoint(
        address,
        Asking(asked.model, asked.interface, asked.max_tokens, asked.temperature),
        Limits(timeout, max_bytes),
        _key(key_file),
        trust(address, None if ca_file is None else str(ca_file)),
    )


def _key(file: Path | None) -> str | None:
    """Return the API key: that of the file, else of the environment, else none."""
    from gauger.sources.endpoint import check_key
    from gauger.store.keys import read_private_file

    if file is None:
        held = os.environ.get(KEY)
        return None if held is None else check_key(held, KEY)
    try:
        return check_key(read_private_file(file).decode(), str(file))
    except UnicodeDecodeError:
        raise SettingsError("this is no API key", where=str(file), todo="give one line of printable ASCII") from None


def _ask(
    run: "QueryRun",
    endpoint: "Endpoint",
    limits: tuple[int | None, int | None],
    per_minute: float,
    *,
    attempts: int,
    concurrency: int,
    quiet: bool,
) -> "Outcome":
    from datetime import UTC, datetime

    import numpy as np

    from gauger.sources.querying import Budget, Pace, Record, ask_all, spent
    from gauger.sources.replies import Fault

    left, said = run.left(), {one.number: one for one in run.questions}
    used = len(run.answers) + len(run.faults)
    most = run.asked.max_tokens
    spent_tokens = sum(spent(said[one.prompt, one.sample], one.reply, most) for one in run.answers)
    spent_tokens += sum(spent(said[one.prompt, one.sample], Fault(one.code), most) for one in run.faults)
    budget = Budget(
        None if limits[0] is None else limits[0] - used, None if limits[1] is None else limits[1] - spent_tokens
    )
    record = Record(
        lambda question, reply, number: run.keep_answer(question, reply, number, now=datetime.now(UTC)),
        lambda question, fault: run.keep_fault(question, fault, now=datetime.now(UTC)),
    )
    with Aside(quiet).progress() as progress:
        return ask_all(
            left,
            endpoint.ask,
            record,
            pace=Pace(per_minute),
            budget=budget,
            attempts=attempts,
            max_tokens=run.asked.max_tokens,
            concurrency=concurrency,
            rng=np.random.default_rng(),
            hang_up=endpoint.hang_up,
            progress=lambda done: progress("answers", done, len(left)),
        )


def _say(folder: Path, outcome: "Outcome", *, json: bool) -> None:
    """Print what the run holds; raise where the endpoint ended it."""
    import msgspec

    from gauger.store.query_runs import read_run, summarise

    _, questions, answers, faults = read_run(folder)
    summary = summarise(questions, answers, faults, left=outcome.n_open, budget_spent=outcome.is_spent)
    print_result(msgspec.json.format(msgspec.json.encode(summary), indent=2).decode() if json else _text(summary))
    if outcome.ended_by is not None:
        what, todo = _FAULTS[outcome.ended_by.code]
        raise InputError(
            f"the endpoint was given up: {what}", where=str(folder), todo=f"{todo}; what was answered is kept"
        )


def _text(summary: "Summary") -> str:
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
    names = [shorten(one.model or "(none)") for one in summary.claimed_models]
    if len(names) > 1:
        more = " > ..." * (len(names) > _CHANGES_SHOWN)
        lines.append(f"It changed the model that it says it is: {' > '.join(names[:_CHANGES_SHOWN])}{more}")
    elif names:
        lines.append(f"It says it is {names[0]}.")
    return "\n".join(lines)
