"""No run of 20 characters (8 in Han, kana, hangul) of any prompt or answer is in any file that Gauger wrote.

First the search is seen to fail on a planted leak of each kind; then it looks at all that a scan writes, lasting or
passing, of a log that holds prompts in every place and in every state of damage.
"""

import gzip
import html
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gauger.exchanges import schema

PROMPT = "Please compare the ledger of the Lisbon branch with the one we keep in Porto, line by line."
HAN = "请把这份关于港口税收的内部备忘录改写成通俗易懂的文章，不要遗漏任何数字。"


# --- the search itself -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def unwanted(leaks):
    return leaks.Runs([PROMPT, HAN], allowed=["the search itself may say: line by line, please, as often as it wants"])


def in_parquet(column):
    def plant(path: Path) -> None:
        pq.write_table(pa.table({"harmless": pa.array(range(len(column))), "cell": column}), path, compression="zstd")

    return plant


def in_parquet_metadata(path: Path) -> None:
    pq.write_table(pa.table({"cell": [1]}).replace_schema_metadata({"note": PROMPT}), path, compression="zstd")


def behind_a_null(path: Path) -> None:
    """The cell is null; its bytes are still in the buffer of an Arrow file."""
    array = pa.array([PROMPT, "kept"])
    masked = pa.StringArray.from_buffers(2, array.buffers()[1], array.buffers()[2], pa.py_buffer(b"\x02"))
    with pa.ipc.new_file(str(path), pa.schema([("cell", pa.string())]), options=_ZSTD) as file:
        file.write_table(pa.table({"cell": masked}))


_ZSTD = pa.ipc.IpcWriteOptions(compression="zstd")


def as_numbers(path: Path) -> None:
    packed = np.frombuffer(PROMPT.encode().ljust(96), np.int64)
    pq.write_table(pa.table({"cell": packed}), path, compression="zstd", use_dictionary=False)


def in_sqlite(path: Path, *, deleted: bool = False) -> None:
    with sqlite3.connect(path) as database:
        database.execute("pragma secure_delete = off")
        database.execute("create table fact (name text, value)")
        database.execute("insert into fact values ('note', ?), ('blob', ?)", (PROMPT, HAN.encode()))
        database.commit()
        if deleted:
            database.execute("drop table fact")
    database.close()


def in_a_deleted_sqlite_row(path: Path) -> None:
    in_sqlite(path, deleted=True)


def in_json(path: Path) -> None:
    path.write_text(json.dumps({"findings": [{"facts": {HAN: ["harmless"]}}]}))


def in_json_lines(path: Path) -> None:
    path.write_text('{"a": 1}\nnot json\n' + json.dumps({"b": [None, {"c": HAN}]}))


def in_csv(path: Path) -> None:
    path.write_text(f'account,note\r\na1,"{PROMPT[:30]}""{PROMPT[30:]}"\r\n')


def in_html(path: Path) -> None:
    path.write_text(f"<!doctype html><p title='x'>{html.escape('compare the ledger of <the> Lisbon branch')}</p>")


def in_html_entities(path: Path) -> None:
    path.write_text("<p>" + "".join(f"&#{ord(character)};" for character in HAN) + "</p>")


def across_html_tags(path: Path) -> None:
    path.write_text("<p>" + PROMPT.replace(" ", " <wbr>") + "</p>")


def in_an_html_attribute(path: Path) -> None:
    path.write_text(f'<a href="#" title="{PROMPT.replace("e", "&#x65;")}">here</a>')


def in_gzip(path: Path) -> None:
    path.write_bytes(gzip.compress(json.dumps({"b": HAN}).encode()))


def in_truncated_gzip(path: Path) -> None:
    path.write_bytes(gzip.compress(PROMPT.encode() + os.urandom(4_000))[:3_000])


def in_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("evidence.txt", PROMPT * 5)


def in_a_log(path: Path) -> None:
    path.write_text(f"gauger: row 12 cannot be read: {PROMPT}\n")


def in_other_case_and_spacing(path: Path) -> None:
    path.write_text(PROMPT.upper().replace(" ", "\n   "))


def in_compatibility_forms(path: Path) -> None:
    path.write_text("".join(chr(ord(letter) + 0xFEE0) if letter.isalpha() else letter for letter in PROMPT))


def in_utf_16(path: Path) -> None:
    path.write_bytes(b"\x01" + PROMPT.encode("utf-16-le"))


def among_binary(path: Path) -> None:
    path.write_bytes(os.urandom(100) + b"\0" + PROMPT[40:62].encode() + b"\0" + os.urandom(100))


def eight_han(path: Path) -> None:
    path.write_text(f"a note: {HAN[3:11]}!")


PLANTED = {
    "Parquet strings": in_parquet(pa.array(["harmless", PROMPT])),
    "Parquet large strings": in_parquet(pa.array([HAN, None], pa.large_string())),
    "Parquet binary": in_parquet(pa.array([PROMPT.encode()])),
    "Parquet dictionary": in_parquet(pa.array([PROMPT, PROMPT]).dictionary_encode()),
    "Parquet lists": in_parquet(pa.array([[], ["a", PROMPT]])),
    "Parquet structs": in_parquet(pa.array([{"hint": {"text": HAN}}])),
    "Parquet maps": in_parquet(pa.array([[("k", PROMPT)]], pa.map_(pa.string(), pa.string()))),
    "Parquet metadata": in_parquet_metadata,
    "Parquet numbers": as_numbers,
    "Arrow, behind a null": behind_a_null,
    "SQLite": in_sqlite,
    "SQLite, deleted": in_a_deleted_sqlite_row,
    "JSON": in_json,
    "JSON lines": in_json_lines,
    "CSV": in_csv,
    "HTML": in_html,
    "HTML entities": in_html_entities,
    "HTML, across tags": across_html_tags,
    "HTML attribute": in_an_html_attribute,
    "gzip": in_gzip,
    "gzip, cut short": in_truncated_gzip,
    "zip": in_zip,
    "log line": in_a_log,
    "other case and spacing": in_other_case_and_spacing,
    "full-width letters": in_compatibility_forms,
    "UTF-16": in_utf_16,
    "raw bytes": among_binary,
    "eight Han characters": eight_han,
}


@pytest.mark.parametrize("kind", PLANTED)
def test_a_planted_leak_is_seen(kind, leaks, unwanted, tmp_path):
    PLANTED[kind](tmp_path / "planted")
    found = leaks.leaks_in([tmp_path / "planted"], unwanted)
    assert found


@pytest.mark.parametrize("harmless", [PROMPT[10:29], HAN[:7], "it may say: line by line, please, as often", ""])
def test_shorter_runs_and_allowed_wording_are_no_leak(harmless, leaks, unwanted, tmp_path):
    (tmp_path / "note.txt").write_text(harmless)
    assert leaks.leaks_in([tmp_path / "note.txt"], unwanted) == []


def test_a_leak_in_a_file_that_is_gone_again_is_seen(leaks, unwanted, tmp_path):
    leak = (
        "import sys, time, pathlib; p = pathlib.Path(sys.argv[1]); p.mkdir(); (p / 'spill').write_text(sys.argv[2]); "
    )
    with leaks.Watch(tmp_path, tmp_path.parent / "vault-of-a-test") as watch:
        subprocess.run(
            [sys.executable, "-c", leak + "time.sleep(0.05); (p / 'spill').unlink()", tmp_path / "tmp", PROMPT],
            check=True,
        )
    assert not (tmp_path / "tmp" / "spill").exists()
    assert watch.names == {"tmp/spill"}
    assert leaks.leaks_in(watch.kept, unwanted)


# --- what a scan writes ------------------------------------------------------------------------------------------

LANGUAGES = {
    "zh": "请根据下面的合同条款，逐步推理并说明依据，然后给出结论：第{n}条关于{thing}的规定如何适用？",
    "ja": "次の議事録を読んで、考えた過程を説明してから結論を述べてください。議題{n}の{thing}はどうですか。",
    "ko": "다음 회의록을 읽고 생각하는 과정을 설명한 뒤에 결론을 말해 주세요. 안건 {n}번 {thing}은 어떻습니까.",
    "en": "Work through these minutes step by step, explain each inference, conclude. Item {n} is about {thing}.",
}
THINGS = (
    "港口税收",
    "倉庫の在庫管理",
    "물류 창고의 재고",
    "the warehouse ledger",
    "免责声明",
    "通関手続き",
    "세관 신고서",
)


def prompts() -> list[str]:
    return [form.format(n=n, thing=THINGS[n % len(THINGS)]) for form in LANGUAGES.values() for n in range(40)]


def pair(number: int, prompt: str, **changes) -> dict:
    """An OpenAI pair with text in every place that can hold some."""
    answer = f"回答いたします。{prompt[::-1]} Here is the confidential reasoning behind item {number} of the minutes."
    tool = {"type": "function", "function": {"name": f"tool_{number % 3}", "description": f"Reads {prompt[:60]}"}}
    return {
        "timestamp": f"2026-01-{27 + number % 5:02d}T{number % 24:02d}:{number % 60:02d}:00Z",
        "account_id": f"ring-{number % 8}",
        "request_id": f"extra-{number}",
        "client_ip": f"10.9.{number % 200}.7",
        "request": {
            "model": "atlas-large",
            "messages": [
                {"role": "system", "content": f"You are the clerk of the harbour office. {prompt[5:45]} {number % 4}"},
                {"role": "user", "content": f"An earlier turn about {prompt[10:50]}"},
                {"role": "assistant", "content": f"An earlier answer about {prompt[20:60]}"},
                {"role": "user", "content": prompt},
            ][0 if number % 3 else 3 :],
            "tools": [tool],
        },
        "response": {
            "id": f"resp-{number}",
            "model": "atlas-large",
            "choices": [{"finish_reason": "stop", "message": {"role": "assistant", "content": answer}}],
            "usage": {"prompt_tokens": 50, "completion_tokens": 90},
        },
        **changes,
    }


def damaged(text: str) -> list[str]:
    """Lines that end up in the quarantine, each with the text somewhere."""
    whole = json.dumps(pair(900, text), ensure_ascii=False)
    failed = {"error": {"message": f"The prompt {text!r} was refused", "type": "invalid_request_error", "param": text}}
    return [
        whole[: len(whole) // 2],
        text,
        json.dumps([text]),
        json.dumps(text),
        json.dumps(pair(901, text, account_id="")),
        json.dumps(pair(902, text, timestamp=text)),
        json.dumps(pair(903, text, timestamp="1999-01-01T00:00:00Z")),
        json.dumps(pair(904, text, latency_ms=text, status=text)),
        json.dumps(pair(905, text, account_id=[text])),
        json.dumps(pair(906, text, response=failed, status=400, error_message=text)),
        json.dumps(pair(907, text, response=f"error: {text}")),
        json.dumps(pair(908, text, request={"messages": {"content": text}})),
        json.dumps(
            pair(909, text, request={"model": "m", "messages": [{"role": "user", "content": text}], "seed": text})
        ),
        json.dumps({"question": text, "reply": text}),
        json.dumps(pair(910, text))[:-1] + f', "note": {"[" * 2_000}"{text}"{"]" * 2_000}}}',
        "\ud800".encode("utf-8", "surrogatepass").decode("latin-1") + text,
    ]


LONG = 400_000


def very_long(text: str) -> str:
    """A text of 400,000 characters without a run that comes twice."""
    rng = np.random.default_rng(8)
    words = [f"{text[at : at + 9]}{number}" for number, at in enumerate(rng.integers(0, len(text) - 9, LONG // 12))]
    return " ".join(words)


@pytest.fixture(scope="module")
def confidential(small_logs, tmp_path_factory):
    """The small world's logs, and beside them logs with prompts in every place and state; with all their texts."""
    folder = tmp_path_factory.mktemp("confidential")
    for path in small_logs.files[-14:]:
        shutil.copy(path, folder)
    said = prompts()
    rows = [json.dumps(pair(n, prompt), ensure_ascii=n % 2 == 0) for n, prompt in enumerate(said)]
    rows += [json.dumps(pair(700, very_long(PROMPT))), json.dumps(pair(701, very_long(HAN)))]
    (folder / "pairs.jsonl").write_text("\n".join([*rows, *damaged(PROMPT), *damaged(HAN)]) + "\n", "utf-8", "replace")
    cut = gzip.compress("\n".join(json.dumps(pair(2_000 + n, p)) for n, p in enumerate(said)).encode())
    (folder / "cut.jsonl.gz").write_bytes(cut[: len(cut) // 2])
    lines = ["occurred_at,account_id,user_prompt,response"]
    lines += [f'2026-01-28T01:00:{n:02d}Z,csv-{n},"{prompt}","{prompt[::-1]}"' for n, prompt in enumerate(said[:50])]
    lines += [f"2026-01-28,csv-2,{PROMPT},{HAN},{HAN}", f'2026-01-28T02:00:00Z,csv-1,"{PROMPT}']
    (folder / "table.csv").write_text("\n".join(lines))
    return folder


@pytest.fixture(scope="module")
def texts(leaks, small_world):
    """Every prompt and answer in those logs, each once: what went before in a conversation is another row's."""
    names = [name for name in schema.TEXTS if name != "conversation_prefix"]
    world = [text for name in names for text in small_world.exchanges[name].unique().to_pylist() if text]
    pairs = [pair(number, text) for number, text in enumerate(prompts())]
    spoken = [text for one in pairs for text in leaks.strings_in([one["request"], one["response"]])]
    return [*world, *spoken, PROMPT, HAN, very_long(PROMPT), very_long(HAN)]


def own_wording(exchanges) -> list[str]:
    """What Gauger says of its own accord (but for the simulator, whose texts the logs hold), and names of tools."""
    package = Path(schema.__file__).parents[1]
    sources = [path for path in sorted(package.rglob("*")) if path.suffix in {".py", ".jinja", ".css", ".js"}]
    said = [path.read_text() for path in sources if "lab" not in path.relative_to(package).parts]
    return [*said, *(name for names in exchanges["tool_names"].drop_null().to_pylist() for name in names)]


@pytest.fixture(scope="module")
def runs(leaks, texts, small_world):
    found = leaks.Runs(texts, allowed=own_wording(small_world.exchanges))
    assert len(found) > 100_000
    return found


def test_nothing_a_scan_writes_holds_a_run_of_a_prompt_or_an_answer(
    confidential, runs, leaks, small_logs, gauger_apart, tmp_path
):
    root = tmp_path / "all-that-is-written"
    (root / "temporary").mkdir(parents=True)
    (root / "here").mkdir()
    options = ["--out", root / "out", "--workspace", root / "workspace", "--max-record", "256KiB", "--max-bad", 0.5]
    environment = {name: str(root / "temporary") for name in ("TMPDIR", "TMP", "TEMP")}
    with leaks.Watch(root, tmp_path / "vault") as watch:
        done = gauger_apart(
            "scan", confidential, *options, *small_logs.tables, environment=environment, cwd=root / "here"
        )
        assert done.code == 0, done.err
        again = gauger_apart("scan", "--workspace", root / "workspace", "--out", root / "again", "--json")
        assert again.code == 0, again.err
    for name, said in (("out", done.out), ("err", done.err), ("again.out", again.out), ("again.err", again.err)):
        (tmp_path / "vault" / name).write_text(said)

    reasons = set(pq.read_table(root / "out" / "quarantine.parquet")["reason"].to_pylist())
    assert {"not_json", "record_too_long", "damaged_compression", "wrong_field_count"} <= reasons
    found = json.loads((root / "out" / "findings.json").read_text())
    assert {"campaign"} <= {one["verdict"] for one in found["findings"]}
    seen = {Path(name).name for name in watch.names}  # where a file was first seen: most are renamed into place
    assert {"index.html", "findings.json", "exchanges.parquet", "state.sqlite", "scratch.duckdb", "lock"} <= seen
    assert leaks.leaks_in(watch.kept, runs) == []


def test_nothing_the_engine_spills_holds_a_run(confidential, runs, leaks, small_logs, gauger, monkeypatch, tmp_path):
    """Less and less memory until the engine spills: how little that takes differs between machines."""
    spilled = False
    for megabytes in (32, 24, 20, 16):
        monkeypatch.setattr("gauger.cli.engine.ENGINE_MEMORY", megabytes * 1_000_000)
        root = tmp_path / f"all-that-is-written-{megabytes}"
        root.mkdir()
        options = ["--out", root / "out", "--workspace", root / "workspace", "--max-bad", 0.5, "--threads", 1]
        with leaks.Watch(root, tmp_path / f"vault-{megabytes}") as watch:
            done = gauger("scan", confidential, *options, *small_logs.tables)
        assert done.code in (0, 5), done.err  # 5: it spilled, and even so the memory was too little
        assert leaks.leaks_in(watch.kept, runs) == []
        spilled = any("spill" in name for name in watch.names)
        if spilled:
            break
    assert spilled


REFUSED = {
    "plain.log": f"{PROMPT}\n{HAN}\n",
    "list.json": json.dumps([PROMPT, HAN]),
    "question.jsonl": json.dumps({"prompt": {"text": PROMPT}}),
    "sentences-as-names.jsonl": json.dumps({PROMPT: 1, HAN: 2}),
    "words-as-names.jsonl": json.dumps({f"a{HAN[:16]}": 1, "b": 2}),
    "no-header.csv": f"a{HAN[:12]},{PROMPT[:40]}\nyes,no\n",
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_log_that_no_source_knows_is_refused_without_its_words(name, leaks, gauger, tmp_path):
    unwanted = leaks.Runs([PROMPT, HAN])
    (tmp_path / name).write_text(REFUSED[name])
    done = gauger("scan", tmp_path / name, "--out", tmp_path / "out")
    assert done.code == 3
    assert done.err
    assert unwanted.found_in([done.out, done.err]) is None
