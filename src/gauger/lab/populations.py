"""Populations: the builder of each kind of part. A new kind is a dataclass, a builder and a line here."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import numpy as np

from gauger.lab.accounts import DAY_S
from gauger.lab.attacks import (
    compromised_keys,
    mixed_pathways,
    pool_failover,
    probe,
    replayed_reasoning,
    reseller,
    serve_and_harvest,
)
from gauger.lab.campaign import campaign
from gauger.lab.persons import (
    chat_persons,
    developers,
    popular_agent,
    university_class,
    viral_prompt,
    viral_template,
)
from gauger.lab.programs import evaluation_runs, template_apps, undeclared_keys
from gauger.lab.scenarios import (
    Born,
    Campaign,
    ChatPersons,
    CompromisedKeys,
    Developers,
    EvaluationRuns,
    MixedPathways,
    PoolFailover,
    PopularAgent,
    Probe,
    ReplayedReasoning,
    Reseller,
    ServeAndHarvest,
    TemplateApps,
    UndeclaredKeys,
    UniversityClass,
    ViralPrompt,
    ViralTemplate,
)
from gauger.lab.stage import Stage, Troupe


def born(part: Born, stage: Stage) -> Troupe:
    """Return a part that lives in a log of its own, moved to its place in the world's log."""
    began_s = part.at_day * DAY_S
    own = replace(
        stage.scenario,
        start=stage.scenario.start + timedelta(days=part.at_day),
        history_weeks=0,
        tested_weeks=part.weeks,
    )
    troupe = BUILDERS[type(part.part)](part.part, replace(stage, scenario=own, began_s=began_s))
    script = replace(troupe.script, at_s=troupe.script.at_s + began_s)
    cast = troupe.cast and replace(
        troupe.cast,
        signed_up_s=troupe.cast.signed_up_s + began_s,
        suspended_s=troupe.cast.suspended_s + began_s,
    )
    return Troupe(cast, script.rows(np.flatnonzero((script.at_s >= 0) & (script.at_s < stage.log_s))))


#: The builder of each kind of part.
BUILDERS: Final[dict[type, Callable[[Any, Stage], Troupe]]] = {
    ChatPersons: chat_persons,
    Developers: developers,
    TemplateApps: template_apps,
    UndeclaredKeys: undeclared_keys,
    PopularAgent: popular_agent,
    EvaluationRuns: evaluation_runs,
    ViralPrompt: viral_prompt,
    ViralTemplate: viral_template,
    UniversityClass: university_class,
    Campaign: campaign,
    Born: born,
    MixedPathways: mixed_pathways,
    PoolFailover: pool_failover,
    ServeAndHarvest: serve_and_harvest,
    Reseller: reseller,
    Probe: probe,
    ReplayedReasoning: replayed_reasoning,
    CompromisedKeys: compromised_keys,
}
