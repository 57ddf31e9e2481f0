"""Campaigns: one list, dealt out to accounts that otherwise live like persons."""

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gauger.errors import UsageError
from gauger.lab import grammar, phrases
from gauger.lab.accounts import CLIENTS, DAY_S, SUCCESSOR, Cast, tokens
from gauger.lab.attack_texts import reworded
from gauger.lab.clock import WEEK_S, dispatched, person_rhythm
from gauger.lab.dialogues import (
    RETRY_TAILS,
    Script,
    before_reply,
    concatenate,
    continued,
    converse,
    limited,
    single_turns,
)
from gauger.lab.persons import chat_turns
from gauger.lab.pools import Floats, Ints, Pools, Texts
from gauger.lab.scenarios import Campaign, ChatPersons
from gauger.lab.stage import Stage, Troupe

Bools = NDArray[np.bool_]

#: Seconds from a greeting to the request that follows, on average.
GREETING_GAP_S: Final = 5.0
#: Seconds between the turns of a hostile conversation, on average.
TURN_GAP_S: Final = 20.0


def campaign(part: Campaign, stage: Stage) -> Troupe:
    """Return accounts that send a list, hidden in the life of ordinary persons."""
    cast = campaign_accounts(part, stage)
    counts, hostile = campaign_counts(part, cast, stage)
    cover = cover_script(cast, counts - hostile, stage)
    jobs = hostile_script(part, cast, hostile, stage)
    return Troupe(cast, concatenate([cover, jobs, *decoys(part, stage)]))


def cover_script(cast: Cast, counts: Ints, stage: Stage) -> Script:
    """Return the life that hides a campaign: int64[n, weeks] exchanges as of persons who chat."""
    person = ChatPersons(n=len(cast), label="campaign")
    rhythm = person_rhythm(stage.pools.arrivals, retry_share=person.retry_share)
    plan = stage.plan(cast, rhythm, counts)
    return converse(
        plan,
        chat_turns(person, plan, stage, cover=True),
        label="campaign",
        first_account=stage.first_account,
        pools=stage.pools,
        rng=stage.rng,
    )


def campaign_accounts(part: Campaign, stage: Stage) -> Cast:
    """Return the accounts of a campaign: who pays, from where, since when, with which client and model."""
    rng = stage.rng
    cast = stage.accounts(part.n, label="campaign", rate=part.exchanges)
    paid = _exactly(part.payment_share, part.n, rng=rng)
    cards = tokens("card-", part.cards, rng=rng)[np.arange(part.n) % part.cards]
    behind = _exactly(part.network_share, part.n, rng=rng)
    begin_s = 0.0 if part.begins == "older" else stage.tested_s
    fresh = begin_s - rng.uniform(0, 10 * DAY_S, part.n)
    seasoned = np.minimum(cast.signed_up_s, begin_s - DAY_S)
    cast = replace(
        cast,
        campaign=np.full(part.n, part.name, dtype=object),
        payment=np.where(paid, cards, cast.payment),
        plan=np.where(paid & (cast.plan == "free"), "pro", cast.plan),
        home=np.where(behind, stage.site, cast.home),
        home_share=np.where(behind, 1.0, cast.home_share),
        signed_up_s=fresh if part.signups == "fresh" else seasoned,
        suspended_s=np.full(part.n, np.inf),
    )
    return _equipped(part, cast, rng=rng)


def _equipped(part: Campaign, cast: Cast, *, rng: np.random.Generator) -> Cast:
    """Return the accounts with the plan, the client and the models of the campaign, where it has any of its own."""
    if part.plan is not None:
        cast = replace(cast, plan=np.full(part.n, part.plan, dtype=object))
    if part.one_client:
        cast = replace(
            cast,
            user_agent=np.full(part.n, rng.choice(CLIENTS), dtype=object),
            temperature=np.full(part.n, np.nan),
        )
    if part.pivot_share > 0:
        moves = _exactly(part.pivot_share, part.n, rng=rng)
        cast = replace(
            cast,
            model=np.full(part.n, next(iter(SUCCESSOR)), dtype=object),
            adopts_s=np.where(moves, rng.uniform(0, DAY_S, part.n), np.inf),
        )
    return cast


def _exactly(share: float, n: int, *, rng: np.random.Generator) -> Bools:
    """Return a random choice of round(share * n) among n."""
    return np.asarray(rng.permutation(n) < round(share * n))


def campaign_counts(part: Campaign, cast: Cast, stage: Stage) -> tuple[Ints, Ints]:
    """Return all exchanges and the hostile ones among them, by account and week: int64[n, weeks] twice."""
    counts = stage.weekly_counts(cast)
    if part.hostile_each is not None:
        counts = np.maximum(counts, _weekly(part.hostile_each, part.n, stage))
    hostile = np.minimum(_hostile_counts(part, counts, stage), counts)
    poisoned = _poisoned(part, cast, hostile, stage)
    return np.maximum(counts, poisoned), poisoned


def _poisoned(part: Campaign, cast: Cast, hostile: Ints, stage: Stage) -> Ints:
    """Return the hostile counts with those that go into history to be taken for ordinary."""
    weeks = stage.scenario.history_weeks
    n = round(part.countermeasures.poisoned_share * int(hostile[:, weeks:].sum()))
    there = np.flatnonzero(np.arange(weeks) * WEEK_S >= cast.signed_up_s[:, None])
    if n == 0 or len(there) == 0:
        return hostile
    early = np.bincount(stage.rng.choice(there, n), minlength=part.n * weeks).reshape(part.n, weeks)
    return np.concatenate([hostile[:, :weeks] + early, hostile[:, weeks:]], axis=1)


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
    return hostile


def campaign_list(part: Campaign, pools: Pools) -> Texts:
    """Return the items of all lists of a campaign, one list behind the other: object[k]."""
    return np.concatenate([pools.named("lists", name) for name in part.lists])


def hostile_script(part: Campaign, cast: Cast, hostile: Ints, stage: Stage, *, after_s: float = 0.0) -> Script:
    """Return the hostile exchanges: items of the list in their wrapping, in the order of a work queue.

    Parameters
    ----------
    part
        The campaign.
    cast
        Its accounts.
    hostile
        int64[n, weeks], exchanges to send.
    stage
        Where it plays.
    after_s
        Jobs before this instant are not sent.
    """
    rng = stage.rng
    account, at_s = _scheduled(part, cast, hostile, stage)
    order = np.argsort(at_s, kind="stable")
    order = order[at_s[order] >= after_s]
    account, at_s = account[order], at_s[order]
    texts = campaign_list(part, stage.pools)
    item = rng.permutation(len(texts))[assign(part, account, len(texts), rng=rng)]
    if part.countermeasures.providers > 1:
        here = rng.random(len(item)) < 1 / part.countermeasures.providers
        account, at_s, item = account[here], at_s[here], item[here]
    system, user = wrapped(part, texts[item], account, at_s, rng=rng)
    script = single_turns(stage.first_account + account, at_s, user, label="campaign", pools=stage.pools, rng=rng)
    script = replace(script, system=system, item=item)
    if part.with_tools:
        script = replace(script, tools=np.full(len(item), _tools(rng), dtype=object))
    greetings = []
    if part.countermeasures.greeting != "none":
        script, said_first = _greeted(script, rng=rng)
        greetings = [said_first] if part.countermeasures.greeting == "sent" else []
    if part.later_turns > 0:
        script = _worked_through(part, script, stage)
    if part.limited_share > 0:
        script = limited(
            script,
            part.limited_share,
            handed_on=part.handed_on_share,
            after_s=part.handed_on_s,
            until_s=stage.log_s,
            rng=rng,
        )
    if part.countermeasures.retry_share > 0:
        script = concatenate([script, _again(script, part.countermeasures.retry_share, stage)])
    return concatenate([script, *greetings])


def _tools(rng: np.random.Generator) -> str:
    """Return tools of a project; the campaign's own name would tell the truth in the log."""
    return grammar.tool_schema(["shell", "edit_file", "run_tests"], owner=str(grammar.names(1, rng=rng)[0]))


def _greeted(script: Script, *, rng: np.random.Generator) -> tuple[Script, Script]:
    """Return the hostile exchanges as second turns after a greeting, and the greetings."""
    words = rng.choice(np.array(phrases.GREETINGS, dtype=object), len(script))
    answers = np.full(len(script), phrases.GREETING_ANSWER, dtype=object)
    at_s = script.at_s - np.minimum(rng.exponential(GREETING_GAP_S, len(script)), script.at_s)
    said_first = replace(script, user=words, response=answers, at_s=at_s, item=np.full(len(script), -1))
    return replace(script, prefix=before_reply(words, answers)), said_first


def _worked_through(part: Campaign, script: Script, stage: Stage) -> Script:
    """Return the hostile exchanges as conversations of an agent: the item, then results of its tools."""
    n = len(script) * part.later_turns
    tool = stage.rng.choice(np.array(phrases.AGENT_WORDS["tool"], dtype=object), n)
    shown = grammar.file_names(n, rng=stage.rng)
    found = stage.pools.code.draw("cover_tested", n, rng=stage.rng)
    results = ("result of " + tool + " on " + shown + ":\n" + found).reshape(-1, part.later_turns)
    talk = continued(script, results, gap_s=TURN_GAP_S, pools=stage.pools, rng=stage.rng)
    return talk.rows(np.flatnonzero(talk.at_s < stage.log_s))


def _again(script: Script, share: float, stage: Stage) -> Script:
    """Return edited retries of some hostile exchanges, minutes after them, so that none look too tidy."""
    rng = stage.rng
    repeated = script.rows(np.sort(rng.permutation(len(script))[: round(share * len(script))]))
    tails = rng.choice(np.array(RETRY_TAILS, dtype=object), len(repeated))
    later = np.minimum(repeated.at_s + rng.uniform(8.0, 180.0, len(repeated)), stage.log_s - 1.0)
    return replace(repeated, user=repeated.user + tails, at_s=later)


def decoys(part: Campaign, stage: Stage) -> list[Script]:
    """Return what every account sends besides, the same in all: one script for each viral prompt."""
    scripts = []
    for _ in range(part.countermeasures.decoys):
        text = str(grammar.viral(1, rng=stage.rng)[0])
        scripts.append(
            single_turns(
                stage.first_account + np.arange(part.n),
                stage.rng.uniform(stage.tested_s, stage.log_s, part.n),
                np.full(part.n, text, dtype=object),
                label="campaign",
                pools=stage.pools,
                rng=stage.rng,
            )
        )
    return scripts


def _scheduled(part: Campaign, cast: Cast, hostile: Ints, stage: Stage) -> tuple[Ints, Floats]:
    """Return the account and the time of each job, in any order."""
    if part.timing == "diurnal":
        return _diurnal(cast, hostile, stage)
    return _naive(hostile, stage) if part.timing == "naive" else _in_rounds(part, hostile, stage)


def _in_rounds(part: Campaign, hostile: Ints, stage: Stage) -> tuple[Ints, Floats]:
    """Return jobs that a balancer hands out in rounds, one to every account with jobs left, each with its own delay."""
    jobs = []
    for week in range(hostile.shape[1]):
        account = np.repeat(np.arange(len(hostile)), hostile[:, week])
        begins = dispatched(int(hostile[:, week].max(initial=0)), begin_s=0.0, end_s=WEEK_S, rng=stage.rng)
        # The k-th job of an account goes out in the k-th of its rounds.
        turn = np.arange(len(account)) - np.repeat(np.cumsum(hostile[:, week]) - hostile[:, week], hostile[:, week])
        since = begins[turn] + stage.rng.exponential(1.0, len(account)) * part.jitter_s
        jobs.append((account, week * WEEK_S + np.minimum(since, WEEK_S - 1.0)))
    return np.concatenate([account for account, _ in jobs]), np.concatenate([at_s for _, at_s in jobs])


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
            f"the campaign needs {needed} items and the list {' + '.join(part.lists)!r} holds {n_items}",
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


def wrapped(
    part: Campaign, items: Texts, account: Ints, at_s: Floats, *, rng: np.random.Generator
) -> tuple[Texts, Texts]:
    """Return the system prompt and the user turn of each hostile exchange."""
    nothing = np.full(len(items), None, dtype=object)
    if part.wrappers == 0:
        return nothing, items
    before, after = _wrappings(part, account, at_s, rng=rng)
    if part.wrapper_in_system:
        return np.array([head + tail for head, tail in zip(before, after, strict=True)], dtype=object), items
    if part.wrapper_as_suffix:
        said = np.array([head.strip() + " " + tail.strip() for head, tail in zip(before, after, strict=True)], object)
        return nothing, items + "\n\n" + said
    return nothing, before + items + after


def _wrappings(part: Campaign, account: Ints, at_s: Floats, *, rng: np.random.Generator) -> tuple[Texts, Texts]:
    """Return what stands before each item and after it."""
    evasion = part.countermeasures
    fixed = None if evasion.is_reworded else np.array(grammar.wrappers(part.wrappers, rng=rng), dtype=object)
    if evasion.own_wrapping:
        variant = account % part.wrappers
    elif evasion.rotation_days is None:
        variant = rng.integers(0, part.wrappers, len(at_s))
    else:
        variant = (at_s // (evasion.rotation_days * DAY_S)).astype(np.int64) % part.wrappers
    if fixed is None:
        return reworded(variant, share=evasion.paraphrase, languages=evasion.languages, rng=rng)
    return fixed[variant, 0], fixed[variant, 1]
