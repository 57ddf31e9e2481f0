"""`gauger lab`: scenarios by name, and a world whose log can be read."""

import contextlib
import io
import json
import shutil
from dataclasses import replace
from typing import get_args

import msgspec
import pyarrow.parquet
import pytest

from gauger.cli.app import run
from gauger.cli.lab import LogFormat
from gauger.lab import SCENARIOS, Campaign, ChatPersons, bench
from gauger.lab.runs import Run, read_lines
from gauger.lab.scanning import master_key
from gauger.lab.suites import SUITES, Cell, Suite
from gauger.lab.writing import WRITERS
from gauger.store.keys import create_master_key


def test_every_scenario_is_listed(gauger):
    shown = gauger("lab", "scenarios")
    assert shown.code == 0
    for name in SCENARIOS:
        assert f"\n{name} " in shown.out
    assert max(map(len, shown.out.splitlines())) <= 80


def test_a_simulated_world_is_read_back_whole(gauger, tmp_path, monkeypatch):
    small = replace(SCENARIOS["pool"], parts=(ChatPersons(n=6), Campaign(n=4)), history_weeks=1)
    monkeypatch.setitem(SCENARIOS, "pool", small)
    shown = gauger("lab", "simulate", "pool", "--seed", 3, "--out", tmp_path / "world", "--format", "parquet")
    assert shown.code == 0
    n_exchanges = shown.out.split()[0]
    assert "planted campaigns: campaign (truth.csv)" in shown.out
    assert (tmp_path / "world" / "accounts.csv").exists()
    read = gauger("ingest", tmp_path / "world" / "exchanges.parquet", "--workspace", tmp_path / "ws")
    assert read.out.startswith(f"{n_exchanges} exchanges read, 0 in quarantine")


FORMATS = ("litellm", "openai", "anthropic", "parquet", "mapped-json", "mapped-csv")


def test_the_command_line_knows_the_formats_of_the_lab():
    assert tuple(WRITERS) == FORMATS == get_args(LogFormat)


@pytest.fixture
def few(monkeypatch):
    small = replace(SCENARIOS["pool"], parts=(ChatPersons(n=6), Campaign(n=4)), history_weeks=1)
    monkeypatch.setitem(SCENARIOS, "pool", small)


def test_a_mapped_log_is_read_with_the_mapping_beside_it(few, gauger, tmp_path):
    shown = gauger("lab", "simulate", "pool", "--out", tmp_path / "world", "--format", "mapped-csv")
    logs = sorted((tmp_path / "world").glob("own-*.csv.gz"))
    assert logs
    mapping = tmp_path / "world" / "mapping.toml"
    read = gauger("ingest", *logs, "--mapping", mapping, "--workspace", tmp_path / "ws")
    assert read.out.startswith(f"{shown.out.split()[0]} exchanges read, 0 in quarantine")


def test_persons_speak_with_a_local_copy(few, gauger, tmp_path):
    (tmp_path / "own.jsonl").write_text("".join(f'{{"ask": "fold boat {number}"}}\n' for number in range(99)))
    (tmp_path / "burst.csv").write_text(
        "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
        + "".join(f"{second},ChatGPT,5,77,82,API log\n" for second in (1, 5, 6, 9))
    )
    shown = gauger(
        *("lab", "simulate", "pool", "--out", tmp_path / "world", "--format", "parquet"),
        *("--prompts", tmp_path / "own.jsonl", "--prompts-field", "ask", "--arrivals", tmp_path / "burst.csv"),
    )
    assert shown.code == 0
    log = pyarrow.parquet.read_table(tmp_path / "world" / "exchanges.parquet")
    assert any("fold boat" in text for text in log["user_prompt"].to_pylist())
    assert set(log["output_tokens"].to_pylist()) <= {0, 77}


def test_what_is_wrong_with_a_local_copy_is_said(few, gauger, tmp_path):
    (tmp_path / "own.jsonl").write_text('{"ask": "x"}\n')
    shown = gauger("lab", "simulate", "pool", "--out", tmp_path / "w", "--prompts", tmp_path / "own.jsonl")
    assert shown.code == 3
    assert "there are ask" in shown.err
    shown = gauger("lab", "simulate", "pool", "--out", tmp_path / "w", "--prompts-field", "ask")
    assert shown.code == 2
    assert not (tmp_path / "w").exists()


# -- scoring

TINY = replace(
    SCENARIOS["pool"],
    parts=(ChatPersons(n=24), Campaign(name="pool", n=12, exchanges=12.0, share=0.5)),
    history_weeks=1,
    weekly_exchanges=10.0,
)
QUIET = replace(TINY, parts=TINY.parts[:1])
SUITE = Suite("smoke", "For tests.", 1, (Cell("quiet", QUIET), Cell("pool/0.5", TINY)))


@pytest.fixture(scope="module")
def scanned_world_once(tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    world, report = folder / "world", folder / "report"
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(SCENARIOS, "pool", TINY)
        _quietly("lab", "simulate", "pool", "--seed", 3, "--out", world)
    _quietly("scan", *world.glob("*.jsonl.gz"), "--accounts", world / "accounts.csv", "--out", report, "--quiet")
    return folder


def _quietly(*arguments):
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        assert run([str(one) for one in arguments]) == 0
    return printed.getvalue()


@pytest.fixture
def scanned_world(scanned_world_once, tmp_path):
    """A tiny world written by `lab simulate`, and the report of a scan of its log; copies that a test may change."""
    shutil.copytree(scanned_world_once, tmp_path / "copy", ignore=shutil.ignore_patterns(".workspace"))
    return tmp_path / "copy" / "world", tmp_path / "copy" / "report"


def test_a_scan_is_scored_against_the_truth(gauger, scanned_world):
    world, report = scanned_world
    shown = gauger("lab", "score", report, world)
    assert shown.code == 0, shown.err
    assert "campaign findings are false" in shown.out.splitlines()[0]
    assert max(map(len, shown.out.splitlines())) <= 80
    document = json.loads(gauger("lab", "score", report, world, "--json").out)
    assert document["schema"] == "gauger/score/1"
    assert (document["accounts"], document["innocent_accounts"], document["campaigns"]) == (36, 24, 1)
    assert document["recall"]["any"] == {"value": 1.0, "reason": None}
    assert document["found"][0]["recall"]["value"] > 0.5
    assert document["by_verdict"][-1]["exchanges"]["average_precision"]["value"] > 0.3
    assert document["leaked"]["value"] == document["hostile_exchanges"]


def test_what_cannot_be_scored_says_why(gauger, scanned_world, tmp_path):
    world, report = scanned_world
    missing = gauger("lab", "score", tmp_path / "nowhere", world)
    assert (missing.code, "there is no report here" in missing.err) == (3, True)
    no_truth = gauger("lab", "score", report, tmp_path / "nowhere")
    assert (no_truth.code, "the truth is not here" in no_truth.err) == (3, True)
    findings = (report / "findings.json").read_text()
    accounts = {member["account_id"] for one in json.loads(findings)["findings"] for member in one["accounts"]}
    (report / "findings.json").write_text(findings.replace(min(accounts), "h:0123"))
    strange = gauger("lab", "score", report, world)
    assert (strange.code, "'h:0123'" in strange.err, "pseudonyms" in strange.err) == (3, True, True)
    (report / "findings.json").write_text(findings.replace('"rank": 1', '"rank": "one"', 1))
    other = gauger("lab", "score", report, world)
    assert (other.code, "$.findings[0].rank" in other.err) == (3, True)


def test_a_report_without_tables_is_scored_as_far_as_it_goes(gauger, scanned_world):
    world, report = scanned_world
    for name in ("accounts.parquet", "exchanges.parquet"):
        (report / name).unlink()
    document = json.loads(gauger("lab", "score", report, world, "--json").out)
    assert document["touched"] == {"value": None, "reason": "the report has no accounts.parquet"}
    assert (
        document["by_verdict"][-1]["exchanges"]["average_precision"]["reason"] == "the report has no exchanges.parquet"
    )
    (report / "exchanges.parquet").write_bytes(b"PAR1")
    broken = gauger("lab", "score", report, world)
    assert (broken.code, "this is no Parquet file" in broken.err) == (3, True)


# -- benchmarks


@pytest.fixture
def tiny_suite(monkeypatch):
    monkeypatch.setitem(SUITES, "smoke", SUITE)


@pytest.fixture(scope="module")
def benched(tmp_path_factory):
    """The tiny suite, run once. Tests only read it."""
    out = tmp_path_factory.mktemp("bench") / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(SUITES, "smoke", SUITE)
        patch.setenv("COLUMNS", "80")
        return out, _quietly("lab", "bench", "smoke", "--out", out, "--quiet")


def _figures(document):
    """What a benchmark says, without what depends on who ran it and how fast."""
    return {name: document[name] for name in ("suite", "worlds", "exchanges", "validity", "cells", "curves")}


def test_a_suite_is_run_scored_and_written_down(benched):
    out, printed = benched
    assert printed.startswith("0 of 2 worlds raised a false campaign.")
    document = json.loads((out / "bench.json").read_text())
    assert (document["schema"], document["worlds"], document["campaigns"]) == ("gauger/bench/1", 2, 1)
    assert [one["name"] for one in document["cells"]] == ["quiet", "pool/0.5"]
    assert document["cells"][1]["power"]["any"]["hits"] == 1
    assert document["cost"]["scan_cpu_s_per_million"]["value"] > 0
    assert document["setup"]["seeds"] == [1]
    assert "<h1>0 of 2 worlds raised a false campaign</h1>" in (out / "index.html").read_text()
    assert len((out / "runs.jsonl").read_text().splitlines()) == 2


def test_a_run_that_is_there_is_not_made_again(benched, tiny_suite, gauger, tmp_path, monkeypatch):
    shutil.copytree(benched[0], tmp_path / "out")
    runs = tmp_path / "out" / "runs.jsonl"
    whole = runs.read_bytes()
    first, second = whole.splitlines(keepends=True)
    runs.write_bytes(first + second[:50])
    made = []
    monkeypatch.setattr(bench, "run", lambda job: made.append(job) or msgspec.json.decode(second, type=Run))
    shown = gauger("lab", "bench", "smoke", "--out", tmp_path / "out")
    assert shown.code == 0, shown.err
    assert [(job.cell.name, job.seed) for job in made] == [("pool/0.5", 1)]
    assert runs.read_bytes() == whole
    assert shown.out.splitlines()[:10] == benched[1].splitlines()[:10]


def test_runs_of_other_knobs_are_not_taken_for_these(benched, gauger, tmp_path, monkeypatch):
    shutil.copytree(benched[0], tmp_path / "out")
    changed = (Cell("quiet", QUIET), Cell("pool/0.5", replace(TINY, weekly_exchanges=9.0)))
    monkeypatch.setitem(SUITES, "smoke", replace(SUITE, cells=changed))
    shown = gauger("lab", "bench", "smoke", "--out", tmp_path / "out")
    assert (shown.code, "pool/0.5, seed 1, was run with other knobs" in shown.err) == (2, True)


def test_a_stopped_benchmark_exits_with_130_and_keeps_what_is_done(tiny_suite, gauger, tmp_path, monkeypatch):
    one_world = bench.run

    def stopped(job):
        if job.cell.name == "pool/0.5":
            raise KeyboardInterrupt
        return one_world(job)

    monkeypatch.setattr(bench, "run", stopped)
    shown = gauger("lab", "bench", "smoke", "--out", tmp_path / "out")
    assert (shown.code, "run the same command again" in shown.err) == (130, True)
    assert [one.cell for one in read_lines(tmp_path / "out" / "runs.jsonl", Run)] == ["quiet"]


def test_worlds_run_in_other_processes_come_out_the_same(benched, gauger, tmp_path, monkeypatch):
    monkeypatch.setitem(SUITES, "smoke", replace(SUITE, cells=SUITE.cells[1:]))
    shown = gauger("lab", "bench", "smoke", "--out", tmp_path / "out", "--processes", 2, "--json", "--quiet")
    assert shown.code == 0, shown.err
    assert json.loads(shown.out)["worlds"] == 1
    (there,) = read_lines(tmp_path / "out" / "runs.jsonl", Run)
    assert there.score == read_lines(benched[0] / "runs.jsonl", Run)[1].score


def test_reports_on_exported_worlds_score_as_the_run_in_this_process(benched, tiny_suite, gauger, tmp_path):
    """`gauger scan` stands for another detector: it reads the exported logs, and has the key of the run's workspace."""
    root = tmp_path / "worlds"
    assert gauger("lab", "bench", "smoke", "--export", root).out.startswith("2 worlds written")
    for world in sorted(root.rglob("world")):
        workspace = tmp_path / "-".join(world.relative_to(root).parts)
        (workspace / "keys").mkdir(parents=True, mode=0o700)
        create_master_key(
            workspace / "keys" / "master.key", random_bytes=lambda _, w=world: master_key(int(w.parent.name))
        )
        options = ["--accounts", world / "accounts.csv", "--workspace", workspace, "--out", world.with_name("report")]
        scanned = gauger("scan", world / "exchanges.parquet", *options, "--quiet")
        assert scanned.code == 0, scanned.err
    shown = gauger("lab", "bench", "smoke", "--score", root, "--out", tmp_path / "out", "--json")
    assert shown.code == 0, shown.err
    document = json.loads(shown.out)
    assert _figures(document) == _figures(json.loads((benched[0] / "bench.json").read_text()))
    assert document["cost"]["scan_cpu_s_per_million"]["value"] is None
    assert document["setup"]["detector"] == f"reports in {root}"


def test_a_report_that_was_not_written_is_an_error(tiny_suite, gauger, tmp_path):
    gauger("lab", "bench", "smoke", "--export", tmp_path / "worlds")
    shown = gauger("lab", "bench", "smoke", "--score", tmp_path / "worlds")
    assert (shown.code, "quiet/1/report/findings.json: there is no report here" in shown.err) == (3, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing"], "choose one of detection, power, quiet, smoke"),
        (["smoke", "--export", "a", "--score", "b"], "give one"),
        (["smoke", "--seeds", "0"], "--seeds"),
    ],
)
def test_a_benchmark_that_cannot_be_is_refused(arguments, said, gauger):
    shown = gauger("lab", "bench", *arguments)
    assert (shown.code, said in shown.err) == (2, True)
