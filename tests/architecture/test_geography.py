"""Geography is no evidence: what scores, calibrates and judges never reads a country or a region."""

import io
import tokenize
from pathlib import Path

import pytest

import gauger

SOURCE = Path(gauger.__file__).parent
JUDGING = [
    *sorted((SOURCE / "evidence").glob("*.py")),
    *(path for path in sorted((SOURCE / "campaigns").glob("*.py")) if not path.stem.startswith("policy")),
    SOURCE / "engines" / "relations.py",
]


def _words(path: Path) -> set[str]:
    """Return every token of a module in lower case but its comments: comments may explain, names and strings act."""
    tokens = tokenize.generate_tokens(io.StringIO(path.read_text()).readline)
    return {token.string.lower() for token in tokens if token.type != tokenize.COMMENT}


@pytest.mark.parametrize("path", JUDGING, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_module_names_no_country_and_no_region(path):
    named = {word for word in _words(path) if "country" in word or "region" in word}
    assert named == set()


def test_the_rooms_are_looked_at():
    assert {"concentration.py", "verdicts.py", "relations.py"} <= {path.name for path in JUDGING}
