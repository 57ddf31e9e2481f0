import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gauger.exchanges.principals import PRINCIPAL_SCHEMA, principals, without_placeholders
from gauger.exchanges.schema import ACCOUNT_SCHEMA

COLUMNS = ("account_id", "principal_id", "organisation_id")


def log(*rows):
    return pa.Table.from_pylist(
        [dict(zip(COLUMNS, row, strict=True)) for row in rows], pa.schema(dict.fromkeys(COLUMNS, pa.string()))
    )


def account_table(*rows):
    return pa.Table.from_pylist([dict(zip(COLUMNS, row, strict=True)) for row in rows], ACCOUNT_SCHEMA)


def found(in_log, table=None):
    result = principals(in_log, table)
    assert result.schema == PRINCIPAL_SCHEMA
    return dict(zip(result["account_id"].to_pylist(), result["principal_id"].to_pylist(), strict=True))


def test_a_principal_is_its_id_else_the_organisation_else_the_account():
    rows = log(("a", "p", "o"), ("b", None, "o"), ("c", None, None))
    assert found(rows) == {"a": "principal:p", "b": "organisation:o", "c": "account:c"}


def test_equal_names_of_different_kinds_stay_different():
    rows = log(("x", None, None), ("b", None, "x"), ("c", "x", None), ("account:x", None, None))
    assert len(set(found(rows).values())) == 4


def test_the_account_table_overrules_the_log_column_by_column():
    rows = log(("a", "from log", "from log"), ("b", "from log", None), ("c", None, None), ("d", "from log", None))
    table = account_table(("a", "from table", None), ("b", None, "from table"), ("c", None, "from table"))
    assert found(rows, table) == {
        "a": "principal:from table",
        "b": "principal:from log",
        "c": "organisation:from table",
        "d": "principal:from log",
    }


def test_accounts_of_the_table_that_the_log_does_not_hold_are_left_out():
    assert found(log(("a", None, None)), account_table(("z", "p", None))) == {"a": "account:a"}


@pytest.mark.parametrize("nothing", ["", " ", "null", "None", "N/A", "-", "unknown", "NaN", "undefined"])
def test_accounts_that_share_a_word_for_nothing_share_no_principal(nothing):
    rows = log(("a", nothing, nothing), ("b", nothing, nothing))
    assert found(rows) == {"a": "account:a", "b": "account:b"}
    assert found(log(("a", "p", None)), account_table(("a", nothing, nothing))) == {"a": "principal:p"}


def test_an_empty_log_has_no_principals():
    assert found(log()) == {}


NAMES = st.none() | st.sampled_from(["p", "q", "unknown", "x"])
ROWS = st.lists(st.tuples(st.sampled_from("abcx"), NAMES, NAMES), max_size=12)


@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_and_repetition_of_rows_do_not_matter(rows, random):
    shuffled = random.sample(rows, len(rows)) + rows[:3]
    assert principals(log(*rows), None).equals(principals(log(*shuffled), None))


@given(ROWS)
def test_every_account_has_one_principal_and_only_a_declaration_joins_accounts(rows):
    result = found(log(*rows))
    assert sorted(result) == sorted({row[0] for row in rows})
    declared = {f"{kind}:{row[i]}" for row in rows for i, kind in ((1, "principal"), (2, "organisation"))}
    for account, principal in result.items():
        assert principal == f"account:{account}" or principal in declared


@given(st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"]))))
def test_what_says_something_is_only_trimmed(values):
    cleaned = without_placeholders(pa.array(values, pa.string())).to_pylist()
    assert all(
        new is None or (old is not None and new in old and new) for old, new in zip(values, cleaned, strict=True)
    )
