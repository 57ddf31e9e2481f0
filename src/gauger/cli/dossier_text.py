"""A finding's dossier, and what is said of an account, as text for a terminal."""

from collections.abc import Iterator, Sequence
from typing import Final

from gauger.campaigns.findings import Evidence, Finding, Findings, Member
from gauger.report import sentences
from gauger.report.layout import Column, columns, paragraph
from gauger.report.moments import day
from gauger.report.numbers import count, p_equation, percent, percent_interval
from gauger.report.untrusted import shorten, visible
from gauger.report.weighing import bearing

MAX_ACCOUNTS: Final = 20


def render_finding(finding: Finding, findings: Findings, *, width: int) -> str:
    """Return a finding's dossier.

    Parameters
    ----------
    finding
        What to show.
    findings
        The document it is from: its calibration says what a p-value is held against.
    width
        Columns of the terminal.
    """
    target = findings.calibration.target
    parts = [
        list(_head(finding, width)),
        list(_members(finding.accounts, width)),
        [
            "Evidence",
            *(line for said in finding.evidence for line in _evidence(said, finding, target=target, width=width)),
        ],
        list(_explanations(finding, width)),
    ]
    return "\n\n".join("\n".join(lines) for lines in parts) + "\n"


def render_account(
    account_id: str, holders: Sequence[Finding], touched: Sequence[str], findings: Findings, *, width: int
) -> str:
    """Return what the findings say of an account.

    Parameters
    ----------
    account_id
        As the report has it.
    holders
        The findings that list it.
    touched
        Ids of findings it has exchanges of, without being held to belong.
    findings
        The document.
    width
        Columns of the terminal.
    """
    lines = [f"Account {shorten(account_id)}", ""]
    for finding in holders:
        member = next(one for one in finding.accounts if one.account_id == account_id)
        lines += paragraph(f"{visible(finding.finding_id)}, {finding.verdict}: {_standing(member)}", width=width)
        lines += paragraph(sentences.claim(finding), width=width, indent="  ")
        for said in finding.evidence:
            lines += _evidence(said, finding, target=findings.calibration.target, width=width)
        lines += [*_explanations(finding, width), ""]
    for finding_id in touched:
        text = (
            f"{visible(finding_id)}: it has exchanges that look like this finding's, but is more likely not part of it"
            " than part of it, and is not listed."
        )
        lines += [*paragraph(text, width=width), ""]
    return "\n".join([*lines, *paragraph(sentences.MEMBERSHIP_NOTE, width=width)])


def _standing(member: Member) -> str:
    membership = f"membership {percent(member.membership)} ({percent_interval(member.low, member.high)})"
    return f"{membership}, share {_share(member)}, {sentences.plural(member.n_exchanges, 'exchange')} attributed"


def _share(member: Member) -> str:
    if member.share is None or member.share_low is None or member.share_high is None:
        return "not known: one item alone"
    return f"{percent(member.share)} ({percent_interval(member.share_low, member.share_high)})"


def _head(finding: Finding, width: int) -> Iterator[str]:
    yield f"{visible(finding.finding_id)}  {finding.verdict}, rank {finding.rank}"
    yield from paragraph(sentences.claim(finding), width=width)
    meaning = dict(sentences.LEGEND)[finding.verdict]
    yield from paragraph(f"{finding.verdict}: {meaning}", width=width)
    seen = f"Seen from {day(finding.first_seen)} to {day(finding.last_seen)}."
    tokens = f"Tokens: {count(finding.input_tokens)} in, {count(finding.output_tokens)} out."
    overall = f"These accounts sent {count(finding.n_exchanges_all)} exchanges in all."
    yield from paragraph(f"{seen} {overall} {tokens}", width=width)
    kinds = sorted(finding.capabilities.items(), key=lambda pair: (-pair[1], pair[0]))
    asked = ", ".join(f"{sentences.words(name).lower()} {percent(share)}" for name, share in kinds if share > 0)
    yield from paragraph(f"What was asked for: {asked}.", width=width)


def _members(members: Sequence[Member], width: int) -> Iterator[str]:
    shown = members[:MAX_ACCOUNTS]
    yield f"Accounts ({count(len(members))})"
    yield from columns(
        [
            Column(title="account", values=[shorten(one.account_id, 28) for one in shown]),
            Column(title="membership", values=[percent(one.membership) for one in shown], right=True),
            Column(title="95%", values=[percent_interval(one.low, one.high) for one in shown]),
            Column(title="exchanges", values=[count(one.n_exchanges) for one in shown], right=True),
            Column(title="share of its exchanges", values=[_share(one) for one in shown]),
        ],
        width=width,
    )
    if len(members) > len(shown):
        yield f"... and {count(len(members) - len(shown))} more in accounts.csv"
    yield from paragraph(sentences.MEMBERSHIP_NOTE, width=width)


def _evidence(said: Evidence, finding: Finding, *, target: float, width: int) -> Iterator[str]:
    stated = sentences.stated_p(said) if said.p_value is None or not said.applicable else p_equation(said.p_value)
    yield f"  {sentences.words(said.channel)} ({said.family}): {stated}; {bearing(said, finding, target)}"
    yield from paragraph(f"null: {visible(said.null)}", width=width, indent="      ", first="    ")
    for fact in said.facts:
        yield from paragraph(visible(fact.text), width=width, indent="      ", first="    - ")


def _explanations(finding: Finding, width: int) -> Iterator[str]:
    yield "Innocent explanations"
    for one in finding.benign_explanations:
        text = f"{sentences.words(one.code)}: {visible(one.outcome)}"
        yield from paragraph(text, width=width, indent="      ", first="  - ")
