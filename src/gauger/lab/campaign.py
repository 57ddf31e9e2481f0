"""Campaigns: one list, dealt out to accounts that otherwise live like persons."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gauger.errors import UsageError
from gauger.lab import grammar
from gauger.lab.accounts import DAY_S, Cast, tokens
from gauger.lab.clock import WEEK_S, dispatched, person_rhythm
from gauger.lab.dialogues import Script, concatenate, converse, single_turns
from gauger.lab.persons import chat_turns
from gauger.lab.pools import Floats, Ints, Texts
from gauger.lab.scenarios import Campaign, ChatPersons
from gauger.lab.stage import Stage, Troupe

Bools = NDArray[np.bool_]


def campaign(part: Campaign, stage: Stage) -> Troupe:
    """Return accounts that send a list, hidden in the life of ordinary persons."""
    rng = stage.rng
    cast = _campaign_accounts(part, stage)
    counts = _campaign_counts(part, cast, stage)
    hostile = _hostile_counts(part, counts, stage)
    person = ChatPersons(n=part.n, label="campaign")
    rhythm = person_rhythm(stage.pools.arrivals, retry_share=person.retry_share)
    cover_plan = stage.plan(cast, rhythm, counts - hostile)
    cover = converse(
        cover_plan,
        chat_turns(person, cover_plan, stage, cover=True),
        label="campaign",
        first_account=stage.first_account,
        pools=stage.pools,
        rng=rng,
    )
    return Troupe(cast, concatenate([cover, _hostile_script(part, cast, hostile, stage)]))


def _campaign_accounts(part: Campaign, stage: Stage) -> Cast:
    rng = stage.rng
    cast = stage.accounts(part.n, label="campaign", rate=part.exchanges)
    paid = _exactly(part.payment_share, part.n, rng=rng)
    cards = tokens("card-", part.cards, rng=rng)[np.arange(part.n) % part.cards]
    behind = _exactly(part.network_share, part.n, rng=rng)
    begin_s = 0.0 if part.begins == "older" else stage.tested_s
    fresh = begin_s - rng.uniform(0, 10 * DAY_S, part.n)
    seasoned = np.minimum(cast.signed_up_s, begin_s - DAY_S)
    return replace(
        cast,
        campaign=np.full(part.n, part.name, dtype=object),
        payment=np.where(paid, cards, cast.payment),
        plan=np.where(paid & (cast.plan == "free"), "pro", cast.plan),
        home=np.where(behind, stage.site, cast.home),
        home_share=np.where(behind, 1.0, cast.home_share),
        signed_up_s=fresh if part.signups == "fresh" else seasoned,
        suspended_s=np.full(part.n, np.inf),
    )


def _exactly(share: float, n: int, *, rng: np.random.Generator) -> Bools:
    """Return a random choice of round(share * n) among n."""
    return np.asarray(rng.permutation(n) < round(share * n))


def _campaign_counts(part: Campaign, cast: Cast, stage: Stage) -> Ints:
    """Return all exchanges by account and week; enough for the hostile ones asked for."""
    counts = stage.weekly_counts(cast)
    return counts if part.hostile_each is None else np.maximum(counts, _weekly(part.hostile_each, part.n, stage))


def _weekly(total: int, n: int, stage: Stage) -> Ints:
    """Return a tested stretch's total spread over weeks: int64[n, weeks], the same pace in history."""
    tested = stage.scenario.tested_weeks
    pace = np.diff(np.arange(tested + 1) * total // tested)
    return np.broadcast_to(
        pace[np.arange(stage.scenario.weeks) % tested - stage.scenario.history_weeks % tested],
        (n, stage.scenario.weeks),
    )


def _hostile_counts(part: Campaign, counts: Ints, stage: Stage) -> Ints:
    """Return hostile exchanges by account and week: the share, rounded at random, and at least one in the stretch."""
    if part.hostile_each is not None:
        hostile = np.array(_weekly(part.hostile_each, part.n, stage))
    else:
        hostile = np.floor(part.share * counts + stage.rng.random(counts.shape)).astype(np.int64)
        none = hostile[:, stage.scenario.history_weeks :].sum(axis=1) == 0
        hostile[:, -1] += none & (counts[:, -1] > 0) & (part.share > 0)
    if part.begins == "tested":
        hostile[:, : stage.scenario.history_weeks] = 0
    return np.minimum(hostile, counts)


def _hostile_script(part: Campaign, cast: Cast, hostile: Ints, stage: Stage) -> Script:
    """Return the hostile exchanges: items of the list in their wrapping, in the order of a work queue."""
    rng = stage.rng
    account, at_s = _naive(hostile, stage) if part.timing == "naive" else _diurnal(cast, hostile, stage)
    order = np.argsort(at_s, kind="stable")
    account, at_s = account[order], at_s[order]
    texts = stage.pools.named("lists", part.list_name)
    item = rng.permutation(len(texts))[assign(part, account, len(texts), rng=rng)]
    system, user = _wrapped(part, texts[item], rng=rng)
    script = single_turns(stage.first_account + account, at_s, user, label="campaign", pools=stage.pools, rng=rng)
    return replace(script, system=system, item=item)


def _naive(hostile: Ints, stage: Stage) -> tuple[Ints, Floats]:
    """Return jobs at a constant total rate, each to a random account that has jobs left in its week."""
    jobs = []
    for week in range(hostile.shape[1]):
        account = stage.rng.permutation(np.repeat(np.arange(len(hostile)), hostile[:, week]))
        jobs.append(
            (account, dispatched(len(account), begin_s=week * WEEK_S, end_s=(week + 1) * WEEK_S, rng=stage.rng))
        )
    return np.concatenate([account for account, _ in jobs]), np.concatenate([at_s for _, at_s in jobs])


def _diurnal(cast: Cast, hostile: Ints, stage: Stage) -> tuple[Ints, Floats]:
    """Return jobs at the hours and with the gaps of persons."""
    plan = stage.plan(cast, person_rhythm(stage.pools.arrivals, retry_share=0.0), hostile)
    return plan.account, plan.at_s


def assign(part: Campaign, account: Ints, n_items: int, *, rng: np.random.Generator) -> Ints:
    """Return the place in the shuffled list of each job's item: int64[jobs].

    Parameters
    ----------
    part
        "deal" takes items from the head of one queue as jobs come; "shard" gives every account a contiguous slice;
        "random" draws with replacement; "rollouts" sends every item `rollouts` times, to accounts as they come.
    account
        int64[jobs], the account of each job, in order of time.
    n_items
        Length of the list.
    rng
        Source of chance.

    Raises
    ------
    UsageError
        The list is too short for so many jobs.
    """
    jobs = len(account)
    needed = {"deal": jobs, "shard": jobs, "random": 1, "rollouts": -(-jobs // part.rollouts)}[part.assignment]
    if needed > n_items:
        raise UsageError(
            f"the campaign needs {needed} items and the list {part.list_name!r} holds {n_items}",
            where=f"campaign {part.name}",
            todo="ask for fewer hostile exchanges, or give pools with a longer list",
        )
    if part.assignment == "random":
        return rng.integers(0, n_items, jobs)
    if part.assignment == "rollouts":
        return rng.permutation(np.arange(jobs) // part.rollouts)
    if part.assignment == "shard":
        place = np.empty(jobs, dtype=np.int64)
        place[np.argsort(account, kind="stable")] = np.arange(jobs)
        return place
    return np.arange(jobs)


def _wrapped(part: Campaign, items: Texts, *, rng: np.random.Generator) -> tuple[Texts, Texts]:
    """Return the system prompt and the user turn of each hostile exchange."""
    nothing = np.full(len(items), None, dtype=object)
    if part.wrappers == 0:
        return nothing, items
    variants = np.array(grammar.wrappers(part.wrappers, rng=rng), dtype=object)
    chosen = variants[rng.integers(0, len(variants), len(items))]
    before, after = chosen[:, 0], chosen[:, 1]
    if part.wrapper_in_system:
        return np.array([head + tail for head, tail in zip(before, after, strict=True)], dtype=object), items
    return nothing, before + items + after
