"""The command line as a whole: its commands, and how an error is shown."""

import logging
import os
import sys
import traceback
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from gauger.cli import (
    canary,
    check_config,
    decide,
    describe,
    explain,
    keys,
    lab,
    power,
    prove,
    reports,
    safeguards,
    scan,
    upkeep,
    watch,
)
from gauger.cli.output import harmless, print_result
from gauger.errors import GaugerError, Interrupted

INTERRUPTED = 130
_PACKAGE = Path(__file__).parents[1]

app = typer.Typer(
    name="gauger",
    help="Find distillation campaigns in model API logs, with a stated false-alarm rate.",
    epilog="\b\nExamples:\n  gauger scan logs/*.jsonl.gz --accounts accounts.csv --out report\n"
    "  gauger explain c-7ejw3x6jzmhg --report report --logs logs/*.jsonl.gz",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for group in (
    scan,
    watch,
    explain,
    decide,
    reports,
    power,
    describe,
    check_config,
    upkeep,
    keys,
    prove,
    canary,
    safeguards,
    lab,
):
    group.register(app)


def _print_version(wanted: bool) -> None:
    if wanted:
        print_result(f"gauger {version('gauger')}")
        raise typer.Exit


@app.callback()
def _root(
    _version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    pass


def run(arguments: list[str] | None = None) -> int:
    """Run a command and return the exit code (contracts §6). Errors go to stderr without a traceback."""
    logging.basicConfig(format="gauger: %(message)s", level=logging.WARNING)
    try:
        outcome = typer.main.get_command(app).main(args=arguments, prog_name="gauger", standalone_mode=False)
    except (KeyboardInterrupt, typer.Abort):
        outcome = INTERRUPTED
    except GaugerError as error:
        return _tell(error)
    except Exception as error:  # noqa: BLE001 - the outermost loop: nothing may reach the user as a traceback
        return _misused(error) if hasattr(error, "format_message") else _surprised(error)
    if outcome == INTERRUPTED:
        return _tell(Interrupted("interrupted", todo="what was finished is kept; run the same command again to go on"))
    return outcome if isinstance(outcome, int) else 0


def _tell(error: GaugerError) -> int:
    place = f"{error.where}: " if error.where else ""
    _print_error(f"gauger: {place}{error.what}", *([f"        {error.todo}"] if error.todo else []))
    if _is_debugging():
        traceback.print_exc()
    return error.exit_code


def _misused(error: Exception) -> int:
    """Show a mistake in the command line that the parser found; without any argument that is the help."""
    message: str = error.format_message().replace("Value error, ", "")  # type: ignore[attr-defined]
    context = getattr(error, "ctx", None)
    if context is not None and message == context.get_help():
        print(message, file=sys.stderr)  # noqa: T201
    else:
        _print_error(f"gauger: {message}", f"        see `{context.command_path if context else 'gauger'} --help`")
    return 2


def _surprised(error: Exception) -> int:
    """Show a fault of Gauger itself: what and where, never its message, which may quote a prompt or a key."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if _PACKAGE in Path(frame.filename).parents]
    frame = (own or frames)[-1]
    _print_error(
        f"gauger: this is a fault in Gauger {version('gauger')}: {type(error).__name__}"
        f" at {Path(frame.filename).name}, line {frame.lineno}",
        "        please report it, with the command; GAUGER_DEBUG=1 shows the traceback, which may quote your logs",
    )
    if _is_debugging():
        traceback.print_exc()
    return 1


def _is_debugging() -> bool:
    return os.environ.get("GAUGER_DEBUG") == "1"


def _print_error(*lines: str) -> None:
    for line in lines:
        print("\n".join(harmless(part) for part in line.splitlines()), file=sys.stderr)  # noqa: T201
