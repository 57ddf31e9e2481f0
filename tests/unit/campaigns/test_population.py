"""The population of a stretch: who is active, what each holds, and in which stratum."""

import numpy as np
import pyarrow as pa
import pytest

from gauger.campaigns.population import build_population, channels_off
from gauger.evidence.channels import CHANNELS
from gauger.exchanges.accounts import ACCOUNT_SCHEMA

TRACE_SCHEMA = pa.schema(
    [
        ("principal", pa.int32()),
        ("client_prefix_hash", pa.string()),
        ("reasoning_block_hash", pa.string()),
        ("user_agent", pa.string()),
        ("client_fingerprint", pa.string()),
        ("request_model", pa.string()),
        ("n", pa.int64()),
    ]
)
ACCOUNTS = ["a", "b", "c", "d"]


def _traces(*rows):
    """Rows of (principal, prefix, model, n)."""
    filled = [
        {"principal": p, "client_prefix_hash": prefix, "request_model": model, "user_agent": "ua", "n": n}
        for p, prefix, model, n in rows
    ]
    return pa.Table.from_pylist(filled, schema=TRACE_SCHEMA)


def _account_table(*rows):
    """Rows of (account, plan, card)."""
    filled = [{"account_id": a, "plan": plan, "payment_token_hash": card} for a, plan, card in rows]
    return pa.Table.from_pylist(filled, schema=ACCOUNT_SCHEMA)


def _population(traces, accounts=None):
    return build_population(
        traces,
        accounts,
        account_ids=ACCOUNTS,
        principal_ids=["account:a", "account:c", "account:d"],
        principal_of_account=np.array([0, 0, 1, 2], np.int32),
        permutations=99,
    )


TRACES = _traces((0, "n1", "m1", 5), (0, "n2", "m2", 9), (1, "n1", "m2", 1), (1, None, "m1", 1))


def test_accounts_that_the_log_lacks_count_among_the_holders_of_a_card():
    table = _account_table(("a", "pro", "c1"), ("c", "pro", "c1"), ("x", "pro", "c1"), ("y", "pro", "c1"))
    held = _population(TRACES, table).holdings["payment"]
    assert held.degree.tolist() == [4]
    assert np.diff(held.offsets).tolist() == [1, 1, 0]
    assert held.known.tolist() == [True, True, False]


def test_tokens_of_a_principal_are_those_of_all_its_accounts():
    table = _account_table(("a", "pro", "c1"), ("b", "pro", "c2"), ("c", "pro", "c2"), ("d", "pro", None))
    held = _population(TRACES, table).holdings["payment"]
    assert held.degree.tolist() == [1, 2]
    assert np.diff(held.offsets).tolist() == [1, 1, 0]


def test_only_principals_active_in_the_stretch_are_drawn():
    table = _account_table(("a", None, "c1"), ("d", None, "c1"))
    held = _population(TRACES, table).holdings["payment"]
    assert held.known.tolist() == [True, False, False]
    assert _population(TRACES).holdings["network"].known.tolist() == [True, True, False]


def test_strata_hold_one_plan_and_one_most_used_model():
    same = _population(TRACES, _account_table(("a", "pro", None), ("c", "pro", None))).stratum
    assert same[0].tolist() != same[1].tolist(), "m2 is used most by the first, a tie goes to m1 for the second"
    alike = _traces((0, "n", "m1", 2), (1, "n", "m1", 3), (2, "n", "m1", 1))
    by_plan = _population(alike, _account_table(("a", "pro", None), ("c", "pro", None), ("d", "free", None))).stratum
    plan, model = 1, 2
    assert by_plan[0, plan] == by_plan[1, plan] != by_plan[2, plan]
    assert len(set(by_plan[:, model])) == 1


def test_strata_hold_principals_that_send_about_as_much():
    stratum = _population(_traces((0, "n", "m1", 3), (1, "n", "m1", 4), (2, "n", "m1", 15))).stratum
    assert stratum[0, 0] != stratum[1, 0] == stratum[2, 0]


def test_the_account_table_gives_the_same_population_in_any_order():
    rows = [("a", "pro", "c1"), ("b", "free", "c2"), ("c", "pro", "c2"), ("d", None, "c1")]
    first, again = (_population(TRACES, _account_table(*order)) for order in (rows, rows[::-1]))
    assert first.stratum.tolist() == again.stratum.tolist()
    assert first.holdings["payment"].token.tolist() == again.holdings["payment"].token.tolist()


def test_a_column_without_a_value_is_no_holding():
    population = _population(_traces((0, None, "m1", 1), (1, None, None, 1)))
    assert set(population.holdings) == set()
    off = {one.channel: one.reason for one in channels_off(population, CHANNELS, has_accounts=False)}
    assert set(off) == set(CHANNELS)
    assert "--accounts" in off["payment"]


@pytest.mark.parametrize("where", ["elsewhere", "here"])
def test_where_an_account_is_changes_no_stratum_and_no_token(where):
    table = _account_table(("a", "pro", "c1"), ("c", "pro", "c2"))
    moved = table.set_column(table.schema.get_field_index("region"), "region", pa.array([where, None], pa.string()))
    first, second = _population(TRACES, table), _population(TRACES, moved)
    assert first.stratum.tolist() == second.stratum.tolist()
    assert set(first.holdings) == set(second.holdings)
