"""The reference pages say what the code says: whoever changes one runs `python docs/generate.py`."""

import importlib.util
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[3] / "docs"
PAGES = ("channels.md", "cli.md", "columns.md", "findings.md", "scenarios.md", "settings.md")


@pytest.fixture(scope="module")
def generator():
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("width", ["40", "200"])
def test_pages_are_those_that_the_code_gives_in_a_terminal_of_any_width(generator, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", width)
    pages = generator.pages()
    assert sorted(pages) == list(PAGES)
    for name, text in pages.items():
        assert (DOCS / "reference" / name).read_text(encoding="utf-8") == text, "run: python docs/generate.py"


def test_a_column_without_a_meaning_stops_the_generation(generator):
    with pytest.raises(KeyError, match="nothing about plan"):
        generator.Meanings({}).of("plan", record="accounts_kept")


def test_a_meaning_without_a_column_stops_the_generation(generator):
    meanings = generator.Meanings({"plan": "the plan", "plane": "a slip"})
    meanings.of("plan", record="accounts_kept")
    with pytest.raises(KeyError, match="what there is not: plane"):
        meanings.check()
