"""Populations: the builder of each kind of part. A new kind is a dataclass, a builder and a line here."""

from collections.abc import Callable
from typing import Any, Final

from gauger.lab.attacks import compromised_keys, mixed_pathways, pool_failover, probe, reseller, serve_and_harvest
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
    Campaign,
    ChatPersons,
    CompromisedKeys,
    Developers,
    EvaluationRuns,
    MixedPathways,
    PoolFailover,
    PopularAgent,
    Probe,
    Reseller,
    ServeAndHarvest,
    TemplateApps,
    UndeclaredKeys,
    UniversityClass,
    ViralPrompt,
    ViralTemplate,
)
from gauger.lab.stage import Stage, Troupe

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
    MixedPathways: mixed_pathways,
    PoolFailover: pool_failover,
    ServeAndHarvest: serve_and_harvest,
    Reseller: reseller,
    Probe: probe,
    CompromisedKeys: compromised_keys,
}
