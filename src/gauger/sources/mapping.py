"""Any log at all, by a mapping file that says where each canonical column lies.

    # mapping.toml
    occurred_at = "ts | milliseconds"
    account_id = "caller.account"
    user_prompt = "payload.messages | turns"
    input_tokens = 'attributes["gen_ai.usage.input_tokens"]'

A path goes down by names and dots; `[0]` takes an item of a list (`[-1]` the last), `["a.b"]` a name with dots in it.
JSON kept as text is opened on the way. After a bar stands what to do with the value found.
"""

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from gauger.errors import SettingsError, UsageError
from gauger.sources.batches import ReadOptions
from gauger.sources.bodies import answered, conversation, tool_names
from gauger.sources.faults import Bad
from gauger.sources.json_text import canonical, opened
from gauger.sources.times import UNITS, from_number
from gauger.sources.values import CONVERTERS, empty_row

Step = str | int

_REQUIRED: Final = ("occurred_at", "account_id")
_STEP: Final = re.compile(
    r"""\.?(?P<name>[^.\[\]|"']+)|\[(?P<index>-?\d{1,9})\]|\[(?P<quote>["'])(?P<key>.+?)(?P=quote)\]"""
)
#: Microseconds in a millisecond.
_PER_MILLISECOND: Final = 1_000


def _instant(unit: str) -> Callable[[object], object]:
    return lambda value: None if value in (None, "") else from_number(value, unit)


def _duration(unit: str) -> Callable[[object], object]:
    def milliseconds(value: object) -> object:
        moment = None if value in (None, "") else from_number(value, unit)
        return moment if moment is None or isinstance(moment, Bad) else moment / _PER_MILLISECOND

    return milliseconds


def _turn(part: str) -> "_Transform":
    def text(talk: Any) -> object:
        return talk if isinstance(talk, Bad) else getattr(talk, part)

    return _Transform(text, conversation)


def _answer(column: str) -> "_Transform":
    def value(row: Any) -> object:
        return row.get(column)

    return _Transform(value, answered)


def _tools(value: object) -> object:
    tools = opened(value)
    return canonical(tools) if tools else None


@dataclass(frozen=True, slots=True)
class _Transform:
    """What is done to a value: read as a whole, once for all columns that want it, then a part taken."""

    part: Callable[[object], object]
    whole: Callable[[object], object] | None = None


#: Transform -> column -> what it does there. A transform that a column does not have is refused when the file is read.
_TRANSFORMS: Final[Mapping[str, Mapping[str, _Transform]]] = {
    **{unit: {"occurred_at": _Transform(_instant(unit)), "latency_ms": _Transform(_duration(unit))} for unit in UNITS},
    "turns": {
        "system_prompt": _turn("system"),
        "user_prompt": _turn("prompt"),
        "conversation_prefix": _turn("prefix"),
        "reasoning_block": _turn("reasoning_block"),
    },
    "answer": {
        "response": _answer("response"),
        "reasoning_block": _answer("reasoning_block"),
        "finish_reason": _answer("finish_reason"),
    },
    "tools": {
        "tool_schema": _Transform(_tools),
        "tool_names": _Transform(lambda value: tool_names(opened(value)) if value else None),
    },
}


@dataclass(frozen=True, slots=True)
class _Rule:
    """How one column is found: the way down, and what to do at its end."""

    column: str
    steps: tuple[Step, ...]
    transform: _Transform | None

    @property
    def way(self) -> "_Way":
        """The part that rules may have in common."""
        return _Way(self.steps, self.transform.whole if self.transform else None)

    @property
    def part(self) -> Callable[[object], object] | None:
        return self.transform.part if self.transform else None


@dataclass(frozen=True, slots=True)
class _Way:
    """The way to a value, and how it is read as a whole."""

    steps: tuple[Step, ...]
    whole: Callable[[object], object] | None

    def value(self, record: Mapping[str, object]) -> object:
        value: object = record
        for step in self.steps:
            value = value.get(step) if isinstance(value, dict) else _down(value, step)
        return self.whole(value) if self.whole else value


def _down(value: object, step: Step) -> object:
    """Go a step down from what is no object, or is one kept as text."""
    if isinstance(value, str):
        value = opened(value)
    if isinstance(step, str):
        return value.get(step) if isinstance(value, dict) else None
    if not isinstance(value, list) or not -len(value) <= step < len(value):
        return None
    return value[step]


#: Ways, each with its columns and what is done there to the value found.
_Rules = tuple[tuple[_Way, tuple[tuple[str, Callable[[object], object] | None], ...]], ...]


class MappedSource:
    """Source for any log, by `ReadOptions.mapping`."""

    name = "mapping"

    def __init__(self) -> None:
        # The rules of the mapping that was asked for last: all records of a log have one.
        self._known: tuple[Mapping[str, str] | None, _Rules] = (None, ())

    def columns_absent(self, options: ReadOptions) -> frozenset[str]:
        """Columns that the mapping does not name."""
        return frozenset(CONVERTERS) - frozenset(options.mapping or ())

    def matches(self, record: Mapping[str, object]) -> bool:
        """Never: a mapping is asked for, not found out."""
        del record
        return False

    def row(self, record: Mapping[str, object], options: ReadOptions) -> Mapping[str, object]:
        """Values by canonical column, by the rules of the mapping."""
        mapping, rules_by_way = self._known
        if mapping is not options.mapping:
            rules_by_way = _rules(options.mapping or {})
            self._known = (options.mapping, rules_by_way)
        row = empty_row()
        for way, rules in rules_by_way:
            value = way.value(record)
            for column, part in rules:
                row[column] = part(value) if part else value
        return row


def _rules(mapping: Mapping[str, str]) -> _Rules:
    """Return the columns by the way they have in common, each with what is done to the value found there."""
    rules = [_rule(column, path, where="mapping") for column, path in mapping.items()]
    ways = dict.fromkeys(rule.way for rule in rules)
    return tuple((way, tuple((rule.column, rule.part) for rule in rules if rule.way == way)) for way in ways)


def _rule(column: str, written: str, *, where: str) -> _Rule:
    place = f"{where}, {column}"
    if column not in CONVERTERS:
        raise SettingsError("no such column", where=place, todo=f"the columns are {', '.join(CONVERTERS)}")
    path, bar, transform = (part.strip() for part in written.partition("|"))
    known = {name: by_column[column] for name, by_column in _TRANSFORMS.items() if column in by_column}
    if bar and transform not in known:
        choice = f"after the bar write one of {', '.join(known)}" if known else "leave the bar and what follows away"
        raise SettingsError(f"{transform!r} cannot be done with this column", where=place, todo=choice)
    return _Rule(column, _steps(path, place=place), known.get(transform))


def _steps(path: str, *, place: str) -> tuple[Step, ...]:
    steps: list[Step] = []
    at = 0
    while found := _STEP.match(path, at):
        steps.append(int(found["index"]) if found["index"] else found["name"] or found["key"])
        at = found.end()
    if not steps or at != len(path) or path.startswith("."):
        raise SettingsError(
            f"{path!r} is not a path",
            where=place,
            todo='write names with dots between them, [0] for an item of a list, ["a.b"] for a name with dots in it',
        )
    return tuple(steps)


def load_mapping(path: str | Path) -> Mapping[str, str]:
    """Read a mapping file: canonical column -> path in the record, checked.

    Raises
    ------
    UsageError
        The file cannot be read.
    SettingsError
        It is not TOML, names no such column, lacks a required one, or a path is not one; says which.
    """
    try:
        written = tomllib.loads(Path(path).read_bytes().decode("utf-8"))
    except OSError as error:
        raise UsageError(
            f"the mapping file cannot be read: {error.strerror or error}", where=str(path), todo="check --mapping"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"not TOML: {error}", where=str(path), todo="see docs/how-to/sources/mapping.md") from error
    for column, value in written.items():
        if not isinstance(value, str):
            raise SettingsError("a path must be text", where=f"{path}, {column}", todo='write column = "path"')
        _rule(column, value, where=str(path))
    for column in _REQUIRED:
        if column not in written:
            raise SettingsError("the mapping lacks a required column", where=f"{path}, {column}", todo="add it")
    return MappingProxyType(written)
