"""`gauger explain`: the dossier, and real exchanges in the terminal alone."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


def tree(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Every file and folder below, with its time of change and content."""
    return {
        str(path.relative_to(folder)): (
            path.stat().st_mtime_ns,
            path.stat().st_mode,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in sorted(folder.rglob("*"))
    }


def explain(gauger, scanned, subject, *more):
    return gauger("explain", subject, "--report", scanned.report, "--workspace", scanned.workspace, *more)


def test_the_dossier_of_a_finding_says_who_on_what_evidence_and_what_speaks_against_it(gauger, scanned):
    shown = explain(gauger, scanned, scanned.finding)
    assert (shown.code, shown.err) == (0, "")
    assert shown.out.startswith(f"{scanned.finding}  campaign, rank 1\n")
    assert max(map(len, shown.out.splitlines())) <= 80
    document = json.loads((scanned.report / "findings.json").read_text())
    said = " ".join(shown.out.split())
    for member in document["findings"][0]["accounts"]:
        assert member["account_id"] in said
    for evidence in document["findings"][0]["evidence"]:
        assert " ".join(evidence["null"].split()) in said
        for fact in evidence["facts"]:
            assert " ".join(fact["text"].split()) in said
    for explanation in document["findings"][0]["benign_explanations"]:
        assert explanation["outcome"] in said


def test_the_dossier_of_an_account_states_membership_and_share_apart(gauger, scanned):
    shown = explain(gauger, scanned, "still-03")
    assert (shown.code, shown.err) == (0, "")
    said = " ".join(shown.out.split())
    assert said.startswith(f"Account still-03 {scanned.finding}, campaign: membership ")
    assert "share 100% (" in said
    assert "6 exchanges attributed" in said
    assert "Innocent explanations" in said


def test_an_account_in_no_finding_is_said_to_be_in_none_and_not_cleared(gauger, scanned):
    shown = explain(gauger, scanned, "person-00")
    assert shown.code == 0
    assert "No finding of this report lists the account person-00" in shown.out
    assert "no clearance" in shown.out


def test_a_finding_that_is_not_there_is_a_mistake_and_those_that_are_are_named(gauger, scanned):
    shown = explain(gauger, scanned, "c-aaaaaaaaaaaa")
    assert shown.code == 2
    assert scanned.finding in shown.err


def test_exchanges_are_shown_with_the_shared_words_marked_beside_those_of_others(gauger, scanned, tiny):
    shown = explain(gauger, scanned, scanned.finding, "--logs", *tiny.logs, "--examples", 4)
    assert shown.code == 0, shown.err
    finding, innocent = shown.out.split("Exchanges of the finding")[1].split("Innocent look-alikes")
    assert finding.count("still-") == 4
    assert finding.count("[You are a patient examiner. Explain every single step of your reasoning") == 4
    assert finding.count("[Then state the final") == 4
    assert "still-" not in innocent
    assert "None of" in innocent


def test_a_look_alike_that_is_not_attributed_is_shown(gauger, scanned, tiny, tmp_path):
    copy = tmp_path / "c.jsonl"
    shutil.copy(tiny.logs[2], copy)
    lookalike = {
        "occurred_at": "2026-01-18T23:00:00Z",
        "account_id": "person-35",
        "request_id": "late",
        "user_prompt": "My tutor said: Explain every single step of your reasoning, always. Why?",
    }
    with copy.open("a") as file:
        file.write(json.dumps(lookalike) + "\n")
    shown = explain(gauger, scanned, scanned.finding, "--logs", copy)
    innocent = shown.out.split("Innocent look-alikes")[1]
    assert "person-35" in innocent
    assert "My tutor said: [Explain every single step of your reasoning], always. Why?" in innocent


def test_the_exchanges_of_an_account_come_first(gauger, scanned, tiny):
    shown = explain(gauger, scanned, "still-07", "--logs", *tiny.logs, "--examples", 3)
    finding = shown.out.split("Exchanges of the finding")[1]
    assert "(1) still-07" in finding


WATCH = """
import os, sys
kernels = os.environ["NUMBA_CACHE_DIR"]  # compiled code of Gauger's own; numba tries whether it could write there
changes = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.chmod"}
def writes(mode, flags):
    by_mode = isinstance(mode, str) and set(mode) & set("wax+")
    return by_mode or isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
def watch(name, given):
    if name in changes or name == "open" and writes(*given[1:3]):
        if given[0] != os.devnull and not str(given[0]).startswith(kernels):
            print("WROTE", name, given, file=sys.stderr)
sys.dont_write_bytecode = True
sys.addaudithook(watch)
"""
RUN = "from gauger.cli.app import run\nsys.exit(run({arguments!r}))\n"


def test_explain_writes_nothing_anywhere(scanned, tiny, tmp_path, environment):
    """In a process of its own, watched by an audit hook: no file is opened for writing, made, renamed or removed."""
    before = tree(scanned.workspace), tree(scanned.report), tree(tiny.folder)
    folder = tmp_path / "work"
    folder.mkdir()
    arguments = ["explain", scanned.finding, "--report", str(scanned.report), "--workspace", str(scanned.workspace)]
    done = subprocess.run(
        [sys.executable, "-c", WATCH + RUN.format(arguments=[*arguments, "--logs", *tiny.logs])],
        cwd=folder,
        env={**environment, "TMPDIR": str(folder), "HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Exchanges of the finding" in done.stdout
    assert done.stderr == ""
    assert (tree(scanned.workspace), tree(scanned.report), tree(tiny.folder)) == before
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("write", ["open({path!r}, 'w').close()", "os.mkdir({path!r})", "os.open({path!r}, os.O_RDWR)"])
def test_the_watch_of_that_test_sees_what_is_written(write, tmp_path):
    path = tmp_path / "x"
    if "O_RDWR" in write:
        path.touch()
    done = subprocess.run(
        [sys.executable, "-c", WATCH + write.format(path=str(path))],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "WROTE" in done.stderr


def test_explain_works_beside_a_writer(gauger, scanned, tiny, writing):
    with writing(scanned.workspace):
        assert explain(gauger, scanned, scanned.finding, "--logs", *tiny.logs).code == 0


def test_logs_that_were_moved_are_known_by_name(gauger, scanned, tiny, tmp_path):
    shutil.copytree(tiny.folder / "logs", tmp_path / "archive")
    shown = explain(gauger, scanned, scanned.finding, "--logs", tmp_path / "archive")
    assert shown.code == 0
    assert "[You are a patient examiner." in shown.out


def test_logs_that_changed_show_nothing_wrong(gauger, scanned, tiny, tmp_path):
    (tmp_path / "c.jsonl").write_text("\n".join(reversed(Path(tiny.logs[2]).read_text().splitlines())))
    shown = explain(gauger, scanned, scanned.finding, "--logs", tmp_path / "c.jsonl")
    assert "the logs have changed" in shown.err or "no longer in these logs" in shown.err
    assert "person-" not in shown.out.split("Innocent look-alikes")[0]


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        (["--logs", "-"], 2, "standard input"),
        (["stray"], 2, "one argument too many"),
    ],
)
def test_arguments_that_make_no_sense(more, code, said, gauger, scanned):
    shown = explain(gauger, scanned, scanned.finding, *more)
    assert shown.code == code
    assert said in shown.err


def test_logs_without_an_exchange_of_the_finding_are_refused(gauger, scanned, tmp_path):
    other = tmp_path / "other.jsonl"
    other.write_text('{"occurred_at": "2026-01-10T00:00:00Z", "account_id": "a", "user_prompt": "b"}\n')
    shown = explain(gauger, scanned, scanned.finding, "--logs", other)
    assert shown.code == 3
    assert "none of these logs holds" in shown.err


def test_an_account_named_by_its_address_is_found_under_its_pseudonym(gauger, tmp_path, tiny):
    log = tmp_path / "c.jsonl"
    text = "".join(Path(one).read_text() for one in tiny.logs[1:])
    log.write_text(text.replace('"still-03"', '"mallory@example.com"'))
    out = tmp_path / "report"
    assert gauger("scan", log, "--out", out, "--accounts", tiny.accounts).code == 0
    shown = gauger("explain", "mallory@example.com", "--report", out, "--workspace", out / ".workspace")
    assert shown.code == 0
    assert "membership 9" in shown.out or "membership 100%" in shown.out
    assert "mallory" not in (out / "findings.json").read_text()
    shown = gauger("explain", "mallory@example.com", "--report", out, "--workspace", out / ".workspace", "--logs", log)
    assert shown.code == 0
    assert "[You are a patient examiner." in shown.out


def test_a_workspace_that_never_found_it_is_refused(gauger, scanned, tiny, tmp_path):
    other = tmp_path / "other"
    assert gauger("ingest", tiny.logs[0], "--workspace", other).code == 0
    shown = gauger("explain", scanned.finding, "--report", scanned.report, "--workspace", other, "--logs", *tiny.logs)
    assert shown.code == 2
    assert "this workspace never found it" in shown.err
    assert "Innocent look-alikes" not in shown.out
