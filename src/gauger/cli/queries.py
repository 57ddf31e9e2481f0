"""Files of queries for `gauger lab window-test`: text with one query a line, or JSON lines with one field each."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from gauger.errors import InputError

if TYPE_CHECKING:
    from gauger.lab.pools import Texts

_JSON_LINES = (".jsonl", ".ndjson")


def read_queries(path: Path, *, field: str) -> "Texts":
    """Return the queries of a file in order, object[n], without blank ones.

    Parameters
    ----------
    path
        JSON lines if it is called .jsonl or .ndjson, else text.
    field
        Where a JSON line holds its query.

    Raises
    ------
    InputError
        The file cannot be read, holds no query, or has a line without the field. No message quotes a line.
    """
    import numpy as np

    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("the queries cannot be read", where=str(path), todo="name a file of UTF-8 text") from error
    found = _fields(lines, path, field) if path.suffix in _JSON_LINES else iter(lines)
    queries = [query for query in found if query.strip()]
    if not queries:
        raise InputError("the file holds no query", where=str(path), todo="give one query a line")
    return np.array(queries, dtype=object)


def _fields(lines: list[str], path: Path, field: str) -> Iterator[str]:
    import msgspec

    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            query = msgspec.json.decode(line).get(field)
        except (msgspec.DecodeError, AttributeError):
            query = None
        if not isinstance(query, str):
            raise InputError(
                f"the line is no JSON object with text in {field!r}",
                where=f"{path}, line {number}",
                todo="name the field that holds the query with --field",
            )
        yield query
