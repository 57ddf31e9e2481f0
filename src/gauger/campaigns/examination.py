"""Candidates, chosen by content alone, are put to the conditional tests and judged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gauger.campaigns.calibration import Split, benjamini_hochberg, conformal_p_value, holm
from gauger.campaigns.candidates import Candidate
from gauger.campaigns.detection import Gated
from gauger.campaigns.verdicts import Judgement, explanations, judge, share_with_several
from gauger.evidence.channel import Channel, Group, Population
from gauger.evidence.items import Items
from gauger.evidence.openness import open_share
from gauger.evidence.personhood import personhood_evidence
from gauger.evidence.records import Evidence

#: Weight of a decade of conditional evidence in the rank, relative to the content score.
DECADE_WEIGHT = 0.5
#: A group found without looking back ranks behind a new one of the same strength: what is old is mostly popular.
COLD_WEIGHT = 0.25
#: So does a group with too few items per customer to tell persons from a list.
NO_POWER_WEIGHT = 0.5
OPENNESS_KINDS = ("payment", "network")


@dataclass(frozen=True, slots=True)
class Examined:
    """A candidate with everything that was tested, and the verdict.

    Attributes
    ----------
    window_p_value
        Rank of its score among the maxima of the history windows; None on the cold-start path.
    finding_p_value, q_value
        Rank among all candidates of the history windows, and its Benjamini-Hochberg q-value; None on the cold path.
    rank_score
        Orders the findings; certifies nothing.
    """

    gated: Gated
    group: Group
    evidence: tuple[Evidence, ...]
    adjusted: Mapping[str, float]
    window_p_value: float | None
    finding_p_value: float | None
    q_value: float | None
    rank_score: float
    judgement: Judgement

    @property
    def candidate(self) -> Candidate:
        """The candidate."""
        return self.gated.candidate


def choose(gated: Sequence[Gated], *, max_candidates: int) -> tuple[list[Gated], list[Gated]]:
    """Return the candidates to test, at most `max_candidates` of each path, and those that personhood cleared."""
    open_ = [one for one in gated if not one.removed.clears]
    chosen = []
    for path in ("novel", "cold"):
        chosen += [one for one in open_ if one.candidate.path == path][:max_candidates]
    return chosen, [one for one in gated if one.removed.clears]


def count_novel(gated: Sequence[Gated]) -> int:
    """Return how many candidates of the novelty path personhood did not clear, chosen or not."""
    return sum(one.candidate.path == "novel" and not one.removed.clears for one in gated)


def _rank_score(candidate: Candidate, adjusted: Mapping[str, float], *, has_power: bool) -> float:
    decades = sum(min(4.0, -np.log10(p)) for p in adjusted.values() if p < 1)
    weight = 1.0 if candidate.path == "novel" else COLD_WEIGHT
    weight *= 1.0 if has_power else NO_POWER_WEIGHT
    return candidate.strength.score * weight * (1 + DECADE_WEIGHT * decades)


def examine(
    chosen: Sequence[Gated],
    items: Items,
    population: Population,
    channels: Mapping[str, Channel],
    *,
    history_maxima: Sequence[float],
    history_scores: Sequence[float],
    n_novel: int,
    split: Split,
    seed: int,
) -> list[Examined]:
    """Return the examined candidates, the highest rank first.

    Parameters
    ----------
    chosen
        Candidates to test.
    items
        The tested window's items.
    population
        Everybody active in it.
    channels
        The conditional channels.
    history_maxima, history_scores
        The procedure's maximum on each history window, and all its candidates' scores.
    n_novel
        Uncleared candidates of the novelty path, chosen or not (`count_novel`): what the scores are compared for.
    split
        What each route may spend.
    seed
        Seed of the permutations.
    """
    groups = [_group(one.candidate, items) for one in chosen]
    said = [
        [
            channel.evaluate(group, population, rng=np.random.default_rng([seed, 2, order, *_place(one.candidate)]))
            for order, channel in enumerate(channels.values())
        ]
        for group, one in zip(groups, chosen, strict=True)
    ]
    adjusted = _adjust(said)
    novel = [one.candidate.path == "novel" for one in chosen]
    scores = [one.candidate.strength.score for one in chosen]
    window_p = [
        conformal_p_value(s, history_maxima) if n and history_maxima else None
        for s, n in zip(scores, novel, strict=True)
    ]
    finding_p = [
        conformal_p_value(s, history_scores) if n and history_maxima else None
        for s, n in zip(scores, novel, strict=True)
    ]
    q_values = _q_values(finding_p, n_novel)
    examined = [
        Examined(
            gated=chosen[i],
            group=groups[i],
            evidence=(personhood_evidence(chosen[i].removed, chosen[i].kept), *said[i]),
            adjusted=adjusted[i],
            window_p_value=window_p[i],
            finding_p_value=finding_p[i],
            q_value=q_values[i],
            rank_score=_rank_score(chosen[i].candidate, adjusted[i], has_power=chosen[i].removed.has_power),
            judgement=judge(
                said[i],
                adjusted[i],
                split=split,
                window_p_value=window_p[i],
                considered=explanations(
                    chosen[i].candidate.strength,
                    share_with_several(groups[i].items),
                    chosen[i].removed,
                    {kind: _openness(population, kind, groups[i]) for kind in OPENNESS_KINDS},
                ),
            ),
        )
        for i in range(len(chosen))
    ]
    return sorted(examined, key=_order)


_VERDICT_ORDER = {"campaign": 0, "supported": 1, "observed": 2}


def _order(one: Examined) -> tuple[int, float, list[int]]:
    return _VERDICT_ORDER[one.judgement.verdict], -one.rank_score, one.candidate.items.tolist()


def _place(candidate: Candidate) -> tuple[int, int]:
    """Return what tells a candidate's draws apart, whatever else was found."""
    return int(candidate.items[0]), len(candidate.items)


def _group(candidate: Candidate, items: Items) -> Group:
    taken = items.take(candidate.items)
    return Group(items=taken, rows=candidate.items, principals=np.unique(taken.principal))


def _openness(population: Population, kind: str, group: Group) -> float | None:
    held = population.holdings.get(kind)
    if held is None:
        return None
    return open_share(held, group.principals, np.unique(group.items.principal, return_counts=True)[1])


def _adjust(said: Sequence[Sequence[Evidence]]) -> list[dict[str, float]]:
    """Return per candidate the Holm-adjusted p-values of its channels, over all candidates and channels."""
    stated = [
        (i, one.channel, one.p_value) for i, evidence in enumerate(said) for one in evidence if one.p_value is not None
    ]
    values = holm([p_value for _, _, p_value in stated])
    adjusted: list[dict[str, float]] = [{} for _ in said]
    for (i, name, _), value in zip(stated, values, strict=True):
        adjusted[i][name] = float(value)
    return adjusted


def _q_values(p_values: Sequence[float | None], n_tests: int) -> list[float | None]:
    stated = [i for i, p in enumerate(p_values) if p is not None]
    q_values: list[float | None] = [None] * len(p_values)
    for i, q in zip(stated, benjamini_hochberg([p for p in p_values if p is not None], n_tests), strict=True):
        q_values[i] = float(q)
    return q_values
