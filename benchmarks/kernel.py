"""The sketch kernel beside other libraries, on the same prompts, in one run: `python -m benchmarks.kernel`.

Speed is counted in CPU seconds of the whole process, so that a library with threads is not charged less, and the best
of several rounds is kept; within a round every method runs once, so that all meet the same load. Daft, datasketch and
rensa are measured where they are installed. They get the text as it is and shingle at blanks; Gauger also normalises
Unicode, casefolds, drops punctuation and cuts Han, kana and hangul into characters.

What "everything on" costs beside MinHash is told part by part: the kernel is compiled anew with one part doing nothing,
and the difference is that part's. The first run compiles for some minutes.
"""

import argparse
import csv
import importlib
import importlib.metadata
import importlib.util
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType
from unittest.mock import patch

os.environ.setdefault("NUMBA_CACHE_DIR", str(Path(tempfile.gettempdir(), "numba-cache-bench")))

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.hardware import revision
from gauger.settings import SketchSettings
from gauger.sketches import kernel
from gauger.sketches import texts as sketching
from gauger.sketches.texts import USER_TURN, hash_words, minhash_bands, sketch_texts

RESULTS = Path(__file__).parent / "results" / "kernel.json"
KEY = bytes(range(32))
N_HASHES = 64
DAFT_WORDS = 3
MEDIAN_CHARACTERS = 445
EVERYTHING, MINHASH, FLOOR = "gauger, everything on", "gauger, MinHash alone", "token hash alone (floor)"
#: Part of a sketch -> the functions of the kernel that make it and nothing else, as they are when they do nothing.
PARTS = {
    "shingles": (
        "make_shingles(n, keys, words, shingles): pass",
        "keep_distinct(shingles, sampling, stamp, seen, seen_in, kept): return 0",
    ),
    "turn hash": ("chain_words(words, state): return state",),
    "intents": (
        "finish_plain(n, last, prefixes, plain, pairs): pass",
        "meet_cues(hashes, cues, stamp, met_in, sums): pass",
    ),
    "projection": ("find_topics(last, prefixes, n, topics): return 0",),
}


@dataclass(frozen=True)
class Speed:
    """CPU seconds of one method over `rows` prompts of `megabytes`; None where the library is not installed."""

    method: str
    gives: str
    rows: int
    megabytes: float
    cpu_s: float | None

    @property
    def per_second(self) -> float:
        return self.rows / self.cpu_s if self.cpu_s else float("nan")


# --- prompts -------------------------------------------------------------------------------------------------------


def synthetic_sentences(rng: np.random.Generator) -> list[str]:
    """Sentences of invented words with Zipf's frequencies, in stretches: plain, typographic, Han and kana."""
    syllables = [
        "an",
        "be",
        "con",
        "der",
        "es",
        "for",
        "ing",
        "la",
        "min",
        "no",
        "per",
        "qui",
        "ra",
        "sto",
        "tion",
        "u",
    ]
    words = ["".join(rng.choice(syllables, size)) for size in rng.choice([1, 2, 3, 4], 20_000, p=[0.3, 0.4, 0.2, 0.1])]
    shares = 1 / np.arange(1, len(words) + 1) ** 0.9
    picks = iter(rng.choice(len(words), 450_000, p=shares / shares.sum()))
    sentences = []
    for length in rng.integers(5, 22, 20_000).tolist():
        sentence = " ".join(words[next(picks)] for _ in range(length)).capitalize()
        sentences.append(sentence.replace(" no", ", no") + ".")
    east = np.array([chr(c) for c in range(0x4E00, 0x5200)] + [chr(c) for c in range(0x3042, 0x3094)])
    for stretch in range(0, len(sentences), 1000):
        for i in range(stretch, stretch + 100):
            sentences[i] = f"“{sentences[i]}” – it’s naïve…"
        for i in range(stretch + 100, stretch + 170):
            sentences[i] = "".join(rng.choice(east, 30)) + "。"
    return sentences


def public_sentences(folder: Path) -> list[str]:
    """Sentences of public prompts: questions of real people, dialogues, school problems, instructions."""
    csv.field_size_limit(10**9)
    texts: list[str] = []
    for path in sorted(folder.glob("arena_hard_auto/*/question.jsonl")):
        rows = [json.loads(line) for line in path.read_text().split("\n") if line]
        texts += [row.get("prompt") or row["turns"][0]["content"] for row in rows]
    with (folder / "awesome_chatgpt_prompts" / "prompts.csv").open(newline="") as file:
        texts += [row["prompt"] for row in csv.DictReader(file)]
    with (folder / "banking77" / "train.csv").open(newline="") as file:
        texts += [row["text"] for row in csv.DictReader(file)][:2000]
    tools = json.loads((folder / "gpteacher" / "Toolformer" / "toolformer-dedupe-only-dataset.json").read_text())
    texts += [row["instruction"] for row in tools][:2000]
    return [piece for text in texts for piece in text.split("\n") if piece.strip()]


def prompts(sentences: list[str], rng: np.random.Generator, n: int) -> list[str]:
    """Runs of sentences, cut to lengths with a median of 445 characters and a long tail."""
    lengths = np.clip(rng.lognormal(np.log(MEDIAN_CHARACTERS), 0.57, n), 20, 20_000).astype(int)
    starts = rng.integers(0, len(sentences), n)
    return [_cut(sentences, start, length) for start, length in zip(starts.tolist(), lengths.tolist(), strict=True)]


def _cut(sentences: list[str], start: int, length: int) -> str:
    pieces, size, at = [], 0, start
    while size < length:
        pieces.append(sentences[at % len(sentences)])
        size += len(pieces[-1]) + 1
        at += 1
    return " ".join(pieces)[:length]


# --- methods -------------------------------------------------------------------------------------------------------


def gauger_methods() -> Iterator[tuple[str, str, Callable[[pa.Array], object]]]:
    settings = SketchSettings()
    yield (
        EVERYTHING,
        "shingles, turn hash, 7 intents, projection",
        lambda texts: sketch_texts(texts, KEY, namespace=USER_TURN, settings=settings),
    )
    yield MINHASH, "8 bands of 64 bins", lambda texts: minhash_bands(texts, KEY, namespace=USER_TURN)
    yield FLOOR, "nothing kept", lambda texts: hash_words(texts, KEY, namespace=USER_TURN)


def parts_methods() -> Iterator[tuple[str, str, Callable[[pa.Array], object]]]:
    settings = SketchSettings()

    def run(texts: pa.Array, own: ModuleType) -> object:
        with patch.object(sketching, "kernel", own):
            return sketch_texts(texts, KEY, namespace=USER_TURN, settings=settings)

    for part in PARTS:
        own = kernel_without(part)
        yield without(part), "", lambda texts, own=own: run(texts, own)


def without(part: str) -> str:
    """Return the name of the method that lacks a part."""
    return f"{EVERYTHING} but {part}"


def kernel_without(part: str) -> ModuleType:
    """Return the kernel in which a part does nothing: what is defined last is what gets compiled."""
    path = Path(os.environ["NUMBA_CACHE_DIR"], f"kernel_without_{part.replace(' ', '_')}.py")
    path.parent.mkdir(parents=True, exist_ok=True)
    code = "\n\n".join([Path(kernel.__file__).read_text(), *(f"@inlined\ndef {stub}\n" for stub in PARTS[part])])
    if not path.exists() or path.read_text() != code:  # compiled code is kept for a file as long as it does not change
        path.write_text(code)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # compiled code that was kept asks for its module by name
    spec.loader.exec_module(module)
    return module


def daft_methods() -> Iterator[tuple[str, str, Callable[[pa.Array], object]]]:
    daft = importlib.import_module("daft")
    minhash = importlib.import_module("daft.functions").minhash

    def run(texts: pa.Array, hash_function: str) -> object:
        column = minhash(daft.col("t"), num_hashes=N_HASHES, ngram_size=DAFT_WORDS, hash_function=hash_function)
        return daft.from_arrow(pa.table({"t": texts})).select(column).to_arrow()

    for name in ("murmurhash3", "xxhash3_64", "xxhash32"):
        yield f"daft minhash, {name}", "64 hashes", lambda texts, name=name: run(texts, name)


def _shingles(text: str) -> set[str]:
    words = text.lower().split()
    return {" ".join(words[i : i + DAFT_WORDS]) for i in range(max(1, len(words) - DAFT_WORDS + 1))}


def datasketch_methods() -> Iterator[tuple[str, str, Callable[[pa.Array], object]]]:
    minhash = importlib.import_module("datasketch").MinHash

    def run(texts: pa.Array) -> object:
        signatures = []
        for text in texts.to_pylist():
            one = minhash(num_perm=N_HASHES)
            one.update_batch([shingle.encode() for shingle in _shingles(text)])
            signatures.append(one.hashvalues)
        return signatures

    yield "datasketch, shingled in Python", "64 hashes", run


def rensa_methods() -> Iterator[tuple[str, str, Callable[[pa.Array], object]]]:
    minhash = importlib.import_module("rensa").RMinHash

    def run(texts: pa.Array) -> object:
        signatures = []
        for text in texts.to_pylist():
            one = minhash(num_perm=N_HASHES, seed=1)
            one.update(list(_shingles(text)))
            signatures.append(one.digest())
        return signatures

    yield "rensa, shingled in Python", "64 hashes", run


LIBRARIES = {"daft": daft_methods, "datasketch": datasketch_methods, "rensa": rensa_methods}


# --- measuring -----------------------------------------------------------------------------------------------------


def measure(texts: pa.Array, rounds: int) -> list[Speed]:
    """Every method on the same prompts; a library shingled in Python gets the first twentieth of them."""
    methods, absent = [*gauger_methods(), *parts_methods()], []
    for library, found in LIBRARIES.items():
        try:
            methods += list(found())
        except ImportError:
            absent.append(Speed(library, "not installed", 0, 0.0, None))
    few = texts[: max(1, len(texts) // 20)]
    inputs = [few if "Python" in name else texts for name, _, _ in methods]
    best = [float("inf")] * len(methods)
    for _ in range(rounds + 1):  # the first round compiles and warms up, and is as slow as that makes it
        for i, (_, _, run) in enumerate(methods):
            start = time.process_time()
            run(inputs[i])
            best[i] = min(best[i], time.process_time() - start)
    return [
        Speed(name, gives, len(part), pc.sum(pc.binary_length(part)).as_py() / 1e6, seconds)
        for (name, gives, _), part, seconds in zip(methods, inputs, best, strict=True)
    ] + absent


def ratios(speeds: list[Speed]) -> dict[str, float]:
    """How many times the exchanges per second of the others Gauger does; for Daft its default hash and its fastest."""
    measured = {speed.method: speed.per_second for speed in speeds if speed.cpu_s}
    theirs = {name: rate for name, rate in measured.items() if not name.startswith(("gauger", "daft", "token hash"))}
    by_hash = {name: rate for name, rate in measured.items() if name.startswith("daft")}
    if by_hash:
        theirs["daft minhash, default hash"] = by_hash["daft minhash, murmurhash3"]
        theirs["daft minhash, fastest hash"] = max(by_hash.values())
    return {
        f"{ours} / {other}": round(measured[ours] / rate, 2)
        for other, rate in theirs.items()
        for ours in (EVERYTHING, MINHASH)
    }


def costs(speeds: list[Speed]) -> dict[str, float]:
    """Return microseconds of CPU an exchange: the floor, MinHash, everything, and of it each part's by leaving it out.

    What no part takes is reading the text, normalising it and hashing its words, as the floor does.
    """
    each = {speed.method: 1e6 * speed.cpu_s / speed.rows for speed in speeds if speed.cpu_s}
    parts = {f"of it {part}": each[EVERYTHING] - each[without(part)] for part in PARTS}
    found = {name: each[name] for name in (FLOOR, MINHASH, EVERYTHING)} | parts
    return {name: round(cost, 2) for name, cost in found.items()}


def machine() -> dict[str, object]:
    """What the figures depend on."""
    cpu_info = Path("/proc/cpuinfo")
    lines = cpu_info.read_text().splitlines() if cpu_info.exists() else []
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())
    packages = ("numba", "numpy", "pyarrow", *LIBRARIES)
    return {
        "revision": revision(),
        "cpu": model,
        "cores": os.cpu_count(),
        "load_average": os.getloadavg()[0],
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in packages},
    }


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def corpora(n: int) -> Iterator[tuple[str, pa.Array]]:
    """The synthetic mix, and public prompts where GAUGER_DATA names their folder."""
    rng = np.random.default_rng(7)
    yield "synthetic mix", pa.array(prompts(synthetic_sentences(rng), rng, n), pa.large_string())
    if folder := os.environ.get("GAUGER_DATA"):
        yield "public prompts", pa.array(prompts(public_sentences(Path(folder)), rng, n), pa.large_string())


def describe(texts: pa.Array) -> dict[str, float]:
    """Size and make of a corpus."""
    n_words = sketch_texts(texts, KEY, namespace=USER_TURN, settings=SketchSettings()).n_words
    return {
        "prompts": len(texts),
        "median_characters": float(pc.quantile(pc.utf8_length(texts), 0.5)[0].as_py()),
        "mean_bytes": pc.mean(pc.binary_length(texts)).as_py(),
        "mean_words": float(n_words.mean()),
        "share_not_ascii": 1 - pc.mean(pc.string_is_ascii(texts)).as_py(),
    }


def print_table(corpus: str, about: dict[str, float], speeds: list[Speed], found: dict[str, dict]) -> None:
    facts = ", ".join(f"{name} {value:.4g}" for name, value in about.items())
    print(f"\n{corpus}: {facts}\n{'method':34}{'exchanges/s/core':>17}{'MB/s':>8}  gives")
    for speed in speeds:
        if speed.cpu_s is None:
            print(f"{speed.method:34}{'not installed':>17}")
        else:
            rate = speed.megabytes / speed.cpu_s
            print(f"{speed.method:34}{speed.per_second:>17,.0f}{rate:>8.0f}  {speed.gives}")
    for name, ratio in found["ratios"].items():
        print(f"  {name}: {ratio}x")
    for name, share in found["share_of_floor"].items():
        print(f"  {name}: {100 * share:.0f} % of the floor's speed")
    for name, cost in found["microseconds"].items():
        print(f"  {name}: {cost} microseconds an exchange")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prompts", type=int, default=40_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    report: dict[str, object] = {"machine": machine(), "corpora": {}}
    for corpus, texts in corpora(options.prompts):
        about, speeds = describe(texts), measure(texts, options.rounds)
        rates = {speed.method: speed.per_second for speed in speeds}
        found = {
            "ratios": ratios(speeds),
            "share_of_floor": {name: round(rates[name] / rates[FLOOR], 3) for name in (MINHASH, EVERYTHING)},
            "microseconds": costs(speeds),
        }
        rows = [{**asdict(s), "exchanges_per_s_per_core": round(s.per_second) if s.cpu_s else None} for s in speeds]
        report["corpora"][corpus] = {"about": about, "speeds": rows, **found}
        print_table(corpus, about, speeds, found)
    options.out.parent.mkdir(exist_ok=True)
    options.out.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
