"""Dialogues: what stands in an exchange besides its own turn, and what a retry looks like."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Final

import numpy as np

from gauger.lab.clock import Agenda
from gauger.lab.pools import Floats, Ints, Pools, Texts
from gauger.sources.json_text import canonical

#: The statuses of a request that is limited, and of one that is refused because its account is suspended.
LIMITED: Final = 429
SUSPENDED: Final = 403
#: What is handed on waits so many seconds at least.
SOONEST_S: Final = 2.0

#: Half of all retries are verbatim; a person's others are made in the one way the person is used to.
VERBATIM_SHARE: Final = 0.5
RETRY_TAILS: Final = (
    " Please try again.",
    " Be more specific.",
    " Shorter.",
    " (again, the last one was cut off)",
    " Thanks!",
    " In plain words.",
    " That was wrong, think again.",
    "?",
    " Use another approach.",
    " Now.",
)


@dataclass(frozen=True, slots=True)
class Script:
    """The exchanges of one population, in any order; every array has one entry an exchange.

    Attributes
    ----------
    account
        int64, row of the account in the world.
    at_s
        float64, seconds since the start of the log.
    session, conversation
        int64, numbers unique in the script.
    label
        object, class of the exchange in the truth.
    system, user, prefix, tools, response
        object, texts or None (`gauger.exchanges.schema.EDGE_SCHEMA`).
    item
        int64, place of the item in the campaign's list; -1 for all innocent exchanges.
    status
        int64, HTTP status that the story demands; 0 leaves it to chance.
    client
        object, user agent that another than the account's own client sends; else None.
    network
        int64, network number from where another than the account's owner sends; else -1.
    block
        object, encrypted reasoning block that the story demands; None leaves it to the conversation.
    """

    account: Ints
    at_s: Floats
    session: Ints
    conversation: Ints
    label: Texts
    system: Texts
    user: Texts
    prefix: Texts
    tools: Texts
    response: Texts
    item: Ints
    status: Ints
    client: Texts
    network: Ints
    block: Texts

    def __len__(self) -> int:
        return len(self.account)

    def rows(self, kept: Ints) -> "Script":
        """Return the script of some exchanges, given by their place."""
        return Script(**{field.name: getattr(self, field.name)[kept] for field in fields(self)})


def concatenate(scripts: Sequence[Script]) -> Script:
    """Return the exchanges of all scripts, in order; sessions and conversations are renumbered to stay apart."""
    columns = {
        field.name: np.concatenate([getattr(script, field.name) for script in scripts]) for field in fields(Script)
    }
    for name in ("session", "conversation"):
        columns[name] = _renumbered([getattr(script, name) for script in scripts])
    return Script(**columns)


def _renumbered(numbers: Sequence[Ints]) -> Ints:
    sizes = [int(own.max(initial=-1)) + 1 for own in numbers]
    return np.concatenate([own + base for own, base in zip(numbers, np.cumsum([0, *sizes[:-1]]), strict=True)])


def single_turns(
    account: Ints, at_s: Floats, user: Texts, *, label: str, pools: Pools, rng: np.random.Generator
) -> Script:
    """Return exchanges that each stand alone, without system prompt, in a session and a conversation of their own."""
    n = len(account)
    nothing = np.full(n, None, dtype=object)
    return Script(
        account=account,
        at_s=at_s,
        session=np.arange(n),
        conversation=np.arange(n),
        label=np.full(n, label, dtype=object),
        system=nothing,
        user=user,
        prefix=nothing,
        tools=nothing,
        response=pools.answers[rng.integers(0, len(pools.answers), n)],
        item=np.full(n, -1),
        status=np.zeros(n, dtype=np.int64),
        client=nothing,
        network=np.full(n, -1),
        block=nothing,
    )


def limited(
    script: Script, share: float, *, handed_on: float, after_s: float, until_s: float, rng: np.random.Generator
) -> Script:
    """Return the script with some requests limited, and with those that another of its accounts then sends again.

    Parameters
    ----------
    script
        Exchanges of at least two accounts.
    share
        Of the exchanges that are limited.
    handed_on
        Share of those that are handed on.
    after_s
        Seconds until they are, on average.
    until_s
        End of the log; what would come later is not sent.
    rng
        Source of chance.
    """
    stopped = np.sort(rng.permutation(len(script))[: round(share * len(script))])
    status = script.status.copy()
    status[stopped] = LIMITED
    again = script.rows(stopped[rng.random(len(stopped)) < handed_on])
    accounts = np.unique(script.account)
    step = rng.integers(1, max(len(accounts), 2), len(again))
    others = accounts[(np.searchsorted(accounts, again.account) + step) % len(accounts)]
    at_s = again.at_s + SOONEST_S + rng.exponential(1.0, len(again)) * after_s
    again = replace(again, account=others, at_s=at_s)
    again = again.rows(np.flatnonzero(at_s < until_s))
    return concatenate([replace(script, status=status), again])


def converse(
    plan: Agenda, turns: Texts, *, label: str, first_account: int, pools: Pools, rng: np.random.Generator
) -> Script:
    """Return the script of an agenda: retries repeat their source, later turns carry what was said before.

    Parameters
    ----------
    plan
        When, in which conversation, which turn, which retry.
    turns
        object[n], the user's words of each exchange; those of a retry are replaced.
    label
        Class in the truth.
    first_account
        Row in the world of the cast's first account.
    pools
        Answers.
    rng
        Source of chance.
    """
    response = pools.answers[rng.integers(0, len(pools.answers), len(plan))]
    user = np.where(plan.is_retry, _repeated(plan, turns, rng=rng), turns).astype(object)
    prefix = _before(plan, user, response)
    nothing = np.full(len(plan), None, dtype=object)
    return Script(
        account=first_account + plan.account,
        at_s=plan.at_s,
        session=plan.session,
        conversation=plan.conversation,
        label=np.full(len(plan), label, dtype=object),
        system=nothing,
        user=user,
        prefix=prefix,
        tools=nothing,
        response=response,
        item=np.full(len(plan), -1),
        status=np.zeros(len(plan), dtype=np.int64),
        client=nothing,
        network=np.full(len(plan), -1),
        block=nothing,
    )


def _repeated(plan: Agenda, turns: Texts, *, rng: np.random.Generator) -> Texts:
    """Return the source's words, verbatim or with the tail that the account is used to."""
    tails = np.array(RETRY_TAILS, dtype=object)
    habit = rng.integers(0, len(tails), int(plan.account.max(initial=-1)) + 1)[plan.account]
    tail = np.where(rng.random(len(plan)) < VERBATIM_SHARE, "", tails[habit])
    return turns[plan.source] + tail


def _before(plan: Agenda, user: Texts, response: Texts) -> Texts:
    """Return all messages before the last user turn as canonical JSON, None on first turns."""
    prefix = np.full(len(plan), None, dtype=object)
    said = ""
    for row, (turn, is_retry) in enumerate(zip(plan.turn.tolist(), plan.is_retry.tolist(), strict=True)):
        if turn == 0 and not is_retry:
            said = ""
        elif not is_retry:
            # What went before a further turn are the words that got the answer: those of a retry, if there was one.
            said += (
                ("," if said else "") + _message("user", user[row - 1]) + "," + _message("assistant", response[row - 1])
            )
        if turn > 0:
            prefix[row] = f"[{said}]"
    return prefix


def continued(script: Script, later: Texts, *, gap_s: float, pools: Pools, rng: np.random.Generator) -> Script:
    """Return the script with later turns behind each exchange, each of which extends what was said before it.

    Parameters
    ----------
    script
        What begins the conversations, or goes on from a prefix of its own.
    later
        object[n, turns], the user's words in the later turns.
    gap_s
        Seconds between turns, on average.
    pools
        Answers.
    rng
        Source of chance.
    """
    columns = {field.name: [getattr(script, field.name)] for field in fields(Script)}
    user, response, at_s = script.user, script.response, script.at_s
    said = np.array([f"{before[1:-1]}," if before else "" for before in script.prefix], dtype=object)
    for words in later.T:
        pairs = zip(said, user, response, strict=True)
        said = np.array([f"{so_far}{_both(u, r)}," for so_far, u, r in pairs], dtype=object)
        user, response = words, pools.answers[rng.integers(0, len(pools.answers), len(script))]
        at_s = at_s + rng.exponential(gap_s, len(script))
        prefix = np.array([f"[{so_far[:-1]}]" for so_far in said], dtype=object)
        turn = replace(script, user=user, response=response, at_s=at_s, prefix=prefix)
        for name, parts in columns.items():
            parts.append(getattr(turn, name))
    return Script(**{name: np.concatenate(parts) for name, parts in columns.items()})


def before_reply(user: Texts, response: Texts) -> Texts:
    """Return what goes before the second turn of each conversation: its first turn and the answer, canonical JSON."""
    pairs = zip(user, response, strict=True)
    return np.array([f"[{_both(turn, answer)}]" for turn, answer in pairs], dtype=object)


def _both(turn: str, answer: str) -> str:
    return _message("user", turn) + "," + _message("assistant", answer)


def _message(role: str, text: str) -> str:
    return canonical({"role": role, "content": text})
