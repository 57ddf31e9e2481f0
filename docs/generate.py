"""Write the reference pages that follow from the code: `python docs/generate.py`.

The command line, the settings, the records of findings.json, the channels and the columns are described where they are
defined; a page repeats them. What the code does not say, the introductions and the meaning of columns and fields,
stands in meanings.toml. A column without a meaning there, and a meaning without a column, stop the generation.
"""

import dataclasses
import inspect
import os
import re
import sys
import tempfile
import tomllib
import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

# Channels are asked for their words, which loads compiled kernels; none of it belongs beside the package.
os.environ.setdefault("NUMBA_CACHE_DIR", str(Path(tempfile.gettempdir(), "gauger-docs-kernels")))  # noqa: TID251

import msgspec
import numpy as np
import pyarrow as pa
import typer

from gauger.campaigns import findings
from gauger.campaigns.dossier import ATTRIBUTION_SCHEMA
from gauger.cli.app import app
from gauger.evidence import personhood
from gauger.evidence.channel import Channel, Group, Population
from gauger.evidence.channels import CHANNELS
from gauger.evidence.items import Items
from gauger.exchanges.accounts import RAW_ACCOUNT_SCHEMA
from gauger.exchanges.schema import ACCOUNT_SCHEMA, EDGE_SCHEMA, EVENT_SCHEMA, EXCHANGE_SCHEMA, QUARANTINE_SCHEMA
from gauger.lab import scenarios
from gauger.report.tables import ACCOUNTS_SCHEMA
from gauger.settings import Settings
from gauger.sketches.schema import INTENTS, N_PROJECTION, PART_SCHEMA, SKETCH_COLUMNS

DOCS = Path(__file__).parent
REFERENCE = DOCS / "reference"
NOTICE = "<!-- Made by docs/generate.py. Change the code or docs/meanings.toml, then run it again. -->"

Row = Sequence[str]


def pages() -> dict[str, str]:
    """Return the text of every generated page by its name below docs/reference."""
    said = tomllib.loads((DOCS / "meanings.toml").read_text(encoding="utf-8"))
    intro = said["introductions"]
    made = {
        "cli.md": cli_page(intro["cli"]),
        "settings.md": settings_page(intro["settings"]),
        "findings.md": findings_page(intro["findings"], Meanings(said["findings"])),
        "channels.md": channels_page(intro["channels"]),
        "columns.md": columns_page(intro["columns"], said["tables"], Meanings(said["columns"])),
        "scenarios.md": scenarios_page(intro["scenarios"]),
    }
    return {name: f"{NOTICE}\n\n{text.strip()}\n" for name, text in made.items()}


class Meanings:
    """What columns or fields mean, by name; knows which were asked for."""

    def __init__(self, by_name: Mapping[str, str]) -> None:
        self._by_name = by_name
        self._used: set[str] = set()

    def of(self, name: str, *, record: str) -> str:
        """Return the meaning of a name, that of "record.name" first."""
        for key in (f"{record}.{name}", name):
            if key in self._by_name:
                self._used.add(key)
                return self._by_name[key]
        raise KeyError(f"docs/meanings.toml says nothing about {name} ({record})")

    def check(self) -> None:
        """Raise KeyError where something is explained that there is not."""
        unused = sorted(self._by_name.keys() - self._used)
        if unused:
            raise KeyError(f"docs/meanings.toml explains what there is not: {', '.join(unused)}")


def table(head: Row, rows: Iterable[Row]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_cell(value) for value in line) + " |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.replace("|", r"\|").split())


def _own_words(docstring: str | None) -> str:
    """Return a docstring, a paragraph on a line, without its references to other papers."""
    paragraphs = [" ".join(one.split()) for one in (docstring or "").split("\n\n")]
    return re.sub(r"\s*\((?:design|contracts|detection|docs/)[^)]*\)", "", "\n\n".join(paragraphs)).strip()


# -- the command line


def cli_page(intro: str) -> str:
    """Return the page on the command line."""
    root = typer.main.get_command(app)
    sections = [_command_section(name, command) for name, command in _commands(root, "gauger")]
    return "\n\n".join(["# Command line", intro.strip(), *sections])


def _commands(group: Any, name: str) -> Iterator[tuple[str, Any]]:
    for word, command in group.commands.items():
        if getattr(command, "commands", None):
            yield from _commands(command, f"{name} {word}")
        else:
            yield f"{name} {word}", command


def _command_section(name: str, command: Any) -> str:
    context = command.context_class(command, info_name=name)
    usage = " ".join([name, *command.collect_usage_pieces(context)])
    rows = [_option(one, context) for one in command.params]
    examples = (command.epilog or "").replace("\b", "").replace("Examples:", "").strip("\n").splitlines()
    parts = [
        f"## {name}",
        f"    {usage}",
        *(" ".join(text.split()) for text in command.help.split("\n\n")),
        table(["option", "meaning"], rows) if rows else "It has no options.",
        "\n".join(f"    {line.strip()}" for line in examples if line.strip()),
    ]
    return "\n\n".join(part for part in parts if part)


def _option(option: Any, context: Any) -> Row:
    flags, meaning = option.get_help_record(context)
    shown = option.metavar if option.param_type_name == "argument" else flags
    return f"`{shown}`", meaning


# -- settings


def settings_page(intro: str) -> str:
    """Return the page on the settings."""
    schema = Settings.model_json_schema()
    sections = [("", schema["properties"], "")]
    for name, described in schema["properties"].items():
        if reference := described.get("$ref"):
            inner = schema["$defs"][reference.rsplit("/", 1)[1]]
            sections.append((name, inner["properties"], inner.get("description", "")))
    parts = ["# Settings", intro.strip()]
    for group, properties, description in sections:
        rows = [_setting(name, one) for name, one in properties.items() if "$ref" not in one]
        parts.append(f"## {f'[{group}]' if group else 'Without a table'}")
        parts += [_own_words(description)] if group else []
        parts.append(table(["setting", "default", "allowed", "meaning"], rows))
    return "\n\n".join(parts)


def _setting(name: str, described: Mapping[str, Any]) -> Row:
    default = described.get("default")
    shown = "automatic" if default is None else f"`{_toml(default)}`"
    return f"`{name}`", shown, _allowed(described), _own_words(described.get("description", _PLAIN_MEANINGS.get(name)))


#: Settings whose name says it all.
_PLAIN_MEANINGS = {
    "seed": "seed of the permutations",
    "shingle_words": "words of a shingle",
    "permutations": "most draws of a permutation test",
    "max_record_bytes": "a longer record is skipped and listed in the quarantine",
}


def _toml(value: Any) -> str:
    return msgspec.json.encode(value).decode().replace('","', '", "')


def _allowed(described: Mapping[str, Any]) -> str:
    choices = [one for one in described.get("anyOf", [described]) if one.get("type") != "null"]
    one = choices[0]
    if "const" in one or "enum" in one:
        return ", ".join(str(value) for value in one.get("enum", [one.get("const")]))
    kind = {"integer": "whole number", "number": "number", "array": "list of names", "string": "text"}[one["type"]]
    limits = [
        f"{word} {one[key]:,}"
        for key, word in (
            ("exclusiveMinimum", "above"),
            ("minimum", "from"),
            ("exclusiveMaximum", "below"),
            ("maximum", "to"),
        )
        if key in one
    ]
    return " ".join([kind, *limits])


# -- findings.json


def findings_page(intro: str, meanings: Meanings) -> str:
    """Return the page on the records of findings.json."""
    parts = ["# findings.json", intro.strip()]
    for record in _records(findings.Findings):
        rows = [
            (f"`{field.encode_name}`", _type(field.type), meanings.of(field.encode_name, record=record.__name__))
            for field in msgspec.inspect.type_info(record).fields  # type: ignore[attr-defined]
        ]
        parts += [f"## {record.__name__}", _own_words(record.__doc__), table(["field", "type", "meaning"], rows)]
    meanings.check()
    return "\n\n".join(parts)


def _records(record: type) -> Iterator[type]:
    """Yield a record and those it holds, each once, the outer ones first."""
    waiting, seen = [record], []
    while waiting:
        one = waiting.pop(0)
        if one in seen:
            continue
        seen.append(one)
        yield one
        for field in msgspec.inspect.type_info(one).fields:  # type: ignore[attr-defined]
            waiting += [inner.cls for inner in _inside(field.type) if hasattr(inner, "cls")]


def _inside(kind: Any) -> Iterator[Any]:
    yield kind
    for inner in [getattr(kind, "item_type", None), *getattr(kind, "types", ())]:
        if inner is not None:
            yield from _inside(inner)


def _type(kind: Any) -> str:
    name = type(kind).__name__
    if name == "UnionType":
        return " or ".join(_type(one) for one in kind.types)
    if name == "ListType":
        return f"list of {_type(kind.item_type)}"
    if name == "StructType":
        return f"[{kind.cls.__name__}](#{kind.cls.__name__.lower()})"
    if name == "LiteralType":
        return ", ".join(f'`"{value}"`' for value in kind.values)
    if name == "DictType":
        return f"object of {_type(kind.value_type)}"
    return {
        "StrType": "text",
        "IntType": "integer",
        "FloatType": "number",
        "BoolType": "true or false",
        "NoneType": "null",
        "AnyType": "any value",
    }[name]


# -- channels


def channels_page(intro: str) -> str:
    """Return the page on the channels."""
    rows = [(f"`{name}`", channel.family, "yes", _word(channel).null) for name, channel in CHANNELS.items()]
    rows.append(("`personhood`", "personhood", "never: it clears", personhood.NULL))
    head = ["channel", "family", "can count towards a verdict", "null"]
    kinds = ", ".join(INTENTS).replace("_", " ")
    parts = [
        "# Channels of evidence",
        intro.strip(),
        table(head, rows),
        f"The {len(INTENTS)} kinds of intent: {kinds}.",
    ]
    for name, channel in CHANNELS.items():
        said = " ".join(fact.text for fact in _word(channel).facts)
        parts += [f"## {name}", _own_words(sys.modules[_module(name)].__doc__)]
        parts.append(f'Where it has too little to go on it says so: "{said}"')
    return "\n\n".join(parts)


def _module(name: str) -> str:
    return f"gauger.evidence.{name}"


def _word(channel: Channel) -> Any:
    """Return what a channel says of a group of one item, about which nothing is known."""
    one = np.zeros(1, np.int32)
    items = Items(
        principal=one,
        account=one,
        occurred_at=np.zeros(1, np.int64),
        turn=np.zeros((1, 2), np.int64),
        projection=np.zeros((1, N_PROJECTION), np.int8),
        intents=np.zeros((1, len(INTENTS)), np.float32),
        system_part=np.zeros(1, np.int64),
        tool_part=np.zeros(1, np.int64),
        failed=np.zeros(1, np.bool_),
    )
    nobody = Population(holdings={}, stratum=one, permutations=1)
    return channel.evaluate(Group(items=items, rows=one, principals=one), nobody, rng=np.random.default_rng(0))


# -- columns


#: Tables in the order of the page; their titles and what is said of them stand in meanings.toml.
TABLES: Mapping[str, pa.Schema] = {
    "edge": EDGE_SCHEMA,
    "kept": EXCHANGE_SCHEMA,
    "sketch": pa.schema(SKETCH_COLUMNS),
    "part": PART_SCHEMA,
    "accounts_given": RAW_ACCOUNT_SCHEMA,
    "accounts_kept": ACCOUNT_SCHEMA,
    "events": EVENT_SCHEMA,
    "accounts": ACCOUNTS_SCHEMA,
    "exchanges": ATTRIBUTION_SCHEMA,
    "quarantine": QUARANTINE_SCHEMA,
}


def columns_page(intro: str, tables: Mapping[str, Mapping[str, str]], meanings: Meanings) -> str:
    """Return the page on the columns of every table."""
    parts = ["# Columns", intro.strip()]
    for name, schema in TABLES.items():
        rows = [
            (f"`{one.name}`", f"`{one.type}`", "" if one.nullable else "yes", meanings.of(one.name, record=name))
            for one in schema
        ]
        head = ["column", "type", "always there", "meaning"]
        parts += [f"## {tables[name]['title']}", tables[name]["said"], table(head, rows)]
    meanings.check()
    return "\n\n".join(parts)


# -- scenarios of the lab


def scenarios_page(intro: str) -> str:
    """Return the page on what the lab simulates: the scenarios, then the knobs of every kind of part."""
    rows = [
        (f"`{name}`", str(one.weeks), ", ".join(f"`{_make(part)}`" for part in one.parts))
        for name, one in scenarios.SCENARIOS.items()
    ]
    parts = [
        "# Scenarios",
        intro.strip(),
        table(["scenario", "weeks", "parts, and where they differ from a kind's defaults"], rows),
    ]
    for kind in (*typing.get_args(scenarios.Population), scenarios.Countermeasures, scenarios.Scenario):
        parts += [f"## {kind.__name__}", _own_words(kind.__doc__), table(["knob", "default", "meaning"], _knobs(kind))]
    return "\n\n".join(parts)


def _make(part: Any) -> str:
    """Return the call that makes a part, without the knobs that are as in its kind."""
    turned = [
        f"{one.name}={_value(getattr(part, one.name))}"
        for one in dataclasses.fields(part)
        if getattr(part, one.name) != one.default
    ]
    return f"{type(part).__name__}({', '.join(turned)})"


def _value(value: Any) -> str:
    if dataclasses.is_dataclass(value):
        return _make(value)
    if isinstance(value, tuple):
        return f"({', '.join(map(_value, value))}{',' if len(value) == 1 else ''})"
    return repr(value)


def _knobs(kind: type) -> Iterator[Row]:
    """Yield name, default and meaning of each field; the meaning is the comment behind it in the source."""
    source = inspect.getsource(kind)
    for one in dataclasses.fields(kind):
        said = re.search(rf"^    {one.name}: [^#\n]*?(?:  # (.*))?$", source, re.MULTILINE)
        default = "" if one.default is dataclasses.MISSING else f"`{_value(one.default)}`"
        yield f"`{one.name}`", default, (said and said[1]) or ""


if __name__ == "__main__":
    REFERENCE.mkdir(exist_ok=True)
    for name, text in pages().items():
        (REFERENCE / name).write_text(text, encoding="utf-8")
