"""What an OpenAI-compatible endpoint sends back, read with suspicion: an answer, or what was wrong with it.

A suspect's endpoint may be broken or hostile. Whatever it sends becomes a `Reply` or a `Fault`; nothing of a faulty
body is kept, for it may repeat a secret.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

import msgspec

Code = Literal[
    "limited",  # 429
    "busy",  # 408, 409, 425, 5xx
    "timeout",
    "unreachable",
    "cut off",
    "broken",  # no HTTP, or not JSON, or JSON of another shape
    "encoded",
    "too long",
    "refused",  # this question: 400, 413, 422 and the like
    "denied",  # 401, 403
    "not there",  # 404, 405
    "moved",
    "not trusted",
]
#: Faults that asking once more does not mend.
LASTING: frozenset[Code] = frozenset({"too long", "refused", "denied", "not there", "moved", "not trusted", "encoded"})
#: Faults of the whole endpoint: no other question would fare better.
FATAL: frozenset[Code] = frozenset({"denied", "not there", "moved", "not trusted", "encoded"})

#: Where a line of a stream ends. Others that Unicode knows may stand inside JSON as they are.
_LINE_END: Final = re.compile(r"\r\n|\n|\r")
_DONE: Final = "[DONE]"


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """One answer. `is_exact` is false where bytes that are no UTF-8 were replaced. Counts are the endpoint's word."""

    text: str
    reasoning: str | None
    claimed_model: str | None
    finish_reason: str | None
    input_tokens: int | None
    output_tokens: int | None
    is_exact: bool = True


@dataclass(frozen=True, slots=True)
class Fault:
    """Why there is no answer: a code, the HTTP status, and how long the endpoint asks to wait, in seconds."""

    code: Code
    status: int | None = None
    retry_after_s: float | None = None


def read_reply(body: bytes, *, is_stream: bool) -> Reply | Fault:
    """Return the answer in a body: one document, or the events of a stream."""
    text, is_exact = _decoded(body)
    if is_stream:
        return _of_stream(text, is_exact=is_exact)
    document = _document(text)
    return Fault("broken") if document is None else _of_document(document, is_exact=is_exact)


def fault_of(status: int, retry_after_s: float | None) -> Fault:
    """Return what a status other than 200 means."""
    codes: dict[int, Code] = {429: "limited", 401: "denied", 403: "denied", 404: "not there", 405: "not there"}
    if status in codes:
        return Fault(codes[status], status, retry_after_s)
    if status in {408, 409, 425} or status >= 500:
        return Fault("busy", status, retry_after_s)
    if 300 <= status < 400:
        return Fault("moved", status)
    return Fault("refused" if 400 <= status < 500 else "broken", status)


def _decoded(body: bytes) -> tuple[str, bool]:
    try:
        return body.decode(), True
    except UnicodeDecodeError:
        return body.decode(errors="replace"), False


def _document(text: str) -> dict[str, Any] | None:
    try:
        # Unlike msgspec, it lets half a surrogate pair by: such an answer is kept, and said to be inexact.
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _of_document(document: dict[str, Any], *, is_exact: bool) -> Reply | Fault:
    choice = _first(document.get("choices"))
    if choice is None:
        return Fault("broken")
    message = choice.get("message")
    said = message if isinstance(message, dict) else choice
    text = _text(said.get("content", said.get("text")))
    if text is None:
        return Fault("broken")
    usage = document.get("usage")
    counts = usage if isinstance(usage, dict) else {}
    return _reply(
        text,
        reasoning=_text(said.get("reasoning_content", said.get("reasoning"))) or None,
        model=document.get("model"),
        finish=choice.get("finish_reason"),
        counts=counts,
        is_exact=is_exact,
    )


def _of_stream(text: str, *, is_exact: bool) -> Reply | Fault:
    """Return the answer that the events add up to.

    Without the closing event, or where one tells of an error, it was cut off; an event that is none makes it broken.
    """
    said: list[str] = []
    thought: list[str] = []
    model = finish = None
    counts: dict[str, Any] = {}
    is_done = False
    for event in _events(text):
        if is_done := event == _DONE:
            break
        document = _document(event)
        if document is None:
            return Fault("broken")
        if document.get("error"):
            return Fault("cut off")
        model = document.get("model", model)
        counts = usage if isinstance(usage := document.get("usage"), dict) else counts
        choice = _first(document.get("choices")) or {}
        finish = choice.get("finish_reason") or finish
        delta = choice.get("delta")
        part = delta if isinstance(delta, dict) else choice
        said.append(_text(part.get("content", part.get("text"))) or "")
        thought.append(_text(part.get("reasoning_content", part.get("reasoning"))) or "")
    if not is_done:
        return Fault("cut off")
    return _reply(
        "".join(said),
        reasoning="".join(thought) or None,
        model=model,
        finish=finish,
        counts=counts,
        is_exact=is_exact,
    )


def _events(text: str) -> Iterator[str]:
    for line in _LINE_END.split(text):
        if line.startswith("data:") and (event := line.removeprefix("data:").strip()):
            yield event


def _reply(
    text: str, *, reasoning: str | None, model: Any, finish: Any, counts: dict[str, Any], is_exact: bool
) -> Reply:
    whole = [_storable(one) for one in (text, reasoning, model, finish)]
    return Reply(
        text=whole[0] or "",
        reasoning=whole[1],
        claimed_model=whole[2],
        finish_reason=whole[3],
        input_tokens=_count(counts.get("prompt_tokens")),
        output_tokens=_count(counts.get("completion_tokens")),
        is_exact=is_exact and whole[:2] == [text, reasoning],
    )


def _storable(text: Any) -> str | None:
    return text.encode(errors="replace").decode() if isinstance(text, str) else None


def _first(choices: Any) -> dict[str, Any] | None:
    return choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else None


def _text(content: Any) -> str | None:
    """Return a text: null is an empty answer, a list is one in parts, anything else is none."""
    if content is None or isinstance(content, str):
        return content or ""
    if not isinstance(content, list):
        return None
    parts = [part.get("text") for part in content if isinstance(part, dict)]
    return "".join(part for part in parts if isinstance(part, str))


def _count(number: Any) -> int | None:
    return number if isinstance(number, int) and not isinstance(number, bool) and 0 <= number < 2**53 else None
