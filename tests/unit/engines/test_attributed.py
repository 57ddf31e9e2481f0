"""What goes on from a hit is attributed with it: of its account, to its finding."""

import pyarrow as pa

from gauger.engines.fetch import attributed


def around(*rows):
    """Rows of (account, thread, extends), each with a key of its own."""
    n = len(rows)
    account, thread, extends = zip(*rows, strict=True)
    return pa.table(
        {
            "source_file": pa.array(["log"] * n, pa.string()),
            "source_row": pa.array(range(n), pa.int64()),
            "origin": pa.array(["00000001"] * n, pa.string()),
            "account": pa.array(account, pa.int32()),
            "thread": pa.array(thread, pa.int64()),
            "extends": pa.array(extends, pa.int64()),
        }
    )


def hits(*found):
    """Hits of (finding, row)."""
    return pa.table(
        {
            "finding": pa.array([finding for finding, _ in found], pa.int32()),
            "account": pa.array([0] * len(found), pa.int32()),
            "source_row": pa.array([row for _, row in found], pa.int64()),
            "origin": pa.array(["00000001"] * len(found), pa.string()),
        }
    )


def rows_by_finding(found):
    pairs = zip(found["finding"].to_pylist(), found["source_row"].to_pylist(), strict=True)
    return sorted(pairs)


def test_later_turns_follow_their_hit_in_its_account_alone():
    table = around((0, 1, 0), (0, 2, 1), (0, 3, 2), (1, 2, 1), (0, 9, 0))
    assert rows_by_finding(attributed(hits((0, 0)), table)) == [(0, 0), (0, 1), (0, 2)]
    assert rows_by_finding(attributed(hits((0, 1)), table)) == [(0, 1), (0, 2)]


def test_two_findings_may_meet_in_one_conversation():
    table = around((0, 1, 0), (0, 2, 1), (0, 3, 2))
    assert rows_by_finding(attributed(hits((4, 0), (7, 1)), table)) == [(4, 0), (4, 1), (4, 2), (7, 1), (7, 2)]


def test_no_hits_attribute_nothing():
    assert attributed(hits(), around((0, 1, 0)).slice(0, 0)).num_rows == 0
