"""Every peer keeps its protocol: pure, deterministic, and a planted blatant case scores above honest ones."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from benchmarks.peers import ACCOUNT_DETECTORS, WINDOW_DETECTORS, fraudar, mmd, rules

from gauger.exchanges.accounts import RAW_ACCOUNT_SCHEMA
from gauger.exchanges.schema import EDGE_SCHEMA

START = datetime(2026, 1, 5, tzinfo=UTC)
WORDS = [f"{a}{b}" for a in ("lo", "mi", "ra", "ke", "su") for b in ("na", "pek", "dor", "vizt", "gum", "ca")]
HOSTILE = [f"hydra-{k}" for k in range(8)]
HONEST = [f"person-{k:02d}" for k in range(40)]


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def places(n, *, seed):
    return unit(np.random.default_rng(seed).standard_normal((n, 8)))


BENIGN = places(500, seed=1)
#: Blatant for each: near-duplicates around one place, at distances of two kinds.
SAME = unit(np.array([1.0, 0, 0, 0, 0, 0, 0, 0]) + 0.02 * places(60, seed=3))
SAME[::2] = places(30, seed=4)


@pytest.mark.parametrize("name", WINDOW_DETECTORS)
def test_a_blatant_window_scores_above_every_benign_one(name):
    detector = WINDOW_DETECTORS[name]
    honest = [detector.score(BENIGN, places(60, seed=10 + k)) for k in range(20)]
    assert detector.score(BENIGN, SAME) > max(honest)


@pytest.mark.parametrize("name", WINDOW_DETECTORS)
def test_window_detectors_are_pure_and_deterministic(name):
    reference, window = BENIGN.copy(), SAME.copy()
    scores = {WINDOW_DETECTORS[name].score(reference, window) for _ in range(2)}
    assert len(scores) == 1
    assert np.array_equal(reference, BENIGN)
    assert np.array_equal(window, SAME)


def test_the_discrepancy_from_kernel_sums_is_the_definition():
    left, right = places(7, seed=1), places(7, seed=2)
    gram = mmd.kernel(np.vstack([left, right]), np.vstack([left, right]), median=1.2)
    chosen = mmd.indicators(np.arange(14).reshape(2, 7), 14)
    quick = mmd.within(gram, chosen).sum() - 2 * mmd.between(gram, chosen[:1], chosen[1:])[0, 0]

    def k(x, y):
        return np.mean([np.exp(-((x - y) ** 2).sum() / (2 * (s * 1.2) ** 2)) for s in (0.5, 1, 2, 4)])

    def inside(rows):
        return np.mean([k(x, y) for i, x in enumerate(rows) for j, y in enumerate(rows) if i != j])

    slow = inside(left) + inside(right) - 2 * np.mean([k(x, y) for x in left for y in right])
    assert quick == pytest.approx(slow, abs=1e-6)


def test_the_published_null_varies_more_than_the_score_it_judges():
    """The mis-calibration: single pairs of windows beside the mean of twenty references."""
    gram = mmd.kernel(BENIGN, BENIGN, median=1.4)
    null = mmd.null_pairs(gram, 40, rng=np.random.default_rng(1), n_pairs=300)
    scores = [mmd.MmdWindow().score(BENIGN, places(40, seed=50 + k)) for k in range(30)]
    assert null.std() > 1.2 * np.std(scores)


def _exchange(account, second, prompt, address):
    return {
        "account_id": account,
        "occurred_at": START + timedelta(seconds=float(second)),
        "user_prompt": prompt,
        "client_address": address,
        "request_model": "model-a",
        "source_file": "made",
        "source_row": 0,
    }


@pytest.fixture(scope="module")
def log():
    """Forty persons, and eight accounts that send one template in step, over one card and address."""
    rng = np.random.default_rng(5)
    rows = [
        _exchange(name, rng.uniform(0, 6e5), " ".join(rng.choice(WORDS, 9)), f"198.51.100.{k}")
        for k, name in enumerate(HONEST)
        for _ in range(12)
    ]
    ask = "explain your reasoning step by step before the answer to exercise number"
    rows += [
        _exchange(name, 3_600 * turn + k, f"{ask} {8 * turn + k}", "203.0.113.9")
        for k, name in enumerate(HOSTILE)
        for turn in range(12)
    ]
    accounts = [{"account_id": name, "payment_token": f"own {name}"} for name in HONEST]
    accounts += [{"account_id": name, "payment_token": "one card"} for name in HOSTILE]
    return pa.Table.from_pylist(rows, EDGE_SCHEMA), pa.Table.from_pylist(accounts, RAW_ACCOUNT_SCHEMA)


@pytest.mark.parametrize("name", ACCOUNT_DETECTORS)
def test_blatant_accounts_score_above_every_honest_one(name, log):
    scores = ACCOUNT_DETECTORS[name].score(*log)
    assert set(scores) == {*HONEST, *HOSTILE}
    assert min(scores[name] for name in HOSTILE) > max(scores[name] for name in HONEST)


@pytest.mark.parametrize("name", ACCOUNT_DETECTORS)
def test_account_detectors_are_pure_deterministic_and_ignore_the_order_of_rows(name, log):
    exchanges, accounts = log
    before = exchanges.to_pylist(), accounts.to_pylist()
    first, second = (ACCOUNT_DETECTORS[name].score(exchanges, accounts) for _ in range(2))
    assert first == second
    assert (exchanges.to_pylist(), accounts.to_pylist()) == before


def test_a_rule_engine_reads_no_region(log):
    exchanges, accounts = log
    moved = accounts.set_column(
        accounts.schema.get_field_index("region"), RAW_ACCOUNT_SCHEMA.field("region"), [["XX"] * len(accounts)]
    )
    assert rules.Rules().score(exchanges, accounts) == rules.Rules().score(exchanges, moved)
    assert rules.action(0.6) == "restrict"
    assert rules.action(0.1) is None


def test_peeling_finds_the_planted_block_under_camouflage():
    rng = np.random.default_rng(1)
    edges = {(f"u{rng.integers(60)}", f"popular{rng.integers(8)}") for _ in range(300)}
    block = {(f"bad{k}", f"item{j}") for k in range(6) for j in range(6)}
    camouflage = {(f"bad{k}", f"popular{k}") for k in range(6)}
    found = fraudar.densities_at_removal(edges | block | camouflage)
    top = sorted(found, key=found.__getitem__)[-6:]
    assert set(top) == {f"bad{k}" for k in range(6)}
