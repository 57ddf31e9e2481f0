import hashlib
import json

import pytest

from gauger.exchanges.turns import earlier_turns


@pytest.fixture
def spend_logs(read_path, log_folder):
    return read_path(log_folder / "litellm_spend_logs.json")


@pytest.fixture
def payloads(log_folder):
    return [json.loads(line) for line in (log_folder / "litellm_payloads.jsonl").read_text().splitlines()]


@pytest.fixture
def read_payload(read_bytes, payloads):
    """Read the first payload with some of its members replaced."""

    def read(*, metadata=None, account_fields=None, **members):
        record = {**payloads[0], **members}
        record["metadata"] = {**record["metadata"], **(metadata or {})}
        options = {"account_fields": account_fields} if account_fields else {}
        return read_bytes(json.dumps(record).encode(), **options)

    return read


def without(row, *columns):
    return {name: value for name, value in row.items() if name not in {"source_file", *columns}}


def test_spend_log_fills_every_column_it_can(spend_logs):
    row = spend_logs.rows[0]
    assert row["request_id"] == "call-a1"
    assert row["conversation_id"] == "trace-call-a1"
    assert row["account_id"] == "mira"
    assert row["api_key_id"].startswith("88dc28d0")
    assert row["organisation_id"] == "org-harbor"
    assert row["occurred_at"].isoformat() == "2025-11-20T08:00:00.125000+00:00"
    assert row["latency_ms"] == 2250
    assert row["client_address"] == "203.0.113.24"
    assert row["user_agent"] == "OpenAI/Python 3.52.0"
    assert (row["request_model"], row["response_model"]) == ("assistant-large", "gpt-4o-2024-11-20")
    assert (row["input_tokens"], row["output_tokens"], row["reasoning_tokens"]) == (61, 24, 8)
    assert (row["temperature"], row["max_tokens"], row["tool_names"]) == (0.2, 400, ["find_order"])
    assert row["system_prompt"] == "You answer for the harbour office."
    assert row["user_prompt"] == "Which berth is free on Friday, 21 November?"
    assert row["response"] == "Berth 4 is free from noon."
    assert row["conversation_prefix"] is None
    assert not spend_logs.faults


def test_later_turn_has_a_prefix_and_keeps_an_image_as_a_word(spend_logs):
    row = spend_logs.rows[1]
    assert row["user_prompt"] == "And for a ship this long?\n\n[image]"
    assert earlier_turns(row["conversation_prefix"]) == ["Which berth is free on Friday, 21 November?"]
    assert [message["role"] for message in json.loads(row["conversation_prefix"])] == ["user", "assistant"]
    assert (row["choice_count"], row["seed"], row["top_logprobs"], row["latency_ms"]) == (2, 7, 5, 1500)
    assert row["response"] == "Berth 2 then.\n\nTake berth 2."


def test_failed_call_keeps_its_status_and_has_no_answer(spend_logs):
    row = spend_logs.rows[2]
    assert (row["http_status"], row["error_code"], row["response"]) == (429, "RateLimitError", None)


def test_redacted_texts_are_absent_not_shared(spend_logs):
    row = spend_logs.rows[3]
    assert row["user_prompt"] is None
    assert row["response"] is None


def test_csv_dump_and_json_dump_give_the_same_rows(spend_logs, read_path, log_folder):
    csv_rows = read_path(log_folder / "litellm_spend_logs.csv").rows
    assert [without(row) for row in csv_rows] == [without(row) for row in spend_logs.rows]


def test_same_call_in_both_dumps_has_the_same_columns(spend_logs, read_path, log_folder):
    lines = read_path(log_folder / "litellm_payloads.jsonl").rows
    # Only the payload holds the caller's headers.
    assert [without(row, "client_fingerprint") for row in lines] == [
        without(row, "client_fingerprint") for row in spend_logs.rows
    ]
    assert lines[0]["client_fingerprint"] == "lang=python; os=Linux; package-version=3.52.0"


@pytest.mark.parametrize(
    ("metadata", "account"),
    [
        ({}, "mira"),
        ({"user_api_key_user_id": None}, "team-support"),
        ({"user_api_key_user_id": "", "user_api_key_team_id": ""}, "88dc28d0"),
    ],
)
def test_account_is_the_first_field_that_is_not_empty(read_payload, metadata, account):
    assert read_payload(metadata=metadata).rows[0]["account_id"].startswith(account)


def test_account_fields_are_a_choice_of_the_operator(read_payload):
    assert read_payload(account_fields=("user_api_key_alias",)).rows[0]["account_id"] == "support-bot"


def test_no_account_at_all_is_quarantined(read_payload):
    empty = dict.fromkeys(("user_api_key_user_id", "user_api_key_team_id", "user_api_key_hash"))
    outcome = read_payload(metadata=empty)
    assert outcome.rows == []
    assert outcome.reasons == [(0, "account_id", "missing_value")]


def test_secret_key_in_the_clear_never_leaves_the_source(read_payload):
    secret = "sk-live-0123456789"
    keys = {"user_api_key_user_id": None, "user_api_key_team_id": None, "user_api_key_hash": secret}
    outcome = read_payload(metadata=keys)
    # The hash that LiteLLM itself stores, so that the key still meets its other traces.
    assert outcome.rows[0]["account_id"] == hashlib.sha256(secret.encode()).hexdigest()
    assert secret not in str(outcome.rows)


def test_shortening_mark_of_litellm_is_no_text_of_the_prompt(read_payload):
    shortened = "begin... (litellm_truncated skipped 900 chars) ...end"
    row = read_payload(messages=[{"role": "user", "content": shortened}]).rows[0]
    assert row["user_prompt"] == "begin\nend"


def test_messages_of_the_wrong_type_cost_the_prompt_alone(read_payload):
    outcome = read_payload(messages=17)
    assert outcome.rows[0]["user_prompt"] is None
    assert outcome.rows[0]["response"] == "Berth 4 is free from noon."
    assert outcome.reasons == [(0, "user_prompt", "wrong_type")]


def test_id_of_the_call_stands_before_the_id_of_the_answer(read_payload):
    assert read_payload().rows[0]["request_id"] == "call-a1"
    assert read_payload(litellm_call_id=None).rows[0]["request_id"] == "chatcmpl-a1"


def test_retries_are_kept(read_bytes, payloads):
    line = json.dumps(payloads[0]).encode() + b"\n"
    assert len(read_bytes(line * 3).rows) == 3


def test_principals_are_the_one_thing_litellm_cannot_tell(spend_logs):
    assert spend_logs.batches[0].columns_absent == {"principal_id"}
