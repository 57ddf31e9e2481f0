"""How much leaked before an alarm, from the scores of simulated campaigns."""

from pathlib import Path
from typing import Final

import msgspec

from gauger.errors import InputError
from gauger.lab.scores import Score
from gauger.lab.summary import Bench

_KINDS: Final[dict[str, type[Score] | type[Bench]]] = {"gauger/score/1": Score, "gauger/bench/1": Bench}


class _Named(msgspec.Struct):
    """What every document says of itself."""

    schema: str


def read_leaked(path: Path) -> dict[str, float]:
    """Return hostile exchanges that leaked before the alarm, by campaign (a score) or by cell (a benchmark, medians).

    Raises
    ------
    InputError
        The file is not what `gauger lab score --json` or `gauger lab bench` wrote, or nothing in it leaked by number.
    """
    try:
        content = path.read_bytes()
        schema = msgspec.json.decode(content, type=_Named).schema
        document: Score | Bench = msgspec.json.decode(content, type=_KINDS[schema])
    except OSError as error:
        raise InputError(f"the file cannot be read: {error.strerror}", where=str(path)) from error
    except (KeyError, msgspec.ValidationError, msgspec.DecodeError) as error:
        raise InputError(
            "this is no score and no benchmark of this version",
            where=str(path),
            todo="give what `gauger lab score --json` printed, or the bench.json of `gauger lab bench`",
        ) from error
    found = _of_score(document) if isinstance(document, Score) else _of_bench(document)
    leaked = {title: number for title, number in found.items() if number is not None}
    if not leaked:
        raise InputError("no campaign of it has a number of leaked exchanges", where=str(path))
    return leaked


def _of_score(score: Score) -> dict[str, float | None]:
    return {
        f"campaign {one.campaign}" + ("" if one.verdict else ", not found"): one.leaked.value for one in score.found
    }


def _of_bench(bench: Bench) -> dict[str, float | None]:
    return {f"cell {one.name}": one.leaked.median for one in bench.cells}
