"""What a user said in the messages of a request, whichever API they were written for.

A *turn* of the user is a run of messages of the user and of tools between two turns of the assistant; its text is the
user's, or the tools' where the user says nothing.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

SYSTEM_ROLES: Final = frozenset({"system", "developer"})
_TOOL_ROLES: Final = frozenset({"tool", "function"})
USER_ROLES: Final = _TOOL_ROLES | {"user"}
ASSISTANT_ROLES: Final = frozenset({"assistant"})

#: Parts of an assistant's turn that are not text shown to the user.
SILENT_PARTS: Final = frozenset(
    {"thinking", "redacted_thinking", "reasoning", "tool_use", "tool_call", "function_call", "server_tool_use"}
)
_TEXT_PARTS: Final = frozenset({"text", "input_text", "output_text", "refusal", "summary_text"})
_PART_NAMES: Final = {
    "image_url": "image",
    "input_image": "image",
    "input_audio": "audio",
    "input_file": "file",
}
_PART_NAME: Final = re.compile(r"[a-z_]{1,32}")
_PARAGRAPH: Final = "\n\n"
_DECODER: Final = msgspec.json.Decoder(list[dict[str, object] | str])


class _Plain(msgspec.Struct, gc=False):
    """A message as most are: a role and a text."""

    role: str
    content: str


_PLAIN_DECODER: Final = msgspec.json.Decoder(list[_Plain])


def earlier_turns(prefix: str) -> list[str]:
    """Return the user's turns in a `conversation_prefix`, canonical JSON of messages.

    Text that is no such list counts as one turn: who wrote it may have kept the conversation in a shape of its own.
    """
    if (plain := _plain_turns(prefix)) is not None:
        return plain
    try:
        messages = _DECODER.decode(prefix)
    except (msgspec.MsgspecError, RecursionError):
        return [prefix]
    said = [role(message) in USER_ROLES for message in messages]
    bounds = [place for place in range(1, len(said)) if said[place] != said[place - 1]]
    runs = zip([0, *bounds], [*bounds, len(said)], strict=True)
    return [turn_text(messages[start:stop]) or "" for start, stop in runs if start < stop and said[start]]


def _plain_turns(prefix: str) -> list[str] | None:
    """Return the user's turns where all messages are plain and no tool speaks, as nearly always; else None."""
    try:
        messages = _PLAIN_DECODER.decode(prefix)
    except (msgspec.MsgspecError, RecursionError):
        return None
    turns: list[list[str]] = []
    follows = False
    for message in messages:
        if message.role in _TOOL_ROLES:
            return None
        is_user = message.role in USER_ROLES
        if is_user and not follows:
            turns.append([])
        if is_user:
            turns[-1].append(message.content)
        follows = is_user
    return [joined(turn) or "" for turn in turns]


def role(message: object) -> str:
    """Return who speaks in a message, or in an item of the Responses API."""
    if not isinstance(message, dict):
        return "user"
    named = message.get("role")
    if isinstance(named, str):
        return named
    kind = message.get("type")
    if isinstance(kind, str):
        if kind.endswith("_output"):  # function_call_output and its kin carry a tool's result
            return "tool"
        if not kind.startswith("input_"):
            return "assistant"
    return "user"


def turn_text(turn: Sequence[object]) -> str | None:
    """Return the text of a user turn."""
    users = [message_text(message) for message in turn if role(message) not in _TOOL_ROLES]
    return joined(users) or joined(map(_tool_text, turn))


def message_text(message: object) -> str:
    """Return the text of a message: what tools gave back apart."""
    content = message if isinstance(message, str) else _content(message)
    return content if isinstance(content, str) else content_text(content)


def content_text(content: object) -> str:
    """Return the text of a message's content; a part that is no text leaves its name in brackets."""
    if isinstance(content, str):
        return content
    if content is None:
        return ""
    parts = content if isinstance(content, list) else [content]
    return joined(map(_part_text, parts)) or ""


def kind_of(part: object) -> str:
    """Return the type of a part, empty where it has none."""
    kind = part.get("type") if isinstance(part, dict) else None
    return kind if isinstance(kind, str) else ""


def joined(texts: Iterable[str]) -> str | None:
    """Return the texts that are not empty as paragraphs; None where there are none."""
    return _PARAGRAPH.join(filter(None, texts)) or None


def _tool_text(message: object) -> str:
    if role(message) in _TOOL_ROLES:
        return content_text(_content(message))
    content = _content(message)
    results = [part for part in content if kind_of(part) == "tool_result"] if isinstance(content, list) else []
    return joined(content_text(part.get("content")) for part in results) or ""


def _content(message: object) -> object:
    if not isinstance(message, dict):
        return None
    for key in ("content", "output", "text"):
        if (content := message.get(key)) is not None:
            return content
    return [message] if "type" in message else None


def _part_text(part: object) -> str:
    if isinstance(part, str):
        return part
    if not isinstance(part, dict):
        return ""
    kind = kind_of(part)
    if kind in _TEXT_PARTS or not kind:
        shown = part.get("text") or part.get("refusal")
        return shown if isinstance(shown, str) else ""
    if kind in SILENT_PARTS or kind == "tool_result":
        return ""
    name = _PART_NAMES.get(kind, kind)
    return f"[{name}]" if _PART_NAME.fullmatch(name) else "[part]"
