"""`gauger explain` shows real exchanges from the operator's own logs, in the terminal alone: it writes nothing."""

import hashlib
import re
import shutil

import pytest

INNOCENT = "Innocent look-alikes"


@pytest.fixture(scope="module")
def report(small_scanned) -> list[object]:
    """Where the result and its workspace are, as options."""
    return ["--report", small_scanned.out, "--workspace", small_scanned.workspace]


@pytest.fixture(scope="module")
def finding(small_scanned) -> dict:
    return small_scanned.document["findings"][0]


@pytest.fixture(scope="module")
def shown(report, finding, small_logs, gauger) -> str:
    done = gauger("explain", finding["finding_id"], *report, "--examples", 40, "--logs", *small_logs.files)
    assert done.code == 0, done.err
    return done.out


def accounts_in(text: str) -> list[str]:
    return re.findall(r"^\(\d+\) (acct-\w+)", text, re.MULTILINE)


def flat(text: str) -> str:
    return " ".join(text.replace("[", "").replace("]", "").split())


def test_it_shows_exchanges_of_the_finding_word_for_word(shown, finding, small_world):
    theirs = shown.split(INNOCENT)[0]
    members = {member["account_id"] for member in finding["accounts"]}
    assert len(accounts_in(theirs)) == 40
    assert set(accounts_in(theirs)) == members
    hostile = [row["request_id"] for row in small_world.truth_exchanges.to_pylist() if row["campaign"]]
    prompts = dict(
        zip(*(small_world.exchanges[name].to_pylist() for name in ("request_id", "user_prompt")), strict=True)
    )
    assert sum(flat(prompts[name]) in flat(theirs) for name in hostile) >= 38


def test_it_marks_the_words_that_the_accounts_share_and_no_others(shown, small_world):
    theirs = " ".join(shown.split(INNOCENT)[0].split())
    marked = re.findall(r"\[([^\]]+)\]", theirs)
    assert len(marked) >= 40
    assert any(len(words.split()) >= 6 for words in marked)
    rows = zip(
        small_world.exchanges["account_id"].to_pylist(), small_world.exchanges["user_prompt"].to_pylist(), strict=True
    )
    texts = [(account, " ".join((text or "").split())) for account, text in rows]
    longest = max(marked, key=len).replace("] [", " ")
    assert len({account for account, text in texts if longest in text}) >= 2


def test_it_shows_innocent_look_alikes_beside_them(shown, finding, small_logs):
    others = accounts_in(shown.split(INNOCENT)[1])
    assert 1 <= len(others) == len(set(others))
    assert not {member["account_id"] for member in finding["accounts"]} & set(others)
    assert not small_logs.members & set(others)


def contents(folder) -> dict[str, str]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def test_it_writes_nothing(report, finding, small_logs, small_scanned, leaks, gauger_apart, tmp_path):
    folders = (small_logs.folder, small_scanned.out, small_scanned.workspace)
    before = [contents(folder) for folder in folders]
    (tmp_path / "elsewhere" / "temporary").mkdir(parents=True)
    environment = {name: str(tmp_path / "elsewhere" / "temporary") for name in ("TMPDIR", "TMP", "TEMP", "HOME")}
    beside = small_scanned.workspace
    with (
        leaks.Watch(tmp_path / "elsewhere", tmp_path / "vault") as watch,
        leaks.Watch(beside, beside.parent / "vault") as watch_beside,
    ):
        done = gauger_apart(
            "explain", finding["finding_id"], *report, "--logs", *small_logs.files,
            environment=environment, cwd=tmp_path / "elsewhere",
        )  # fmt: skip
    assert done.code == 0, done.err
    assert INNOCENT in done.out
    assert watch.names == set()
    assert watch_beside.names <= set(before[2])
    assert [contents(folder) for folder in folders] == before


def test_logs_that_were_moved_are_found_by_their_names(report, finding, small_logs, gauger, tmp_path):
    for path in small_logs.files:
        shutil.copy(path, tmp_path)
    done = gauger("explain", finding["finding_id"], *report, "--logs", tmp_path)
    assert done.code == 0, done.err
    assert len(accounts_in(done.out.split(INNOCENT)[0])) == 6


def test_other_logs_and_unknown_findings_are_said(report, finding, gauger, tmp_path):
    (tmp_path / "other.jsonl").write_text('{"occurred_at": "2026-01-01", "account_id": "a", "user_prompt": "b"}\n')
    other = gauger("explain", finding["finding_id"], *report, "--logs", tmp_path / "other.jsonl")
    assert other.code == 3
    assert other.err
    unknown = gauger("explain", "c-aaaaaaaaaaaa", *report)
    assert unknown.code == 2
    assert "c-aaaaaaaaaaaa" in unknown.err
