"""Requests in the project's own words, drawn from the templates of `asks.txt`."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ASKS = Path(__file__).with_name("asks.txt")
INNOCENT = "innocent"
MATERIAL = "{material}"
_CHOICE = re.compile(r"\[([^\[\]]*)\]")


@dataclass(frozen=True)
class Template:
    """A sentence with choices; `name` is its family: no two splits share one."""

    intent: str
    kind: str
    language: str
    position: int
    pattern: str

    @property
    def name(self) -> str:
        return f"{self.intent}/{self.kind}/{self.language}/{self.position}"

    def draw(self, rng: np.random.Generator) -> str:
        """Every choice made at random."""
        return _CHOICE.sub(lambda choice: str(rng.choice(choice.group(1).split("|"))), self.pattern)


def templates(path: Path = ASKS) -> list[Template]:
    """Read the templates: headings `== intent / kind / language`, then one a line; `#` begins a comment."""
    found: list[Template] = []
    heading, position = ("", "", ""), 0
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("== "):
            intent, kind, language = line[3:].split(" / ")
            heading, position = (intent, kind, language), 0
        elif line and not line.startswith("#"):
            found.append(Template(*heading, position, line))
            position += 1
    return found
