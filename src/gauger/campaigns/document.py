"""findings.json: the whole document, from what a scan found and how it was certified."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from gauger.campaigns.calibration import Split
from gauger.campaigns.dossier import rfc3339
from gauger.campaigns.drift import Drift
from gauger.campaigns.findings import (
    Calibration,
    ChannelOff,
    Cleared,
    Finding,
    Findings,
    HistoryCheck,
    Input,
    Link,
    WeekOfHistory,
)
from gauger.campaigns.windows import DAY_US, Plan

WINDOW_METHOD = "conditional permutation tests (Holm) and ranks among disjoint history windows"
CONDITIONAL_METHOD = "conditional permutation tests (Holm)"


def _span(length_us: int) -> str:
    """Return a length of time as a person says it."""
    for unit, size in (("day", DAY_US), ("hour", DAY_US // 24), ("minute", DAY_US // 1440)):
        if length_us >= size:
            count = length_us / size
            shown = f"{count:.0f}" if abs(count - round(count)) < 0.05 else f"{count:.1f}"
            return f"{shown} {unit}{'' if shown == '1' else 's'}"
    return f"{length_us / 1e6:.0f} seconds"


def calibration(
    plan: Plan,
    split: Split,
    drift: Drift | None,
    *,
    target: float,
    tested: Sequence[str],
    n_tests: int,
    permutations: int | None,
    smallest_q: float | None,
) -> Calibration:
    """Return how this scan's verdicts were certified, in numbers and in words.

    Parameters
    ----------
    plan, split, drift
        The windows, what each route may spend, and what history said of its own ranks.
    target
        False-alarm target of the scan.
    tested
        Names of the channels that had something to look at.
    n_tests
        Conditional tests that were made.
    permutations
        Most random groups per test, where every test draws any: then no p-value is below 1 / (permutations + 1).
    smallest_q
        Smallest Benjamini-Hochberg q-value among the candidates, or None where none is stated.
    """
    window = _span(plan.tested.end_us - plan.tested.start_us)
    n = len(plan.history)
    sentences = [
        f"Target: at most {target:.1%} of scans reject by chance, all windows, paths and tests together.",
        f"Conditional tests ({', '.join(name.replace('_', ' ') for name in tested) or 'none had data'}): {n_tests}"
        f" tests, Holm-adjusted, certify at {split.conditional:.1%}. Each states its null: some"
        " independence, given what else makes customers alike; independence is not innocence, so innocent explanations"
        " are tested beside it.",
    ]
    smallest = n_tests / (permutations + 1) if permutations is not None else 0.0
    if permutations is not None and smallest > split.conditional:
        sentences.append(
            f"With {permutations:,} draws a test no adjusted p-value can be below {smallest:.2g}, so nothing can be"
            " rejected: raise conditional.permutations or the target."
        )
    if split.window_certifies:
        sentences.append(
            f"{n} disjoint history windows of {window} certify the content route at {split.window:.1%},"
            " if the weeks to come are like those that were."
        )
    elif drift is not None:
        sentences.append(
            f"Content alone is not certified: {n} history windows of {window} were compared, and history does not keep"
            " its own promise. What rests on content alone is called observed."
        )
    else:
        reach = (
            f"{n} comparable history window{'s' if n > 1 else ''} of {window} give{'' if n > 1 else 's'} nothing below"
            f" {plan.smallest_p_value:.2g}, and it takes {target / 2:.2g}"
            if n
            else f"no history window of {window} compares with the tested one"
        )
        sentences.append(f"Content alone is not certified: {reach}. What rests on content alone is called observed.")
    if drift is not None:
        sentences.append(
            f"Ranked among those before them, {drift.alarms} of {drift.windows} history windows alarm at"
            f" {drift.level:.1%}; {drift.expected:.1f} were to be expected (p = {drift.p_value:.2g})."
        )
    return Calibration(
        method=WINDOW_METHOD if split.window_certifies else CONDITIONAL_METHOD,
        windows=n,
        window=window,
        target=target,
        certified=split.window_certifies or (n_tests > 0 and smallest <= split.conditional),
        fdr=smallest_q,
        statement=" ".join(sentences),
        history_check=None if drift is None else history_check(drift),
    )


def history_check(drift: Drift) -> HistoryCheck:
    """Return the record of what history said of its own ranks."""
    return HistoryCheck(
        level=drift.level,
        windows=drift.windows,
        alarms=drift.alarms,
        expected=round(drift.expected, 6),
        p_value=round(drift.p_value, 9),
        weeks=[
            WeekOfHistory(
                from_=rfc3339(week.start_us), windows=week.windows, alarms=week.alarms, expected=round(week.expected, 6)
            )
            for week in drift.weeks
        ],
    )


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What the run knows of itself: time of the document, version, and what reading the logs gave."""

    generated_at: str
    version: str
    quarantined: int
    columns_absent: Sequence[str]


def document(
    *,
    facts: RunFacts,
    exchanges: int,
    accounts: int,
    principals: int,
    first_us: int,
    last_us: int,
    duplicates: int,
    plan: Plan,
    channels_off: Sequence[ChannelOff],
    certified_by: Calibration,
    findings: Sequence[Finding],
    cleared: Sequence[Cleared],
    links: Sequence[Link],
) -> Findings:
    """Return the document."""
    return Findings(
        schema="gauger/findings/1",
        generated_at=facts.generated_at,
        gauger_version=facts.version,
        input=Input(
            exchanges=exchanges,
            accounts=accounts,
            principals=principals,
            from_=rfc3339(first_us),
            to=rfc3339(last_us),
            tested_from=rfc3339(plan.tested.start_us),
            tested_to=rfc3339(plan.tested.end_us - 1),
            quarantined=facts.quarantined,
            duplicates=duplicates,
            columns_absent=sorted(facts.columns_absent),
            channels_off=list(channels_off),
        ),
        calibration=certified_by,
        findings=list(findings),
        cleared=list(cleared),
        links=list(links),
    )


def encode(found: Findings) -> bytes:
    """Return the document as findings.json: two-space indent, one final newline, keys in the order of the records."""
    return msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n"


def decode(content: bytes) -> Findings:
    """Return the document in a findings.json.

    Raises
    ------
    msgspec.ValidationError
        It is not such a document.
    """
    return msgspec.json.decode(content, type=Findings)


def json_schema() -> dict[str, object]:
    """Return the JSON Schema of findings.json, generated from the records."""
    return msgspec.json.schema(Findings)
