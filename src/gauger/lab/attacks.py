"""Attacks that are more than one campaign: several doors, a second pool, a relay, a probe, stolen keys."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gauger.errors import UsageError
from gauger.lab import accounts as casts
from gauger.lab import grammar, phrases
from gauger.lab.accounts import CLIENTS, DAY_S, N_HOMES, Cast, tokens
from gauger.lab.attack_texts import techniques
from gauger.lab.campaign import (
    campaign,
    campaign_accounts,
    campaign_counts,
    campaign_list,
    cover_script,
    decoys,
    hostile_script,
    wrapped,
)
from gauger.lab.clock import HOUR_S, Agenda, agenda, dispatched, from_start, person_rhythm, weekly_profile
from gauger.lab.dialogues import (
    LIMITED,
    SUSPENDED,
    Script,
    before_reply,
    concatenate,
    converse,
    limited,
    single_turns,
)
from gauger.lab.persons import chat_turns
from gauger.lab.pools import Floats, Ints, Texts
from gauger.lab.scenarios import (
    Campaign,
    ChatPersons,
    CompromisedKeys,
    MixedPathways,
    PoolFailover,
    Probe,
    ReplayedReasoning,
    Reseller,
    ServeAndHarvest,
)
from gauger.lab.stage import Stage, Troupe

Bools = NDArray[np.bool_]

#: The status of a request that a filter refuses.
REFUSED: Final = 400

#: A second pool works off what waited for it within so many hours.
BACKLOG_H: Final = 2.0

#: Tries of a suspended account go on for so long.
STUBBORN_S: Final = 1_800.0


# -- several doors


def mixed_pathways(part: MixedPathways, stage: Stage) -> Troupe:
    """Return the accounts of all pathways, one campaign."""
    places = _places(part, stage)
    troupes: list[Troupe] = []
    first = stage.first_account
    for pathway in part.pathways:
        own = campaign(replace(pathway, name=part.name), replace(stage, first_account=first))
        troupes.append(replace(own, script=_renumbered(own.script, places[pathway.lists])))
        first += pathway.n
    members = [troupe.cast for troupe in troupes if troupe.cast is not None]
    return Troupe(casts.concatenate(members), concatenate([troupe.script for troupe in troupes]))


def _places(part: MixedPathways, stage: Stage) -> dict[tuple[str, ...], int]:
    """Return where the numbers of each pathway's lists begin; pathways with the same lists share them."""
    begins: dict[tuple[str, ...], int] = {}
    end = 0
    for pathway in part.pathways:
        if pathway.lists not in begins:
            begins[pathway.lists] = end
            end += len(campaign_list(pathway, stage.pools))
    return begins


def _renumbered(script: Script, begin: int) -> Script:
    return replace(script, item=np.where(script.item < 0, -1, script.item + begin))


# -- a second pool


@dataclass(frozen=True, slots=True)
class _Ban:
    """When the first pool's accounts are banned, and from when on the second works; seconds of the log."""

    begin_s: float
    takeover_s: float
    banned_s: Floats  # float64[n], of each account of the first pool


def pool_failover(part: PoolFailover, stage: Stage) -> Troupe:
    """Return a pool that is banned, and the one that goes on with its list."""
    rng, pool = stage.rng, part.pool
    both = replace(pool, n=pool.n + part.second_n)
    begin_s = stage.tested_s + part.banned_day * DAY_S
    ban = _Ban(
        begin_s=begin_s,
        takeover_s=begin_s + part.takeover_h * HOUR_S,
        banned_s=begin_s + rng.uniform(0, part.ban_spread_h * HOUR_S, pool.n),
    )
    cast = _in_two_pools(part, campaign_accounts(both, stage), ban, stage)
    counts, hostile = campaign_counts(both, cast, stage)
    second = np.arange(both.n) >= pool.n
    # The second pool's hostile exchanges are those that the first one leaves.
    jobs = hostile_script(pool, cast, np.where(second[:, None], 0, hostile), stage)
    cover = cover_script(cast, counts - hostile, stage)
    return Troupe(cast, concatenate([cover, _handed_over(part, jobs, ban, stage), *decoys(both, stage)]))


def _in_two_pools(part: PoolFailover, cast: Cast, ban: _Ban, stage: Stage) -> Cast:
    """Return the accounts with the first pool suspended and the second signed up in between."""
    n, m = part.pool.n, part.second_n
    signed_up, suspended, payment = cast.signed_up_s.copy(), cast.suspended_s.copy(), cast.payment.copy()
    suspended[:n] = ban.banned_s
    signed_up[n:] = stage.rng.uniform(ban.begin_s, ban.takeover_s, m)
    if part.second_cards:
        cards = dict(zip(payment[:n], tokens("card-", n, rng=stage.rng), strict=True))
        payment[n:] = [cards.get(card, card) if card else card for card in payment[n:]]
    return replace(cast, signed_up_s=signed_up, suspended_s=suspended, payment=payment)


def _handed_over(part: PoolFailover, jobs: Script, ban: _Ban, stage: Stage) -> Script:
    """Return the jobs as they are sent: by the first pool, refused, and by the second pool."""
    rng = stage.rng
    row = jobs.account - stage.first_account
    late = jobs.at_s >= ban.banned_s[row]
    limited, refused = _around_the_ban(row, jobs.at_s, late, each=part.refused_each)
    by_first = jobs.rows(np.flatnonzero(~late))
    by_first = replace(by_first, status=np.where(limited[~late], LIMITED, by_first.status))
    tried = jobs.rows(np.flatnonzero(refused))
    tried = replace(
        tried,
        at_s=np.minimum(ban.banned_s[row[refused]] + rng.uniform(1.0, STUBBORN_S, len(tried)), stage.log_s - 1.0),
        status=np.full(len(tried), SUSPENDED),
    )
    left = jobs.rows(np.flatnonzero(late | limited))
    waited = ban.takeover_s + rng.uniform(0, BACKLOG_H * HOUR_S, len(left))
    left = replace(
        left,
        account=stage.first_account + part.pool.n + rng.integers(0, part.second_n, len(left)),
        at_s=np.where(left.at_s < ban.takeover_s, waited, left.at_s),
    )
    return concatenate([by_first, tried, left.rows(np.flatnonzero(left.at_s < stage.log_s))])


def _around_the_ban(row: Ints, at_s: Floats, late: Bools, *, each: int) -> tuple[Bools, Bools]:
    """Return which jobs are the last `each` of an account before its ban, and which the first `each` behind it."""
    limited, refused = np.zeros(len(row), dtype=bool), np.zeros(len(row), dtype=bool)
    for account in np.unique(row):
        own = np.flatnonzero(row == account)
        own = own[np.argsort(at_s[own], kind="stable")]
        before, behind = own[~late[own]], own[late[own]]
        limited[before[len(before) - min(each, len(before)) :]] = True
        refused[behind[:each]] = True
    return limited, refused


# -- relays


def serve_and_harvest(part: ServeAndHarvest, stage: Stage) -> Troupe:
    """Return the accounts of a service that serves its users with this provider's model and keeps what they say."""
    pool = part.pool
    cast = campaign_accounts(pool, stage)
    since = 0 if pool.begins == "older" else stage.scenario.history_weeks
    total = pool.n * pool.exchanges * (np.arange(stage.scenario.weeks) >= since).astype(np.float64)
    script = _relayed(pool, part.end_users, total, stage, sticky_s=part.sticky_s, label="campaign")
    script = replace(script, item=_in_order(script))
    return Troupe(cast, script if part.harness == "none" else _in_harness(script, part, stage))


def _in_order(script: Script) -> Ints:
    """Return the number of each exchange's conversation, by the time of its begin."""
    begins = np.full(int(script.conversation.max(initial=-1)) + 1, np.inf)
    np.minimum.at(begins, script.conversation, script.at_s)
    return np.argsort(np.argsort(begins, kind="stable"))[script.conversation]


def _in_harness(script: Script, part: ServeAndHarvest, stage: Stage) -> Script:
    """Return the exchanges with the fixed prompt and the tools of one client."""
    prompt, tools = _own_harness(stage) if part.harness == "own" else _popular_harness(part, stage)
    n = len(script)
    return replace(script, system=np.full(n, prompt, dtype=object), tools=np.full(n, tools, dtype=object))


def _own_harness(stage: Stage) -> tuple[str, str]:
    name = str(grammar.names(1, rng=stage.rng)[0]).title()
    prompt, _ = grammar.agent_prompts(name, rng=stage.rng)
    return prompt, grammar.tool_schema(phrases.AGENT_WORDS["tool"][:3], owner=name)


def _popular_harness(part: ServeAndHarvest, stage: Stage) -> tuple[str, str]:
    if stage.harness is None:
        raise UsageError(
            "the harness of a popular agent is to be kept and no agent comes before",
            where=f"campaign {part.name}",
            todo='put a PopularAgent before it, or set harness="own"',
        )
    return stage.harness


def reseller(part: Reseller, stage: Stage) -> Troupe:
    """Return the accounts of a relay: conversations of many honest persons, and jobs of a list among them."""
    pool = part.pool
    cast = campaign_accounts(pool, stage)
    total = np.full(stage.scenario.weeks, pool.n * pool.exchanges * (1 - pool.share), dtype=np.float64)
    honest = _relayed(pool, part.end_users, total, stage, sticky_s=part.sticky_s, label="relay_user")
    jobs = hostile_script(pool, cast, _among(part, honest, stage), stage)
    if pool.limited_share > 0:  # the relay does for everybody what it does for the list
        honest = limited(
            honest,
            pool.limited_share,
            handed_on=pool.handed_on_share,
            after_s=pool.handed_on_s,
            until_s=stage.log_s,
            rng=stage.rng,
        )
    return Troupe(cast, concatenate([honest, jobs, *decoys(pool, stage)]))


def _among(part: Reseller, honest: Script, stage: Stage) -> Ints:
    """Return hostile exchanges by account and week, so many that they are the share of the account's traffic."""
    n, weeks = part.pool.n, stage.scenario.weeks
    week = (honest.at_s // (7 * DAY_S)).astype(np.int64)
    sent = np.bincount((honest.account - stage.first_account) * weeks + week, minlength=n * weeks).reshape(n, weeks)
    share = part.pool.share
    hostile = np.floor(sent * share / (1 - share) + stage.rng.random(sent.shape)).astype(np.int64)
    if part.pool.begins == "tested":
        hostile[:, : stage.scenario.history_weeks] = 0
    return hostile


def _relayed(pool: Campaign, n_users: int, total: Floats, stage: Stage, *, sticky_s: float, label: str) -> Script:
    """Return the conversations of persons behind a relay, each for a while on one of its accounts.

    Parameters
    ----------
    pool
        The relay's accounts.
    n_users
        Persons, each with own hours, tastes and style.
    total
        float64[weeks], mean exchanges of all persons together.
    stage
        Where it plays.
    sticky_s
        Seconds that a conversation stays on one account.
    label
        Class of the exchanges; persons of a campaign draw other texts than the honest ones.
    """
    rng = stage.rng
    person = ChatPersons(n=n_users, label=label)
    activity = rng.lognormal(-0.125, 0.5, n_users)
    counts = rng.poisson(activity[:, None] * total[None, :] / activity.sum())
    profile = from_start(weekly_profile(n_users, rng=rng), stage.scenario.start.weekday())
    rhythm = person_rhythm(stage.pools.arrivals, retry_share=person.retry_share)
    plan = agenda(counts, profile=profile, rhythm=rhythm, rng=rng)
    turns = chat_turns(person, plan, stage, cover=label == "campaign")
    script = converse(plan, turns, label=label, first_account=stage.first_account, pools=stage.pools, rng=rng)
    return replace(script, account=stage.first_account + _sticky(plan, pool.n, sticky_s=sticky_s, rng=rng))


def _sticky(plan: Agenda, n: int, *, sticky_s: float, rng: np.random.Generator) -> Ints:
    """Return the account of each exchange: one at random for a conversation, another after each `sticky_s`."""
    begins = np.full(int(plan.conversation.max(initial=-1)) + 1, np.inf)
    np.minimum.at(begins, plan.conversation, plan.at_s)
    stretch = ((plan.at_s - begins[plan.conversation]) // sticky_s).astype(np.int64)
    key = plan.conversation * (int(stretch.max(initial=0)) + 1) + stretch
    _, slot = np.unique(key, return_inverse=True)
    return rng.integers(0, n, int(slot.max(initial=-1)) + 1)[slot]


# -- a probe


def probe(part: Probe, stage: Stage) -> Troupe:
    """Return accounts that try one technique after another, and a pool that uses the one that worked."""
    pool = part.pool
    both = replace(pool, n=pool.n + part.explorers)
    cast = campaign_accounts(both, stage)
    counts, hostile = campaign_counts(both, cast, stage)
    explores = (np.arange(both.n) >= pool.n)[:, None]
    cover = cover_script(cast, np.where(explores, 0, counts - hostile), stage)
    tries, winner = _tries(part, stage)
    end_s = stage.tested_s + part.explore_days * DAY_S
    jobs = hostile_script(replace(pool, wrappers=0), cast, np.where(explores, 0, hostile), stage, after_s=end_s)
    jobs = replace(jobs, user=winner + "\n\n" + jobs.user, item=jobs.item + part.tries)
    return Troupe(cast, concatenate([cover, tries, jobs, *decoys(both, stage)]))


def _tries(part: Probe, stage: Stage) -> tuple[Script, str]:
    """Return the tries, in order of time, and the technique that will be used."""
    rng = stage.rng
    end_s = min(stage.tested_s + part.explore_days * DAY_S, stage.log_s)
    at_s = dispatched(part.tries, begin_s=stage.tested_s, end_s=end_s, rng=rng)
    account = stage.first_account + part.pool.n + rng.integers(0, part.explorers, part.tries)
    texts = techniques(part.tries, rng=rng)
    refused = rng.permutation(part.tries) < min(round(part.refused_share * part.tries), part.tries - 1)
    script = single_turns(account, at_s, texts, label="campaign", pools=stage.pools, rng=rng)
    script = replace(script, item=np.arange(part.tries), status=np.where(refused, REFUSED, 200))
    return script, str(rng.choice(texts[~refused]))


# -- reasoning blocks


def replayed_reasoning(part: ReplayedReasoning, stage: Stage) -> Troupe:
    """Return a campaign, and the later turns in which other accounts send the blocks of its answers again."""
    rng = stage.rng
    troupe = campaign(part.pool, stage)
    script = troupe.script
    hostile = np.flatnonzero(script.item >= 0)
    chosen = np.sort(rng.permutation(hostile)[: round(part.replayed_share * len(hostile))])
    blocks = script.block.copy()
    blocks[chosen] = tokens("sig-", len(chosen), rng=rng)
    script = replace(script, block=blocks)
    begun = script.rows(np.repeat(chosen, part.tries))
    others = rng.integers(1, max(part.pool.n, 2), len(begun))
    replays = replace(
        begun,
        account=stage.first_account + (begun.account - stage.first_account + others) % part.pool.n,
        at_s=begun.at_s + rng.uniform(0, part.within_h * HOUR_S, len(begun)),
        user=techniques(len(begun), rng=rng),
        prefix=before_reply(begun.user, begun.response),
    )
    replays = replays.rows(np.flatnonzero(replays.at_s < stage.log_s))
    return Troupe(troupe.cast, concatenate([script, replays]))


# -- stolen keys


def compromised_keys(part: CompromisedKeys, stage: Stage) -> Troupe:
    """Return what somebody else sends with the keys of persons, with one client."""
    rng, pool = stage.rng, part.pool
    victims = _victims(part, stage)
    each = pool.hostile_each or 0
    account = np.repeat(victims, each)
    span_s = min(part.days * DAY_S, stage.log_s - stage.tested_s)
    begin_s = rng.uniform(stage.tested_s, stage.log_s - span_s)
    at_s = dispatched(len(account), begin_s=begin_s, end_s=begin_s + span_s, rng=rng)
    account = rng.permutation(account)
    items, item = _dealt(pool, len(account), stage)
    system, user = wrapped(pool, items, account, at_s, rng=rng)
    script = single_turns(account, at_s, user, label="campaign", pools=stage.pools, rng=rng)
    script = replace(
        script,
        system=system,
        item=item,
        client=np.full(len(script), rng.choice(CLIENTS), dtype=object),
        network=rng.integers(0, N_HOMES, len(script)) if part.proxies else np.full(len(script), stage.site),
    )
    return Troupe(None, script, campaign=part.name)


def _dealt(pool: Campaign, n: int, stage: Stage) -> tuple[Texts, Ints]:
    texts = campaign_list(pool, stage.pools)
    if n > len(texts):
        raise UsageError(
            f"the campaign needs {n} items and the list holds {len(texts)}",
            where=f"campaign {pool.name}",
            todo="ask for fewer accounts or fewer exchanges",
        )
    item = stage.rng.permutation(len(texts))[:n]
    return texts[item], item


def _victims(part: CompromisedKeys, stage: Stage) -> Ints:
    if part.pool.n > len(stage.persons):
        raise UsageError(
            f"{part.pool.n} keys are to be stolen and the parts before hold {len(stage.persons)} persons",
            where=f"campaign {part.name}",
            todo="put more chat persons before it, or steal fewer",
        )
    return stage.rng.permutation(stage.persons)[: part.pool.n]
