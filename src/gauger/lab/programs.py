"""Programs: applications with one template, keys of one customer, evaluation runs."""

from dataclasses import replace

import numpy as np

from gauger.lab import grammar, phrases
from gauger.lab.accounts import CLIENTS, Cast, tokens
from gauger.lab.clock import WEEK_S, program_rhythm
from gauger.lab.dialogues import Script, converse, limited, single_turns
from gauger.lab.pools import NOTHING, Ints
from gauger.lab.scenarios import EvaluationRuns, TemplateApps, UndeclaredKeys
from gauger.lab.stage import Stage, Troupe


def template_apps(part: TemplateApps, stage: Stage) -> Troupe:
    """Return customers with one template each, around words of their end users."""
    n = part.n * part.keys
    owner = np.repeat(np.arange(part.n), part.keys)
    cast = _programs(stage.accounts(n, label=part.label, rate=part.weekly_exchanges, floor=0.4), owner, rng=stage.rng)
    cast = replace(
        cast,
        principal_id=cast.principal_id[owner * part.keys],
        organisation_id=tokens("org-", part.n, rng=stage.rng)[owner],
    )
    return Troupe(
        cast,
        _template_traffic(
            cast, owner, stage, label=part.label, system_share=part.system_share, from_week=part.from_week
        ),
    )


def _programs(cast: Cast, owner: Ints, *, rng: np.random.Generator) -> Cast:
    """Return the accounts as programs: everything but the ids and the volume is the owner's."""
    first = np.flatnonzero(np.diff(owner, prepend=-1))[owner]
    n_owners = int(owner.max(initial=-1)) + 1
    return replace(
        cast,
        user_agent=rng.choice(CLIENTS, n_owners)[owner],
        plan=np.full(len(owner), "api", dtype=object),
        payment=tokens("card-", n_owners, rng=rng)[owner],
        model=cast.model[first],
        temperature=np.round(rng.uniform(0, 0.7, n_owners), 1)[owner],
        home=cast.home[first],
        home_share=np.ones(len(owner)),
        profile=cast.profile[first],
        region=cast.region[first],
    )


def _template_traffic(
    cast: Cast, owner: Ints, stage: Stage, *, label: str, system_share: float, from_week: int = 0
) -> Script:
    """Return single-turn exchanges: the owner's template and an end user's words, of one line of business."""
    rng, pools = stage.rng, stage.pools
    n_owners = int(owner.max(initial=-1)) + 1
    counts = stage.weekly_counts(cast) * (np.arange(stage.scenario.weeks) >= from_week)
    plan = stage.plan(cast, program_rhythm(pools.arrivals), counts)
    business = rng.integers(0, len(pools.inputs), n_owners)[owner][plan.account]
    said = np.full(len(plan), "", dtype=object)
    for number, shelf in enumerate(pools.inputs.values()):
        rows = np.flatnonzero((business == number) & ~plan.is_retry)
        said[rows] = stage.draw(shelf, plan, rows)
    template = grammar.templates(grammar.names(n_owners, rng=rng), rng=rng)[owner][plan.account]
    in_system = (rng.random(n_owners) < system_share)[owner][plan.account]
    turns = np.where(in_system, said, template + "\n\n" + said).astype(object)
    script = converse(plan, turns, label=label, first_account=stage.first_account, pools=pools, rng=rng)
    # A program sends the very same bytes again.
    return replace(
        script,
        user=turns[plan.source],
        system=np.where(in_system, template, NOTHING),
    )


def undeclared_keys(part: UndeclaredKeys, stage: Stage) -> Troupe:
    """Return one customer's keys that look like so many customers, but for card, network and client."""
    owner = np.zeros(part.keys, dtype=np.int64)
    cast = stage.accounts(part.keys, label=part.label, floor=0.4)
    cast = replace(_programs(cast, owner, rng=stage.rng), home=np.full(part.keys, stage.site))
    script = _template_traffic(cast, owner, stage, label=part.label, system_share=0.0)
    if part.limited_share > 0:
        script = limited(script, part.limited_share, handed_on=1.0, after_s=120.0, until_s=stage.log_s, rng=stage.rng)
    return Troupe(cast, script)


def evaluation_runs(part: EvaluationRuns, stage: Stage) -> Troupe:
    """Return accounts that each send all items of a suite in every run: the same items in every account."""
    rng, weeks = stage.rng, stage.scenario.weeks
    cast = stage.accounts(part.n, label="evaluation", rate=0.0, floor=1.0)
    cast = replace(
        _programs(cast, np.arange(part.n), rng=rng),
        use=np.full(part.n, "evaluation", dtype=object),
        temperature=np.zeros(part.n),
    )
    items = stage.pools.named("suites", part.suite)[part.first_item :][: part.items]
    template = grammar.suite_template(rng=rng) if part.own else phrases.SUITE_TEMPLATE
    runs = sorted({run % weeks for run in part.runs if -weeks <= run < weeks})
    account = np.repeat(np.arange(part.n), len(runs) * len(items))
    week = np.tile(np.repeat(runs, len(items)), part.n)
    item = np.tile(np.arange(len(items)), part.n * len(runs))
    # A run starts at any hour of its week's first six days and sends an item every four seconds or so.
    start = np.repeat(rng.uniform(0, 6 / 7 * WEEK_S, part.n * len(runs)), len(items))
    at_s = week * WEEK_S + start + 4.0 * item + rng.uniform(0, 2.0, len(item))
    asked = np.array([template.replace("{item}", text) for text in items], dtype=object)
    script = single_turns(
        stage.first_account + account, at_s, asked[item], label="evaluation", pools=stage.pools, rng=rng
    )
    return Troupe(cast, replace(script, session=account))
