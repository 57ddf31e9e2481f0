"""Planted campaigns: sketches alone, the size asked for, the same for the same chance."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from gauger.campaigns.power import SIZES, PlantSize, is_found, plant, wilson
from gauger.exchanges.schema import ACCOUNT_SCHEMA
from gauger.sketches.schema import SKETCH_SCHEMA

START = datetime(2026, 1, 5, tzinfo=UTC)


def donor_rows(n_accounts: int, each: int, *, organisation=lambda number: None) -> pa.Table:
    rng = np.random.default_rng(5)
    n = n_accounts * each
    account = np.arange(n) % n_accounts
    times = [START + timedelta(minutes=int(m)) for m in np.sort(rng.integers(0, 10_000, n))]
    columns = {
        "account_id": [f"a{number}" for number in account],
        "organisation_id": [organisation(int(number)) for number in account],
        "occurred_at": times,
        "occurred_us": [int(time.timestamp() * 1e6) for time in times],
        "shingles": [rng.integers(-(2**63), 2**63 - 1, rng.integers(1, 400)).tolist() for _ in range(n)],
        "projection": [rng.bytes(64) for _ in range(n)],
        "intents": [[0.0] * 7] * n,
        "request_model": [f"model-{number % 3}" for number in account],
        "client_prefix_hash": [f"prefix-{number}" for number in account],
        "source_file": ["log"] * n,
        "extends": [0] * n,
    }
    zeros = [0] * n
    return pa.table(
        {
            field.name: pa.array(columns.get(field.name, [None] * n if field.nullable else zeros), field.type)
            for field in SKETCH_SCHEMA
        },
        schema=SKETCH_SCHEMA,
    )


def account_table(n: int) -> pa.Table:
    rows = [{"account_id": f"a{number}", "plan": "pro", "payment_token_hash": f"card-{number}"} for number in range(n)]
    return pa.Table.from_pylist(rows, schema=ACCOUNT_SCHEMA)


def planted(donors, accounts, size, *, seed=1, sampling=1):
    return plant(donors, accounts, size, sampling=sampling, rng=np.random.default_rng(seed))


def test_sizes_are_those_that_are_asked_for():
    donors = donor_rows(200, 2)
    for size in SIZES:
        rows = planted(donors, None, size).rows
        assert rows.schema.equals(SKETCH_SCHEMA)
        counts = rows.group_by("account_id").aggregate([("account_id", "count")])["account_id_count"].to_pylist()
        assert counts == [size.exchanges_each] * size.n_accounts


def test_every_exchange_holds_the_wrapper_and_a_fill_that_no_other_has():
    rows = planted(donor_rows(60, 2), None, PlantSize(20, 4)).rows
    texts = [set(one) for one in rows["shingles"].to_pylist()]
    core = set.intersection(*texts)
    assert len(core) == 30
    fills = [one - core for one in texts]
    assert all(10 <= len(fill) <= 150 for fill in fills)
    assert sum(map(len, fills)) == len(set.union(*fills))
    turns = list(zip(rows["turn_hash_high"].to_pylist(), rows["turn_hash_low"].to_pylist(), strict=True))
    assert len(set(turns)) == len(rows)


def test_sampling_keeps_half_of_the_wrapper():
    texts = [
        set(one) for one in planted(donor_rows(60, 2), None, PlantSize(9, 2), sampling=2).rows["shingles"].to_pylist()
    ]
    assert len(set.intersection(*texts)) == 15


def test_times_and_topics_are_the_logs_own():
    donors = donor_rows(40, 3)
    rows = planted(donors, None, PlantSize(10, 10)).rows
    assert set(rows["occurred_us"].to_pylist()) <= set(donors["occurred_us"].to_pylist())
    assert set(rows["projection"].to_pylist()) <= set(donors["projection"].to_pylist())
    assert (rows["occurred_at"].cast(pa.int64()).to_numpy() == rows["occurred_us"].to_numpy()).all()


def test_half_of_the_accounts_live_in_the_log_and_keep_their_clients():
    donors = donor_rows(60, 2)
    found = planted(donors, None, PlantSize(20, 2))
    living = found.account_ids & set(donors["account_id"].to_pylist())
    assert len(living) == 10
    for one in found.rows.to_pylist():
        if one["account_id"] in living:
            assert one["client_prefix_hash"] == f"prefix-{one['account_id'][1:]}"


def test_no_two_accounts_are_one_declared_customers():
    donors = donor_rows(60, 2, organisation=lambda number: f"org-{number // 6}")
    found = planted(donors, None, PlantSize(20, 2))
    living = sorted(found.account_ids & set(donors["account_id"].to_pylist()))
    assert len(living) == 10
    assert len({int(account[1:]) // 6 for account in living}) == 10
    new = found.rows.filter(pc.starts_with(found.rows["account_id"], "planted"))
    assert new["organisation_id"].null_count == len(new)


def test_a_small_log_gives_new_accounts_where_it_has_too_few():
    found = planted(donor_rows(3, 1), account_table(3), PlantSize(100, 1))
    assert len(found.account_ids) == 100
    assert len(found.account_ids - {"a0", "a1", "a2"}) == 97


def test_half_of_the_accounts_share_one_card_and_the_others_share_none():
    accounts = account_table(60)
    found = planted(donor_rows(60, 2), accounts, PlantSize(20, 2))
    table = found.accounts
    assert table.schema.equals(ACCOUNT_SCHEMA)
    assert table["account_id"].to_pylist() == list(dict.fromkeys(table["account_id"].to_pylist()))
    mine = [one for one in table.to_pylist() if one["account_id"] in found.account_ids]
    assert len(mine) == 20
    cards = [one["payment_token_hash"] for one in mine]
    assert cards.count("planted-card") == 10
    assert len(set(cards)) == 11
    others = table.filter(pc.invert(pc.is_in(table["account_id"], pa.array(sorted(found.account_ids)))))
    before = dict(zip(accounts["account_id"].to_pylist(), accounts["payment_token_hash"].to_pylist(), strict=True))
    assert all(before[one["account_id"]] == one["payment_token_hash"] for one in others.to_pylist())


def test_without_an_account_table_none_is_made():
    assert planted(donor_rows(60, 2), None, PlantSize(5, 1)).accounts is None


def test_the_same_chance_gives_the_same_campaign_and_another_another():
    donors, accounts = donor_rows(60, 2), account_table(60)
    one, same, other = (planted(donors, accounts, PlantSize(8, 3), seed=seed) for seed in (1, 1, 2))
    assert one.rows.equals(same.rows)
    assert one.accounts.equals(same.accounts)
    assert not one.rows.equals(other.rows)


@pytest.mark.parametrize(
    ("named", "is_it"), [("abcd", True), ("ab", True), ("abxy", True), ("abxyz", False), ("a", False), ("", False)]
)
def test_a_finding_is_the_planted_one_when_half_of_each_is_in_the_other(named, is_it):
    assert is_found(frozenset(named), frozenset("abcd")) is is_it


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_wilson_interval_is_scipys(counts):
    found, n = counts
    expected = binomtest(found, n).proportion_ci(0.95, method="wilson")
    low, high = wilson(found, n)
    assert low == pytest.approx(expected.low, abs=1e-6)
    assert high == pytest.approx(expected.high, abs=1e-6)
    assert low <= found / n <= high
