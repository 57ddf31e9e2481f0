from datetime import timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gauger.errors import UsageError, WorkspaceError
from gauger.exchanges.schema import ACCOUNT_SCHEMA, EVENT_SCHEMA
from gauger.store.identities import KnownFinding

ROWS = [("ann", 0, 1), ("bob", 0, 2), ("ann", 3, 3), ("cat", 3, 2), ("ann", 9, 4), ("bob", 9, 4)]


@pytest.fixture
def filled(open_workspace, ingest, now, tmp_path):
    """A workspace that knows three accounts in every place it can."""
    with open_workspace() as workspace:
        ingest(workspace, tmp_path / "log", ROWS)
        accounts = pa.table({"account_id": ["ann", "bob"]})
        workspace.tables.keep_accounts(
            pa.table(
                [accounts["account_id"] if f.name == "account_id" else pa.nulls(2, f.type) for f in ACCOUNT_SCHEMA],
                schema=ACCOUNT_SCHEMA,
            )
        )
        events = [[now, now], ["ban", "model_release"], ["ann", None], [None, "m-2"]]
        workspace.tables.keep_events(pa.table(events, schema=EVENT_SCHEMA))
        finding = KnownFinding("c-1", frozenset({"ann", "bob"}), frozenset({5}), now)
        workspace.identities.remember([finding], now=now)
        yield workspace


def test_forgetting_an_account_takes_it_out_of_every_place(filled, accounts_of, now):
    erased = filled.forget("ann")
    assert (erased.n_exchanges, erased.n_table_rows, erased.n_members) == (3, 2, 1)
    assert accounts_of(filled) == ["bob", "bob", "cat"]
    assert filled.tables.accounts()["account_id"].to_pylist() == ["bob"]
    assert filled.tables.events()["kind"].to_pylist() == ["model_release"]
    assert filled.identities.known() == [KnownFinding("c-1", frozenset({"bob"}), frozenset({5}), now)]


def test_nothing_of_a_forgotten_account_is_left_in_any_file(open_workspace, ingest, tmp_path, now):
    name = "account-with-a-name-of-its-own"
    with open_workspace() as workspace:
        ingest(workspace, tmp_path / "log", [(name, 0, 1), ("bob", 0, 2)])
        members = frozenset({name, *(f"other-{i}" for i in range(300))})
        workspace.identities.remember([KnownFinding("c-1", members, frozenset(), now)], now=now)
        assert name in written_words(workspace.path)
        assert name.encode() in (workspace.path / "state.sqlite").read_bytes()
        workspace.forget(name)
        assert name not in written_words(workspace.path)
        assert name.encode() not in (workspace.path / "state.sqlite").read_bytes()


def written_words(folder):
    """Every value and every statistic of every Parquet file below a folder, in one text."""
    files = [pq.ParquetFile(path) for path in sorted(folder.rglob("*.parquet"))]
    return "".join(
        f"{file.read().to_pylist()} {file.metadata.row_group(i).to_dict()}"
        for file in files
        for i in range(file.num_row_groups)
    )


def test_forgetting_drops_the_parts_only_that_account_used(filled):
    erased = filled.forget("ann")
    assert erased.n_parts == 2
    assert filled.sketches.parts()["part"].to_pylist() == [2, 4]


def test_forgetting_an_unknown_account_changes_nothing(filled, accounts_of):
    before = filled.sketches.sketch_paths()
    erased = filled.forget("nobody")
    assert (erased.n_exchanges, erased.n_parts, erased.n_table_rows, erased.n_members, erased.n_days) == (0, 0, 0, 0, 0)
    assert filled.sketches.sketch_paths() == before
    assert len(accounts_of(filled)) == 6


def test_the_same_log_does_not_bring_a_forgotten_account_back(filled, ingest, accounts_of, tmp_path):
    filled.forget("ann")
    assert ingest(filled, tmp_path / "log", ROWS) is None
    assert "ann" not in accounts_of(filled)


def test_forgetting_twice_in_a_row_works_and_a_day_may_end_empty(filled, accounts_of):
    filled.forget("ann")
    assert filled.forget("bob").n_days == 2
    assert accounts_of(filled) == ["cat"]
    assert filled.forget("cat").n_days == 1
    assert filled.sketches.sketch_paths() == []
    assert list((filled.path / "sketches").iterdir()) == []
    assert filled.sketches.parts().num_rows == 0


def test_retention_deletes_whole_days_that_are_older(filled, accounts_of, now):
    erased = filled.retain(5, now=now)
    assert (erased.n_days, erased.n_exchanges, erased.n_parts) == (1, 2, 1)
    assert accounts_of(filled) == ["ann", "ann", "bob", "cat"]
    assert not (filled.path / "sketches/day=2026-11-11").exists()


@pytest.mark.parametrize(("days", "n_left"), [(9, 6), (8, 4), (3, 4), (2, 2), (0, 2)])
def test_a_day_is_kept_for_as_many_days_as_were_asked(filled, accounts_of, now, days, n_left):
    filled.retain(days, now=now)
    assert len(accounts_of(filled)) == n_left


def test_retention_of_less_than_nothing_is_refused(filled, accounts_of, now):
    with pytest.raises(UsageError, match="-1 days"):
        filled.retain(-1, now=now)
    assert len(accounts_of(filled)) == 6


def test_a_deleted_day_stays_deleted(filled, ingest, accounts_of, now, tmp_path):
    filled.retain(5, now=now)
    assert ingest(filled, tmp_path / "log", ROWS) is None
    written = ingest(filled, tmp_path / "other", [("dan", 9, 0), ("eve", 0, 0), ("fay", 30, 0)])
    assert (written.n_exchanges, written.n_before_retention) == (1, 2)
    assert accounts_of(filled) == ["ann", "ann", "bob", "cat", "eve"]
    assert filled.manifest.sources()[-1].n_before_retention == 2


def test_a_later_retention_moves_on(filled, accounts_of, now):
    filled.retain(5, now=now)
    filled.retain(5, now=now + timedelta(days=4))
    assert accounts_of(filled) == ["ann", "bob"]


def test_a_reader_cannot_delete(open_workspace, ingest, accounts_of, tmp_path, now):
    with open_workspace() as workspace:
        ingest(workspace, tmp_path / "log", ROWS)
    with open_workspace(read_only=True) as reader:
        for delete in (lambda: reader.forget("ann"), lambda: reader.retain(0, now=now)):
            with pytest.raises(WorkspaceError, match="only be read"):
                delete()
        assert len(accounts_of(reader)) == 6


def test_retention_drops_what_scans_of_deleted_days_found(filled, now):
    later = now + timedelta(days=20)
    filled.identities.remember([KnownFinding("c-2", frozenset({"cat"}), frozenset({6}), later)], now=later)
    filled.retain(5, now=later)
    assert [one.finding_id for one in filled.identities.known()] == ["c-2"]


def test_finding_without_members_is_forgotten(filled):
    filled.forget("ann")
    filled.forget("bob")
    assert filled.identities.known() == []
