from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gauger.errors import UsageError
from gauger.store.decisions import Decision


@pytest.fixture
def decide(now):
    def make(kind, finding_id="c-1", reason="their own benchmark", by="ann", minutes=0):
        return Decision(finding_id, kind, reason, by, now + timedelta(minutes=minutes))

    return make


def test_a_decision_stands_across_runs(open_workspace, decide):
    with open_workspace() as workspace:
        workspace.decisions.add(decide("dismiss"))
    with open_workspace(read_only=True) as workspace:
        assert workspace.decisions.active() == {"c-1": decide("dismiss")}


def test_the_later_decision_stands(open_workspace, decide):
    with open_workspace() as workspace:
        workspace.decisions.add(decide("dismiss"))
        workspace.decisions.add(decide("confirm", by="bob"))
        assert workspace.decisions.active() == {"c-1": decide("confirm", by="bob")}


def test_undo_leaves_no_decision_and_erases_nothing(open_workspace, decide):
    entries = [decide("dismiss"), decide("undo", by="bob", minutes=1)]
    with open_workspace() as workspace:
        for entry in entries:
            workspace.decisions.add(entry)
        assert workspace.decisions.active() == {}
        assert workspace.decisions.history() == entries


def test_undo_of_nothing_is_refused(open_workspace, decide):
    with open_workspace() as workspace:
        workspace.decisions.add(decide("dismiss", "c-2"))
        with pytest.raises(UsageError, match="c-1"):
            workspace.decisions.add(decide("undo"))
        assert len(workspace.decisions.history()) == 1


@pytest.mark.parametrize("missing", ["reason", "by"])
def test_a_decision_says_why_and_by_whom(open_workspace, decide, missing):
    with open_workspace() as workspace, pytest.raises(UsageError, match=missing):
        workspace.decisions.add(decide("confirm", **{missing: "  "}))


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.sampled_from(["c-1", "c-2"]), st.sampled_from(["dismiss", "confirm", "undo"])), max_size=8)
)
def test_active_is_what_replaying_the_record_gives(open_workspace, decide, tmp_path_factory, entries):
    expected = {}
    with open_workspace(tmp_path_factory.mktemp("decisions") / "w") as workspace:
        for finding_id, kind in entries:
            if kind == "undo" and finding_id not in expected:
                with pytest.raises(UsageError):
                    workspace.decisions.add(decide(kind, finding_id))
                continue
            workspace.decisions.add(decide(kind, finding_id))
            if kind == "undo":
                del expected[finding_id]
            else:
                expected[finding_id] = kind
        assert {key: value.kind for key, value in workspace.decisions.active().items()} == expected
