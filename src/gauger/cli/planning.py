"""`gauger prove plan`: how many answers a proof needs, and what asking for them costs."""

from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Annotated, Final

import typer

from gauger.cli import options
from gauger.cli.options import examples
from gauger.cli.output import print_result
from gauger.errors import InputError, UsageError

if TYPE_CHECKING:
    from gauger.proof.examination import Row

#: A positive control above this p-value has no effect to plan with.
MAX_P_VALUE: Final = 1e-3


def register(group: typer.Typer) -> None:
    """Add the command to `gauger prove`."""
    group.command(
        epilog=examples(
            "gauger prove plan --effect 0.09 --share 0.2 --expected-share 0.05",
            "gauger prove radioactivity suspect.jsonl --campaign C-17 --json \\",
            "    --positive ours.jsonl > test.json",
            "gauger prove plan --test test.json --share 0.2 --expected-share 0.05",
        )
    )(plan)


def plan(
    effect: Annotated[
        float | None, typer.Option("--effect", metavar="Z", help="z for each square root of a position.")
    ] = None,
    test: Annotated[
        Path | None,
        typer.Option("--test", metavar="FILE", help="Take it from the positive control of a test (--json)."),
    ] = None,
    key: Annotated[
        str | None, typer.Option("--key", metavar="KEY", help="That of the test. [default: its only one]")
    ] = None,
    share: Annotated[
        float, typer.Option("--share", metavar="SHARE", help="Marked share of what that student read.")
    ] = 1.0,
    expected_share: Annotated[
        float | None, typer.Option("--expected-share", metavar="SHARE", help="That of the suspect. [default: --share]")
    ] = None,
    positions: Annotated[
        float, typer.Option("--positions", metavar="N", help="Tokens of an answer that are scored.")
    ] = 200.0,
    alpha: Annotated[float, typer.Option("--alpha", metavar="P", help="Level of a proof.")] = 1e-6,
    tests: Annotated[int, typer.Option("--tests", min=1, metavar="N", help="Suspects x keys x methods.")] = 1,
    power: Annotated[float, typer.Option("--power", metavar="SHARE", help="Chance to get there.")] = 0.9,
    null_keys: Annotated[
        int | None,
        typer.Option("--null-keys", min=1, metavar="K", help="Other keys. [default: as many as alpha needs]"),
    ] = None,
    per_minute: Annotated[float, typer.Option("--per-minute", min=0.01, metavar="N", help="Requests a minute.")] = 60.0,
    prompt_tokens: Annotated[
        float, typer.Option("--prompt-tokens", min=0, metavar="N", help="Tokens of a prompt.")
    ] = 100.0,
    input_price: Annotated[
        float, typer.Option("--input-price", min=0, metavar="PRICE", help="Of a million tokens in.")
    ] = 0.0,
    output_price: Annotated[
        float, typer.Option("--output-price", min=0, metavar="PRICE", help="Of a million tokens out.")
    ] = 0.0,
    json: options.Json = False,
) -> None:
    """Say how many answers a proof needs at least and what they cost, before a suspect is asked.

    z grows with the square root of the positions at most. How fast is measured on a student of your own; the plan
    supposes that it is in proportion to the marked share.
    """
    import msgspec

    from gauger.proof.planning import Expected, Goal, query_plan
    from gauger.proof.radioactivity import check_alpha, check_null_keys, required_null_keys

    check_alpha(alpha)
    drawn = required_null_keys(alpha, tests) if null_keys is None else null_keys
    check_null_keys(drawn, alpha=alpha, n_tests=tests)
    measured = _effect(effect, test, key)
    expected = Expected(measured, share, share if expected_share is None else expected_share, positions)
    needed = query_plan(Goal(alpha, tests, drawn, power), expected)
    tokens = needed.answers * (prompt_tokens + positions)
    figures = {
        "alpha": alpha,
        "tests": tests,
        "power": power,
        "null_keys": drawn,
        "effect": round(expected.scaled, 6),
        "z": round(needed.z_score, 2),
        "positions": needed.positions,
        "answers": needed.answers,
        "tokens": round(tokens),
        "hours": round(needed.answers / per_minute / 60, 2),
        "cost": round(needed.answers * (prompt_tokens * input_price + positions * output_price) / 1e6, 2),
    }
    if json:
        print_result(msgspec.json.format(msgspec.json.encode(figures), indent=2).decode())
        return
    print_result(
        f"At least {needed.answers:,} answers of {positions:g} scored tokens reach alpha = {alpha:g} over {tests}"
        f" {'test' if tests == 1 else 'tests'} with a power of {power:g}.\n"
        f"mean z needed   {needed.z_score:.2f}, by an effect of {expected.scaled:.4g}\n"
        f"other keys      {drawn:,}\n"
        f"tokens          {round(tokens):,}\n"
        f"time            {figures['hours']:,} hours at {per_minute:g} requests a minute\n"
        f"cost            {figures['cost']:,}\n"
        "This supposes that the effect is in proportion to the marked share, and that z\n"
        "grows with the square root of the tokens: it grows no faster, and slower where\n"
        "answers say the same again. Nothing detected would still prove nothing."
    )


def _effect(effect: float | None, test: Path | None, key: str | None) -> float:
    if (effect is None) == (test is None):
        raise UsageError("the effect is given by --effect or by --test", where="--effect", todo="give one of the two")
    if test is None:
        if key is not None:
            raise UsageError("a key is that of a test", where="--key", todo="give it together with --test")
        return effect or 0.0
    rows = [row for row in _rows(test) if row.role == "positive" and row.z_score is not None and row.n_positions]
    if not rows:
        raise UsageError("this test has no positive control", where=str(test), todo="run it with --positive")
    rows = _of_one_method(_of_one_key(rows, key, test))
    p_value = median(row.p_value for row in rows)
    if p_value > MAX_P_VALUE:
        raise UsageError(
            f"the positive control shows no effect to plan with: its p-value is {p_value:.3g}, above {MAX_P_VALUE:g}",
            where=str(test),
            todo="test a student that read more of the mark, on more answers and against 999 other keys or more",
        )
    return median((row.z_score or 0.0) / row.n_positions**0.5 for row in rows)


def _of_one_key(rows: "list[Row]", key: str | None, test: Path) -> "list[Row]":
    keys = sorted({row.key for row in rows})
    if key is None and len(keys) == 1:
        return rows
    if key not in keys:
        raise UsageError(
            "this test has several keys" if key is None else "this key is none of the positive control's",
            where=str(test),
            todo=f"say by --key which one the student read: {', '.join(keys)}",
        )
    return [row for row in rows if row.key == key]


def _of_one_method(rows: "list[Row]") -> "list[Row]":
    # As a test does by itself: against the teacher wherever there is the teacher's word. One method, never the better.
    return [row for row in rows if row.method == "teacher"] or rows


def _rows(test: Path) -> "list[Row]":
    import msgspec

    from gauger.proof.document import Document

    try:
        return msgspec.json.decode(test.read_bytes(), type=Document).tests
    except OSError as error:
        raise InputError(f"the test cannot be read: {error.strerror}", where=str(test)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise InputError(
            "this is no test", where=str(test), todo="give what `gauger prove radioactivity --json` printed"
        ) from None
