"""How well a report matches the truth: false alarms first, then what was found.

Two words decide what counts. A finding *is of* a campaign when more than half of the accounts it lists are that
campaign's; it is *false* when more than half of them are innocent. A campaign is *found* by the first finding that is
of it and lists at least half of its accounts, nearly the rule of `gauger power`; accounts of findings of it that are
linked with it count as listed. Linked findings are one group.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gauger.campaigns.findings import Finding, Findings, Link, Verdict
from gauger.errors import InputError
from gauger.lab.measures import adjusted_rand_index, average_precision, bcubed, recall_at_precision
from gauger.lab.scores import (
    FIRST,
    NO_ACCOUNT_TABLE,
    NO_CAMPAIGN,
    NO_EXCHANGE_TABLE,
    NO_INNOCENT,
    NOTHING_NAMED,
    PER,
    PRECISION,
    VERDICTS,
    CampaignScore,
    ClassAlarms,
    Clusters,
    ExchangeScore,
    FalseAlarms,
    Figure,
    Named,
    Recall,
    Report,
    Score,
    Truth,
    VerdictScore,
)


def score(report: Report, truth: Truth) -> Score:
    """Return how well a report matches the truth.

    Raises
    ------
    InputError
        The report names accounts or exchanges that are not in the truth.
    """
    people = _People.of(truth)
    _check_accounts(report, people)
    found = report.findings.findings
    hostile = _Hostile.of(truth, report.findings)
    links = report.findings.links
    campaigns = tuple(_campaign(name, found, links, people, hostile) for name in people.campaigns)
    touched = _touched(report, people)
    n_innocent = len(people.innocent)
    return Score(
        schema="gauger/score/1",
        accounts=len(people.class_of),
        innocent_accounts=n_innocent,
        exchanges=len(truth.exchanges),
        hostile_exchanges=sum(one.hostile_exchanges for one in campaigns),
        campaigns=len(campaigns),
        false_alarms=_false_alarms(found, people),
        recall=_recall(campaigns),
        found=campaigns,
        by_verdict=_by_verdict(report, truth, people),
        leaked=_all_leaked(campaigns),
        touched=touched,
        touched_per_100_000=touched if touched.value is None else _ratio(PER * touched.value, n_innocent, NO_INNOCENT),
    )


# -- figures


def _ratio(part: float, whole: float, reason: str) -> Figure:
    return Figure(part / whole) if whole else Figure(None, reason)


def _precision_recall_f1(right: int, named: int, wanted: int) -> tuple[Figure, Figure, Figure]:
    """Return precision, recall and their harmonic mean; whoever names nobody has no precision, and F1 = 0."""
    return (
        _ratio(right, named, NOTHING_NAMED),
        _ratio(right, wanted, NO_CAMPAIGN),
        _ratio(2 * right, named + wanted, NO_CAMPAIGN) if wanted else Figure(None, NO_CAMPAIGN),
    )


# -- who is who


@dataclass(frozen=True, slots=True)
class _People:
    """The accounts of the truth: class of each, campaign of the guilty, in the order of the truth."""

    class_of: Mapping[str, str]
    campaign_of: Mapping[str, str]
    campaigns: Mapping[str, frozenset[str]]

    @classmethod
    def of(cls, truth: Truth) -> "_People":
        rows = truth.accounts.select(["account_id", "class", "campaign"]).to_pydict()
        campaign_of = {a: c for a, c in zip(rows["account_id"], rows["campaign"], strict=True) if c is not None}
        members: dict[str, set[str]] = {}
        for account, campaign in campaign_of.items():
            members.setdefault(campaign, set()).add(account)
        return cls(
            class_of=dict(zip(rows["account_id"], rows["class"], strict=True)),
            campaign_of=campaign_of,
            campaigns={name: frozenset(members[name]) for name in sorted(members)},
        )

    @property
    def innocent(self) -> set[str]:
        return self.class_of.keys() - self.campaign_of.keys()


def _listed(finding: Finding) -> set[str]:
    return {member.account_id for member in finding.accounts}


def _listed_with(finding: Finding, found: Sequence[Finding], links: Sequence[Link]) -> set[str]:
    """Return the accounts of a finding and of those among `found` that are linked with it."""
    near = {name for link in links if finding.finding_id in link.findings for name in link.findings}
    return _listed(finding).union(*(_listed(one) for one in found if one.finding_id in near))


def _check_accounts(report: Report, people: _People) -> None:
    listed = chain.from_iterable(map(_listed, report.findings.findings))
    tables = [table["account_id"].to_pylist() for table in (report.accounts, report.exchanges) if table is not None]
    unknown = sorted(set(chain(listed, *tables)) - people.class_of.keys(), key=str)
    if unknown:
        raise InputError(
            f"the report names accounts that are not in the truth: {unknown[0]!r}, {len(unknown):,} in all",
            where="report",
            todo="score the report of this very log, with the accounts' ids as they stand in it, not pseudonyms",
        )


# -- false alarms


def _false_alarms(found: Sequence[Finding], people: _People) -> FalseAlarms:
    strongest: dict[str, Verdict] = {}
    for verdict in VERDICTS:
        for finding in found:
            if finding.verdict == verdict:
                strongest |= dict.fromkeys(_listed(finding) - strongest.keys(), verdict)
    alarms = [one for one in found if one.verdict == "campaign"]
    false = [one for one in alarms if 2 * len(_listed(one) & people.innocent) > len(_listed(one))]
    classes = {people.class_of[account] for one in false for account in _listed(one) & people.innocent}
    named = _count(people.innocent, strongest)
    n = len(people.innocent)
    return FalseAlarms(
        campaign_findings=len(alarms),
        false_campaigns=len(false),
        false_classes=tuple(sorted(classes)),
        named=named,
        campaign_per_100_000=_ratio(PER * named.campaign, n, NO_INNOCENT),
        supported_per_100_000=_ratio(PER * named.supported, n, NO_INNOCENT),
        observed_per_100_000=_ratio(PER * named.observed, n, NO_INNOCENT),
        classes=_class_alarms(people, strongest),
    )


def _count(accounts: set[str], strongest: Mapping[str, Verdict]) -> Named:
    counts = Counter(strongest[account] for account in accounts & strongest.keys())
    return Named(**{verdict: counts[verdict] for verdict in VERDICTS})


def _class_alarms(people: _People, strongest: Mapping[str, Verdict]) -> tuple[ClassAlarms, ...]:
    classes: dict[str, set[str]] = {}
    for account in people.innocent:
        classes.setdefault(people.class_of[account], set()).add(account)
    return tuple(_alarms_of(label, classes[label], strongest) for label in sorted(classes))


def _alarms_of(label: str, accounts: set[str], strongest: Mapping[str, Verdict]) -> ClassAlarms:
    named, n = _count(accounts, strongest), len(accounts)
    return ClassAlarms(
        label=label,
        accounts=n,
        named=named,
        campaign_per_100_000=PER * named.campaign / n,
        supported_per_100_000=PER * named.supported / n,
        observed_per_100_000=PER * named.observed / n,
    )


def _touched(report: Report, people: _People) -> Figure:
    if report.accounts is None:
        return Figure(None, NO_ACCOUNT_TABLE)
    tables = [table["account_id"].to_pylist() for table in (report.accounts, report.exchanges) if table is not None]
    listed = map(_listed, report.findings.findings)
    return Figure(float(len(people.innocent & set(chain(*tables, *listed)))))


# -- campaigns found


@dataclass(frozen=True, slots=True)
class _Hostile:
    """Hostile exchanges of each campaign: in the log, and before the end of the tested stretch where that is known."""

    all: Mapping[str, int]
    before: Mapping[str, int] | None

    @classmethod
    def of(cls, truth: Truth, findings: Findings) -> "_Hostile":
        table = truth.exchanges.filter(pc.is_valid(truth.exchanges["campaign"]))
        everything = Counter(table["campaign"].to_pylist())
        until = datetime.fromisoformat(findings.input.tested_to)
        if until >= datetime.fromisoformat(findings.input.to):
            return cls(everything, everything)
        if "occurred_at" not in table.column_names:
            return cls(everything, None)
        early = table.filter(pc.less_equal(table["occurred_at"], pa.scalar(until, table["occurred_at"].type)))
        return cls(everything, Counter(early["campaign"].to_pylist()))

    def leaked(self, campaign: str, *, found: bool) -> Figure:
        if not found:
            return Figure(float(self.all.get(campaign, 0)))
        if self.before is None:
            return Figure(None, "the tested stretch ends before the log does, and the truth has no times")
        return Figure(float(self.before.get(campaign, 0)))


def _campaign(
    name: str, found: Sequence[Finding], links: Sequence[Link], people: _People, hostile: _Hostile
) -> CampaignScore:
    members = people.campaigns[name]
    of_it = [one for one in found if 2 * len(_listed(one) & members) > len(_listed(one))]
    hits = [one for one in of_it if 2 * len(_listed_with(one, of_it, links) & members) >= len(members)]
    first = min(hits, key=lambda one: one.rank, default=None)
    named = set().union(*map(_listed, of_it))
    precision, recall, f1 = _precision_recall_f1(len(named & members), len(named), len(members))
    return CampaignScore(
        campaign=name,
        accounts=len(members),
        hostile_exchanges=hostile.all.get(name, 0),
        rank=None if first is None else first.rank,
        verdict=None if first is None else first.verdict,
        findings=len(of_it),
        precision=precision,
        recall=recall,
        f1=f1,
        leaked=hostile.leaked(name, found=first is not None),
    )


def _recall(campaigns: Sequence[CampaignScore]) -> Recall:
    ranks = [one.rank for one in campaigns if one.rank is not None]
    verdicts = Counter(one.verdict for one in campaigns)

    def share(n: int) -> Figure:
        return _ratio(n, len(campaigns), NO_CAMPAIGN)

    return Recall(
        first=share(sum(rank == 1 for rank in ranks)),
        first_three=share(sum(rank <= FIRST for rank in ranks)),
        any=share(len(ranks)),
        campaign=share(verdicts["campaign"]),
        supported=share(verdicts["supported"]),
        observed=share(verdicts["observed"]),
    )


def _all_leaked(campaigns: Sequence[CampaignScore]) -> Figure:
    if not campaigns:
        return Figure(None, NO_CAMPAIGN)
    unknown = [one.leaked for one in campaigns if one.leaked.value is None]
    return unknown[0] if unknown else Figure(sum(one.leaked.value or 0.0 for one in campaigns))


# -- by verdict


def _by_verdict(report: Report, truth: Truth, people: _People) -> tuple[VerdictScore, ...]:
    attributed = _Attributed.of(report, truth)
    return tuple(_at(verdict, report.findings, people, attributed) for verdict in VERDICTS)


def _at(least: Verdict, found: Findings, people: _People, attributed: "_Attributed") -> VerdictScore:
    enough = [one for one in found.findings if VERDICTS.index(one.verdict) <= VERDICTS.index(least)]
    named = set().union(*map(_listed, enough))
    right = len(named & people.campaign_of.keys())
    precision, recall, f1 = _precision_recall_f1(right, len(named), len(people.campaign_of))
    return VerdictScore(
        verdict=least,
        precision=precision,
        recall=recall,
        f1=f1,
        clusters=_clusters(enough, found.links, people),
        exchanges=attributed.by({one.finding_id for one in enough}),
    )


# -- grouping


def _clusters(found: Sequence[Finding], links: Sequence[Link], people: _People) -> Clusters:
    """Return how pure the groups are. An account that several findings list is of the first of them.

    A finding makes a group with those of lower rank that are linked with it and in no group yet.
    """
    group_of: dict[str, int] = {}
    free = sorted(found, key=lambda one: one.rank)
    while free:
        first = free.pop(0)
        near = {name for link in links if first.finding_id in link.findings for name in link.findings}
        for finding in (first, *(one for one in free if one.finding_id in near)):
            group_of |= dict.fromkeys(_listed(finding) - group_of.keys(), first.rank)
        free = [one for one in free if one.finding_id not in near]
    precision, recall = bcubed(group_of, people.campaign_of)
    index = adjusted_rand_index(group_of, people.campaign_of, len(people.class_of))
    return Clusters(
        bcubed_precision=Figure(precision, None if precision is not None else NOTHING_NAMED),
        bcubed_recall=Figure(recall, None if recall is not None else NO_CAMPAIGN),
        adjusted_rand_index=Figure(index, None if index is not None else "no two accounts belong together"),
    )


# -- exchanges


@dataclass(frozen=True, slots=True)
class _Attributed:
    """Attributed exchanges as (finding, request, score) and the requests that are hostile; or why that is unknown."""

    rows: Sequence[tuple[str, str, float]] | None
    hostile: frozenset[str]
    reason: str | None

    @classmethod
    def of(cls, report: Report, truth: Truth) -> "_Attributed":
        hostile = truth.exchanges["request_id"].filter(pc.is_valid(truth.exchanges["campaign"]))
        if report.exchanges is None:
            return cls(None, frozenset(), NO_EXCHANGE_TABLE)
        rows = _scored(report.exchanges, report.findings)
        _check_exchanges({request for _, request, _ in rows}, truth)
        return cls(rows, frozenset(hostile.to_pylist()), None) if len(hostile) else cls(None, frozenset(), NO_CAMPAIGN)

    def by(self, findings: set[str]) -> ExchangeScore:
        """Return the score of what these findings attributed; an exchange of two of them has the higher score."""
        if self.rows is None:
            return ExchangeScore(Figure(None, self.reason), Figure(None, self.reason))
        best: dict[str, float] = {}
        for finding, request, value in self.rows:
            if finding in findings:
                best[request] = max(value, best.get(request, value))
        hits = np.array([request in self.hostile for request in best], dtype=np.bool_)
        scores = np.array(list(best.values()), dtype=np.float64)
        n = len(self.hostile)
        return ExchangeScore(
            average_precision=Figure(average_precision(hits, scores, n)),
            recall_at_99_precision=Figure(recall_at_precision(hits, scores, n, precision=PRECISION)),
        )


def _scored(exchanges: pa.Table, findings: Findings) -> list[tuple[str, str, float]]:
    """Return (finding, request, score) of each attributed exchange.

    Without a column `score` findings count in the order of their ranks, as they are read, and within one an exchange by
    its account's membership times its share; a share that is unknown (one item an account) leaves the membership.

    Raises
    ------
    InputError
        There is no score, because the finding does not list the account.
    """
    weight = {
        (finding.finding_id, member.account_id): len(findings.findings)
        - finding.rank
        + member.membership * (1.0 if member.share is None else member.share)
        for finding in findings.findings
        for member in finding.accounts
    }
    names = [exchanges[name].to_pylist() for name in ("finding_id", "account_id", "request_id")]
    keys = list(zip(names[0], names[1], strict=True))
    own = exchanges["score"].to_pylist() if "score" in exchanges.column_names else [weight.get(key) for key in keys]
    unknown = [key for key, value in zip(keys, own, strict=True) if value is None]
    if unknown:
        raise InputError(
            f"an exchange of {unknown[0][1]!r} has no score: {unknown[0][0]!r} does not list the account",
            where="exchanges.parquet",
            todo="attribute exchanges of listed accounts only, or write a column score",
        )
    return list(zip(names[0], names[2], own, strict=True))


def _check_exchanges(requests: set[str], truth: Truth) -> None:
    unknown = sorted(requests - set(truth.exchanges["request_id"].to_pylist()), key=str)
    if unknown:
        raise InputError(
            f"the report names exchanges that are not in the truth: {unknown[0]!r}, {len(unknown):,} in all",
            where="exchanges.parquet",
            todo="give request_id as the log has it",
        )
