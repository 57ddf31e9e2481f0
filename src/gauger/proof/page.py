"""The evidence against one suspect as one HTML file that needs nothing else: no script, network, font or image."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Final

from jinja2 import Environment

from gauger.evidence.records import p_text
from gauger.proof.commitments import Entry
from gauger.proof.document import controls_of
from gauger.proof.evidence import Evidence
from gauger.proof.radioactivity import Method
from gauger.proof.verdicts import Word
from gauger.report.page import page_environment, source_hash, style_sheet

#: How the box of a verdict is drawn. A detection is no good news, and nothing detected no clean bill.
TONES: Final[dict[Word, str]] = {
    "proof": "weak",
    "strong evidence": "weak",
    "consistent with": "",
    "nothing detected": "",
    "withheld": "weak",
}
METHODS: Final[dict[Method, str]] = {"plain": "plain", "teacher": "against the teacher"}


def render_evidence(evidence: Evidence, log: Sequence[Entry]) -> str:
    """Return the page. Names of files and whatever the operator stated are escaped."""
    environment = _environment()
    style = style_sheet(environment, "report.css")
    return environment.get_template("evidence.html.jinja").render(
        evidence=evidence,
        controls=_counted(evidence),
        log_line=log[-1].digest,
        log_length=len(log),
        public_key=log[-1].public_key,
        tones=TONES,
        methods=METHODS,
        style=style,
        style_hash=source_hash(style),
    )


@dataclass(frozen=True, slots=True)
class CountedControls:
    """The unrelated models tested for one key: how many, and the names of those that could have shown it."""

    n_tested: int
    able: frozenset[str]


def _counted(evidence: Evidence) -> dict[str, CountedControls]:
    """Return the controls by key, as the verdicts count them."""
    report = evidence.report
    found = controls_of(report.tests, report.null_keys)
    tested = Counter(key for key, _ in {(row.key, row.subject) for row in report.tests if row.role == "control"})
    names = (one.name for one in report.keys)
    return {key: CountedControls(tested[key], found(evidence.suspect, key).able_models) for key in names}


@cache
def _environment() -> Environment:
    environment = page_environment("gauger.proof", "gauger.report")
    environment.filters.update(p_exact=p_text, rfc3339=_rfc3339)
    return environment


def _rfc3339(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
