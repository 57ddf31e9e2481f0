"""Help: complete, quick, readable in 80 columns, and golden."""

import json
import resource
import subprocess
import sys
from importlib.metadata import version

import pytest
import typer

from gauger.cli.app import app, run
from gauger.cli.options import LOG_FORMATS
from gauger.sources import SOURCES

COMMANDS = {
    name: command
    for name, command in typer.main.get_command(app).commands.items()  # type: ignore[attr-defined]
    if name not in {"lab", "keys", "prove", "canary"}
}
LAB = ("lab", "lab simulate", "lab scenarios", "lab window-test", "lab distil")
KEYS = ("keys", *(f"keys {name}" for name in ("new", "rotate", "list", "export", "commit-log", "commit-log verify")))
PROVE = (
    "prove",
    *(f"prove {name}" for name in ("radioactivity", "query", "tokens", "texts", "plan", "verify", "provenance")),
)
CANARY = ("canary", *(f"canary {name}" for name in ("plan", "inject", "probes", "test")))
PATHS = ("", *COMMANDS, *LAB, *KEYS, *PROVE, *CANARY)

HELP_OF_ALL = """
import sys
from gauger.cli.app import run
for path in {paths!r}:
    assert run([*path.split(), "--help"]) == 0
heavy = ("numba", "duckdb", "pyarrow", "ibis", "scipy", "sqlalchemy", "numpy", "rich")
print("LOADED", [name for name in heavy if name in sys.modules])
"""


def test_every_command_is_there():
    assert set(COMMANDS) == {
        *("scan", "ingest", "explain", "dismiss", "confirm", "decisions", "diff", "power"),
        *("sources", "schema", "check-config", "forget", "retain", "watch", "alarms", "safeguards"),
    }


@pytest.mark.parametrize("path", PATHS)
def test_help_is_golden_and_fits_80_columns(path, gauger, golden):
    shown = gauger(*path.split(), "--help")
    assert shown.code == 0
    assert shown.err == ""
    assert max(map(len, shown.out.splitlines())) <= 80
    golden(f"help{'_' if path else ''}{path.replace(' ', '_')}.txt", shown.out)


@pytest.mark.parametrize("path", PATHS)
def test_help_ends_with_an_example_of_that_command(path, gauger):
    examples = gauger(*path.split(), "--help").out.split("Examples:")[1]
    assert f"gauger {path}" in examples


def test_no_help_loads_what_is_heavy():
    done = subprocess.run(
        [sys.executable, "-c", HELP_OF_ALL.format(paths=PATHS)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "LOADED []"


def test_help_takes_less_than_half_a_second_of_processor_time():
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "gauger", "--help"], capture_output=True, timeout=60, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.5


def test_version(gauger):
    assert gauger("--version").out == f"gauger {version('gauger')}\n"


def test_without_a_command_the_help_goes_to_stderr(gauger):
    shown = gauger()
    assert (shown.code, shown.out) == (2, "")
    assert "Commands:" in shown.err


@pytest.mark.parametrize(
    ("line", "wanted"),
    [("gauger sc", "scan"), ("gauger scan --fail-on ", "campaign"), ("gauger scan --format lit", "litellm")],
)
def test_the_shell_completes(line, wanted, environment):
    asked = {
        **environment,
        "_GAUGER_COMPLETE": "complete_bash",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(line.split(" ")) - 1),
    }
    done = subprocess.run(
        [sys.executable, "-m", "gauger"], env=asked, capture_output=True, text=True, timeout=60, check=False
    )
    assert wanted in done.stdout.split()


def test_log_formats_that_complete_are_those_that_are_read():
    assert set(LOG_FORMATS) == set(SOURCES)


def test_run_returns_the_code_of_the_command(capsys):
    assert run(["schema"]) == 0
    assert json.loads(capsys.readouterr().out)["$ref"]
