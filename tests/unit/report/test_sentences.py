import msgspec

from gauger.campaigns.findings import HistoryCheck, WeekOfHistory
from gauger.report import sentences
from gauger.report.weighing import bearing, counter_evidence, standing_explanations


def test_headline_counts_verdicts_apart(findings):
    only_weak = msgspec.structs.replace(findings, findings=findings.findings[1:])
    assert sentences.headline(findings) == (
        "Found 1 campaign, 1 supported group and 1 observed group in 1,204,338 exchanges of 8,412 accounts."
    )
    assert sentences.headline(only_weak).startswith("No campaign was found")


def test_only_a_campaign_is_said_to_follow_one_plan(findings):
    claims = [sentences.claim(finding) for finding in findings.findings]
    assert ["by one plan" in claim for claim in claims] == [True, False, False]
    assert "not enough to call it a campaign" in claims[1]
    assert "Innocent explanations remain" in claims[2]


def test_account_table_is_missed_by_columns_or_by_channels(findings, nothing_found):
    assert not sentences.account_table_missing(findings.input)
    assert sentences.account_table_missing(nothing_found.input)
    by_columns = msgspec.structs.replace(nothing_found.input, channels_off=[])
    by_channels = msgspec.structs.replace(nothing_found.input, columns_absent=[])
    assert sentences.account_table_missing(by_columns)
    assert sentences.account_table_missing(by_channels)


def test_history_is_said_to_have_kept_its_promise_with_its_worst_weeks_first():
    weeks = [WeekOfHistory(f"2026-01-{5 + 7 * n:02}T00:00:00Z", 7, alarms, 0.4) for n, alarms in enumerate([1, 3, 0])]
    check = HistoryCheck(level=0.05, windows=21, alarms=4, expected=1.2, p_value=0.0321, weeks=weeks)
    assert sentences.history_kept(check) == (
        "4 of 21 windows, 1.2 expected (p = 0.032); most in the weeks from 2026-01-12: 3 of 7, 2026-01-05: 1 of 7"
    )
    quiet = msgspec.structs.replace(check, alarms=0, weeks=weeks[2:], p_value=1.0)
    assert sentences.history_kept(quiet) == "0 of 21 windows, 1.2 expected (p = 1)"


def test_p_value_or_why_there_is_none(findings):
    said = {evidence.channel: sentences.stated_p(evidence) for evidence in findings.findings[0].evidence}
    assert said["template_core"] == "states no p-value"
    assert said["payment"] == "p = 0.0001"
    assert said["reasoning_block"] == "no power"


def test_bearing_follows_the_verdict_not_the_raw_p_value(findings):
    finding = findings.findings[0]
    said = {evidence.channel: bearing(evidence, finding, 0.05) for evidence in finding.evidence}
    assert said == {
        "template_core": "counts by its content",
        "payment": "null rejected",
        "network": "null not rejected",
        "reasoning_block": "says nothing either way",
        "personhood": "could only clear",
    }
    assert bearing(finding.evidence[1], finding, 0.0002) == "null not rejected"  # adjusted: 0.00041


def test_counter_evidence_is_what_had_power_and_did_not_reject(findings):
    assert [evidence.channel for evidence in counter_evidence(findings.findings[0], 0.05)] == ["network"]


def test_people_behind_the_accounts_are_counter_evidence(findings):
    finding = findings.findings[0]
    clears = msgspec.structs.replace(finding.evidence[-1], p_value=0.001)
    finding = msgspec.structs.replace(finding, evidence=[clears])
    assert counter_evidence(finding, 0.05) == [clears]
    assert bearing(clears, finding, 0.05) == "speaks for separate people"


def test_explanation_that_was_not_tested_still_stands(findings):
    standing = [[one.code for one in standing_explanations(finding)] for finding in findings.findings]
    assert standing == [[], ["one_operator_undeclared"], ["viral_template", "separate_persons"]]


def test_every_blind_spot_has_a_name_and_an_explanation():
    assert all(len(spot.split(". ", 1)) == 2 for spot in sentences.BLIND_SPOTS)


def test_lists_and_counts_read_as_a_person_writes_them():
    assert sentences.and_list([]) == "no family"
    assert sentences.and_list(["text"]) == "text"
    assert sentences.and_list(["a", "b", "c"]) == "a, b and c"
    assert sentences.plural(1, "account") == "1 account"
    assert sentences.plural(1_000, "account") == "1,000 accounts"
    assert sentences.words("one_operator_undeclared") == "One operator undeclared"
