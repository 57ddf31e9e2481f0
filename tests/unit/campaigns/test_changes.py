"""Which model is new, who moved to it early, and which visits come from where an account never was."""

import numpy as np
import pyarrow as pa

from gauger.campaigns.changes import (
    AROUND_US,
    DAY_US,
    EARLY_US,
    Release,
    Released,
    build_moves,
    build_visits,
    new_model,
)
from gauger.campaigns.windows import Window

WINDOW = Window(look_back_us=14 * DAY_US, start_us=28 * DAY_US, end_us=35 * DAY_US)


def _uses(*rows):
    return pa.Table.from_pylist(
        [dict(zip(("principal", "request_model", "first_us"), row, strict=True)) for row in rows]
    )


def _counts(*rows):
    names = ("principal", "client_fingerprint", "request_model", "n")
    schema = pa.schema(list(zip(names, (pa.int32(), pa.string(), pa.string(), pa.int64()), strict=True)))
    return pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in rows], schema=schema)


def test_the_new_model_with_most_users_is_tested_if_the_log_is_old_and_enough_of_the_stretch_is_left():
    uses = _uses(
        (0, "old", 0),
        (0, "early", 10 * DAY_US),
        (0, "new", 20 * DAY_US),
        (1, "new", 21 * DAY_US),
        (0, "rare", 18 * DAY_US),
        (2, "late", 34 * DAY_US),
        (1, "late", 34 * DAY_US),
        (0, "late", 34 * DAY_US),
    )
    found = new_model(uses, WINDOW, log_first_us=0)
    assert found == Release(model="new", at_us=20 * DAY_US, until_us=20 * DAY_US + EARLY_US)
    assert new_model(uses, WINDOW, log_first_us=15 * DAY_US) is None


def _moves(before, after, n):
    released = Released(Release("new", 0, EARLY_US), _counts(*before), _counts(*after))
    return build_moves(released, plan=np.zeros(n, np.int32), n_principals=n)


def test_who_was_not_there_before_or_after_or_has_no_known_client_is_left_out():
    before = [(0, "a", "old", 5), (1, "b", "old", 5), (2, None, "old", 5), (3, "d", "old", 1), (3, "d", "other", 3)]
    after = [(0, "a", "old", 1), (0, "a", "new", 1), (2, None, "new", 4), (3, "d", "old", 70), (4, "e", "new", 9)]
    moves = _moves(before, after, 5)
    assert moves.known.tolist() == [True, False, False, True, False]
    assert moves.moved.tolist() == [True, False, False, False, False]
    assert moves.stratum[3, 1:].tolist() == [1, 0, 3]


def test_customers_are_compared_with_those_who_use_the_same_client():
    clients = ["agent"] * 5 + ["sdk"] * 5
    before = [(p, client, "old", 5) for p, client in enumerate(clients)]
    after = [(p, client, "new" if p < 7 else "old", 5) for p, client in enumerate(clients)]
    moves = _moves(before, after, 10)
    assert moves.known.all()
    assert moves.stratum[:, 0].tolist() == [0] * 5 + [1] * 5
    assert moves.moved.tolist() == [True] * 7 + [False] * 3


def _visited(*rows):
    names = ("account", "client_prefix_hash", "n", "first_us", "last_us")
    types = (pa.int32(), pa.string(), pa.int64(), pa.int64(), pa.int64())
    schema = pa.schema(list(zip(names, types, strict=True)))
    return pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in rows], schema=schema)


def _visits(make_items, rows, before, during):
    """Rows of (account, network, time) against the visits before and during."""
    items = make_items([account for account, _, _ in rows], occurred_at=[time for _, _, time in rows])
    networks = pa.chunked_array([[network for _, network, _ in rows]], pa.string())
    return build_visits(items, networks, before=_visited(*before), during=_visited(*during))


def test_items_are_told_by_network_and_day_while_the_usual_network_is_in_use(make_items):
    before = [(0, "home", 9, 0, 1), (0, "cafe", 1, 0, 1), (1, "home", 3, 0, 1)]
    during = [(0, "home", 5, DAY_US, 3 * DAY_US), (0, "new", 5, 0, 6 * DAY_US), (1, "home", 3, 0, DAY_US)]
    rows = [
        (0, "home", DAY_US),
        (0, "new", DAY_US),
        (0, "new", DAY_US + 1),
        (0, "cafe", 2 * DAY_US),
        (0, "new", 3 * DAY_US + AROUND_US + 1),  # the owner has moved away
        (0, None, 2 * DAY_US),
        (1, "new", DAY_US),  # too new an account
    ]
    found = _visits(make_items, rows, before, during)
    assert (found.visit >= 0).tolist() == [True, True, True, True, False, False, False]
    assert found.visit[1] == found.visit[2]
    assert len(np.unique(found.visit[:4])) == 3
    assert found.elsewhere[:4].tolist() == [False, True, True, False]


def test_without_networks_there_are_no_visits(make_items):
    assert _visits(make_items, [(0, None, 1)], [], []) is None


def test_an_account_of_which_no_network_is_known_breaks_nothing(make_items):
    before = [(0, "home", 20, 0, 1)]
    found = _visits(make_items, [(0, "home", DAY_US), (5, None, DAY_US)], before, [(0, "home", 5, 0, 2 * DAY_US)])
    assert (found.visit >= 0).tolist() == [True, False]
