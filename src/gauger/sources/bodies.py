"""What stands in the body of a request and of its answer, whichever API it was.

Chat completions, the Responses API and Anthropic Messages differ in where things lie, never in what they are, so that
one reading serves them all: `asked` reads a request, `answered` an answer; both return canonical columns.
"""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from gauger.exchanges.turns import (
    ASSISTANT_ROLES,
    SILENT_PARTS,
    SYSTEM_ROLES,
    USER_ROLES,
    content_text,
    joined,
    kind_of,
    message_text,
    role,
    turn_text,
)
from gauger.sources.faults import WRONG_TYPE, Bad
from gauger.sources.json_text import canonical, opened

Row = dict[str, object]

_MESSAGE_KINDS: Final = frozenset({dict, str})
_PLAIN_NAMES: Final = frozenset({"role", "content"})


class Conversation(NamedTuple):
    """The turns of a request.

    Attributes
    ----------
    system
        System and developer messages, joined.
    prompt
        Last user turn.
    prefix
        Canonical JSON of all messages before the last user turn, system messages apart; None when there are none.
    reasoning_block
        First signed or encrypted reasoning block that the messages carry back.
    """

    system: str | None = None
    prompt: str | None = None
    prefix: str | None = None
    reasoning_block: str | None = None


def conversation(messages: object) -> Conversation | Bad:
    """Split into turns a list of messages, of Responses API items, or of a bare prompt."""
    messages = opened(messages)
    if isinstance(messages, str):
        return Conversation(prompt=messages)
    if messages is None or messages == {}:
        return Conversation()
    if not isinstance(messages, list) or not _MESSAGE_KINDS.issuperset(map(type, messages)):
        return WRONG_TYPE
    if len(messages) == 1 and (said_alone := _plain_text(messages[0], USER_ROLES)):
        return Conversation(prompt=said_alone)
    roles = list(map(role, messages))
    system: list[object] = []
    if not SYSTEM_ROLES.isdisjoint(roles):
        system = [message for message, who in zip(messages, roles, strict=True) if who in SYSTEM_ROLES]
        messages = [message for message, who in zip(messages, roles, strict=True) if who not in SYSTEM_ROLES]
        roles = [who for who in roles if who not in SYSTEM_ROLES]
    said = [who in USER_ROLES for who in roles]
    if True not in said:
        return Conversation(system=joined(map(message_text, system)), reasoning_block=_first_block(messages))
    last = _last_run(said)
    return Conversation(
        system=joined(map(message_text, system)) if system else None,
        prompt=turn_text(messages[last.start : last.stop]),
        prefix=canonical(messages[: last.start]) if last.start else None,
        reasoning_block=_first_block(messages),
    )


def _plain_text(message: object, roles: frozenset[str]) -> str | None:
    """Text of a message of one of these roles that has nothing beside its text, as most have."""
    if not isinstance(message, dict) or not _PLAIN_NAMES.issuperset(message):
        return None
    text = message.get("content")
    return text if isinstance(text, str) and role(message) in roles else None


def _last_run(said: list[bool]) -> range:
    stop = start = len(said) - said[::-1].index(True)
    while start and said[start - 1]:
        start -= 1
    return range(start, stop)


def _first_block(messages: Iterable[object]) -> str | None:
    """First signed or encrypted reasoning block of messages, or of items of the Responses API."""
    for message in messages:
        if isinstance(message, dict):
            block = _block(message) if "type" in message else None
            for key in ("content", "thinking_blocks"):
                if not block and isinstance(parts := message.get(key), list):
                    block = next(filter(None, map(_block, parts)), None)
            if block:
                return block
    return None


def _block(holder: object) -> str | None:
    key = _BLOCK_KEYS.get(kind_of(holder))
    block = holder.get(key) if key and isinstance(holder, dict) else None
    return block if isinstance(block, str) else None


#: Kind of part -> where the provider put the block.
_BLOCK_KEYS: Final = {"thinking": "signature", "redacted_thinking": "data", "reasoning": "encrypted_content"}


def there(row: Row) -> Row:
    """Columns of a row that have a value."""
    return {column: value for column, value in row.items() if value is not None}


def _listed(holder: Mapping[str, object], key: str) -> list[object]:
    found = holder.get(key)
    return found if isinstance(found, list) else []


def _first(holder: Mapping[str, object], *keys: str) -> object:
    """First value that is there; 0 and False are."""
    for key in keys:
        value = holder.get(key)
        if value is not None and value != "":
            return value
    return None


def asked(body: Mapping[str, object]) -> Row:
    """Canonical columns of a request's body."""
    talk = conversation(_first(body, "messages", "input", "prompt"))
    row: Row = {
        "request_model": body.get("model"),
        "temperature": body.get("temperature"),
        "choice_count": body.get("n"),
        "max_tokens": _first(body, "max_tokens", "max_completion_tokens", "max_output_tokens"),
        "top_logprobs": body.get("top_logprobs"),
        "seed": body.get("seed"),
    }
    if isinstance(talk, Bad):
        row["user_prompt"] = talk
    else:
        row["system_prompt"] = joined((content_text(_first(body, "system", "instructions")), talk.system or ""))
        row["user_prompt"] = talk.prompt
        row["conversation_prefix"] = talk.prefix
        row["reasoning_block"] = talk.reasoning_block
    tools = opened(_first(body, "tools", "functions"))
    if tools:
        row["tool_schema"] = canonical(tools)
        row["tool_names"] = tool_names(tools)
    return row


def tool_names(tools: object) -> list[str] | Bad:
    """Names of the tools a request offers: of functions, or the type of a tool that the provider runs."""
    if not isinstance(tools, list):
        return WRONG_TYPE
    return [name for tool in tools if isinstance(tool, dict) for name in [_tool_name(tool)] if name]


def _tool_name(tool: Mapping[str, object]) -> str | None:
    function = tool.get("function")
    name = _first(function if isinstance(function, dict) else tool, "name", "type")
    return name if isinstance(name, str) else None


def answered(body: object) -> Row:
    """Canonical columns of an answer's body; a bare text is the answer itself."""
    body = opened(body)
    if isinstance(body, str):
        return {"response": body}
    if body is None or body == []:
        return {}
    if not isinstance(body, dict):
        return {"response": WRONG_TYPE}
    messages = _messages(body)
    row: Row = {
        "response": joined(map(_answer_text, messages)) or _bare_text(body),
        "finish_reason": _finish_reason(body),
        "response_model": body.get("model"),
        "reasoning_block": _first_block(messages),
        "error_code": _error_code(body),
    }
    row.update(used(body.get("usage")))
    return row


def _messages(body: Mapping[str, object]) -> list[Mapping[str, object]]:
    """Messages of an answer: of every choice, the items of the Responses API, or the Anthropic message itself."""
    found: list[Mapping[str, object]] = []
    for choice in _listed(body, "choices"):
        if isinstance(choice, dict):
            message = _first(choice, "message", "delta")
            found.append(message if isinstance(message, dict) else choice)
    found.extend(item for item in _listed(body, "output") if isinstance(item, dict))
    if isinstance(body.get("content"), list | str):
        found.append(body)
    return found


def _answer_text(message: Mapping[str, object]) -> str:
    if plain := _plain_text(message, ASSISTANT_ROLES):
        return plain
    shown = "" if kind_of(message) in SILENT_PARTS else content_text(_first(message, "content", "refusal", "text"))
    calls = [*_listed(message, "tool_calls"), *_listed(message, "content"), message.get("function_call"), message]
    return joined([shown, *map(_call_text, calls)]) or ""


def _call_text(part: object) -> str:
    """Write a tool call as `name(arguments)`; empty for anything else."""
    if not isinstance(part, dict):
        return ""
    function = part.get("function")
    call = function if isinstance(function, dict) else part
    name = call.get("name")
    if not isinstance(name, str) or (arguments := _first(call, "arguments", "input")) is None:
        return ""
    return f"{name}({arguments if isinstance(arguments, str) else canonical(arguments)})"


def _bare_text(body: Mapping[str, object]) -> str | None:
    shown = _first(body, "text", "output_text")
    return shown if isinstance(shown, str) else None


def _finish_reason(body: Mapping[str, object]) -> object:
    choices = _listed(body, "choices")
    if choices and isinstance(choices[0], dict):
        return choices[0].get("finish_reason")
    details = body.get("incomplete_details")
    reason = details.get("reason") if isinstance(details, dict) else None
    return _first({**body, "reason": reason}, "stop_reason", "reason", "status")


def _error_code(body: Mapping[str, object]) -> object:
    error = body.get("error")
    if not isinstance(error, dict):
        return None
    code = _first(error, "code", "type")
    return code if isinstance(code, str | int) else None


def used(usage: object) -> Row:
    """Token columns of a usage record; input counts cached tokens, as the OpenTelemetry conventions have it."""
    usage = opened(usage)
    if not isinstance(usage, dict):
        return {}
    details = _first(usage, "completion_tokens_details", "output_tokens_details")
    return {
        "input_tokens": _input_tokens(usage),
        "output_tokens": _first(usage, "output_tokens", "completion_tokens"),
        "reasoning_tokens": details.get("reasoning_tokens") if isinstance(details, dict) else None,
    }


def _input_tokens(usage: Mapping[str, object]) -> object:
    """Input tokens; Anthropic states the cached ones beside the others, all others within."""
    told = _first(usage, "prompt_tokens", "input_tokens")
    if type(told) is not int or "prompt_tokens" in usage:
        return told
    beside = (usage.get("cache_creation_input_tokens"), usage.get("cache_read_input_tokens"))
    return told + sum(count for count in beside if type(count) is int)
