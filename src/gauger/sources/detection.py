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

#: Field names shown when nothing matches: only such as could not be text of a prompt, and a few.
_PLAIN_NAME: Final = re.compile(r"[A-Za-z_][\w.-]{0,39}")
_SHOWN_NAMES: Final = 12


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
    names = [name for name in objects[0] if isinstance(name, str) and _PLAIN_NAME.fullmatch(name)]
    more = ", ..." if len(objects[0]) > _SHOWN_NAMES else ""
    return f"the first record has the fields {', '.join(names[:_SHOWN_NAMES])}{more}"
