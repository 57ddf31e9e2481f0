"""`gauger scan`: what it finds, what it writes where, and its exit codes."""

import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from tests.unit.cli.conftest import new_workspace

from gauger.campaigns.document import decode

RESULT = {"findings.json", "index.html", "accounts.csv", "accounts.parquet", "exchanges.parquet", "quarantine.parquet"}


def rescan(gauger, scanned, *more):
    return gauger("scan", "--workspace", scanned.workspace, "--out", scanned.report, *more)


def test_the_planted_campaign_is_found(scanned_once):
    first = decode((scanned_once.report / "findings.json").read_bytes()).findings[0]
    assert first.verdict == "campaign"
    assert {one.account_id for one in first.accounts} == {f"still-{n:02d}" for n in range(12)}


def test_the_result_folder_is_whole(scanned_once):
    assert {path.name for path in scanned_once.report.iterdir()} == RESULT


def test_the_summary_is_golden(scanned_once, golden):
    golden("scan_summary.txt", scanned_once.out.replace(str(scanned_once.report), "REPORT"))


def test_what_is_said_beside_the_summary_is_golden(scanned_once, tiny, golden):
    golden("scan_notes.txt", scanned_once.err.replace(str(tiny.folder), "TINY"))


def test_scanning_again_gives_the_same_document_on_stdout_and_in_the_folder(gauger, scanned):
    before = (scanned.report / "findings.json").read_bytes()
    shown = rescan(gauger, scanned, "--json", "--quiet", "--fail-on", "campaign")
    assert shown.code == 10
    assert shown.err == ""
    assert shown.out.encode() == before == (scanned.report / "findings.json").read_bytes()


def test_a_dismissed_finding_no_longer_fails_a_scan(gauger, scanned):
    said = gauger("dismiss", scanned.finding, "--reason", "a class", "--by", "anna", "--workspace", scanned.workspace)
    assert said.code == 0
    shown = rescan(gauger, scanned, "--json", "--fail-on", "campaign", "--now", "2026-02-01T00:00:00+01:00")
    document = json.loads(shown.out)
    found = next(one for one in document["findings"] if one["finding_id"] == scanned.finding)
    assert shown.code == 0
    assert found["verdict"] == "observed"
    assert {"code": "dismissed_by_a_person", "tested": False, "outcome": "anna: a class"} in found[
        "benign_explanations"
    ]
    assert document["generated_at"] == "2026-01-31T23:00:00Z"


def test_too_much_that_is_bad_fails_the_run_and_still_leaves_the_quarantine(gauger, tmp_path, tiny):
    bad = tmp_path / "bad.jsonl"
    lines = Path(tiny.logs[1]).read_text().splitlines()
    bad.write_text("\n".join([*lines[:60], *["no record"] * 4]) + "\n")
    shown = gauger("scan", bad, "--out", tmp_path / "report")
    assert shown.code == 3
    assert "4 of 64 rows are bad" in shown.err
    assert f"{bad}: set aside 4 (rows 60, 61, 62, 63; the first is 0): not valid JSON." in shown.err
    assert {path.name for path in (tmp_path / "report").iterdir()} == {"quarantine.parquet"}
    quarantine = pq.read_table(tmp_path / "report" / "quarantine.parquet")
    assert quarantine["reason"].to_pylist() == ["not_json"] * 4
    # The same command fails again, and one that allows more, or reads otherwise, begins anew.
    assert gauger("scan", bad, "--out", tmp_path / "report").code == 3
    shown = gauger("scan", bad, "--out", tmp_path / "report", "--max-bad", 0.1, "--format", "gauger-parquet")
    assert shown.code == 0, shown.err


def test_a_run_is_judged_by_what_it_read_and_not_by_what_the_workspace_holds(gauger, tmp_path, tiny):
    bad = tmp_path / "bad.jsonl"
    bad.write_text("no record\n" * 400)
    ws = tmp_path / "ws"
    assert gauger("ingest", bad, tiny.logs[1], "--workspace", ws).code == 3
    assert gauger("ingest", tiny.logs[0], "--workspace", ws).code == 0


@pytest.mark.parametrize("max_bad", [0.02, 0.1])
def test_max_bad_is_the_share_that_may_be_bad(max_bad, gauger, tmp_path, tiny):
    bad = tmp_path / "bad.jsonl"
    lines = Path(tiny.logs[1]).read_text().splitlines()
    bad.write_text("\n".join([*lines[:60], *["no record"] * 4]) + "\n")
    shown = gauger("ingest", bad, "--workspace", tmp_path / "ws", "--max-bad", max_bad)
    assert shown.code == (3 if max_bad < 4 / 64 else 0)


def test_rows_that_lost_a_value_or_are_not_whole_yet_are_not_bad(gauger, tmp_path, tiny):
    lines = Path(tiny.logs[1]).read_text().splitlines()[:20]
    odd = [json.dumps(json.loads(line) | {"http_status": 7}) for line in lines]
    log = tmp_path / "odd.jsonl"
    log.write_text("\n".join(odd) + "\n" + lines[0][:50])
    shown = gauger("ingest", log, "--workspace", tmp_path / "ws")
    assert shown.code == 0, shown.err
    assert "20 exchanges read, 21 in quarantine" in shown.out


def test_exchanges_of_the_future_are_told(gauger, scanned):
    assert "exchanges are dated after 2026-01-10T00:00:00Z" in rescan(gauger, scanned, "--now", "2026-01-10").err


def test_two_words_on_where_the_tested_stretch_begins_are_refused(gauger, scanned):
    shown = rescan(gauger, scanned, "--history-until", "2026-01-20", "--window", 7)
    assert shown.code == 2
    assert "give one of the two" in shown.err


def test_a_run_that_is_refused_leaves_an_earlier_result_as_it_was(gauger, tmp_path, tiny):
    out, ws = tmp_path / "report", tmp_path / "ws"
    assert gauger("scan", tiny.logs[0], "--out", out, "--workspace", ws).code == 0
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    bad = tmp_path / "bad.jsonl"
    bad.write_text(Path(tiny.logs[1]).read_text() + "no record\n" * 40)
    shown = gauger("scan", bad, "--out", out, "--workspace", ws)
    assert shown.code == 3
    assert "quarantine-refused.parquet" in shown.err
    assert {name: (out / name).read_bytes() for name in before} == before
    assert len(pq.read_table(out / "quarantine-refused.parquet")) == 40


def test_history_until_after_the_log_is_refused(gauger, scanned):
    shown = rescan(gauger, scanned, "--history-until", "2026-03-01")
    assert shown.code == 2
    assert "--history-until: 2026-03-01T00:00:00Z is after the last exchange" in shown.err
    assert shown.out == ""


def test_a_scan_goes_on_with_more_logs_and_refuses_to_mix_in_others(gauger, tmp_path, tiny):
    out = tmp_path / "report"
    shown = gauger("scan", tiny.logs[0], "--out", out, "--json")
    assert json.loads(shown.out)["input"]["exchanges"] == 144
    assert "--accounts FILE" in shown.err
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    shown = gauger("scan", tiny.logs[1], "--out", out, "--json")
    assert shown.code == 2
    assert f"other logs than those named now ({tiny.logs[0]})" in shown.err
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    shown = gauger("scan", *tiny.logs[:2], "--out", out, "--json", "--accounts", tiny.accounts)
    assert json.loads(shown.out)["input"]["exchanges"] == 288


def test_a_workspace_with_too_much_that_is_bad_fails_every_scan(gauger, tmp_path, tiny):
    bad = tmp_path / "bad.jsonl"
    bad.write_text(Path(tiny.logs[1]).read_text() + "no record\n" * 40)
    given = ("--out", tmp_path / "report", "--workspace", tmp_path / "ws")
    assert gauger("scan", bad, *given).code == 3
    assert gauger("scan", bad, *given).code == 3
    assert gauger("scan", bad, tiny.logs[0], *given).code == 3
    assert gauger("scan", bad, *given, "--max-bad", 0.3).code == 0


def test_a_folder_is_read_without_its_tables_and_names_what_is_left_out(gauger, tmp_path, tiny):
    shutil.copytree(tiny.folder / "logs", tmp_path / "logs")
    shutil.copy(tiny.accounts, tmp_path / "logs")
    (tmp_path / "logs" / "README.md").write_text("Logs of the gateway.")
    accounts = tmp_path / "logs" / "accounts.csv"
    shown = gauger("scan", tmp_path / "logs", "--accounts", accounts, "--out", tmp_path / "logs" / "report", "--json")
    assert shown.code == 0, shown.err
    assert json.loads(shown.out)["input"]["exchanges"] == 432
    assert f"Not read, because a log is not called so: {tmp_path / 'logs' / 'README.md'}." in shown.err
    again = gauger("scan", tmp_path / "logs", "--accounts", accounts, "--out", tmp_path / "logs" / "report", "--json")
    assert json.loads(again.out)["input"]["exchanges"] == 432


def test_how_to_read_without_logs_to_read_is_refused(gauger, scanned):
    shown = rescan(gauger, scanned, "--format", "openai")
    assert shown.code == 2
    assert "name logs" in shown.err


def test_without_a_name_the_workspace_is_that_of_the_report_then_the_default(gauger, tiny, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    new_workspace(tmp_path / "gauger-workspace")  # under a key of its own one in a hundred groups looks like persons
    assert gauger("ingest", *tiny.logs, "--quiet").code == 0
    first = gauger("scan", "--json", "--quiet")
    assert json.loads(first.out)["input"]["exchanges"] == 432
    assert {path.name for path in tmp_path.iterdir()} == {"gauger-workspace", "gauger-report"}
    found = json.loads(first.out)["findings"][0]["finding_id"]
    assert gauger("dismiss", found, "--reason", "x").code == 0
    assert json.loads(gauger("decisions", "--json").out)[0]["finding_id"] == found
    assert gauger("scan", tiny.logs[0], "--quiet").code == 0
    assert gauger("decisions").out == "Nothing was decided yet.\n"
