"""The command line as a whole: its commands, and how an error is shown."""

import sys

import typer

from gauger.cli import scan
from gauger.errors import GaugerError, Interrupted

app = typer.Typer(
    name="gauger",
    help="Find distillation campaigns in model API logs, with a stated false-alarm rate.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
scan.register(app)


def run(arguments: list[str] | None = None) -> int:
    """Run a command and return the exit code (contracts §6). Errors go to stderr without a traceback."""
    try:
        outcome = typer.main.get_command(app).main(args=arguments, prog_name="gauger", standalone_mode=False)
    except typer.Exit as stop:
        return stop.exit_code
    except (KeyboardInterrupt, typer.Abort):
        return _report(Interrupted("interrupted", todo="run the same command again to go on"))
    except GaugerError as error:
        return _report(error)
    except Exception as error:
        if hasattr(error, "format_message"):  # click's own errors: usage
            print(f"gauger: {error.format_message()}", file=sys.stderr)  # noqa: T201
            return 2
        raise
    return outcome if isinstance(outcome, int) else 0


def _report(error: GaugerError) -> int:
    place = f"{error.where}: " if error.where else ""
    print(f"gauger: {place}{error.what}", file=sys.stderr)  # noqa: T201
    if error.todo:
        print(f"        {error.todo}", file=sys.stderr)  # noqa: T201
    return error.exit_code
