from dataclasses import dataclass, replace

import pyarrow as pa
import pytest

from gauger.campaigns.findings import Calibration, Finding, Findings, Input, Member
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
from gauger.lab.scores import Truth
from gauger.lab.world import TRUTH_ACCOUNTS_SCHEMA, TRUTH_EXCHANGES_SCHEMA


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


@dataclass(frozen=True)
class Group:
    """What a test says of a finding: accounts by name, with membership and share where they matter."""

    accounts: dict[str, tuple[float, float | None]]
    verdict: str = "campaign"
    rank: int | None = None


@pytest.fixture(scope="session")
def group():
    def make(*accounts, verdict="campaign", rank=None, weights=None):
        return Group({name: (weights or {}).get(name, (1.0, 1.0)) for name in accounts}, verdict, rank)

    return make


@pytest.fixture(scope="session")
def findings_of():
    """A document with the given groups, in their order or by their ranks."""

    def build(*groups, tested_to="2026-02-09T00:00:00Z", to="2026-02-09T00:00:00Z"):
        return Findings(
            schema="gauger/findings/1",
            generated_at=to,
            gauger_version="0",
            input=Input(
                exchanges=0,
                accounts=0,
                principals=0,
                from_="2026-01-05T00:00:00Z",
                to=to,
                tested_from="2026-02-02T00:00:00Z",
                tested_to=tested_to,
                quarantined=0,
                duplicates=0,
                columns_absent=[],
                channels_off=[],
            ),
            calibration=Calibration(
                method="none", windows=0, window="7 days", target=0.05, certified=False, fdr=None, statement=""
            ),
            findings=[_finding(one, number) for number, one in enumerate(groups, start=1)],
            cleared=[],
        )

    return build


def _finding(group, number):
    members = [
        Member(
            account_id=name,
            principal_id=name,
            membership=membership,
            low=membership,
            high=membership,
            share=share,
            share_low=share,
            share_high=share,
            n_exchanges=1,
        )
        for name, (membership, share) in group.accounts.items()
    ]
    return Finding(
        finding_id=f"c-{number}",
        rank=group.rank or number,
        verdict=group.verdict,
        first_seen="2026-02-02T00:00:00Z",
        last_seen="2026-02-03T00:00:00Z",
        n_accounts=len(members),
        n_principals=len(members),
        n_exchanges=0,
        n_exchanges_all=0,
        input_tokens=None,
        output_tokens=None,
        p_value=None,
        families=[],
        capabilities={},
        accounts=members,
        evidence=[],
        benign_explanations=[],
    )


@pytest.fixture(scope="session")
def truth_of_accounts():
    """The truth of accounts by campaign (None: innocent), each with so many exchanges, all of a guilty one hostile."""

    def build(campaigns, *, exchanges_each=1, classes=None):
        rows = [(account, number, name) for account, name in campaigns.items() for number in range(exchanges_each)]
        labels = classes or {}
        return Truth(
            accounts=pa.table(
                {
                    "account_id": list(campaigns),
                    "class": [
                        labels.get(one, "chat" if name is None else "campaign") for one, name in campaigns.items()
                    ],
                    "campaign": pa.array(campaigns.values(), pa.string()),
                },
                schema=TRUTH_ACCOUNTS_SCHEMA,
            ),
            exchanges=pa.table(
                {
                    "request_id": [f"{account}/{number}" for account, number, _ in rows],
                    "account_id": [account for account, _, _ in rows],
                    "class": ["chat"] * len(rows),
                    "campaign": pa.array([name for _, _, name in rows], pa.string()),
                    "list_item": pa.array([None if name is None else number for _, number, name in rows], pa.int64()),
                },
                schema=TRUTH_EXCHANGES_SCHEMA,
            ),
        )

    return build


@pytest.fixture(scope="session")
def attribution():
    """A table of attributed exchanges from (finding number, account, exchange number)."""

    def build(*rows, **columns):
        return pa.table(
            {
                "finding_id": pa.array([f"c-{finding}" for finding, _, _ in rows], pa.string()),
                "account_id": pa.array([account for _, account, _ in rows], pa.string()),
                "request_id": pa.array([f"{account}/{number}" for _, account, number in rows], pa.string()),
                **columns,
            }
        )

    return build
