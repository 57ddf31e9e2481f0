"""Every figure of a score against a case counted by hand, a slow definition, and what must not matter."""

from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gauger.campaigns.findings import Link
from gauger.errors import InputError
from gauger.lab.measures import adjusted_rand_index, average_precision, bcubed, recall_at_precision
from gauger.lab.scores import NO_ACCOUNT_TABLE, NO_CAMPAIGN, NO_EXCHANGE_TABLE, NOTHING_NAMED, Figure, Named, Report
from gauger.lab.scoring import score

#: Four guilty in pool, two in ring, four innocent.
WHO = {
    **{f"p{n}": "pool" for n in range(4)},
    **{f"r{n}": "ring" for n in range(2)},
    **{f"i{n}": None for n in range(4)},
}


@pytest.fixture
def truth(truth_of_accounts):
    return truth_of_accounts(WHO, exchanges_each=2, classes={"i3": "developer"})


# -- by hand


def test_false_alarms_by_hand(truth, group, findings_of):
    findings = findings_of(
        group("i0", "i1", "p0", verdict="campaign"),
        group("i1", "i2", verdict="supported"),
        group("i3", verdict="observed"),
        group("p0", "p1", "p2", "p3", verdict="campaign"),
    )
    alarms = score(Report(findings), truth).false_alarms
    assert (alarms.campaign_findings, alarms.false_campaigns, alarms.false_classes) == (2, 1, ("chat",))
    assert alarms.named == Named(campaign=2, supported=1, observed=1)
    assert alarms.campaign_per_100_000 == Figure(50_000.0)
    assert alarms.supported_per_100_000 == Figure(25_000.0)
    chat, developer = alarms.classes
    assert (chat.label, chat.accounts, chat.named) == ("chat", 3, Named(campaign=2, supported=1, observed=0))
    assert (developer.label, developer.accounts, developer.named) == ("developer", 1, Named(0, 0, 1))
    assert developer.observed_per_100_000 == 100_000


def test_a_campaign_half_of_whose_accounts_are_innocent_is_not_false(truth, group, findings_of):
    assert score(Report(findings_of(group("i0", "p0"))), truth).false_alarms.false_campaigns == 0


def test_recall_by_rank_and_by_verdict_by_hand(truth, group, findings_of):
    findings = findings_of(
        group("i0", verdict="observed"), group("p0", "p1", verdict="supported"), group("p2", "p3"), group("r0")
    )
    recall = score(Report(findings), truth).recall
    assert (recall.first, recall.first_three, recall.any) == (Figure(0.0), Figure(0.5), Figure(1.0))
    assert (recall.campaign, recall.supported, recall.observed) == (Figure(0.5), Figure(0.5), Figure(0.0))


@pytest.mark.parametrize(
    ("named", "is_found"),
    [(("p0", "p1"), True), (("p0",), False), (("p0", "p1", "i0"), True), (("p0", "p1", "i0", "i1"), False)],
    ids=["half of it", "too little of it", "most of the finding", "half of the finding"],
)
def test_found_means_half_of_the_campaign_and_most_of_the_finding(named, is_found, truth, group, findings_of):
    pool, _ = score(Report(findings_of(group(*named))), truth).found
    assert (pool.rank is not None) == is_found


def test_linked_findings_are_one_group_and_find_a_campaign_together(truth, group, findings_of):
    """The first is linked with the second and the third; the second with the fourth, which nobody follows."""
    findings = findings_of(group("p0"), group("p1"), group("p2", "i0"), group("r0"))
    apart = score(Report(findings), truth)
    links = [
        Link(findings=[f"c-{first}", f"c-{second}"], channel="payment", family="identity", p_value=0.001, facts=[])
        for first, second in ((1, 2), (1, 3), (2, 4))
    ]
    linked = score(Report(msgspec.structs.replace(findings, links=links)), truth)
    assert (apart.found[0].rank, linked.found[0].rank) == (None, 1)
    assert (apart.found[1].rank, linked.found[1].rank) == (4, 4)
    clusters = linked.by_verdict[0].clusters
    assert clusters.bcubed_precision == Figure(pytest.approx((3 * 3 / 4 + 1 / 4 + 1) / 5))
    assert clusters.bcubed_recall == Figure(pytest.approx((3 * 3 / 4 + 1 / 4 + 2 * 1 / 2) / 6))


def test_accounts_of_a_campaign_in_pieces_are_counted_together(truth, group, findings_of):
    findings = findings_of(group("p0", "p1", "i0"), group("p1", "p2", verdict="observed"))
    result = score(Report(findings), truth)
    pool, ring = result.found
    assert (pool.findings, pool.precision, pool.recall, pool.f1) == (2, Figure(3 / 4), Figure(3 / 4), Figure(6 / 8))
    assert (ring.findings, ring.precision, ring.f1) == (0, Figure(None, NOTHING_NAMED), Figure(0.0))
    campaign, supported, observed = result.by_verdict
    assert (campaign.precision, campaign.recall) == (Figure(2 / 3), Figure(2 / 6))
    assert (supported.precision, supported.recall, supported.f1) == (campaign.precision, campaign.recall, campaign.f1)
    assert (observed.precision, observed.recall, observed.f1) == (Figure(3 / 4), Figure(3 / 6), Figure(6 / 10))


def test_groups_by_hand(truth, group, findings_of):
    clusters = score(Report(findings_of(group("p0", "p1", "r0"), group("p2", "i0"))), truth).by_verdict[0].clusters
    # p0, p1: 2 of 3; r0: 1 of 3; p2, i0: 1 of 2
    assert clusters.bcubed_precision.value == pytest.approx((2 / 3 + 2 / 3 + 1 / 3 + 1 / 2 + 1 / 2) / 5)
    # p0, p1: 2 of 4; p2, p3: 1 of 4; r0, r1: 1 of 2
    assert clusters.bcubed_recall.value == pytest.approx((2 * 2 / 4 + 2 * 1 / 4 + 2 * 1 / 2) / 6)
    # pairs: 3 + 1 grouped, 6 + 1 true, 1 both, 45 in all
    expected = 4 * 7 / 45
    assert clusters.adjusted_rand_index.value == pytest.approx((1 - expected) / (5.5 - expected))


def test_exchanges_by_hand(truth, group, findings_of, attribution):
    weights = {"p0": (1.0, 0.9), "i0": (0.8, 1.0), "p1": (0.5, None)}
    findings = findings_of(group("p0", "i0", "p1", weights=weights))
    rows = ((1, "p0", 0), (1, "p0", 1), (1, "i0", 0), (1, "p1", 0))
    result = score(Report(findings, exchanges=attribution(*rows)), truth).by_verdict[-1].exchanges
    # 12 hostile; by score 0.9: 2 of 2, 0.8: 2 of 3, 0.5: 3 of 4
    assert result.average_precision.value == pytest.approx((2 * 1 + 1 * 3 / 4) / 12)
    assert result.recall_at_99_precision.value == pytest.approx(2 / 12)


def test_a_score_of_the_detectors_own_is_used(truth, group, findings_of, attribution):
    rows = attribution((1, "i0", 0), (1, "p0", 0), score=[0.1, 0.7])
    result = score(Report(findings_of(group("p0")), exchanges=rows), truth).by_verdict[-1].exchanges
    assert result.average_precision.value == pytest.approx(1 / 12)


def test_an_exchange_of_two_findings_counts_with_the_first(truth, group, findings_of, attribution):
    findings = findings_of(group("p0", "i0", weights={"p0": (0.5, 1.0), "i0": (0.6, 1.0)}), group("p0"))
    rows = attribution((1, "i0", 0), (1, "p0", 0), (2, "p0", 0))
    found = score(Report(findings, exchanges=rows), truth).by_verdict[-1].exchanges
    assert found.average_precision.value == pytest.approx(1 / 24)


def test_touched_are_those_listed_and_those_with_an_exchange(truth, group, findings_of):
    touched = pa.table({"finding_id": ["c-1"] * 3, "account_id": ["p0", "i0", "i1"]})
    result = score(Report(findings_of(group("p0", "i2")), accounts=touched), truth)
    assert (result.touched, result.touched_per_100_000) == (Figure(3), Figure(75_000.0))


def test_only_findings_of_a_verdict_or_a_stronger_one_count_for_it(truth, group, findings_of, attribution):
    findings = findings_of(group("p0", "p1"), group("i0", "i1", verdict="observed"))
    rows = ((1, "p0", 0), (2, "i0", 0))
    campaign, supported, observed = score(Report(findings, exchanges=attribution(*rows)), truth).by_verdict
    assert (campaign.exchanges.average_precision, campaign.clusters.bcubed_precision) == (Figure(1 / 12), Figure(1.0))
    assert (supported.exchanges, supported.clusters) == (campaign.exchanges, campaign.clusters)
    assert observed.exchanges.average_precision == Figure(1 / 12)  # findings are read in the order of their ranks
    assert observed.clusters.bcubed_precision == Figure(3 / 4)


# -- what leaks


def _timed(truth, start=datetime(2026, 2, 1, tzinfo=UTC)):
    times = pa.array([start + timedelta(days=n) for n in range(len(truth.exchanges))], pa.timestamp("us", tz="UTC"))
    return type(truth)(truth.accounts, truth.exchanges.append_column("occurred_at", times))


def test_what_is_found_has_leaked_up_to_the_end_of_the_tested_stretch(truth, group, findings_of):
    findings = findings_of(group("p0", "p1", "p2"), tested_to="2026-02-05T00:00:00Z", to="2026-02-20T00:00:00Z")
    pool, ring = score(Report(findings), _timed(truth)).found
    assert (pool.hostile_exchanges, pool.leaked) == (8, Figure(5))
    assert (ring.hostile_exchanges, ring.leaked) == (4, Figure(4))


def test_without_times_a_leak_is_known_only_where_the_log_ends_with_the_stretch(truth, group, findings_of):
    found = group("p0", "p1", "p2")
    assert score(Report(findings_of(found)), truth).leaked == Figure(12)
    earlier = findings_of(found, tested_to="2026-02-05T00:00:00Z", to="2026-02-20T00:00:00Z")
    leaked = score(Report(earlier), truth).leaked
    assert leaked.value is None
    assert "no times" in leaked.reason


# -- null cases


def test_nothing_planted_is_not_defined_and_says_so(truth_of_accounts, group, findings_of):
    truth = truth_of_accounts({"i0": None, "i1": None})
    result = score(Report(findings_of(group("i0", "i1"))), truth)
    none = Figure(None, NO_CAMPAIGN)
    assert (result.recall.any, result.by_verdict[-1].clusters.bcubed_recall, result.leaked) == (none, none, none)
    assert [one.recall for one in result.by_verdict] == [none] * 3
    assert result.found == ()
    assert result.false_alarms.false_campaigns == 1


def test_a_report_without_tables_leaves_what_needs_them_null(truth, findings_of):
    result = score(Report(findings_of()), truth)
    assert result.touched == Figure(None, NO_ACCOUNT_TABLE)
    assert result.touched_per_100_000 == Figure(None, NO_ACCOUNT_TABLE)
    assert result.by_verdict[-1].exchanges.average_precision == Figure(None, NO_EXCHANGE_TABLE)


def test_a_report_without_findings_scores_nothing(truth, findings_of, attribution):
    result = score(Report(findings_of(), exchanges=attribution()), truth)
    assert result.recall.any == Figure(0.0)
    assert result.by_verdict[0].precision == Figure(None, NOTHING_NAMED)
    assert result.by_verdict[-1].clusters.bcubed_precision == Figure(None, NOTHING_NAMED)
    assert result.by_verdict[-1].exchanges.average_precision == Figure(0.0)
    assert result.by_verdict[-1].exchanges.recall_at_99_precision == Figure(0.0)


def test_only_guilty_accounts_leave_the_rate_among_innocents_null(truth_of_accounts, group, findings_of):
    result = score(Report(findings_of(group("p0"))), truth_of_accounts({"p0": "pool", "p1": "pool"}))
    assert result.false_alarms.campaign_per_100_000.value is None


# -- errors


def test_accounts_that_the_truth_does_not_know_are_an_error(truth, group, findings_of):
    with pytest.raises(InputError, match="accounts that are not in the truth: 'acc-9f', 1 in all"):
        score(Report(findings_of(group("p0", "acc-9f"))), truth)


def test_exchanges_that_the_truth_does_not_know_are_an_error(truth, group, findings_of, attribution):
    with pytest.raises(InputError, match="exchanges that are not in the truth: 'p0/99', 1 in all"):
        score(Report(findings_of(group("p0")), exchanges=attribution((1, "p0", 99))), truth)


def test_an_exchange_without_a_score_is_an_error(truth, group, findings_of, attribution):
    with pytest.raises(InputError, match="has no score"):
        score(Report(findings_of(group("p0")), exchanges=attribution((1, "p1", 0))), truth)


# -- slow definitions


def _slow_bcubed(group_of, campaign_of):
    def same(labels, a, b):
        return a == b or (a in labels and b in labels and labels[a] == labels[b])

    everybody = group_of.keys() | campaign_of.keys()

    def mean(whom, inside):
        shares = [
            np.mean([same(group_of, a, b) and same(campaign_of, a, b) for b in everybody if same(inside, a, b)])
            for a in whom
        ]
        return float(np.mean(shares)) if shares else None

    return mean(group_of, group_of), mean(campaign_of, campaign_of)


def _slow_rand(group_of, campaign_of, n):
    """Return (pairs in both - expected) / (mean - expected) from every pair of the n accounts."""
    names = [f"a{k}" for k in range(n)]
    pairs = [(a, b) for place, a in enumerate(names) for b in names[:place]]

    def together(labels, a, b):
        return a in labels and b in labels and labels[a] == labels[b]

    grouped = sum(together(group_of, a, b) for a, b in pairs)
    true = sum(together(campaign_of, a, b) for a, b in pairs)
    both = sum(together(group_of, a, b) and together(campaign_of, a, b) for a, b in pairs)
    if not grouped and not true:
        return None
    expected, mean = grouped * true / len(pairs), (grouped + true) / 2
    return 1.0 if mean == expected else (both - expected) / (mean - expected)


def _slow_average_precision(hits, scores, n_positive):
    total, before = 0.0, 0
    for threshold in sorted(set(scores), reverse=True):
        taken = [hit for hit, value in zip(hits, scores, strict=True) if value >= threshold]
        total += (sum(taken) - before) / n_positive * sum(taken) / len(taken)
        before = sum(taken)
    return total


labels = st.dictionaries(st.sampled_from([f"a{k}" for k in range(8)]), st.sampled_from("xyz"))


@given(labels, labels)
def test_groups_are_those_of_the_definitions(group_of, campaign_of):
    for fast, slow in zip(bcubed(group_of, campaign_of), _slow_bcubed(group_of, campaign_of), strict=True):
        assert fast == (None if slow is None else pytest.approx(slow))
    index = _slow_rand(group_of, campaign_of, 8)
    assert adjusted_rand_index(group_of, campaign_of, 8) == (None if index is None else pytest.approx(index))


rankings = st.lists(st.tuples(st.booleans(), st.sampled_from([0.1, 0.25, 0.5, 0.9])), max_size=12)


@given(rankings, st.integers(0, 3))
def test_average_precision_and_recall_are_those_of_the_definitions(ranking, missed):
    hits = np.array([hit for hit, _ in ranking], dtype=bool)
    scores = np.array([value for _, value in ranking], dtype=float)
    n = int(hits.sum()) + missed or 1
    assert average_precision(hits, scores, n) == pytest.approx(_slow_average_precision(hits, scores, n))
    reached = [
        hits[scores >= threshold].sum() / n for threshold in set(scores) if hits[scores >= threshold].mean() >= 0.6
    ]
    assert recall_at_precision(hits, scores, n, precision=0.6) == pytest.approx(max(reached, default=0.0))


# -- properties

planted = st.lists(st.sampled_from([None, "pool", "ring"]), min_size=1, max_size=10).map(
    lambda campaigns: {f"a{n}": name for n, name in enumerate(campaigns)}
)


@given(planted)
def test_a_perfect_report_scores_one(truth_of_accounts, group, findings_of, attribution, who):
    names = sorted({name for name in who.values() if name})
    groups = [group(*(account for account, of in who.items() if of == name)) for name in names]
    rows = [(names.index(name) + 1, account, 0) for account, name in who.items() if name]
    report = Report(findings_of(*groups), accounts=None, exchanges=attribution(*rows))
    result = score(report, truth_of_accounts(who))
    assert result.false_alarms.named == Named(0, 0, 0)
    assert result.false_alarms.false_campaigns == 0
    expected = 1.0 if names else None
    figures = [result.recall.any, result.recall.campaign, result.recall.first_three]
    figures += [one for named in result.by_verdict for one in (named.precision, named.recall, named.f1)]
    figures += [result.by_verdict[-1].clusters.bcubed_precision, result.by_verdict[-1].clusters.bcubed_recall]
    figures += [
        result.by_verdict[-1].exchanges.average_precision,
        result.by_verdict[-1].exchanges.recall_at_99_precision,
    ]
    assert [one.value for one in figures] == [pytest.approx(expected) if names else None] * len(figures)
    assert all((one.value is None) == (one.reason is not None) for one in figures)


@given(planted, st.data())
def test_names_of_accounts_do_not_matter(truth_of_accounts, group, findings_of, who, data):
    drawn = st.lists(st.sampled_from(sorted(who)), min_size=1, unique=True)
    groups = data.draw(st.lists(drawn, max_size=3))
    renamed = dict(zip(who, data.draw(st.permutations([f"b{n}" for n in range(len(who))])), strict=True))
    before = score(Report(findings_of(*(group(*one) for one in groups))), truth_of_accounts(who))
    others = {renamed[account]: who[account] for account in reversed(who)}
    after = score(
        Report(findings_of(*(group(*(renamed[one] for one in names)) for names in groups))), truth_of_accounts(others)
    )
    assert after == before
