"""One world, written as every format that Gauger reads, gives the same findings."""

import csv
import json

import msgspec
import pytest

MAPPING = """
occurred_at = "when | microseconds"
request_id = "id"
account_id = "caller.account"
api_key_id = "caller['api.key']"
organisation_id = "caller.organisation"
conversation_id = "thread"
client_address = "hops[0]"
user_agent = "client.agent"
client_fingerprint = "client.ja4"
provider_name = "provider"
latency_ms = "took_us | microseconds"
http_status = "outcome[0]"
error_code = "outcome[1]"
finish_reason = "answer | answer"
request_model = "asked_of"
response_model = "answered_by"
temperature = "sampling.t"
input_tokens = "tokens.in"
output_tokens = "tokens.out"
system_prompt = "turns | turns"
user_prompt = "turns | turns"
conversation_prefix = "turns | turns"
tool_schema = "offered | tools"
tool_names = "offered | tools"
response = "answer | answer"
"""


def messages(row: dict, *, system: bool = True) -> list[dict]:
    first = [{"role": "system", "content": row["system_prompt"]}] if system and row["system_prompt"] else []
    said = json.loads(row["conversation_prefix"] or "[]")
    return [*first, *said, {"role": "user", "content": row["user_prompt"]}]


def request(row: dict, **members) -> dict:
    body = {"model": row["request_model"], **members}
    if row["temperature"] is not None:
        body["temperature"] = row["temperature"]
    if row["tool_schema"]:
        body["tools"] = json.loads(row["tool_schema"])
    return body


def beside(row: dict) -> dict:
    """What the gateway knows beside the two bodies."""
    names = ("request_id", "account_id", "api_key_id", "organisation_id", "conversation_id", "client_address")
    more = ("user_agent", "client_fingerprint", "provider_name", "latency_ms", "http_status", "error_code")
    return {"timestamp": row["occurred_at"].isoformat(), **{name: row[name] for name in (*names, *more)}}


def choices(row: dict) -> list[dict]:
    message = {"role": "assistant", "content": row["response"]}
    return [] if row["response"] is None else [{"index": 0, "finish_reason": row["finish_reason"], "message": message}]


def openai(row: dict) -> dict:
    usage = {"prompt_tokens": row["input_tokens"], "completion_tokens": row["output_tokens"]}
    answer = {"id": "chatcmpl-1", "model": row["response_model"], "choices": choices(row), "usage": usage}
    return {**beside(row), "request": request(row, messages=messages(row)), "response": answer}


def anthropic(row: dict) -> dict:
    body = request(row, messages=messages(row, system=False), anthropic_version="2023-06-01", max_tokens=1_000)
    if row["system_prompt"]:
        body["system"] = [{"type": "text", "text": row["system_prompt"]}]
    text = [] if row["response"] is None else [{"type": "text", "text": row["response"]}]
    answer = {
        "type": "message",
        "model": row["response_model"],
        "content": text,
        "stop_reason": row["finish_reason"],
        "usage": {"input_tokens": row["input_tokens"], "output_tokens": row["output_tokens"]},
    }
    return {**beside(row), "request": body, "response": answer}


def own(row: dict) -> dict:
    """A log of the operator's own make, read by a mapping."""
    return {
        "when": int(row["occurred_at"].timestamp() * 1e6 + 0.5),
        "id": row["request_id"],
        "caller": {
            "account": row["account_id"],
            "api.key": row["api_key_id"],
            "organisation": row["organisation_id"],
        },
        "thread": row["conversation_id"],
        "hops": [row["client_address"], "10.255.255.1"],
        "client": {"agent": row["user_agent"], "ja4": row["client_fingerprint"]},
        "provider": row["provider_name"],
        "took_us": row["latency_ms"] * 1_000,
        "outcome": [row["http_status"], row["error_code"]],
        "asked_of": row["request_model"],
        "answered_by": row["response_model"],
        "sampling": {"t": row["temperature"]},
        "tokens": {"in": row["input_tokens"], "out": row["output_tokens"]},
        "turns": messages(row),
        "offered": None if row["tool_schema"] is None else json.loads(row["tool_schema"]),
        "answer": {"choices": choices(row)},
    }


@pytest.fixture(scope="module")
def rows(small_world) -> list[dict]:
    return small_world.exchanges.to_pylist()


def as_lines(path, rows, record) -> None:
    path.write_bytes(msgspec.json.Encoder().encode_lines([record(row) for row in rows]))


def as_csv(path, rows, record) -> None:
    """Nested values are JSON in a cell, as dumps of databases have them."""
    with path.open("w", newline="") as file:
        table = csv.DictWriter(file, list(record(rows[0])))
        table.writeheader()
        for row in rows:
            table.writerow(
                {
                    name: json.dumps(cell) if isinstance(cell, dict | list) else cell
                    for name, cell in record(row).items()
                }
            )


def canonical(row: dict) -> dict:
    moment = row["occurred_at"].isoformat()
    return {name: moment if name == "occurred_at" else value for name, value in row.items() if value is not None}


def canonical_cells(row: dict) -> dict:
    return {**row, "occurred_at": row["occurred_at"].isoformat()}


FORMATS = {
    "OpenAI pairs": (as_lines, openai, "jsonl"),
    "Anthropic pairs": (as_lines, anthropic, "jsonl"),
    "a log of one's own, JSON lines": (as_lines, own, "jsonl"),
    "a log of one's own, CSV": (as_csv, own, "csv"),
    "canonical columns, JSON lines": (as_lines, canonical, "jsonl"),
    "canonical columns, CSV": (as_csv, canonical_cells, "csv"),
}


@pytest.mark.parametrize("format", FORMATS)
def test_the_same_world_gives_the_same_findings(format, rows, small_scanned, small_logs, scan, tmp_path):
    write, record, suffix = FORMATS[format]
    log = tmp_path / f"log.{suffix}"
    write(log, rows, record)
    options = [*small_logs.tables]
    if record is own:
        (tmp_path / "mapping.toml").write_text(MAPPING)
        options += ["--mapping", tmp_path / "mapping.toml"]
    scanned = scan(log, options=options)
    found, expected = scanned.document, small_scanned.document
    # What a format cannot hold at all differs, and is said.
    for document in (found, expected):
        del document["input"]["columns_absent"]
    assert found == expected
    for name in ("accounts.parquet", "accounts.csv"):
        assert (scanned.out / name).read_bytes() == (small_scanned.out / name).read_bytes()
