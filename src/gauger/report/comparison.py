"""Two reports side by side: what appeared, what vanished, what changed."""

from collections.abc import Iterator

import msgspec

from gauger.campaigns.findings import Finding, Findings, Verdict
from gauger.report.layout import paragraph
from gauger.report.moments import stretch
from gauger.report.numbers import count, error_rate
from gauger.report.sentences import plural
from gauger.report.untrusted import shorten, visible

_MAX_NAMED = 20


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A finding as one report has it."""

    finding_id: str
    verdict: Verdict
    n_accounts: int
    n_exchanges: int


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A finding that both reports have, and that differs. Accounts are sorted by id."""

    before: Standing
    after: Standing
    accounts_joined: tuple[str, ...]
    accounts_left: tuple[str, ...]


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One circumstance of the scan that is not the same in both reports."""

    name: str
    before: str
    after: str


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the findings of one report in another, by finding id."""

    circumstances: tuple[Difference, ...]
    appeared: tuple[Standing, ...]
    vanished: tuple[Standing, ...]
    changed: tuple[Change, ...]
    n_unchanged: int


def compare(before: Findings, after: Findings) -> Comparison:
    """Return what differs between two reports.

    Findings are the same when their ids are; ids are kept from run to run within one workspace. Lists follow the rank
    in the report they come from, changes the rank in `after`.
    """
    old = {finding.finding_id: finding for finding in before.findings}
    new = {finding.finding_id: finding for finding in after.findings}
    both = [(old[finding.finding_id], finding) for finding in after.findings if finding.finding_id in old]
    changes = [_change(earlier, later) for earlier, later in both]
    changed = tuple(change for change in changes if _differs(change))
    return Comparison(
        circumstances=_circumstances(before, after),
        appeared=tuple(_standing(finding) for finding in after.findings if finding.finding_id not in old),
        vanished=tuple(_standing(finding) for finding in before.findings if finding.finding_id not in new),
        changed=changed,
        n_unchanged=len(changes) - len(changed),
    )


def render_comparison(comparison: Comparison, *, width: int) -> str:
    """Return the comparison as lines of plain text, the last one ended."""
    return "\n".join(_lines(comparison, width)) + "\n"


def _change(before: Finding, after: Finding) -> Change:
    old = {member.account_id for member in before.accounts}
    new = {member.account_id for member in after.accounts}
    return Change(
        before=_standing(before),
        after=_standing(after),
        accounts_joined=tuple(sorted(new - old)),
        accounts_left=tuple(sorted(old - new)),
    )


def _differs(change: Change) -> bool:
    return change.before != change.after or bool(change.accounts_joined or change.accounts_left)


def _standing(finding: Finding) -> Standing:
    return Standing(
        finding_id=finding.finding_id,
        verdict=finding.verdict,
        n_accounts=finding.n_accounts,
        n_exchanges=finding.n_exchanges,
    )


def _circumstances(before: Findings, after: Findings) -> tuple[Difference, ...]:
    pairs = zip(_described(before), _described(after), strict=True)
    return tuple(Difference(name=name, before=old, after=new) for (name, old), (_, new) in pairs if old != new)


def _described(findings: Findings) -> list[tuple[str, str]]:
    read, calibration = findings.input, findings.calibration
    return [
        ("tested stretch", stretch(read.tested_from, read.tested_to)),
        ("exchanges read", count(read.exchanges)),
        ("history", f"{plural(calibration.windows, 'window')} of {calibration.window}"),
        ("target", error_rate(calibration.target)),
        ("certified", "yes" if calibration.certified else "no"),
        ("channels off", ", ".join(sorted(off.channel for off in read.channels_off)) or "none"),
        ("version", findings.gauger_version),
    ]


def _lines(comparison: Comparison, width: int) -> Iterator[str]:
    yield (
        f"{count(len(comparison.appeared))} appeared, {count(len(comparison.vanished))} vanished,"
        f" {count(len(comparison.changed))} changed, {count(comparison.n_unchanged)} unchanged"
    )
    if not (comparison.changed or comparison.n_unchanged) and comparison.appeared and comparison.vanished:
        yield from paragraph(
            "No finding is in both reports. Finding ids are kept within one workspace; reports of two workspaces"
            " cannot be compared.",
            width=width,
        )
    for title, standings in (("Appeared", comparison.appeared), ("Vanished", comparison.vanished)):
        if standings:
            yield from ("", title)
        for standing in standings:
            yield f"  {_named(standing)}, {plural(standing.n_exchanges, 'exchange')}"
    if comparison.changed:
        yield from ("", "Changed")
    for change in comparison.changed:
        yield from _change_lines(change, width)
    if comparison.circumstances:
        yield from ("", "The scans differ in")
    for difference in comparison.circumstances:
        text = f"{difference.name}: {visible(difference.before)} -> {visible(difference.after)}"
        yield from paragraph(text, width=width, indent="    ", first="  ")


def _named(standing: Standing) -> str:
    return f"{shorten(standing.finding_id)}  {standing.verdict}, {plural(standing.n_accounts, 'account')}"


def _change_lines(change: Change, width: int) -> Iterator[str]:
    before, after = change.before, change.after
    yield f"  {_named(after)}"
    if before.verdict != after.verdict:
        yield f"    verdict: {before.verdict} -> {after.verdict}"
    if before.n_exchanges != after.n_exchanges:
        yield f"    exchanges: {count(before.n_exchanges)} -> {count(after.n_exchanges)}"
    for title, accounts in (("joined", change.accounts_joined), ("left", change.accounts_left)):
        if accounts:
            yield from paragraph(f"{title} ({count(len(accounts))}): {_some(accounts)}", width=width, indent="    ")


def _some(accounts: tuple[str, ...]) -> str:
    hidden = len(accounts) - _MAX_NAMED
    named = ", ".join(shorten(account) for account in accounts[:_MAX_NAMED])
    return f"{named} and {count(hidden)} more" if hidden > 0 else named
