"""The dossier of a finding: who, since when, how much, of what kind, on what evidence."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gauger.campaigns.detection import Gated, WindowData
from gauger.campaigns.examination import Examined
from gauger.campaigns.findings import CAPABILITIES, Cleared, Finding, Link, Member
from gauger.campaigns.linking import Linked
from gauger.campaigns.membership import (
    chance_rate,
    count_near_misses,
    cross_fitted_matches,
    jeffreys,
    memberships,
)
from gauger.evidence.personhood import personhood_evidence
from gauger.evidence.records import Evidence, Fact, p_text, rounded_up, share_text
from gauger.exchanges.schema import TIMESTAMP
from gauger.sketches.intents import intent_weights
from gauger.sketches.schema import INTENTS

LISTED = 0.5

TOUCHED_SCHEMA = pa.schema(
    [
        pa.field("finding_id", pa.string()),
        pa.field("account_id", pa.string()),
        pa.field("principal_id", pa.string()),
        pa.field("membership", pa.float64()),
        pa.field("n_exchanges", pa.int64()),
    ]
)


def rfc3339(time_us: int) -> str:
    """Return microseconds since the epoch as RFC 3339 in UTC, to the microsecond where there are any."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(time_us))
    return moment.isoformat().replace("+00:00", "Z")


#: Attribution, exchange by exchange: pointers back into the operator's own logs.
ATTRIBUTION_SCHEMA = pa.schema(
    [
        pa.field("finding_id", pa.string(), nullable=False),
        pa.field("account_id", pa.string(), nullable=False),
        pa.field("request_id", pa.string()),
        pa.field("occurred_at", TIMESTAMP, nullable=False),
        pa.field("source_file", pa.string(), nullable=False),
        pa.field("source_row", pa.int64(), nullable=False),
    ]
)


def exchange_table(dossiers: Sequence["Dossier"]) -> pa.Table:
    """Return the exchanges attributed to the listed accounts, in the order of the findings, then of time."""
    tables = [ATTRIBUTION_SCHEMA.empty_table()]
    for one in dossiers:
        columns = {
            "finding_id": pa.array([one.finding.finding_id] * len(one.exchanges), pa.string()),
            "account_id": one.exchanges["account_id"],
            "request_id": one.exchanges["request_id"],
            "occurred_at": one.exchanges["occurred_us"].cast(TIMESTAMP),
            "source_file": one.exchanges["source_file"],
            "source_row": one.exchanges["source_row"],
        }
        tables.append(pa.table(columns).cast(ATTRIBUTION_SCHEMA))
    return pa.concat_tables(tables).combine_chunks()


@dataclass(frozen=True, slots=True)
class Directory:
    """Names of the codes: accounts, their principals and their totals in the whole log."""

    account_ids: Sequence[str]
    principal_ids: Sequence[str]
    principal_of_account: NDArray[np.int32]
    n_exchanges: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Dossier:
    """A finding's record, and the exchanges attributed to its accounts (rows of the attribution table)."""

    finding: Finding
    exchanges: pa.Table
    touched: pa.Table


def capabilities(intents: NDArray[np.float32]) -> dict[str, float]:
    """Return the share of the exchanges by their strongest intent that is flagged, else "other"; shares sum to 1."""
    counts = dict.fromkeys(CAPABILITIES, 0)
    if len(intents) == 0:
        return {name: float(name == "other") for name in CAPABILITIES}
    flagged = np.where(intents >= intent_weights().flagged, intents, 0)
    best, strong = flagged.argmax(axis=1), flagged.any(axis=1)
    for index, name in enumerate(INTENTS):
        counts[name] = int((strong & (best == index)).sum())
    counts["other"] = len(intents) - sum(counts.values())
    rounded = {name: round(count / len(intents), 6) for name, count in counts.items()}
    largest = max(counts, key=lambda name: counts[name])
    rounded[largest] = round(1 - sum(share for name, share in rounded.items() if name != largest), 6)
    return rounded


def core_table(examined: Sequence[Examined]) -> pa.Table:
    """Return the shingles of every finding's cores, and how many an exchange must hold (half of a core)."""
    rows = [
        (finding, number, core.part, shingle, (len(core.shingles) + 1) // 2)
        for finding, one in enumerate(examined)
        for number, core in enumerate(one.candidate.cores)
        for shingle in core.shingles.tolist()
    ]
    columns = list(zip(*rows, strict=True)) if rows else [()] * 5
    types = [pa.int32(), pa.int32(), pa.string(), pa.int64(), pa.int64()]
    names = ["finding", "core", "part", "shingle", "needed"]
    return pa.table({name: pa.array(column, kind) for name, column, kind in zip(names, columns, types, strict=True)})


@dataclass(frozen=True, slots=True)
class _Membership:
    account: NDArray[np.int64]
    value: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def _membership(one: Examined, data: WindowData) -> _Membership:
    account, matched = np.unique(one.group.items.account, return_counts=True)
    trials = np.bincount(data.items.account)
    misses = count_near_misses(one.candidate.cores, data.texts[0].postings, one.group.principals)
    n_outside = int((~np.isin(data.items.principal, one.group.principals)).sum())
    value, low, high = memberships(matched, trials[account], int((trials > 0).sum()), chance_rate(misses, n_outside))
    return _Membership(account=account.astype(np.int64), value=value, low=low, high=high)


def _share(one: Examined, data: WindowData, accounts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return float64[m, 3]: share, low, high on held-out items; NaN for accounts with a single item."""
    hit = cross_fitted_matches(one.candidate.cores, data.texts[0].postings, data.items, one.candidate.items)
    size = max(int(data.items.account.max()), int(accounts.max(initial=0))) + 1
    trials = np.bincount(data.items.account, minlength=size)[accounts].astype(float)
    hits = np.bincount(data.items.account[hit], minlength=size)[accounts].astype(float)
    low, high = jeffreys(hits, trials)
    table = np.stack([hits / trials, low, high], axis=1)
    table[trials < 2] = np.nan
    return table


def _members(
    names: Directory, found: _Membership, share: NDArray[np.float64], attributed: NDArray[np.int64]
) -> list[Member]:
    order = sorted(range(len(found.account)), key=lambda i: (-found.value[i], names.account_ids[int(found.account[i])]))
    members = []
    for i in order:
        if found.value[i] < LISTED:
            continue
        account = int(found.account[i])
        known = not np.isnan(share[i, 0])
        members.append(
            Member(
                account_id=names.account_ids[account],
                principal_id=names.principal_ids[names.principal_of_account[account]],
                membership=round(float(found.value[i]), 6),
                low=round(float(found.low[i]), 6),
                high=round(float(found.high[i]), 6),
                share=round(float(share[i, 0]), 6) if known else None,
                share_low=round(float(share[i, 1]), 6) if known else None,
                share_high=round(float(share[i, 2]), 6) if known else None,
                n_exchanges=int(attributed[account]),
            )
        )
    return members


def _core_evidence(one: Examined) -> Evidence:
    strength = one.candidate.strength
    n_items = len(one.candidate.items)
    novel = one.candidate.path == "novel"
    facts = [
        Fact(
            code="core.shared",
            text=f"{strength.n_principals:,} customers sent {n_items:,} items around {len(one.candidate.cores)}"
            f" shared template{'s' if len(one.candidate.cores) > 1 else ''}"
            + (" new since the look-back." if novel else ", found without looking back."),
            values={"customers": strength.n_principals, "items": n_items, "cores": len(one.candidate.cores)},
        ),
        Fact(
            code="core.fills",
            text=f"{share_text(strength.alone_share)} of the fills stand with one customer only;"
            f" {share_text(strength.repeat_share)} repeat a fill of the same customer.",
            values={
                "unique_share": round(strength.alone_share, 6),
                "repeat_share": round(strength.repeat_share, 6),
                "rollouts": strength.rollouts,
            },
        ),
    ]
    if one.window_p_value is not None and one.finding_p_value is not None:
        q_value = one.q_value if one.q_value is not None else 1.0
        facts.append(
            Fact(
                code="core.rank",
                text=f"Against the maxima of the history windows: p = {p_text(one.window_p_value)};"
                f" among all their candidates: p = {p_text(one.finding_p_value)}"
                f" (Benjamini-Hochberg q = {p_text(q_value)}).",
                values={
                    "window_p_value": round(one.window_p_value, 9),
                    "finding_p_value": round(one.finding_p_value, 9),
                    "q_value": round(q_value, 9),
                },
            )
        )
    return Evidence(
        channel="template_core",
        family="text",
        applicable=True,
        p_value=one.window_p_value,
        null="the strongest group of this window is no stronger than that of a history window (equal look-back)",
        facts=facts,
    )


def _with_adjusted(one: Examined) -> list[Evidence]:
    """Return the channels' evidence, each certifying p-value with its adjusted one beside it."""
    evidence = []
    for said in one.evidence:
        if said.channel in one.adjusted:
            fact = Fact(
                code=f"{said.channel}.adjusted",
                text=f"Adjusted for everything this scan tested (Holm): p = {p_text(one.adjusted[said.channel])}.",
                values={"adjusted_p_value": rounded_up(one.adjusted[said.channel])},
            )
            said = Evidence(  # noqa: PLW2901 - the same record with one more fact
                channel=said.channel,
                family=said.family,
                applicable=said.applicable,
                p_value=said.p_value,
                null=said.null,
                facts=[*said.facts, fact],
            )
        evidence.append(said)
    return evidence


def dossier(
    one: Examined, data: WindowData, attributed: pa.Table, names: Directory, *, finding_id: str, rank: int
) -> Dossier:
    """Return the dossier of an examined candidate.

    Parameters
    ----------
    one
        The candidate with its evidence and verdict.
    data
        The tested window.
    attributed
        The exchanges of the whole log attributed to it (`gauger.engines.fetch.attributed`).
    names
        Accounts and principals by code.
    finding_id, rank
        Identity across runs, and place in this one.
    """
    found = _membership(one, data)
    share = _share(one, data, found.account)
    size = len(names.account_ids)
    per_account = np.bincount(attributed["account"].to_numpy(), minlength=size)
    members = _members(names, found, share, per_account)
    listed = pa.array([member.account_id for member in members], pa.string())
    theirs = attributed.filter(pc.is_in(attributed["account_id"], listed)).sort_by(
        [
            ("occurred_us", "ascending"),
            ("account_id", "ascending"),
            ("source_file", "ascending"),
            ("source_row", "ascending"),
        ]
    )
    codes = found.account[found.value >= LISTED]
    times = theirs["occurred_us"].to_numpy() if len(theirs) else one.group.items.occurred_at
    intents = (
        pc.list_flatten(theirs["intents"].combine_chunks()).to_numpy(zero_copy_only=False).reshape(-1, len(INTENTS))
    )
    finding = Finding(
        finding_id=finding_id,
        rank=rank,
        verdict=one.judgement.verdict,
        first_seen=rfc3339(int(times.min())),
        last_seen=rfc3339(int(times.max())),
        n_accounts=len(members),
        n_principals=len({member.principal_id for member in members}),
        n_exchanges=len(theirs),
        n_exchanges_all=int(names.n_exchanges[codes].sum()),
        input_tokens=pc.sum(theirs["input_tokens"]).as_py(),
        output_tokens=pc.sum(theirs["output_tokens"]).as_py(),
        p_value=None if one.judgement.p_value is None else rounded_up(one.judgement.p_value),
        families=list(one.judgement.families),
        capabilities=capabilities(intents),
        accounts=members,
        evidence=[_core_evidence(one), *_with_adjusted(one)],
        benign_explanations=list(one.judgement.explanations),
    )
    return Dossier(finding=finding, exchanges=theirs, touched=_touched(names, found, per_account, members, finding_id))


def _touched(
    names: Directory, found: _Membership, per_account: NDArray[np.int64], members: Sequence[Member], finding_id: str
) -> pa.Table:
    """Return the accounts with attributed exchanges that are not listed, with their membership where it is known."""
    listed = {member.account_id for member in members}
    value = dict(zip(found.account.tolist(), found.value.tolist(), strict=True))
    rows = [
        {
            "finding_id": finding_id,
            "account_id": names.account_ids[account],
            "principal_id": names.principal_ids[names.principal_of_account[account]],
            "membership": value.get(account),
            "n_exchanges": int(per_account[account]),
        }
        for account in np.flatnonzero(per_account).tolist()
        if names.account_ids[account] not in listed
    ]
    return pa.Table.from_pylist(rows, schema=TOUCHED_SCHEMA)


def cleared_record(one: Gated, data: WindowData) -> Cleared:
    """Return the record of a group that personhood cleared. It names no account."""
    items = data.items.take(one.candidate.items)
    return Cleared(
        first_seen=rfc3339(int(items.occurred_at.min())),
        last_seen=rfc3339(int(items.occurred_at.max())),
        n_accounts=len(np.unique(items.account)),
        n_principals=one.candidate.strength.n_principals,
        n_exchanges=len(items),
        reason="Items of one customer are more alike than items of two: separate persons share a template.",
        evidence=[personhood_evidence(one.removed, one.kept)],
    )


def link_records(links: Sequence[Linked], finding_ids: Sequence[str], *, written: Collection[str]) -> list[Link]:
    """Return the records of the links between findings that are written down; `finding_ids` by place."""
    return [
        _link_record(one, [finding_ids[one.first], finding_ids[one.second]])
        for one in links
        if finding_ids[one.first] in written and finding_ids[one.second] in written
    ]


def _link_record(one: Linked, findings: list[str]) -> Link:
    outcome, noun = one.outcome, one.channel.noun
    here, there = outcome.linked
    shared = Fact(
        code=f"{one.channel.name}.link",
        text=f"{here} customers of the one and {there} of the other are on {outcome.n_tokens} {noun}"
        f"{'' if outcome.n_tokens == 1 else 's'} of both, held by {outcome.n_holders} customers in all.",
        values={"linked": [here, there], "tokens": outcome.n_tokens, "holders": outcome.n_holders},
    )
    return Link(
        findings=findings,
        channel=one.channel.name,
        family=one.channel.family,  # type: ignore[arg-type]
        p_value=rounded_up(one.p_value),
        facts=[shared],
    )
