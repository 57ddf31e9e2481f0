"""The evidence against one suspect as one HTML file that needs nothing else: no script, network, font or image."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Final

from jinja2 import Environment

from gauger.evidence.records import p_text
from gauger.proof.commitments import Entry
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
    tests = evidence.report.tests
    return environment.get_template("evidence.html.jinja").render(
        evidence=evidence,
        n_controls=len({row.subject for row in tests if row.role == "control" and row.n_cells}),
        log_line=log[-1].digest,
        log_length=len(log),
        public_key=log[-1].public_key,
        tones=TONES,
        methods=METHODS,
        style=style,
        style_hash=source_hash(style),
    )


@cache
def _environment() -> Environment:
    environment = page_environment("gauger.proof", "gauger.report")
    environment.filters.update(p_exact=p_text, rfc3339=_rfc3339)
    return environment


def _rfc3339(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
