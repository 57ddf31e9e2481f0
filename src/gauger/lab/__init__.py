"""Lab: simulated traffic with the truth beside it."""

from gauger.lab.adapters import LocalCopies
from gauger.lab.births import BirthRates, living
from gauger.lab.datasets import data_pools
from gauger.lab.grammar import grammar_pools
from gauger.lab.pools import Pools
from gauger.lab.scenarios import (
    SCENARIOS,
    Born,
    Campaign,
    ChatPersons,
    CompromisedKeys,
    Countermeasures,
    Developers,
    EvaluationRuns,
    MixedPathways,
    PoolFailover,
    PopularAgent,
    Probe,
    ReplayedReasoning,
    Reseller,
    Scenario,
    ServeAndHarvest,
    TemplateApps,
    UndeclaredKeys,
    UniversityClass,
    ViralPrompt,
    ViralTemplate,
)
from gauger.lab.scores import Report, Score, Truth
from gauger.lab.scoring import score
from gauger.lab.world import World, simulate
from gauger.lab.writing import simulate_to, write_world

__all__ = [
    "SCENARIOS",
    "BirthRates",
    "Born",
    "Campaign",
    "ChatPersons",
    "CompromisedKeys",
    "Countermeasures",
    "Developers",
    "EvaluationRuns",
    "LocalCopies",
    "MixedPathways",
    "PoolFailover",
    "Pools",
    "PopularAgent",
    "Probe",
    "ReplayedReasoning",
    "Report",
    "Reseller",
    "Scenario",
    "Score",
    "ServeAndHarvest",
    "TemplateApps",
    "Truth",
    "UndeclaredKeys",
    "UniversityClass",
    "ViralPrompt",
    "ViralTemplate",
    "World",
    "data_pools",
    "grammar_pools",
    "living",
    "score",
    "simulate",
    "simulate_to",
    "write_world",
]
