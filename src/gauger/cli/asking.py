"""`gauger prove query`: a suspect is asked, and every answer kept."""

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from gauger.cli import looking, options, suspects, targets
from gauger.cli.impatience import second_interruption
from gauger.cli.options import examples
from gauger.cli.output import Aside, print_result
from gauger.errors import InputError

if TYPE_CHECKING:
    from gauger.pipeline import Progress
    from gauger.sources.prompts import Question
    from gauger.sources.querying import Budget, Outcome
    from gauger.store.query_runs import Asked, QueryRun, Summary

_CHANGES_SHOWN = 6
_Limits = tuple[int | None, int | None]


def register(group: typer.Typer) -> None:
    """Add the command to `gauger prove`."""
    group.command(
        epilog=examples(
            "gauger prove query ask.jsonl --endpoint https://host/v1 --model m --out run",
            "gauger prove query ask.jsonl --endpoint https://host/v1 --model m \\",
            "    --out run --per-minute 30 --max-requests 2000 --key-file s.key",
            "gauger prove query ask.jsonl --model-dir ./their-model --out run",
            "gauger prove query ask.jsonl --model-dir ./their-model --out run \\",
            "    --sequential --campaign C-17 --tokenizer tokenizer.json",
        )
    )(query)


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
    sequential: Annotated[
        bool,
        typer.Option("--sequential", help="Look for a key whenever there are twice as many answers; end when sure."),
    ] = False,
    campaign: Annotated[
        list[str] | None, typer.Option("--campaign", metavar="ID", help="Whose keys to look for, with --sequential.")
    ] = None,
    tokenizer: Annotated[
        Path | None,
        typer.Option("--tokenizer", metavar="FILE", help="tokenizer.json of your own model, with --sequential."),
    ] = None,
    first_look: Annotated[
        int, typer.Option("--first-look", min=1, metavar="N", help="Answers at the first look.")
    ] = suspects.FIRST_LOOK,
    alpha: Annotated[
        float, typer.Option("--alpha", metavar="P", help="Level of a proof at which looks are sure.")
    ] = 1e-6,
    tests: Annotated[
        int | None,
        typer.Option("--tests", min=1, metavar="N", help="Suspects x keys that share it. [default: the keys]"),
    ] = None,
    workspace: options.Workspace = None,
    threads: options.Threads = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Put prompts to an OpenAI-compatible endpoint or a local model and keep every answer.

    Each answer is on the disk before the next question is asked. Run the same command again to go on where it stopped.
    What an endpoint does wrong is written down beside. The prompts must hold no text that was served under a key.
    A local model is loaded from safetensors, nothing is fetched, no code of its folder runs, and the run holds the hash
    of every file. With --sequential it ends where looks at the answers are sure; what was not asked can be asked later.
    """
    from datetime import UTC, datetime

    from gauger.sources.prompts import read_file
    from gauger.store.query_runs import Asked, hash_of, open_run

    targets.check_one_kind(context, is_local=model_dir is not None)
    targets.check_only_with(context, looking.OPTIONS, "--sequential", is_on=sequential)
    looks = None
    if sequential:
        looks = looking.prepare(
            campaign or (), tokenizer, workspace, first_look=first_look, alpha=alpha, n_tests=tests, threads=threads
        )
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
        if looks is None:
            outcome, report = _ask(run, target, (max_requests, max_total_tokens), aside), None
        else:
            outcome, report = _ask_until_sure(run, target, (max_requests, max_total_tokens), aside, looks)
    _say(out, outcome, target, report, json=json)


def _ask(run: "QueryRun", target: targets.Target, limits: _Limits, aside: Aside) -> "Outcome":
    """Put every question that is left."""
    from gauger.sources.querying import Outcome

    left = run.left()
    if not left:
        return Outcome(None, is_spent=False, n_open=0)
    with aside.progress() as progress:
        return _asker(run, target, limits, progress, len(left))(left)


def _ask_until_sure(
    run: "QueryRun", target: targets.Target, limits: _Limits, aside: Aside, looks: looking.Looking
) -> "tuple[Outcome, looking.LooksReport]":
    """Put what is left, and look where the plan says so."""
    from gauger.sources.looking import ask_until_sure
    from gauger.sources.querying import GIVEN_UP
    from gauger.store.query_looks import pin_looks

    pin_looks(run, looks.plan)
    left, seen = run.left(), looks.nothing()
    with aside.progress() as progress:

        def is_sure() -> bool:
            nonlocal seen
            seen = looks.report(run, progress)
            return seen.is_sure

        ask = _asker(run, target, limits, progress, len(left))
        first, least = looks.plan.first_look, max(GIVEN_UP, target.concurrency)
        outcome = ask_until_sure(left, ask, lambda: run.n_said, is_sure, first=first, least=least)
    return outcome, seen


def _asker(
    run: "QueryRun", target: targets.Target, limits: _Limits, progress: "Progress", n_left: int
) -> "Callable[[Sequence[Question]], Outcome]":
    """Return what puts some of the questions that are left. The suspect is reached when it is first asked."""
    from datetime import UTC, datetime

    import numpy as np

    from gauger.sources.querying import Pace, Patience, Record, ask_all

    reach = cache(lambda: target.reach(run.asked))
    pace, budget, patience = Pace(target.per_minute), _budget(run, *limits), Patience()
    rng = np.random.default_rng()
    record = Record(
        lambda question, reply, number: run.keep_answer(question, reply, number, now=datetime.now(UTC)),
        lambda question, fault: run.keep_fault(question, fault, now=datetime.now(UTC)),
    )
    n_put = 0

    def ask(some: "Sequence[Question]") -> "Outcome":
        nonlocal n_put
        suspect, before = reach(), n_put
        progress("answers", before, n_left)
        n_put += len(some)
        with second_interruption() as arm:

            def hang_up() -> None:
                arm()
                suspect.hang_up()

            return ask_all(
                some,
                suspect.ask,
                record,
                pace=pace,
                budget=budget,
                patience=patience,
                attempts=target.attempts,
                max_tokens=run.asked.max_tokens,
                concurrency=target.concurrency,
                rng=rng,
                hang_up=hang_up,
                progress=lambda done: progress("answers", before + done, n_left),
            )

    return ask


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


def _say(
    folder: Path, outcome: "Outcome", target: targets.Target, report: "looking.LooksReport | None", *, json: bool
) -> None:
    """Print what the run holds; raise where the suspect ended it."""
    import msgspec

    from gauger.store.query_runs import read_run, summarise

    asked, questions, answers, faults = read_run(folder)
    summary = summarise(questions, answers, faults, left=outcome.n_open, budget_spent=outcome.is_spent)
    if json:
        document = msgspec.to_builtins(summary) | ({} if report is None else {"looks": msgspec.to_builtins(report)})
        print_result(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())
    else:
        print_result(_text(summary, asked, report))
    if outcome.ended_by is not None:
        what, todo = target.faults[outcome.ended_by.code]
        raise InputError(
            f"the {target.noun} was given up: {what}", where=str(folder), todo=f"{todo}; what was answered is kept"
        )


def _text(summary: "Summary", asked: "Asked", report: "looking.LooksReport | None") -> str:
    from gauger.report.untrusted import shorten

    lines = [f"{summary.answers:,} of {summary.questions:,} questions are answered."]
    if summary.left:
        how = "without --sequential" if report is not None and report.is_sure else "again"
        lines.append(f"{summary.left:,} are left: run the same command {how} to go on.")
    lines += [] if report is None else looking.looks_text(report)
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
