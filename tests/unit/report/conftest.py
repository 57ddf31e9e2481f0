"""A report as a scan would fill it: a campaign, a supported group, a viral template, and a cleared popular agent.

Golden files: run the tests with GAUGER_REWRITE_GOLDEN=1 to write them anew, then read the difference before committing.
"""

import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest

from gauger.campaigns.findings import (
    BenignExplanation,
    Calibration,
    ChannelOff,
    Cleared,
    Evidence,
    Fact,
    Finding,
    Findings,
    Input,
    Link,
    Member,
)
from gauger.report import Marker, PowerRow, Timeline
from gauger.report.moments import epoch_us

GOLDEN = Path(__file__).parents[2] / "golden" / "report"
HOUR_US = 3_600_000_000


def fact(code: str, text: str, **values: object) -> Fact:
    return Fact(code=code, text=text, values=values)


def evidence(channel: str, family: str, p_value: float | None, null: str, *facts: Fact, applicable=True) -> Evidence:
    return Evidence(
        channel=channel, family=family, applicable=applicable, p_value=p_value, null=null, facts=list(facts)
    )


CORE_NULL = "the strongest group of this window is no stronger than that of a history window (equal look-back)"


def given_plan(noun: str) -> str:
    return f"which accounts are in the group is independent of their {noun}, given plan, model and activity"


def member(number: int, *, prefix: str, share: float | None, membership: float, n_exchanges: int) -> Member:
    return Member(
        account_id=f"{prefix}-{number:04d}",
        principal_id=f"org-{prefix}-{number:04d}",
        membership=membership,
        low=max(0.0, membership - 0.06),
        high=min(1.0, membership + 0.004),
        share=share,
        share_low=None if share is None else share * 0.8,
        share_high=None if share is None else min(1.0, share * 1.25),
        n_exchanges=n_exchanges,
    )


def campaign() -> Finding:
    accounts = [
        member(7 * i, prefix="key", share=0.05 + 0.003 * (i % 11), membership=0.9982 - 0.004 * i, n_exchanges=150 - i)
        for i in range(30)
    ]
    accounts[4] = msgspec.structs.replace(accounts[4], account_id="客户-上海-0042", principal_id="org-shanghai-0042")
    accounts[9] = msgspec.structs.replace(accounts[9], account_id="svc/" + "inference-gateway-production-" * 4 + "9")
    return Finding(
        finding_id="c-k7q2mzx4ahwd",
        rank=1,
        verdict="campaign",
        first_seen="2026-10-29T22:14:07Z",
        last_seen="2026-11-19T23:41:55Z",
        n_accounts=30,
        n_principals=30,
        n_exchanges=4_065,
        n_exchanges_all=63_118,
        input_tokens=1_846_220,
        output_tokens=11_402_875,
        p_value=0.00041,
        families=["identity", "text"],
        capabilities={
            "reasoning_elicitation": 0.8417,
            "grading": 0.0,
            "data_generation": 0.0912,
            "tool_traces": 0.0,
            "coding": 0.0503,
            "censorship_safe_rewriting": 0.0,
            "trace_cleaning": 0.0,
            "other": 0.0168,
        },
        accounts=accounts,
        evidence=[
            evidence(
                "template_core",
                "text",
                None,
                CORE_NULL,
                fact(
                    "core.shared", "30 customers sent 4,065 items around 1 shared template, found without looking back."
                ),
                fact(
                    "core.fills",
                    "99.4% of the fills stand with one customer only; 0.0% repeat a fill of the same customer.",
                ),
            ),
            evidence(
                "payment",
                "identity",
                0.0001,
                given_plan("payment card"),
                fact(
                    "payment.shared",
                    "26 of 30 customers share a payment card with another of the group (known for 30).",
                    linked=26,
                    ringed=26,
                    members=30,
                ),
                fact("payment.largest", "One payment card is held by 5 of the group and by 5 customers in all."),
                fact(
                    "payment.adjusted",
                    "Adjusted for everything this scan tested (Holm): p = 0.00041.",
                    adjusted_p_value=0.00041,
                ),
            ),
            evidence(
                "network",
                "infrastructure",
                0.31,
                given_plan("network"),
                fact(
                    "network.shared",
                    "4 of 30 customers share a network with another of the group (known for 30).",
                    linked=4,
                    ringed=0,
                    members=30,
                ),
                fact(
                    "network.adjusted",
                    "Adjusted for everything this scan tested (Holm): p = 0.93.",
                    adjusted_p_value=0.93,
                ),
            ),
            evidence(
                "reasoning_block",
                "infrastructure",
                None,
                given_plan("reasoning block"),
                fact("reasoning_block.no_power", "No power: fewer than four members with a known one."),
                applicable=False,
            ),
            evidence(
                "personhood",
                "personhood",
                0.62,
                "items of one customer are as alike as items of two",
                fact(
                    "personhood.pairs",
                    "214,771 pairs of items of one customer after near-repeats were removed, 214,790 before.",
                ),
                fact(
                    "personhood.z",
                    "Similarity inside a customer against relabelled customers: z = -0.3: no sign of separate people.",
                ),
            ),
        ],
        benign_explanations=[
            BenignExplanation(
                code="separate_persons", tested=True, outcome="excluded: items fall on the customers as if dealt out"
            ),
            BenignExplanation(
                code="viral_prompt_or_suite",
                tested=True,
                outcome="excluded: 99% of the fills stand with one customer only",
            ),
            BenignExplanation(code="viral_template", tested=True, outcome="excluded: 135.5 requests per customer"),
            BenignExplanation(
                code="one_operator_undeclared",
                tested=True,
                outcome="excluded: one payment card joins 16% of the customers",
            ),
            BenignExplanation(code="one_site", tested=True, outcome="excluded: one network joins 6% of the customers"),
        ],
    )


def supported() -> Finding:
    return Finding(
        finding_id="c-3fvu6rbt5ngy",
        rank=2,
        verdict="supported",
        first_seen="2026-11-14T06:02:11Z",
        last_seen="2026-11-19T19:20:00Z",
        n_accounts=12,
        n_principals=11,
        n_exchanges=388,
        n_exchanges_all=2_907,
        input_tokens=91_004,
        output_tokens=None,
        p_value=0.0312,
        families=["infrastructure"],
        capabilities={"grading": 0.66, "other": 0.34},
        accounts=[
            member(i, prefix="team", share=0.4 if i % 3 else None, membership=0.97 - 0.03 * i, n_exchanges=40 - 2 * i)
            for i in range(12)
        ],
        evidence=[
            evidence(
                "template_core",
                "text",
                0.2,
                CORE_NULL,
                fact(
                    "core.shared",
                    "12 customers sent 388 items around 2 shared templates that nobody had sent in the look-back.",
                ),
                fact(
                    "core.rank",
                    "Against the maxima of the history windows: p = 0.2; among all their candidates: p = 0.11.",
                ),
            ),
            evidence(
                "network",
                "infrastructure",
                0.0008,
                given_plan("network"),
                fact(
                    "network.shared",
                    "7 of 12 customers share a network with another of the group (known for 12).",
                    linked=7,
                    ringed=6,
                    members=12,
                ),
                fact(
                    "network.adjusted",
                    "Adjusted for everything this scan tested (Holm): p = 0.0312.",
                    adjusted_p_value=0.0312,
                ),
            ),
        ],
        benign_explanations=[
            BenignExplanation(
                code="separate_persons", tested=True, outcome="excluded: items fall on the customers as if dealt out"
            ),
            BenignExplanation(
                code="one_operator_undeclared", tested=False, outcome="not tested: no payment card is known"
            ),
        ],
    )


def viral_template() -> Finding:
    return Finding(
        finding_id="c-wd5yoxq72ejl",
        rank=3,
        verdict="observed",
        first_seen="2026-11-17T12:00:41Z",
        last_seen="2026-11-19T22:58:09Z",
        n_accounts=214,
        n_principals=214,
        n_exchanges=214,
        n_exchanges_all=18_540,
        input_tokens=20_311,
        output_tokens=166_902,
        p_value=None,
        families=[],
        capabilities={"other": 1.0},
        accounts=[member(i, prefix="user", share=None, membership=0.81, n_exchanges=1) for i in range(214)],
        evidence=[
            evidence(
                "template_core",
                "text",
                None,
                CORE_NULL,
                fact(
                    "core.shared",
                    "214 customers sent 214 items around 1 shared template that nobody had sent in the look-back.",
                ),
            ),
            evidence(
                "personhood",
                "personhood",
                None,
                "items of one customer are as alike as items of two",
                fact("personhood.no_power", "No power: fewer than 20 pairs."),
                applicable=False,
            ),
        ],
        benign_explanations=[
            BenignExplanation(
                code="viral_template",
                tested=True,
                outcome="not excluded: 1.0 requests per customer, as when a template goes viral",
            ),
            BenignExplanation(
                code="separate_persons",
                tested=False,
                outcome="not excluded: too few items per customer to tell persons from a dealt list",
            ),
        ],
    )


def popular_agent() -> Cleared:
    return Cleared(
        first_seen="2026-11-13T00:00:02Z",
        last_seen="2026-11-19T23:59:58Z",
        n_accounts=2_304,
        n_principals=2_287,
        n_exchanges=71_455,
        reason="Items of one customer are more alike than items of two: separate persons share a template.",
        evidence=[
            evidence(
                "personhood",
                "personhood",
                0.0001,
                "items of one customer are as alike as items of two",
                fact(
                    "personhood.z",
                    "Similarity inside a customer against relabelled customers: z = 98.2 without repeats:"
                    " people were found behind the accounts.",
                ),
            )
        ],
    )


@pytest.fixture
def findings() -> Findings:
    return Findings(
        schema="gauger/findings/1",
        generated_at="2026-11-19T23:59:59Z",
        gauger_version="0.1.0",
        input=Input(
            exchanges=1_204_338,
            accounts=8_412,
            principals=8_106,
            from_="2026-10-16T00:00:00Z",
            to="2026-11-19T23:59:59Z",
            tested_from="2026-11-13T00:00:00Z",
            tested_to="2026-11-19T23:59:59.999999Z",
            quarantined=17,
            duplicates=2_051,
            columns_absent=["client_fingerprint", "reasoning_tokens", "top_logprobs"],
            channels_off=[ChannelOff(channel="reasoning_block", reason="the logs name no reasoning block")],
        ),
        calibration=Calibration(
            method="conditional permutation tests (Holm)",
            windows=4,
            window="7 days",
            target=0.05,
            certified=True,
            fdr=None,
            statement="Conditional tests of payment, network and reasoning blocks: 41 tests, Holm-adjusted,"
            " certify at 5.0%. Content alone is not certified: 4 disjoint history windows of 7 days can certify nothing"
            " below 20.0%. What rests on content alone is called observed.",
        ),
        findings=[campaign(), supported(), viral_template()],
        cleared=[popular_agent()],
        links=[
            Link(
                findings=[campaign().finding_id, supported().finding_id],
                channel="network",
                family="infrastructure",
                p_value=0.00042,
                facts=[
                    fact(
                        "network.link",
                        "12 customers of the one and 5 of the other are on 2 network prefixes of both, held by 21"
                        " customers in all.",
                        linked=[12, 5],
                        tokens=2,
                        holders=21,
                    )
                ],
            )
        ],
    )


@pytest.fixture
def nothing_found(findings: Findings) -> Findings:
    """A scan without account table or history, and without findings."""
    return msgspec.structs.replace(
        findings,
        findings=[],
        cleared=[],
        links=[],
        input=msgspec.structs.replace(
            findings.input,
            exchanges=812,
            accounts=40,
            principals=40,
            quarantined=0,
            duplicates=0,
            columns_absent=["email", "payment_token", "plan", "signed_up_at"],
            channels_off=[ChannelOff(channel="payment", reason="no account table")],
        ),
        calibration=msgspec.structs.replace(
            findings.calibration, windows=0, certified=False, statement="There is no history to compare with."
        ),
    )


@pytest.fixture
def power() -> list[PowerRow]:
    return [
        PowerRow(
            n_accounts=10, exchanges_per_account=1, verdict="observed", planted=40, found=3, low=0.0157, high=0.2039
        ),
        PowerRow(
            n_accounts=30, exchanges_per_account=5, verdict="observed", planted=40, found=40, low=0.9119, high=1.0
        ),
        PowerRow(
            n_accounts=30, exchanges_per_account=5, verdict="campaign", planted=40, found=31, low=0.6155, high=0.8916
        ),
    ]


@pytest.fixture
def timelines() -> dict[str, Timeline]:
    """Five weeks by the hour, a daily rhythm, a ban after which the campaign moves, a release."""
    hours = np.arange(35 * 24, dtype=np.int64)
    start = epoch_us("2026-10-16T00:00:00Z")
    rhythm = 60 + np.round(40 * np.sin((hours % 24 - 6) / 24 * 2 * np.pi)).astype(np.int64)
    active = (hours >= 13 * 24 + 22) & ~((hours >= 560) & (hours < 572))
    attributed = np.where(active, 5 + (hours * 7919) % 13 // 2 + 4 * (hours >= 572), 0)
    bursts = np.where((hours >= 30 * 24) & (hours % 24 > 11), 3, 0)
    series = {"starts_us": start + hours * HOUR_US, "width_s": 3_600}
    return {
        "c-k7q2mzx4ahwd": Timeline(
            attributed=attributed,
            all_exchanges=rhythm + attributed,
            markers=(
                Marker(at_us=epoch_us("2026-11-08T08:00:00Z"), label="ban: 12 accounts of this finding"),
                Marker(at_us=epoch_us("2026-11-08T19:00:00Z"), label="ban: 3 accounts of this finding"),
                Marker(at_us=epoch_us("2026-11-16T17:00:00Z"), label="release: large-model-5"),
            ),
            **series,
        ),
        "c-3fvu6rbt5ngy": Timeline(attributed=bursts, all_exchanges=bursts + 2, **series),
    }


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compare a text with a golden file, or write the file where GAUGER_REWRITE_GOLDEN is set."""

    def check(name: str, text: str) -> None:
        path = GOLDEN / name
        if os.environ.get("GAUGER_REWRITE_GOLDEN"):
            path.write_text(text, encoding="utf-8", newline="\n")
            pytest.skip(f"golden file written: {path.name}")
        assert text == path.read_text(encoding="utf-8"), f"{path} differs; see the top of {__file__}"

    return check
