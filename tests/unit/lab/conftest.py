from dataclasses import replace

import pytest

from gauger.lab import (
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
    grammar_pools,
    simulate,
)


@pytest.fixture(scope="session")
def pools():
    return grammar_pools(per_topic=1_000)


@pytest.fixture(scope="session")
def small():
    """A scenario with every kind of part, small enough for a tenth of a second."""
    return Scenario(
        name="small",
        parts=(
            ChatPersons(n=50),
            Developers(n=8),
            TemplateApps(n=5),
            TemplateApps(n=1, keys=6, label="declared_keys"),
            UndeclaredKeys(keys=5),
            PopularAgent(n=20, release=True),
            EvaluationRuns(n=2, items=30),
            ChatPersons(n=15, label="nat", shared_site=True),
            UniversityClass(n=12),
            ViralPrompt(accounts=12),
            ViralTemplate(accounts=12),
            Campaign(n=10, share=0.2),
        ),
        weekly_exchanges=20.0,
    )


@pytest.fixture(scope="session")
def world(small, pools):
    return simulate(small, seed=3, pools=pools)


@pytest.fixture(scope="session")
def with_campaign(pools):
    """The world of a few persons and one campaign with the knobs that a test turns."""

    def build(*, seed=1, weekly=20.0, **knobs):
        parts = (ChatPersons(n=10), Campaign(**{"n": 8, "exchanges": weekly, **knobs}))
        return simulate(Scenario(name="test", parts=parts, weekly_exchanges=weekly), seed=seed, pools=pools)

    return build


@pytest.fixture(scope="session")
def only(pools):
    """The world of one part, or of several."""

    def build(*parts, seed=1, weekly=20.0):
        return simulate(replace(Scenario(name="only", parts=parts), weekly_exchanges=weekly), seed=seed, pools=pools)

    return build
