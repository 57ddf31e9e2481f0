"""`gauger diff`, and reports that cannot be read."""

import json
import shutil

import pytest


def test_two_equal_reports_differ_in_nothing(gauger, scanned):
    shown = gauger("diff", scanned.report, scanned.report)
    assert shown.code == 0
    assert shown.out == "0 appeared, 0 vanished, 0 changed, 1 unchanged\n"


def test_a_dismissal_is_a_change(gauger, scanned, tmp_path):
    shutil.copytree(scanned.report, tmp_path / "before")
    gauger("dismiss", scanned.finding, "--reason", "x", "--workspace", scanned.workspace)
    assert gauger("scan", "--workspace", scanned.workspace, "--out", scanned.report).code == 0
    shown = gauger("diff", tmp_path / "before", scanned.report / "findings.json", "--json")
    changed = json.loads(shown.out)["changed"]
    assert [(one["before"]["verdict"], one["after"]["verdict"]) for one in changed] == [("campaign", "observed")]
    assert "verdict: campaign -> observed" in gauger("diff", tmp_path / "before", scanned.report).out


@pytest.mark.parametrize("content", ["", "[]", '{"schema": "gauger/findings/2"}', "\x00"])
def test_what_is_no_report_is_refused(content, gauger, tmp_path):
    (tmp_path / "findings.json").write_text(content)
    shown = gauger("diff", tmp_path, tmp_path)
    assert shown.code == 3
    assert "no findings.json of this version" in shown.err
