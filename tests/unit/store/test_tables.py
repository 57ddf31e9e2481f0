import pyarrow as pa
import pytest

from gauger.exchanges.schema import ACCOUNT_SCHEMA, EVENT_SCHEMA


@pytest.fixture
def accounts():
    def make(*ids):
        columns = [pa.array(ids) if f.name == "account_id" else pa.nulls(len(ids), f.type) for f in ACCOUNT_SCHEMA]
        return pa.table(columns, schema=ACCOUNT_SCHEMA)

    return make


def test_tables_that_were_never_given_are_none(open_workspace):
    with open_workspace() as workspace:
        assert workspace.tables.accounts() is None
        assert workspace.tables.events() is None


def test_tables_are_kept_across_runs(open_workspace, accounts, now):
    events = pa.table([[now], ["ban"], ["a"], [None]], schema=EVENT_SCHEMA)
    with open_workspace() as workspace:
        workspace.tables.keep_accounts(accounts("a", "b"))
        workspace.tables.keep_events(events)
    with open_workspace() as workspace:
        assert workspace.tables.accounts().equals(accounts("a", "b"))
        assert workspace.tables.events().equals(events)


def test_a_new_table_takes_the_place_of_the_old(open_workspace, accounts):
    with open_workspace() as workspace:
        for ids in (["a"], ["b"], ["c", "d"]):
            workspace.tables.keep_accounts(accounts(*ids))
        assert workspace.tables.accounts().equals(accounts("c", "d"))
        assert len(list((workspace.path / "tables").iterdir())) == 1


def test_a_table_of_other_columns_is_refused(open_workspace, accounts):
    with open_workspace() as workspace, pytest.raises(ValueError, match="schema"):
        workspace.tables.keep_accounts(accounts("a").append_column("note", pa.array(["secret"])))
