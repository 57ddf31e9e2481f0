"""Corpora of single prompts from the public data sets, and the pairs (benign, attacker) that windows are drawn from.

Development pairs were used while `gauger lab window-test` was designed; report pairs were not looked at before its
design was fixed. No benign corpus is in both, nor are the attackers gorilla and self-instruct; toolformer and roleplay
are, since the two chat pairs were report pairs until they showed a first design to be no better than its peers. Every
corpus holds distinct prompts of at most 5,000 characters.
"""

import gzip
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from gauger.lab.datasets import (
    ARENA,
    BANKING,
    HOMEWORK,
    LIVE_QUESTIONS,
    MAX_CHARACTERS,
    PERSONAS,
    SUITE,
    TOOL_QUESTIONS,
    column,
    json_lines,
    tool_questions,
)
from gauger.lab.pools import Texts, as_texts

#: Every fifth intent of the bank, in alphabetical order, stands for somebody who extracts a narrow skill.
HELD_INTENT = 5


#: The corpus that is all the other benign corpora of the report together.
MIXED, MIXTURE = "both of these", ("functions", "homework")


@dataclass(frozen=True)
class Pair:
    """A benign corpus and an attacker's, by name."""

    benign: str
    attacker: str

    def __str__(self) -> str:
        return f"{self.benign}/{self.attacker}"


DEVELOPMENT = (
    Pair("banking", "codegen"),
    Pair("banking", "bbh"),
    Pair("banking", "held intents"),
    Pair("dialogues", "codegen"),
    Pair("dialogues", "bbh"),
    Pair("chat", "toolformer"),
    Pair("chat", "roleplay"),
)
REPORT = tuple(
    Pair(benign, attacker)
    for benign in ("functions", "homework", MIXED)
    for attacker in ("gorilla", "self-instruct", "toolformer", "roleplay")
)


@cache
def corpus(name: str, folder: Path) -> Texts:
    """Return the prompts of a corpus: object[n], distinct, in the order of the files."""
    return as_texts(text.strip() for text in READERS[name](folder) if len(text) <= MAX_CHARACTERS)


def _banking(folder: Path, *, held: bool) -> Iterator[str]:
    rows = [
        row for path in BANKING for row in zip(*(column(folder / path, c) for c in ("text", "category")), strict=True)
    ]
    narrow = set(sorted({category for _, category in rows})[::HELD_INTENT])
    return (text for text, category in rows if (category in narrow) == held)


def _chat(folder: Path) -> Iterable[str]:
    return [
        *(row["prompt"] for path in ARENA for row in json_lines(folder / path)),
        *column(folder / PERSONAS, "prompt"),
    ]


def _dialogues(folder: Path) -> Iterator[str]:
    """Yield what crowd workers said, every turn of theirs."""
    with gzip.open(folder / "hh_rlhf/harmless-base/test.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            turns = json.loads(line)["chosen"].split("\n\nHuman: ")[1:]
            yield from (turn.split("\n\nAssistant:")[0] for turn in turns)


def _functions(folder: Path) -> Iterable[str]:
    return [*tool_questions(folder, LIVE_QUESTIONS), *tool_questions(folder, TOOL_QUESTIONS)]


def _homework(folder: Path) -> Iterator[str]:
    return (row["question"] for path in (HOMEWORK, SUITE) for row in json_lines(folder / path))


def _gpteacher(path: str) -> Callable[[Path], Iterator[str]]:
    return lambda folder: (
        f"{row['instruction']}\n{row['input']}" for row in json.loads((folder / "gpteacher" / path).read_text())
    )


def _gorilla(folder: Path) -> Iterator[str]:
    """Yield the instructions of APIBench, which stand in a field of code between two marks."""
    for path in sorted((folder / "gorilla_apibench").glob("*.json")):
        for row in json_lines(path):
            code = str(row["code"])
            if "Instruction" in code:
                after = code.split("Instruction", 1)[1].lstrip("':\" ")
                yield after.split("###Output")[0].split("'Output'")[0].split("\n")[0].strip(" ,'\"")


def _self_instruct(folder: Path) -> Iterator[str]:
    for path in ("data/seed_tasks.jsonl", "human_eval/user_oriented_instructions.jsonl"):
        for row in json_lines(folder / "self_instruct" / path):
            yield f"{row['instruction']}\n{row['instances'][0]['input']}"


def _bbh(folder: Path) -> Iterator[str]:
    for path in sorted((folder / "bbh/bbh").glob("*.json")):
        yield from (row["input"] for row in json.loads(path.read_text())["examples"])


READERS: dict[str, Callable[[Path], Iterable[str]]] = {
    "banking": lambda folder: _banking(folder, held=False),
    "held intents": lambda folder: _banking(folder, held=True),
    "dialogues": _dialogues,
    "chat": _chat,
    "functions": _functions,
    "homework": _homework,
    MIXED: lambda folder: [*_functions(folder), *_homework(folder)],
    "codegen": _gpteacher("Codegen/codegen-instruct.json"),
    "toolformer": _gpteacher("Toolformer/toolformer-dedupe-only-dataset.json"),
    "roleplay": _gpteacher("Roleplay/roleplay-simple-deduped-roleplay-instruct.json"),
    "gorilla": _gorilla,
    "self-instruct": _self_instruct,
    "bbh": _bbh,
}


def without(texts: Texts, others: Texts) -> Texts:
    """Return the texts that are not among the others: a pair must differ for sure."""
    known = set(others)
    return np.array([text for text in texts if text not in known], dtype=object)
