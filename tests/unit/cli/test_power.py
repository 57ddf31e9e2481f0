"""`gauger power`: campaigns planted into the tiny log are counted, and nothing of them stays."""

import json

import pyarrow.parquet as pq
import pytest

ARGUMENTS = ("power", "--sizes", "12x6,3x1", "--draws", 1, "--json")


@pytest.fixture
def measured(gauger, scanned):
    return gauger(*ARGUMENTS, "--workspace", scanned.workspace)


def test_a_large_campaign_is_found_and_one_of_three_requests_is_not(measured):
    assert measured.code == 0, measured.err
    rows = json.loads(measured.out)
    found = {(one["n_accounts"], one["exchanges_per_account"], one["verdict"]): one["found"] for one in rows}
    assert found == {(12, 6, "observed"): 1, (12, 6, "campaign"): 1, (3, 1, "observed"): 0, (3, 1, "campaign"): 0}
    for one in rows:
        assert one["planted"] == 1
        assert 0 <= one["low"] <= one["found"] <= one["high"] <= 1


def test_the_same_seed_gives_the_same_numbers_and_nothing_planted_stays(measured, gauger, scanned):
    assert gauger(*ARGUMENTS, "--workspace", scanned.workspace).out == measured.out
    files = sorted(scanned.workspace.rglob("*.parquet"))
    held = {
        one
        for path in files
        if "sketches" in str(path)
        for one in pq.ParquetFile(path).read(["account_id"])["account_id"].to_pylist()
    }
    assert not any("planted" in account for account in held)
    assert list((scanned.workspace / "tmp").iterdir()) == []
    kept = pq.ParquetFile(next(path for path in files if "accounts" in path.name)).read()
    assert len(kept) == 48


def test_the_table_says_what_was_planted(gauger, scanned):
    shown = gauger("power", "--sizes", "12x6", "--draws", 1, "--workspace", scanned.workspace)
    assert "1 of 1 (20.6 to 100%)" in shown.out
    assert "one fixed wrapper" in shown.out
    assert max(map(len, shown.out.splitlines())) <= 80
