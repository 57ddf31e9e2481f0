"""Lab: simulated traffic with the truth beside it."""

from gauger.lab.datasets import data_pools
from gauger.lab.grammar import grammar_pools
from gauger.lab.pools import Pools
from gauger.lab.scenarios import (
    SCENARIOS,
    Campaign,
    ChatPersons,
    Developers,
    EvaluationRuns,
    PopularAgent,
    Scenario,
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
    "Campaign",
    "ChatPersons",
    "Developers",
    "EvaluationRuns",
    "Pools",
    "PopularAgent",
    "Report",
    "Scenario",
    "Score",
    "TemplateApps",
    "Truth",
    "UndeclaredKeys",
    "UniversityClass",
    "ViralPrompt",
    "ViralTemplate",
    "World",
    "data_pools",
    "grammar_pools",
    "score",
    "simulate",
    "simulate_to",
    "write_world",
]
