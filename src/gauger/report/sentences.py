"""What a report says in words. HTML and terminal print the same sentences."""

from collections import Counter
from typing import Final

from gauger.campaigns.findings import (
    Calibration,
    Evidence,
    Finding,
    Findings,
    HistoryCheck,
    Input,
    Link,
    Verdict,
)
from gauger.report.moments import day, stretch
from gauger.report.numbers import count, error_rate, p_equation

#: Each verdict and what it means, strongest first.
LEGEND: Final[tuple[tuple[Verdict, str], ...]] = (
    (
        "campaign",
        "The null is rejected at the false-alarm target, and two families of evidence agree, one of them text or"
        " timing. Only this verdict may feed a response that a customer feels.",
    ),
    (
        "supported",
        "One family's null is rejected at the target, but two families do not agree, or an innocent explanation still"
        " stands. It calls for a closer"
        " look, not for a measure against a customer.",
    ),
    (
        "observed",
        "Ranked, not certified. It stood out, but this log cannot tell it from an innocent group at the target.",
    ),
)

#: What no log of one provider shows, in the order of how much it matters.
BLIND_SPOTS: Final = (
    "Answers bought from someone else. Transcripts that a broker or an honest customer sold never pass through these"
    " logs as a campaign.",
    "A shell company that resells the model and keeps what its real users ask. The prompts are organic and the"
    " users are people; where one account carries it all, only its exposure can be seen.",
    "Patience. A group that stays under what these windows can tell apart, or that sends bare, fully paraphrased items"
    " from accounts that share nothing else, is close to impossible to find by content.",
    "Where answers go. Gauger sees that answers were drawn by one plan. Whether a model was trained on them,"
    " and by whom, is for other tests and other evidence.",
    "Accounts under another provider. A campaign that spreads over several shows only its part here.",
)

#: Columns that only the account table brings (contracts: `--accounts`).
ACCOUNT_COLUMNS: Final = frozenset({"signed_up_at", "plan", "payment_token", "email"})
_ACCOUNT_CHANNELS: Final = frozenset({"payment"})

ACCOUNT_TABLE_HINT: Final = (
    "No account table was given, so payment cards are not compared. Give one with"
    " --accounts FILE (CSV, JSONL or Parquet) holding account_id and any of: principal_id, organisation_id,"
    " plan, payment_token."
)

#: Said wherever accounts are listed.
MEMBERSHIP_NOTE: Final = (
    "Membership is the probability that the account belongs; share is the part of its exchanges that do. Both with 95%"
    " intervals. An account can belong with a small share: the rest of its traffic may be honest customers'."
)

_VERDICT_NOUN: Final[dict[Verdict, tuple[str, str]]] = {
    "campaign": ("campaign", "campaigns"),
    "supported": ("supported group", "supported groups"),
    "observed": ("observed group", "observed groups"),
}


def headline(findings: Findings) -> str:
    """Return in one sentence what was found."""
    where = f"in {plural(findings.input.exchanges, 'exchange')} of {plural(findings.input.accounts, 'account')}"
    numbers = Counter(finding.verdict for finding in findings.findings)
    if not numbers:
        return f"Nothing was found {where}."
    if not numbers["campaign"]:
        return f"No campaign was found {where}; {_listed(numbers)} {_were(numbers)} worth a look."
    return f"Found {_listed(numbers)} {where}."


def claim(finding: Finding) -> str:
    """Return in one sentence what a finding is, and never more than its verdict allows."""
    who = f"{plural(finding.n_accounts, 'account')} of {plural(finding.n_principals, 'principal')}"
    what = f"{plural(finding.n_exchanges, 'exchange')} between {day(finding.first_seen)} and {day(finding.last_seen)}"
    families = f"The evidence comes from {and_list(list(finding.families))}"
    if finding.verdict == "campaign":
        return f"{who} drew {what} by one plan. {families}."
    if finding.verdict == "supported":
        return f"{who} drew {what} that look like one plan. {families}, which is not enough to call it a campaign."
    return f"{who} drew {what} that have something in common. Innocent explanations remain."


def link(one: Link, finding: Finding) -> str:
    """Return what links a finding to another, which says nothing of its verdict."""
    first, second = one.findings
    other = second if first == finding.finding_id else first
    facts = " ".join(fact.text for fact in one.facts)
    return f"Linked with {other}, adjusted {p_equation(one.p_value)}: {facts} Each keeps its own verdict."


def certification(calibration: Calibration) -> str:
    """Return whether verdicts are certified, and at which rate."""
    target = error_rate(calibration.target)
    if calibration.certified:
        return (
            f"Certified against chance: at most {target} of scans raise a supported or campaign verdict"
            " where the stated nulls hold."
        )
    return (
        f"Not certified: this log cannot hold false alarms to {target} of scans, so every finding is at most observed."
    )


def history_kept(check: HistoryCheck) -> str:
    """Return whether history kept the promise, and its weeks with most alarms."""
    kept = f"{check.alarms} of {check.windows} windows, {check.expected:.1f} expected (p = {check.p_value:.2g})"
    worst = [week for week in check.weeks if week.alarms > week.expected]
    worst.sort(key=lambda week: week.expected - week.alarms)
    named = ", ".join(f"{week.from_[:10]}: {week.alarms} of {week.windows}" for week in worst[:3])
    return f"{kept}; most in the weeks from {named}" if named else kept


def discovery_rate(calibration: Calibration) -> str:
    """Return the expected share of false findings, or that none is stated."""
    return "not stated" if calibration.fdr is None else f"at most {error_rate(calibration.fdr)}"


def account_table_missing(read: Input) -> bool:
    """Return whether the scan ran without an account table."""
    off = {channel.channel for channel in read.channels_off}
    return set(read.columns_absent) >= ACCOUNT_COLUMNS or off >= _ACCOUNT_CHANNELS


def input_lines(read: Input) -> list[tuple[str, str]]:
    """Return what was read, as (name, value)."""
    return [
        ("Exchanges", count(read.exchanges)),
        ("Accounts", count(read.accounts)),
        ("Principals", count(read.principals)),
        ("Quarantined rows", count(read.quarantined)),
        ("Duplicates set aside", count(read.duplicates)),
        ("Log", stretch(read.from_, read.to)),
        ("Tested stretch", stretch(read.tested_from, read.tested_to)),
    ]


def stated_p(evidence: Evidence) -> str:
    """Return a channel's p-value, or in words why there is none."""
    if not evidence.applicable:
        return "no power"
    return "states no p-value" if evidence.p_value is None else p_equation(evidence.p_value)


def words(code: str) -> str:
    """Return a stable code as words: `shared_template` is "Shared template"."""
    text = code.replace("_", " ").replace(".", ": ")
    return text[:1].upper() + text[1:]


def plural(number: int, noun: str) -> str:
    """Return a count and its noun: `1 account`, `30 accounts`."""
    return f"{count(number)} {noun}{'' if number == 1 else 's'}"


def and_list(items: list[str]) -> str:
    """Return items as a person lists them; "no family" where there are none."""
    if not items:
        return "no family"
    return " and ".join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)


def _listed(numbers: Counter[Verdict]) -> str:
    return and_list(
        [
            f"{count(numbers[verdict])} {_VERDICT_NOUN[verdict][numbers[verdict] != 1]}"
            for verdict, _ in LEGEND
            if numbers[verdict]
        ]
    )


def _were(numbers: Counter[Verdict]) -> str:
    return "is" if numbers.total() == 1 else "are"
