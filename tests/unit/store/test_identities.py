from datetime import timedelta

import pytest

from gauger.errors import WorkspaceError
from gauger.store.identities import KnownFinding


def test_findings_are_remembered_across_runs(open_workspace, now):
    findings = [
        KnownFinding("c-1", frozenset({"a", "b"}), frozenset({-(2**63), 0, 2**63 - 1}), now),
        KnownFinding("c-2", frozenset({"b", "ü"}), frozenset(), now - timedelta(days=3)),
    ]
    with open_workspace() as workspace:
        workspace.identities.remember(findings, now=now)
    with open_workspace(read_only=True) as workspace:
        assert workspace.identities.known() == findings


def test_the_latest_scan_gives_the_members_and_the_earliest_the_date(open_workspace, now):
    with open_workspace() as workspace:
        remember = workspace.identities.remember
        remember([KnownFinding("c-1", frozenset({"a", "b"}), frozenset({1}), now)], now=now)
        remember([KnownFinding("c-1", frozenset({"b", "c"}), frozenset({2}), now + timedelta(days=1))], now=now)
        remember([KnownFinding("c-9", frozenset({"z"}), frozenset(), now)], now=now)
        assert workspace.identities.known() == [
            KnownFinding("c-1", frozenset({"b", "c"}), frozenset({2}), now),
            KnownFinding("c-9", frozenset({"z"}), frozenset(), now),
        ]


def test_a_scan_is_remembered_as_a_whole_or_not_at_all(open_workspace, now):
    twice = [KnownFinding("c-1", frozenset({"a"}), frozenset(), now)] * 2
    with open_workspace() as workspace:
        with pytest.raises(WorkspaceError, match="UNIQUE"):
            workspace.identities.remember(twice, now=now)
        assert workspace.identities.known() == []


def test_a_time_without_a_zone_is_refused(open_workspace, now):
    naive = now.replace(tzinfo=None)
    with open_workspace() as workspace, pytest.raises(Exception, match="needs a zone"):
        workspace.identities.remember([KnownFinding("c-1", frozenset(), frozenset(), naive)], now=now)
