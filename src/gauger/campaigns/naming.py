"""Which candidates are reported, under which identity, and what people have said of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gauger.campaigns.examination import Examined
from gauger.campaigns.findings import BenignExplanation
from gauger.campaigns.tracking import SAME_ACCOUNTS, Known, identify, jaccard, new_identity, sample

#: Most findings that are merely observed, the strongest first: more would only tire the reader.
MAX_OBSERVED = 5
#: An observed candidate is a fragment when this share of its principals is in a finding ranked above it.
FRAGMENT_SHARE = 0.6


@dataclass(frozen=True, slots=True)
class Word:
    """What a person decided about a finding: `kind` is "dismiss" or "confirm"."""

    kind: str
    reason: str
    by: str


@dataclass(frozen=True, slots=True)
class Named:
    """An examined candidate that is reported, with its identity across runs."""

    finding_id: str
    examined: Examined
    accounts: frozenset[str]


def reported(examined: Sequence[Examined]) -> list[Examined]:
    """Return the candidates that are reported, in order: all that are certified, then the strongest observed ones."""
    kept: list[Examined] = []
    n_observed = 0
    for one in examined:
        observed = one.judgement.verdict == "observed"
        if observed and (n_observed >= MAX_OBSERVED or any(_is_fragment(one, other) for other in kept)):
            continue
        n_observed += observed
        kept.append(one)
    return kept


def _is_fragment(one: Examined, other: Examined) -> bool:
    shared = len(np.intersect1d(one.group.principals, other.group.principals))
    return (
        len(one.group.principals) < len(other.group.principals)
        and shared >= FRAGMENT_SHARE * len(one.group.principals)
        and one.candidate.strength.score < other.candidate.strength.score
    )


def name(
    examined: Sequence[Examined],
    account_ids: Sequence[str],
    known: Sequence[Known],
    words: Mapping[str, Word],
) -> list[Named]:
    """Return the reported candidates with their identities; a dismissed one keeps to *observed* and says so.

    An identity is given once a scan: to the candidate that ranks first.
    """
    named: list[Named] = []
    free = list(known)
    taken = {other.finding_id for other in known}
    for one in reported(examined):
        accounts = frozenset(account_ids[code] for code in np.unique(one.group.items.account).tolist())
        shingles = sample(one.candidate.shingles)
        finding_id = identify(accounts, shingles, free) or new_identity(accounts, shingles, taken=taken)
        taken.add(finding_id)
        before = next((other for other in free if other.finding_id == finding_id), None)
        free = [other for other in free if other.finding_id != finding_id]
        heard = _heard(one, words[finding_id]) if finding_id in words and _is_about(accounts, before) else one
        named.append(Named(finding_id=finding_id, examined=heard, accounts=accounts))
    return named


def _is_about(accounts: frozenset[str], before: Known | None) -> bool:
    """Return whether a word about an earlier finding is about these accounts: a template alone carries no dismissal."""
    return before is not None and jaccard(accounts, before.accounts) >= SAME_ACCOUNTS


def _heard(one: Examined, word: Word) -> Examined:
    """Return the candidate with a person's word: a dismissal leaves no verdict standing, a confirmation is shown."""
    code = {"dismiss": "dismissed_by_a_person", "confirm": "confirmed_by_a_person"}[word.kind]
    said = BenignExplanation(code=code, tested=False, outcome=f"{word.by}: {word.reason}")
    judgement = replace(one.judgement, explanations=(*one.judgement.explanations, said))
    if word.kind == "dismiss":
        judgement = replace(judgement, verdict="observed")
    return replace(one, judgement=judgement)
