"""Sets of prompts: the published ones by their hash, each read by its own columns."""

import csv
import hashlib
from pathlib import Path

import pytest

from gauger.errors import UsageError
from gauger.proof.commitments import is_hex
from gauger.sources import prompt_sets
from gauger.sources.prompt_sets import KNOWN, read_prompt_set


def test_what_is_known_of_a_set_says_where_it_is_from():
    for digest, known in KNOWN.items():
        assert is_hex(digest)
        assert all((known.name, known.licence, known.id))
        assert " at " in known.source


def test_the_page_names_every_known_set_with_its_hash():
    page = (Path(__file__).parents[3] / "docs" / "how-to" / "safeguards.md").read_text()
    for digest, known in KNOWN.items():
        assert f"    {digest}  {known.name}\n" in page
        where, _, revision = known.source.rpartition(" at ")
        assert all(f"`{part}`" in page for part in where.split(", ", 1))
        assert revision in page


@pytest.mark.parametrize("known", KNOWN.values(), ids=lambda one: one.name)
def test_a_known_set_is_read_by_its_own_columns(known, tmp_path, monkeypatch):
    """A file of its shape stands for it: the prompts themselves are in no file of the project."""
    path = tmp_path / "set.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["prompt", known.id, known.label or "label"])
        writer.writerows([["one, with\na break", "a", "safe"], ["two", "b", "unsafe"]])
    with pytest.raises(UsageError, match="none of the sets"):
        read_prompt_set(path, sha256=None)
    monkeypatch.setattr(prompt_sets, "KNOWN", {hashlib.sha256(path.read_bytes()).hexdigest(): known})
    found = read_prompt_set(path, sha256=None)
    assert found.name == known.name
    assert found.kinds == {"a": "unsafe" if known.label is None else "safe", "b": "unsafe"}
