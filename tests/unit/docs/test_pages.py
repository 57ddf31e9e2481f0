"""What the pages print can be followed: links lead to files, commands and their options exist."""

import re
import shlex
from pathlib import Path

import pytest
import typer

from gauger.cli.app import app

ROOT = Path(__file__).parents[3]
PAGES = sorted(
    [*(ROOT / "docs").rglob("*.md"), *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md"))]
)
#: A command line of Gauger, up to the pipe or the redirection behind it.
COMMAND = re.compile(r"(?:^|[;|`] *|\bif |bin/)(gauger [a-z][^|>`;#]*)", re.MULTILINE)


def shown(path):
    return path.relative_to(ROOT).as_posix()


def commands(path):
    text = re.sub(r"\\\n\s*", " ", path.read_text(encoding="utf-8"))
    code = [line.strip() for line in text.splitlines() if line.startswith("    ")]
    code += re.findall(r"`(gauger [^`]*)`", text)
    return [found.strip() for line in code for found in COMMAND.findall(line)]


def fault(line, command):
    """Return what is wrong with a printed command line, or None."""
    words = shlex.split(line)[1:]
    while getattr(command, "commands", None) and words and not words[0].startswith("-"):
        if words[0] not in command.commands:
            return f"no command {words[0]}"
        command = command.commands[words.pop(0)]
    options = {name for parameter in command.params for name in parameter.opts} | {"--help"}
    unknown = [word for word in words if word.startswith("--") and word not in options]
    return f"no option {unknown[0]}" if unknown else None


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_every_link_leads_to_a_file_of_the_repository(page):
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    missing = [one for one in targets if "://" not in one and not (page.parent / one).exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_every_link_into_a_page_leads_to_a_heading(page):
    links = re.findall(r"\]\(([^)#\s]*)#([^)]*)\)", page.read_text(encoding="utf-8"))
    for target, anchor in links:
        if "://" not in target:
            headings = re.findall(r"^#+ (.*)$", ((page.parent / target) if target else page).read_text(), re.MULTILINE)
            assert anchor in [re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings]


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_every_printed_command_and_option_exists(page):
    root = typer.main.get_command(app)
    faults = {line: found for line in commands(page) if (found := fault(line, root))}
    assert faults == {}


def test_commands_are_found_where_pages_print_them():
    assert "gauger ingest /var/log/gateway/ --accounts accounts.csv" in commands(ROOT / "docs/how-to/workspaces.md")
    assert "gauger ingest -" in commands(ROOT / "docs/how-to/workspaces.md")
    assert len([line for page in PAGES for line in commands(page)]) > 40


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("gauger scna logs --out report", "no command scna"),
        ("gauger scan logs --outt report", "no option --outt"),
        ("gauger lab simulate demo --seed 1 --out world", None),
    ],
)
def test_a_slip_in_a_command_is_seen(line, expected):
    assert fault(line, typer.main.get_command(app)) == expected
