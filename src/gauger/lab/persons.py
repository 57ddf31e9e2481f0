"""Persons: those who chat, develop, use an agent, study, or paste what goes round."""

from dataclasses import replace
from typing import Final

import numpy as np

from gauger.errors import UsageError
from gauger.lab import grammar, phrases
from gauger.lab.accounts import BROWSERS, CLIENTS, DAY_S, SUCCESSOR, tokens
from gauger.lab.clock import Agenda, agent_rhythm, person_rhythm
from gauger.lab.dialogues import concatenate, converse, single_turns
from gauger.lab.pools import NOTHING, Ints, Texts
from gauger.lab.scenarios import ChatPersons, Developers, PopularAgent, UniversityClass, ViralPrompt, ViralTemplate
from gauger.lab.stage import Stage, Troupe

#: Share of later turns of a conversation that refer to the turn before; the others change the subject.
FOLLOW_UP_SHARE: Final = 0.7

#: A student's pace as a share of an ordinary account's, the assignment apart.
STUDENT_PACE: Final = 0.5


def chat_persons(part: ChatPersons, stage: Stage) -> Troupe:
    """Return persons who chat, each with own tastes, hours and style."""
    cast = stage.accounts(part.n, label=part.label, rate=part.weekly_exchanges)
    if part.shared_site:
        cast = replace(cast, home=np.full(part.n, stage.site), home_share=np.full(part.n, part.site_share))
    plan = stage.plan(cast, person_rhythm(stage.pools.arrivals, retry_share=part.retry_share))
    turns = chat_turns(part, plan, stage, cover=False)
    script = converse(
        plan, turns, label=part.label, first_account=stage.first_account, pools=stage.pools, rng=stage.rng
    )
    return Troupe(cast, script)


def chat_turns(part: ChatPersons, plan: Agenda, stage: Stage, *, cover: bool) -> Texts:
    """Return what persons say: a topic a session by taste, follow-ups later in a conversation, a style of their own."""
    rng = stage.rng
    topics = _session_topics(part, plan, stage)
    turns = np.empty(len(plan), dtype=object)
    # A retry repeats its source, so it draws nothing.
    follows = (plan.turn > 0) & (rng.random(len(plan)) < FOLLOW_UP_SHARE) & ~plan.is_retry
    for number, shelf in enumerate(stage.pools.topics.values()):
        rows = np.flatnonzero((topics == number) & ~follows & ~plan.is_retry)
        turns[rows] = stage.draw(shelf, plan, rows, cover=cover)
    rows = np.flatnonzero(follows)
    turns[rows] = stage.draw(stage.pools.follow_ups, plan, rows, cover=cover)
    return _styled(turns, plan, part, rng=rng)


def _session_topics(part: ChatPersons, plan: Agenda, stage: Stage) -> Ints:
    """Return the topic of each exchange: int64[n], one a session, drawn from the person's Dirichlet."""
    rng = stage.rng
    tongues = np.array([name.partition(":")[0] if ":" in name else "" for name in stage.pools.topics])
    foreign = [tongue for tongue in dict.fromkeys(tongues) if tongue]
    own = np.where(rng.random(part.n) < part.foreign_share * bool(foreign), rng.choice(foreign or [""], part.n), "")
    weights = rng.gamma(part.taste, size=(part.n, len(tongues))) + 1e-9
    ladder = np.cumsum(weights * (own[:, None] == tongues[None, :]), axis=1)
    ladder = ladder / ladder[:, -1:] + np.arange(part.n)[:, None]
    first = np.flatnonzero(np.diff(plan.session, prepend=-1))
    whose = plan.account[first]
    topic = np.searchsorted(ladder.ravel(), whose + rng.random(len(first)), side="right") - whose * len(tongues)
    return np.minimum(topic, len(tongues) - 1)[plan.session]


def _styled(turns: Texts, plan: Agenda, part: ChatPersons, *, rng: np.random.Generator) -> Texts:
    """Return the turns with the opening or the closing of those persons who have one, on first turns."""
    styled = rng.random(part.n) < part.styled_share
    opens = styled & (rng.random(part.n) < 0.6)
    opening = np.where(opens, rng.choice(np.array(phrases.OPENINGS, dtype=object), part.n), "")
    closing = np.where(styled & ~opens, grammar.signatures(part.n, rng=rng), "")
    shown = (plan.turn == 0) & ~plan.is_retry & (rng.random(len(plan)) < 0.7)
    dressed = opening[plan.account] + np.where(plan.is_retry, "", turns) + closing[plan.account]
    return np.where(shown, dressed, turns).astype(object)


def developers(part: Developers, stage: Stage) -> Troupe:
    """Return developers: every question names a file of the one project they work on."""
    rng = stage.rng
    cast = stage.accounts(part.n, label="developer")
    cast = replace(
        cast,
        user_agent=rng.choice(CLIENTS, part.n),
        model=np.where(rng.random(part.n) < 0.7, "atlas-code", cast.model),
    )
    plan = stage.plan(cast, person_rhythm(stage.pools.arrivals, retry_share=part.retry_share))
    projects = grammar.names(part.n, rng=rng)
    asks = stage.fresh(stage.pools.code, plan)
    turns = _about_project(asks, projects, plan.account, rng=rng)
    script = converse(plan, turns, label="developer", first_account=stage.first_account, pools=stage.pools, rng=rng)
    system = np.array(
        [f"You help with {name}. The main language is {lang}." for name, lang in _languages(projects, rng)],
        dtype=object,
    )
    schemas = np.array(
        [
            grammar.tool_schema(["run", "read_file", f"{name}_status".replace("-", "_")], owner=name)
            for name in projects
        ],
        dtype=object,
    )
    equipped = rng.random(part.n) < part.tools_share
    return Troupe(
        cast,
        replace(
            script,
            system=np.where(rng.random(part.n) < 0.5, system, NOTHING)[plan.account],
            tools=np.where(equipped, schemas, NOTHING)[plan.account],
        ),
    )


def _languages(projects: Texts, rng: np.random.Generator) -> list[tuple[str, str]]:
    spoken = rng.choice(np.array(phrases.SOFTWARE["lang"], dtype=object), len(projects))
    return list(zip(projects.tolist(), spoken.tolist(), strict=True))


def _about_project(asks: Texts, projects: Texts, owner: Ints, *, rng: np.random.Generator) -> Texts:
    """Return the questions put to a file of the owner's project; a project has twelve."""
    files = grammar.file_names(12 * len(projects), rng=rng)
    chosen = files[12 * owner + np.minimum(rng.geometric(0.3, len(owner)) - 1, 11)]
    frame = rng.integers(0, 4, len(owner))
    return np.select(
        [frame == 0, frame == 1, frame == 2],
        [
            chosen + " in " + projects[owner] + ": " + asks,
            asks + "\n\n" + chosen,
            projects[owner] + ", " + chosen + ". " + asks,
        ],
        default=asks,
    ).astype(object)


def popular_agent(part: PopularAgent, stage: Stage) -> Troupe:
    """Return strangers who share an agent's prompt, frame and tools, and nothing else."""
    rng, pools = stage.rng, stage.pools
    cast = stage.accounts(part.n, label="agent", rate=part.weekly_exchanges)
    name = str(grammar.names(1, rng=rng)[0]).title()
    cast = replace(cast, user_agent=np.full(part.n, f"{name.lower()}/3.{rng.integers(0, 9)}.0", dtype=object))
    if part.follows:
        cast = replace(
            cast,
            model=np.full(part.n, next(iter(SUCCESSOR)), dtype=object),
            adopts_s=rng.uniform(0, 0.25 * DAY_S, part.n),
        )
    plan = stage.plan(cast, agent_rhythm(pools.arrivals, retry_share=part.retry_share))
    released = [day * DAY_S for day in part.releases] + [stage.tested_s] * part.release
    version = np.searchsorted(np.sort(released), plan.at_s, side="right")
    prompts = np.array(grammar.agent_prompts(name, rng=rng, releases=max(len(released), 1)), dtype=object)
    frames = rng.permutation(np.array(grammar.agent_frames(name), dtype=object))
    turns = _agent_turns(plan, stage, frame=frames[version % len(frames)])
    script = converse(plan, turns, label="agent", first_account=stage.first_account, pools=pools, rng=rng)
    tools = grammar.tool_schema(phrases.AGENT_WORDS["tool"][:3] + phrases.AGENT_WORDS["tool2"][:2], owner=name)
    if part.ci_share > 0:
        built = rng.random(int(plan.session.max(initial=-1)) + 1) < part.ci_share
        script = replace(script, network=np.where(built[plan.session] & stage.is_tested(plan), stage.site, -1))
    return Troupe(
        cast,
        replace(
            script,
            system=prompts[version],
            tools=np.full(len(plan), tools, dtype=object),
        ),
    )


def _agent_turns(plan: Agenda, stage: Stage, *, frame: Texts) -> Texts:
    """Return tasks in the agent's frame; later turns are tool results from the user's own project."""
    rng = stage.rng
    n = int(plan.account.max(initial=-1)) + 1
    projects = grammar.names(n, rng=rng)
    files = grammar.file_names(12 * n, rng=rng)
    shown = files[12 * plan.account + np.minimum(rng.geometric(0.3, len(plan)) - 1, 11)]
    asks = stage.fresh(stage.pools.code, plan)
    task = frame + "\n\nworkspace: " + projects[plan.account] + "\nopen: " + shown + "\n\n" + asks
    result = (
        "result of "
        + rng.choice(np.array(phrases.AGENT_WORDS["tool"], dtype=object), len(plan))
        + " on "
        + shown
        + ":\n"
        + asks
    )
    return np.where(plan.turn == 0, task, result).astype(object)


def viral_prompt(part: ViralPrompt, stage: Stage) -> Troupe:
    """Return one exchange each of persons who paste the very same prompt."""
    text = grammar.viral(1, rng=stage.rng)[0]
    return _once_each(part.accounts, stage, np.full(part.accounts, text, dtype=object), label="viral_prompt")


def viral_template(part: ViralTemplate, stage: Stage) -> Troupe:
    """Return one exchange each of persons who fill the same frame."""
    return _once_each(part.accounts, stage, grammar.viral(part.accounts, rng=stage.rng), label="viral_template")


def _once_each(n: int, stage: Stage, texts: Texts, *, label: str) -> Troupe:
    if n > len(stage.persons):
        raise UsageError(
            f"{n} persons are to send a viral text and the parts before it hold {len(stage.persons)}",
            where=f"scenario {stage.scenario.name}",
            todo="put more chat persons before it, or ask for fewer",
        )
    rng = stage.rng
    account = rng.permutation(stage.persons)[:n]
    at_s = stage.tested_s + (stage.log_s - stage.tested_s) * rng.beta(2, 3, n)
    script = single_turns(account, at_s, texts, label=label, pools=stage.pools, rng=rng)
    return Troupe(None, script)


def university_class(part: UniversityClass, stage: Stage) -> Troupe:
    """Return students with a life of their own and, in the tested stretch, questions on one assignment."""
    rng, pools = stage.rng, stage.pools
    cast = stage.accounts(part.n, label="class", rate=STUDENT_PACE * stage.scenario.weekly_exchanges)
    cast = replace(
        cast,
        home=np.full(part.n, stage.site),
        home_share=np.full(part.n, part.site_share),
        use=np.full(part.n, "education", dtype=object),
        payment=tokens("card-", 1, rng=rng)[np.zeros(part.n, dtype=np.int64)] if part.one_card else cast.payment,
        user_agent=rng.choice(BROWSERS, part.n),
    )
    person = ChatPersons(n=part.n, label="class", retry_share=part.retry_share)
    rhythm = person_rhythm(pools.arrivals, retry_share=part.retry_share)
    life = stage.plan(cast, rhythm)
    daily = converse(
        life,
        chat_turns(person, life, stage, cover=False),
        label="class",
        first_account=stage.first_account,
        pools=pools,
        rng=rng,
    )
    counts = np.zeros((part.n, stage.scenario.weeks), dtype=np.int64)
    counts[:, -1] = 1 + rng.poisson(part.asks * (1 + part.retry_share) - 1, part.n)
    study = stage.plan(cast, rhythm, counts)
    text = grammar.assignment(rng=rng)
    asked = text + "\n\n" + grammar.student_questions(len(study), rng=rng)
    homework = converse(study, asked, label="class", first_account=stage.first_account, pools=pools, rng=rng)
    return Troupe(cast, concatenate([daily, homework]))
