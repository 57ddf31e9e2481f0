"""Which source a log wants, told from its first records."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Final

from gauger.errors import InputError, UsageError
from gauger.sources.anthropic import AnthropicSource
from gauger.sources.batches import ReadOptions
from gauger.sources.canonical import CanonicalSource
from gauger.sources.litellm import LiteLLMSource
from gauger.sources.mapping import MappedSource
from gauger.sources.openai import OpenAISource
from gauger.sources.source import Source

#: Every source by name, in the order in which a record is shown to them: the most particular first.
SOURCES: Final[Mapping[str, Source]] = {
    "litellm": LiteLLMSource(),
    "anthropic": AnthropicSource(),
    "openai": OpenAISource(),
    "gauger-parquet": CanonicalSource(),
    "mapping": MappedSource(),
}

#: Records that decide.
_DECIDING_RECORDS: Final = 100

#: Most field names shown when nothing matches.
_SHOWN_NAMES: Final = 12

_FIELD_WORDS: Final = """
account address agent answer api at body call choice client code completion content cost count country created
customer data date duration email end error event finish hash header headers host id index input ip key kind latency
level log message messages meta metadata method model ms name org organisation organization output params path
payload plan prompt provider query reason request response result role row s schema score seconds session source
span start started status stream system task team temperature tenant text time timestamp token tokens tool tools
total trace ts turn type updated url usage user uuid value version
"""
#: Field names made of these words are shown. Any other may be the beginning of a prompt: a CSV file without a header.
_SHOWN_WORDS: Final = frozenset(_FIELD_WORDS.split())
_WORD: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")


def source_of(record: Mapping[str, object]) -> Source | None:
    """First source that knows a record of this shape."""
    return next((source for source in SOURCES.values() if source.matches(record)), None)


def forced_source(options: ReadOptions) -> Source | None:
    """Source that the options ask for; None leaves it to the records.

    Raises
    ------
    UsageError
        No such source, or a mapping without the mapping source, or the other way round.
    """
    name = options.format or ("mapping" if options.mapping is not None else None)
    if name is None:
        return None
    if name not in SOURCES:
        raise UsageError(f"no log format is called {name!r}", where="--format", todo=f"use one of {', '.join(SOURCES)}")
    if name == "mapping" and options.mapping is None:
        raise UsageError("this format needs a mapping file", where="--format mapping", todo="give --mapping FILE")
    if name != "mapping" and options.mapping is not None:
        raise UsageError(f"the format {name!r} takes no mapping", where="--mapping", todo="give one of the two")
    return SOURCES[name]


def detected(values: Iterable[object], *, path: str) -> Source:
    """Source that knows most of the first records; of equals, the one whose record came first.

    Raises
    ------
    InputError
        None knows any.
    """
    seen = list(islice(values, _DECIDING_RECORDS))
    known = [source for value in seen if isinstance(value, Mapping) for source in [source_of(value)] if source]
    if known:
        return SOURCES[Counter(source.name for source in known).most_common(1)[0][0]]
    raise InputError(
        f"no log format fits; {_seen(seen)}",
        where=path,
        todo=f"name one with --format ({', '.join(SOURCES)}), or describe the log with --mapping FILE.toml",
    )


def _seen(values: list[object]) -> str:
    """Say what the first records look like, in words that hold nothing of a prompt."""
    objects = [value for value in values if isinstance(value, Mapping)]
    if not objects:
        return (
            f"none of the first {len(values)} records is a JSON object or a CSV row" if values else "nothing was read"
        )
    names = [name for name in objects[0] if isinstance(name, str) and _is_field_name(name)][:_SHOWN_NAMES]
    others = len(objects[0]) - len(names)
    if not names:
        return f"the first record has {others} field{'s' if others > 1 else ''} of no usual name"
    return f"the first record has the fields {', '.join(names)}{f' and {others} more' if others else ''}"


def _is_field_name(name: str) -> bool:
    words = _WORD.findall(name)
    return len("".join(words)) >= len(name) - 4 and all(word.lower() in _SHOWN_WORDS for word in words)
