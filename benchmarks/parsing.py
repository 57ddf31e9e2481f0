"""Parsing: CPU time from a JSON-lines log to batches of `EDGE_SCHEMA`, beside what the JSON libraries alone can do.

    python -m benchmarks.parsing [--against SRC] [--rounds 3]

Logs are the "pool" scenario (some 92,000 exchanges, real prompts where GAUGER_DATA names their folder) in every JSON
format, twice: answers as simulated, which are short, and answers of 4 characters a stated token. Every reading
is a process of its own and counts the CPU seconds of reading alone; with `--against` the code below that folder reads
by turns with this one. The best round counts. Writes benchmarks/results/parsing.json.

Libraries decode the same lines one by one and keep nothing; orjson and simdjson take part where they are installed.
"""

import argparse
import gzip
import importlib
import io
import json
import os
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.json

from benchmarks.hardware import hardware
from benchmarks.worlds import pools_at_hand
from gauger.lab import SCENARIOS, World, simulate, write_world
from gauger.lab.writing import MAPPING_FILE
from gauger.sources import ReadOptions, load_mapping, read_log

RESULT = Path("benchmarks/results/parsing.json")
HERE = Path(__file__).parents[1] / "src"
FORMATS = ("litellm", "openai", "anthropic", "mapped-json")
#: Characters of an answer by its stated tokens; 0 leaves it as simulated.
LENGTHS = (0, 4)
#: Bytes of a log that the libraries decode.
LIBRARY_BYTES = 60_000_000


class Nothing(msgspec.Struct):
    """Every name of a record is skipped."""


def lengthened(world: World, characters: int) -> World:
    """Return a world whose answers say again what they said until they are that many characters a token long."""
    if not characters:
        return world
    answers = []
    for said, tokens in zip(
        *(world.exchanges[name].to_pylist() for name in ("response", "output_tokens")), strict=True
    ):
        wanted = characters * (tokens or 0)
        answers.append(said and (f"{said} " * (wanted // (len(said) + 1) + 1))[: max(wanted, len(said))])
    place = world.exchanges.schema.get_field_index("response")
    column = pa.array(answers, world.exchanges.schema.field(place).type)
    return replace(world, exchanges=world.exchanges.set_column(place, world.exchanges.schema.field(place), column))


def write_log(world: World, folder: Path, format: str) -> Path:
    """Write a world as one JSON-lines file and the same file in gzip."""
    path = folder / "log.jsonl"
    with path.open("wb") as plain, gzip.open(folder / "log.jsonl.gz", "wb", compresslevel=1) as packed:
        for part in write_world(world, folder, format=format):
            data = gzip.decompress(part.read_bytes())
            plain.write(data)
            packed.write(data)
            part.unlink()
    return path


def read(path: Path) -> dict[str, float]:
    """Read a log and return what it took."""
    mapping = path.with_name(MAPPING_FILE)
    options = ReadOptions(mapping=load_mapping(mapping) if mapping.exists() else None)
    started = time.process_time()
    rows = sum(len(batch.exchanges) for batch in read_log(str(path), options=options))
    return {"rows": rows, "cpu_s": time.process_time() - started}


def read_apart(path: Path, source: Path) -> dict[str, float]:
    """Read a log with the code below `source`, in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": f"{source}{os.pathsep}{HERE.parent}"}
    command = [sys.executable, "-m", "benchmarks.parsing", "--one", str(path)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, env=environment).stdout)


def readings(path: Path, sources: dict[str, Path], rounds: int) -> dict[str, object]:
    """Return MB of JSON a second of CPU time and microseconds a record, by the code that read."""
    size = path.with_name("log.jsonl").stat().st_size
    taken = [{name: read_apart(path, source) for name, source in sources.items()} for _ in range(rounds)]
    found: dict[str, object] = {}
    for name in sources:
        best = min((one[name] for one in taken), key=lambda one: one["cpu_s"])
        found[f"{name}_mb_s"] = round(size / best["cpu_s"] / 1e6, 1)
        found[f"{name}_us_record"] = round(best["cpu_s"] / best["rows"] * 1e6, 1)
    return found


def libraries(data: bytes, packed: bytes) -> dict[str, float]:
    """Return MB a second of CPU time of every library and of memory itself."""
    lines = data.splitlines()
    whole: dict[str, Callable[[], object]] = {
        "copy of memory": lambda: bytearray(data),
        "search for line feeds": lambda: data.count(b"\n"),
        "split into lines": lambda: data.split(b"\n"),
        "zlib, inflate alone": lambda: zlib.decompress(packed, 31),
        "pyarrow.json, to a table": lambda: pa.json.read_json(
            io.BytesIO(data), read_options=pa.json.ReadOptions(use_threads=False, block_size=1 << 24)
        ),
    }
    each: dict[str, Callable[[bytes], object]] = {
        "json (standard library)": json.loads,
        "msgspec, to dict": msgspec.json.Decoder().decode,
        "msgspec, names skipped": msgspec.json.Decoder(Nothing).decode,
        **at_hand("orjson, to dict", "orjson", lambda module: module.loads),
        **at_hand("simdjson, nothing made", "simdjson", lambda module: module.Parser().parse),
    }
    speed = {name: rate(work, len(data)) for name, work in whole.items()}
    return speed | {name: rate(partial(one_by_one, decode, lines), len(data)) for name, decode in each.items()}


def one_by_one(decode: Callable[[bytes], object], lines: list[bytes]) -> None:
    """Decode lines and keep nothing."""
    for line in lines:
        decode(line)


def at_hand(name: str, module: str, decoder: Callable) -> dict[str, Callable[[bytes], object]]:
    try:
        return {name: decoder(importlib.import_module(module))}
    except ImportError:
        return {}


def rate(work: Callable[[], object], size: int) -> float | None:
    """Return MB a second of CPU time, the best of three; None for what the library cannot read."""
    taken = []
    for _ in range(3):
        started = time.process_time()
        try:
            work()
        except pa.ArrowInvalid:
            return None
        taken.append(time.process_time() - started)
    return round(size / min(taken) / 1e6)


def measure(world: World, format: str, sources: dict[str, Path], rounds: int) -> dict[str, object]:
    """Return the figures of one log."""
    with tempfile.TemporaryDirectory(prefix="gauger-parsing-") as folder:
        path = write_log(world, Path(folder), format)
        packed = path.with_suffix(".jsonl.gz")
        found = {
            "mb": round(path.stat().st_size / 1e6),
            "bytes_record": round(path.stat().st_size / len(world.exchanges)),
            "plain": readings(path, sources, rounds),
            "gzip": readings(packed, sources, rounds),
        }
        data = path.read_bytes()[:LIBRARY_BYTES]
        data = data[: data.rindex(b"\n") + 1]
        return {**found, "libraries_mb_s": libraries(data, gzip.compress(data, 1))}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", type=Path, help="folder of another gauger package")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        print(json.dumps(read(args.one)))
        return
    sources = {**({"before": args.against} if args.against else {}), "now": HERE}
    pools, speech = pools_at_hand()
    world = simulate(SCENARIOS["pool"], seed=1, pools=pools)
    result: dict[str, object] = {"hardware": hardware(), "prompts": speech, "load_before": os.getloadavg()[0]}
    for characters in LENGTHS:
        longer = lengthened(world, characters)
        for format in FORMATS:
            found = measure(longer, format, sources, args.rounds)
            result[f"{format}, {characters or 'few'} characters a token"] = found
            print(format, characters, found["bytes_record"], found["plain"], found["gzip"], flush=True)
    RESULT.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
