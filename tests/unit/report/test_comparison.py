import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gauger.report import compare, render_comparison


@pytest.fixture
def later(findings):
    """A week on: the campaign grew, the supported group became a campaign, the template was gone, one group is new."""
    first, second, third = findings.findings
    grown = msgspec.structs.replace(
        first,
        n_exchanges=5_200,
        accounts=[*first.accounts[2:], msgspec.structs.replace(first.accounts[0], account_id="key-\u202e9")],
        n_accounts=29,
    )
    promoted = msgspec.structs.replace(second, verdict="campaign")
    new = msgspec.structs.replace(third, finding_id="c-new")
    read = msgspec.structs.replace(findings.input, exchanges=1_500_000, tested_to="2026-11-26T23:59:59Z")
    return msgspec.structs.replace(findings, findings=[promoted, grown, new], input=read, gauger_version="0.2.0")


def test_report_equals_itself(findings):
    comparison = compare(findings, findings)
    assert comparison.n_unchanged == 3
    assert (comparison.appeared, comparison.vanished, comparison.changed, comparison.circumstances) == ((), (), (), ())


def test_what_became_of_every_finding(findings, later):
    comparison = compare(findings, later)
    assert [standing.finding_id for standing in comparison.appeared] == ["c-new"]
    assert [standing.finding_id for standing in comparison.vanished] == ["c-wd5yoxq72ejl"]
    assert comparison.n_unchanged == 0
    promoted, grown = comparison.changed
    assert (promoted.before.verdict, promoted.after.verdict) == ("supported", "campaign")
    assert (promoted.accounts_joined, promoted.accounts_left) == ((), ())
    assert (grown.before.n_exchanges, grown.after.n_exchanges) == (4_065, 5_200)
    assert grown.accounts_joined == ("key-\u202e9",)
    assert grown.accounts_left == ("key-0000", "key-0007")
    assert {difference.name for difference in comparison.circumstances} == {
        "tested stretch",
        "exchanges read",
        "version",
    }


def test_comparison_is_golden(findings, later, golden):
    golden("comparison_80.txt", render_comparison(compare(findings, later), width=80))


def test_reports_of_two_workspaces_are_said_to_be_incomparable(findings, later):
    strangers = msgspec.structs.replace(later, findings=later.findings[2:])
    assert "two workspaces" in render_comparison(compare(findings, strangers), width=80)
    assert "two workspaces" not in render_comparison(compare(findings, later), width=80)


def test_comparison_can_be_written_as_json(findings, later):
    decoded = msgspec.json.decode(msgspec.json.encode(compare(findings, later)))
    assert decoded["changed"][0]["after"]["verdict"] == "campaign"


IDS = st.sets(st.sampled_from("abcdefgh"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(old=IDS, new=IDS)
def test_turning_the_reports_round_turns_the_comparison_round(findings, old, new):
    def report(ids):
        some = [msgspec.structs.replace(findings.findings[1], finding_id=one) for one in sorted(ids)]
        return msgspec.structs.replace(findings, findings=some)

    there, back = compare(report(old), report(new)), compare(report(new), report(old))
    assert there.appeared == back.vanished
    assert there.vanished == back.appeared
    assert len(there.appeared) + there.n_unchanged == len(new)
    assert len(there.vanished) + there.n_unchanged == len(old)
