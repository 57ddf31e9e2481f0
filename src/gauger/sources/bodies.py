"""What stands in the body of a request and of its answer, whichever API it was.

Chat completions, the Responses API and Anthropic Messages differ in where things lie, never in what they are, so that
one reading serves them all: `asked` reads a request, `answered` an answer; both return canonical columns.
"""

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

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
from gauger.sources.values import empty_row

Row = dict[str, object]

_MESSAGE_KINDS: Final = frozenset({dict, str})
_PLAIN_NAMES: Final = frozenset({"role", "content"})
_CALL_NAMES: Final = frozenset({"function", "name"})
_CONTENT: Final = (list, str)
_DETAILS: Final = frozenset({"completion_tokens_details", "output_tokens_details"})


class Conversation(msgspec.Struct, frozen=True, gc=False):
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
    if isinstance(messages, str):
        messages = opened(messages)
    if isinstance(messages, list) and (alone := _alone(messages, USER_ROLES)):
        return Conversation(prompt=alone)
    if isinstance(messages, str):
        return Conversation(prompt=messages)
    if messages is None or messages == {}:
        return Conversation()
    if not isinstance(messages, list) or not _MESSAGE_KINDS.issuperset(map(type, messages)):
        return WRONG_TYPE
    system, talk, said = _parted(messages)
    last = _last_run(said)
    turn = talk[last.start : last.stop]
    return Conversation(
        system=_alone(system, SYSTEM_ROLES) or joined(map(message_text, system)),
        prompt=_alone(turn, USER_ROLES) or turn_text(turn),
        prefix=canonical(talk[: last.start]) if last.start else None,
        reasoning_block=_first_block(talk),
    )


def _parted(messages: list[object]) -> tuple[list[object], list[object], list[bool]]:
    """Part the system's messages from the others, of which the last list says whether the user speaks."""
    system, talk, said = [], [], []
    for message in messages:
        who = role(message)
        if who in SYSTEM_ROLES:
            system.append(message)
        else:
            talk.append(message)
            said.append(who in USER_ROLES)
    return system, talk, said


def _alone(messages: list[object], roles: frozenset[str]) -> str | None:
    """Text of a single plain message of one of these roles: most turns are one."""
    return _plain_text(messages[0], roles) if len(messages) == 1 else None


def _plain_text(message: object, roles: frozenset[str]) -> str | None:
    """Text of a message of one of these roles that has nothing beside its text, as most have."""
    if not isinstance(message, dict) or not _PLAIN_NAMES.issuperset(message):
        return None
    text = message.get("content")
    return text if isinstance(text, str) and _role(message) in roles else None


def _role(message: Mapping[str, object]) -> str:
    named = message.get("role")
    return named if isinstance(named, str) else role(message)


def _last_run(said: list[bool]) -> range:
    """Places of the last turn of the user; empty at 0 where there is none."""
    stop = len(said)
    while stop and not said[stop - 1]:
        stop -= 1
    start = stop
    while start and said[start - 1]:
        start -= 1
    return range(start, stop)


def _first_block(messages: Iterable[object]) -> str | None:
    """First signed or encrypted reasoning block of messages, or of items of the Responses API."""
    for message in messages:
        if isinstance(message, dict):
            block = _block(message) if "type" in message else None
            block = block or _block_among(message.get("content"))
            if "thinking_blocks" in message:
                block = block or _block_among(message["thinking_blocks"])
            if block:
                return block
    return None


def _block_among(parts: object) -> str | None:
    return next(filter(None, map(_block, parts)), None) if isinstance(parts, list) else None


def _block(holder: object) -> str | None:
    key = _BLOCK_KEYS.get(kind_of(holder))
    block = holder.get(key) if key and isinstance(holder, dict) else None
    return block if isinstance(block, str) else None


#: Kind of part -> where the provider put the block.
_BLOCK_KEYS: Final = {"thinking": "signature", "redacted_thinking": "data", "reasoning": "encrypted_content"}


def exchanged(request: Mapping[str, object], response: object) -> Row:
    """Row (`empty_row`) of a request's body and of its answer; of two reasoning blocks the one that came back."""
    row = empty_row()
    row.update(answered(response))
    block = row["reasoning_block"]
    row.update(asked(request))
    if row["reasoning_block"] is None:
        row["reasoning_block"] = block
    return row


def _listed(holder: Mapping[str, object], key: str) -> list[object]:
    found = holder.get(key)
    return found if isinstance(found, list) else []


def _first(holder: Mapping[str, object], *keys: str) -> object:
    """First value that is there; 0 and False are."""
    for key in keys:
        if (value := holder.get(key)) is not None and value != "":
            return value
    return None


def asked(body: Mapping[str, object]) -> Row:
    """Canonical columns of a request's body."""
    row: Row = {
        "request_model": body.get("model"),
        "temperature": body.get("temperature"),
        "choice_count": body.get("n"),
        "top_logprobs": body.get("top_logprobs"),
        "seed": body.get("seed"),
    }
    talk = conversation(_first(body, "messages", "input", "prompt"))
    if isinstance(talk, Bad):
        row["user_prompt"] = talk
    else:
        row["system_prompt"] = talk.system
        row["user_prompt"] = talk.prompt
        row["conversation_prefix"] = talk.prefix
        row["reasoning_block"] = talk.reasoning_block
    if not _SELDOM_ASKED.isdisjoint(body):
        row.update(_seldom_asked(body, talk))
    return row


#: Names that few requests have: one look tells that none of them is there.
_SELDOM_ASKED: Final = frozenset(
    {
        "max_tokens",
        "max_completion_tokens",
        "max_output_tokens",
        "system",
        "instructions",
        "tools",
        "functions",
    }
)


def _seldom_asked(body: Mapping[str, object], talk: Conversation | Bad) -> Row:
    row: Row = {"max_tokens": _first(body, "max_tokens", "max_completion_tokens", "max_output_tokens")}
    told = _first(body, "system", "instructions")
    if told is not None and not isinstance(talk, Bad):
        row["system_prompt"] = joined((content_text(told), talk.system or ""))
    if tools := opened(_first(body, "tools", "functions")):
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
        "response": _shown(messages) or _bare_text(body),
        "finish_reason": _finish_reason(body),
        "response_model": body.get("model"),
        "reasoning_block": _first_block(messages),
        "error_code": _error_code(body),
    }
    row.update(used(body.get("usage")))
    return row


def _messages(body: Mapping[str, object]) -> list[Mapping[str, object]]:
    """Messages of an answer: of every choice, the items of the Responses API, or the Anthropic message itself."""
    found = [_chosen(choice) for choice in _listed(body, "choices") if isinstance(choice, dict)]
    if "output" in body:
        found += [item for item in _listed(body, "output") if isinstance(item, dict)]
    return [*found, body] if isinstance(body.get("content"), _CONTENT) else found


def _chosen(choice: Mapping[str, object]) -> Mapping[str, object]:
    message = _first(choice, "message", "delta")
    return message if isinstance(message, dict) else choice


def _shown(messages: list[Mapping[str, object]]) -> str | None:
    """Text of the messages of an answer: mostly there is one."""
    return _answer_text(messages[0]) if len(messages) == 1 else joined(map(_answer_text, messages))


def _answer_text(message: Mapping[str, object]) -> str:
    if plain := _plain_text(message, ASSISTANT_ROLES):
        return plain
    shown = "" if kind_of(message) in SILENT_PARTS else content_text(_first(message, "content", "refusal", "text"))
    parts = [*_listed(message, "tool_calls"), *_listed(message, "content"), message.get("function_call"), message]
    calls = [part for part in parts if isinstance(part, dict) and not _CALL_NAMES.isdisjoint(part)]
    return joined([shown, *map(_call_text, calls)]) or "" if calls else shown


def _call_text(part: Mapping[str, object]) -> str:
    """Write a tool call as `name(arguments)`; empty for anything else."""
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
    if (stop := _first(body, "stop_reason")) is not None:
        return stop
    details = body.get("incomplete_details")
    reason = _first(details, "reason") if isinstance(details, dict) else None
    return _first(body, "status") if reason is None else reason


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
    return {
        "input_tokens": _input_tokens(usage),
        "output_tokens": _first(usage, "output_tokens", "completion_tokens"),
        "reasoning_tokens": reasoning_tokens(usage),
    }


def reasoning_tokens(usage: object) -> object:
    """Return the tokens of reasoning alone of a usage record."""
    usage = opened(usage)
    if not isinstance(usage, dict) or _DETAILS.isdisjoint(usage):
        return None
    details = _first(usage, "completion_tokens_details", "output_tokens_details")
    return details.get("reasoning_tokens") if isinstance(details, dict) else None


def _input_tokens(usage: Mapping[str, object]) -> object:
    """Input tokens; Anthropic states the cached ones beside the others, all others within."""
    told = _first(usage, "prompt_tokens", "input_tokens")
    if type(told) is not int or "prompt_tokens" in usage:
        return told
    beside = (usage.get("cache_creation_input_tokens"), usage.get("cache_read_input_tokens"))
    return told + sum(count for count in beside if type(count) is int)
