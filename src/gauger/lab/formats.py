"""Log formats: what a gateway would have written for one exchange, in each shape that `gauger.sources` reads."""

from typing import Any, Final

import msgspec

Row = dict[str, Any]

#: Columns that pairs of bodies carry beside them, under their own names.
BESIDE: Final = (
    "request_id",
    "account_id",
    "api_key_id",
    "organisation_id",
    "conversation_id",
    "client_address",
    "user_agent",
    "client_fingerprint",
    "provider_name",
    "latency_ms",
    "http_status",
    "error_code",
)

#: Anthropic demands a limit; no simulated answer is near it.
MAX_TOKENS: Final = 32_000


def litellm(row: Row) -> Row:
    """Return an exchange as LiteLLM's standard logging payload (1.109): the fields that a reader needs."""
    start = row["occurred_at"].timestamp()
    end = start + row["latency_ms"] / 1_000
    failed = row["http_status"] != 200
    usage = {
        "prompt_tokens": row["input_tokens"],
        "completion_tokens": row["output_tokens"],
        "total_tokens": row["input_tokens"] + row["output_tokens"],
    }
    return {
        "id": row["request_id"],
        "litellm_call_id": row["request_id"],
        "trace_id": row["conversation_id"],
        "session_id": row["conversation_id"],
        "call_type": "acompletion",
        "stream": False,
        "status": "failure" if failed else "success",
        "custom_llm_provider": row["provider_name"],
        "startTime": start,
        "endTime": end,
        "completionStartTime": end,
        "response_time": end - start,
        "response_cost": 0.0,
        **usage,
        "model": row["response_model"],
        "model_group": row["request_model"],
        "model_id": None,
        "api_base": None,
        "cache_hit": False,
        "request_tags": [],
        "end_user": row["end_user_id"],
        "requester_ip_address": row["client_address"],
        "user_agent": row["user_agent"],
        "metadata": {
            "user_api_key_hash": row["api_key_id"],
            "user_api_key_alias": None,
            "user_api_key_user_id": row["account_id"],
            "user_api_key_team_id": None,
            "user_api_key_org_id": row["organisation_id"],
            "requester_ip_address": row["client_address"],
            "user_agent": row["user_agent"],
            "requester_custom_headers": {"x-ja4": row["client_fingerprint"]},
            "usage_object": usage,
        },
        "messages": _messages(row),
        "response": None if failed else _response(row, usage),
        "error_str": row["error_code"],
        "error_information": _error(row) if failed else None,
        "model_parameters": _parameters(row),
    }


def _messages(row: Row) -> list[Row]:
    system = [{"role": "system", "content": row["system_prompt"]}] if row["system_prompt"] else []
    return [*system, *_turns(row)]


def _turns(row: Row) -> list[Row]:
    said = msgspec.json.decode(row["conversation_prefix"] or "[]")
    return [*said, {"role": "user", "content": row["user_prompt"]}]


def _response(row: Row, usage: dict[str, int]) -> Row:
    return {
        "id": row["request_id"],
        "object": "chat.completion",
        "model": row["response_model"],
        "choices": _choices(row),
        "usage": usage,
    }


def _error(row: Row) -> dict[str, str]:
    return {"error_code": str(row["http_status"]), "error_class": row["error_code"], "error_message": row["error_code"]}


def _parameters(row: Row) -> Row:
    temperature = {} if row["temperature"] is None else {"temperature": row["temperature"]}
    return {**temperature, **_tools(row)}


def _tools(row: Row) -> Row:
    return {"tools": msgspec.Raw(row["tool_schema"].encode())} if row["tool_schema"] else {}


def openai(row: Row) -> Row:
    """Return an exchange as a pair of bodies of OpenAI's chat completions, what the gateway knows beside them."""
    usage = {"prompt_tokens": row["input_tokens"], "completion_tokens": row["output_tokens"]}
    answer = {"object": "chat.completion", "model": row["response_model"], "choices": _choices(row), "usage": usage}
    return {**_beside(row), "request": _request(row, messages=_messages(row)), "response": answer}


def anthropic(row: Row) -> Row:
    """Return an exchange as a pair of bodies of Anthropic's Messages, what the gateway knows beside them."""
    body = _request(row, messages=_turns(row), anthropic_version="2023-06-01", max_tokens=MAX_TOKENS)
    if row["system_prompt"]:
        body["system"] = [{"type": "text", "text": row["system_prompt"]}]
    answer = {
        "type": "message",
        "model": row["response_model"],
        "content": [] if row["response"] is None else [*_thought(row), {"type": "text", "text": row["response"]}],
        "stop_reason": row["finish_reason"],
        "usage": {"input_tokens": row["input_tokens"], "output_tokens": row["output_tokens"]},
    }
    return {**_beside(row), "request": body, "response": answer}


def own(row: Row) -> Row:
    """Return an exchange as an operator's own log might have it; `MAPPING` says where each column lies."""
    return {
        "when": int(row["occurred_at"].timestamp() * 1_000_000 + 0.5),
        "call": row["request_id"],
        "caller": {"account": row["account_id"], "key": row["api_key_id"], "organisation": row["organisation_id"]},
        "thread": row["conversation_id"],
        "hops": [row["client_address"], "10.255.255.1"],
        "client": {"agent": row["user_agent"], "stack": row["client_fingerprint"]},
        "provider": row["provider_name"],
        "took_ms": row["latency_ms"],
        "outcome": [row["http_status"], row["error_code"]],
        "asked_of": row["request_model"],
        "answered_by": row["response_model"],
        "sampling": {"temperature": row["temperature"]},
        "tokens": {"in": row["input_tokens"], "out": row["output_tokens"]},
        "turns": _messages(row),
        "offered": _tools(row).get("tools"),
        "answer": {"choices": _choices(row)},
    }


#: The mapping file that goes with `own`.
MAPPING: Final = """\
occurred_at = "when | microseconds"
request_id = "call"
account_id = "caller.account"
api_key_id = "caller.key"
organisation_id = "caller.organisation"
conversation_id = "thread"
client_address = "hops[0]"
user_agent = "client.agent"
client_fingerprint = "client.stack"
provider_name = "provider"
latency_ms = "took_ms"
http_status = "outcome[0]"
error_code = "outcome[1]"
finish_reason = "answer | answer"
request_model = "asked_of"
response_model = "answered_by"
temperature = "sampling.temperature"
input_tokens = "tokens.in"
output_tokens = "tokens.out"
system_prompt = "turns | turns"
user_prompt = "turns | turns"
conversation_prefix = "turns | turns"
tool_schema = "offered | tools"
tool_names = "offered | tools"
response = "answer | answer"
reasoning_block = "answer | answer"
"""


def _beside(row: Row) -> Row:
    """Return what a gateway knows and no API says."""
    return {"timestamp": row["occurred_at"].isoformat(), **{name: row[name] for name in BESIDE}}


def _request(row: Row, **members: object) -> Row:
    return {"model": row["request_model"], **members, **_parameters(row)}


def _thought(row: Row) -> list[Row]:
    """Return the reasoning block as a part of the answer, though a later turn has it among its messages."""
    block = row["reasoning_block"]
    return [{"type": "thinking", "thinking": "", "signature": block}] if block else []


def _choices(row: Row) -> list[Row]:
    message = {"role": "assistant", "content": row["response"]}
    if row["reasoning_block"]:
        message["thinking_blocks"] = _thought(row)
    return [] if row["response"] is None else [{"index": 0, "finish_reason": row["finish_reason"], "message": message}]
