"""Pools from public data sets: real prompts and real arrival times, read from a folder that the operator names.

The folder holds the data sets under their usual names (`gpteacher/`, `arena_hard_auto/`, ...). GPTeacher, which was
made to train models, is what campaigns ask; the others, which persons and evaluations asked, are what innocents ask.
"""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa
from pyarrow.csv import ConvertOptions, ParseOptions, ReadOptions, read_csv

from gauger.errors import InputError
from gauger.lab.grammar import grammar_pools
from gauger.lab.pools import Arrivals, Floats, Ints, Pools, Shelf, Texts, as_texts, place, split

#: Longer prompts are left out: they are few, and a world would consist of them.
MAX_CHARACTERS: Final = 5_000

#: Clusters of arena-hard v0.1 hold two prompts each: they are dealt to this many topics by their names.
ARENA_TOPICS: Final = 10

#: The files that make up a pool, relative to the folder.
CAMPAIGN_LISTS: Final = {
    "coding": "gpteacher/Codegen/codegen-instruct.json",
    "tool_traces": "gpteacher/Toolformer/toolformer-dedupe-only-dataset.json",
}
ARENA: Final = ("arena_hard_auto/arena-hard-v0.1/question.jsonl", "arena_hard_auto/arena-hard-v2.0/question.jsonl")
PERSONAS: Final = "awesome_chatgpt_prompts/prompts.csv"
BANKING: Final = ("banking77/train.csv", "banking77/test.csv")
#: Questions with tools: those that users of a public service sent in, and those written for the benchmark.
LIVE_QUESTIONS: Final = tuple(
    f"bfcl/BFCL_v4_live_{name}.json"
    for name in ("irrelevance", "multiple", "parallel", "parallel_multiple", "relevance", "simple")
)
TOOL_QUESTIONS: Final = tuple(
    f"bfcl/BFCL_v4_{name}.json"
    for name in (
        "irrelevance",
        "multi_turn_base",
        "multiple",
        "parallel",
        "parallel_multiple",
        "simple_java",
        "simple_javascript",
        "simple_python",
    )
)
AIRLINE: Final = "tau_bench/historical_trajectories/gpt-4o-airline.json"
#: Word problems: evaluations run the test set, persons ask for help with the others.
SUITE: Final = "gsm8k/test.jsonl"
HOMEWORK: Final = "gsm8k/train.jsonl"
AZURE: Final = ("azure_llm_trace/AzureLLMInferenceTrace_conv.csv", "azure_llm_trace/AzureLLMInferenceTrace_code.csv")
MOONCAKE: Final = "mooncake_trace/traces/conversation_trace.jsonl"

#: Blocks of 512 tokens that two requests of the conversation trace share at least when one goes on from the other;
#: the first blocks are a system prompt that strangers have in common.
SHARED_BLOCKS: Final = 4


def data_pools(folder: Path) -> Pools:
    """Return pools of real prompts; the grammar is the reserve where they run out.

    Parameters
    ----------
    folder
        Holds the data sets, one folder each.

    Raises
    ------
    InputError
        A file is absent or is not what its name says.
    """
    made = grammar_pools()
    questions = [
        *_arena(folder),
        *(("personas", text) for text in column(folder / PERSONAS, "prompt")),
        *(("homework", row["question"]) for row in json_lines(folder / HOMEWORK)),
        *(("requests", text) for text in tool_questions(folder, LIVE_QUESTIONS)),
    ]
    topics = {f"real_{topic}": [text for own, text in questions if own == topic] for topic, _ in questions}
    reserves = [own for name, own in made.topics.items() if ":" not in name]
    return Pools(
        topics={
            **{
                name: _with_reserve(texts, made.code if name == "real_coding" else reserves[k % len(reserves)])
                for k, (name, texts) in enumerate(sorted(topics.items()))
            },
            **{name: own for name, own in made.topics.items() if ":" in name},
        },
        code=made.code,
        inputs={
            **made.inputs,
            "bank": _with_reserve(
                (text for path in BANKING for text in column(folder / path, "text")), made.inputs["bank"]
            ),
            "tools": _with_reserve(tool_questions(folder, TOOL_QUESTIONS), made.inputs["software"]),
            "airline": _with_reserve(_airline_turns(folder), made.inputs["hotel"]),
        },
        follow_ups=made.follow_ups,
        answers=made.answers,
        lists={**made.lists, **{name: _campaign_list(folder / path) for name, path in CAMPAIGN_LISTS.items()}},
        suites={"math": _suite(folder)},
        arrivals=_arrivals(folder),
    )


def _with_reserve(texts: Iterable[str], made: Shelf) -> Shelf:
    return Shelf(split(fitting(texts)), made.texts)


def fitting(texts: Iterable[str]) -> Texts:
    """Return the distinct texts that are not too long, without blanks around them."""
    return as_texts(text.strip() for text in texts if len(text) <= MAX_CHARACTERS)


def _arena(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield (topic, prompt) of arena-hard: the subcategory where there is one, else a topic by the cluster's name."""
    for path in ARENA:
        for row in json_lines(folder / path):
            cluster = f"arena_{int(ARENA_TOPICS * place(row['cluster']))}" if "cluster" in row else row["subcategory"]
            yield cluster, row["prompt"]


def tool_questions(folder: Path, paths: Iterable[str]) -> Iterator[str]:
    """Yield the user turns of the tool-use questions."""
    for path in paths:
        for row in json_lines(folder / path):
            yield from (turn["content"] for turns in row["question"] for turn in turns if turn["role"] == "user")


def _airline_turns(folder: Path) -> Iterator[str]:
    """Yield what customers said to an airline's agent."""
    for run in _json(folder / AIRLINE):
        yield from (turn["content"] for turn in run["traj"] if turn["role"] == "user" and turn["content"])


def _campaign_list(path: Path) -> Texts:
    return fitting(f"{row['instruction']}\n{row['input']}" for row in _json(path))


def _suite(folder: Path) -> Texts:
    """Return word problems, ordered by their hash."""
    items = fitting(row["question"] for row in json_lines(folder / SUITE))
    return np.array(sorted(items, key=place), dtype=object)


def _arrivals(folder: Path) -> Arrivals:
    turns, think_s = conversations(list(json_lines(folder / MOONCAKE)))
    traces = [azure_trace(folder / path) for path in AZURE]
    return Arrivals(
        turns=turns,
        think_s=think_s,
        machine_gaps=np.concatenate([gaps for gaps, _ in traces]),
        output_tokens=np.concatenate([tokens for _, tokens in traces]),
    )


def azure_trace(path: Path) -> tuple[Floats, Ints]:
    """Return gaps between requests as multiples of their mean, and tokens of answers, of an Azure trace."""
    times = np.array([np.datetime64(_iso(text)) for text in column(path, "TIMESTAMP")])
    gaps = np.diff(times) / np.timedelta64(1, "s")
    return gaps / gaps.mean(), np.array([int(text) for text in column(path, "GeneratedTokens")], dtype=np.int64)


def _iso(text: str) -> str:
    """Return a time of the trace (seven decimals, a blank) with the six that a microsecond has."""
    return text[:26].replace(" ", "T")


def conversations(requests: list[dict[str, Any]]) -> tuple[Ints, Floats]:
    """Return turns of each conversation and the seconds between turns.

    A request goes on from an earlier one of the trace when it is no shorter and begins with all blocks of the earlier
    one but the last, which may be half filled.
    """
    threads: dict[tuple[int, ...], list[dict[str, Any]]] = {}
    for request in requests:
        if len(request["hash_ids"]) >= SHARED_BLOCKS:
            threads.setdefault(tuple(request["hash_ids"][:SHARED_BLOCKS]), []).append(request)
    turns, gaps = [], []
    for thread in threads.values():
        length = 1
        for earlier, later in pairwise(thread):
            if _goes_on(earlier, later):
                gaps.append((later["timestamp"] - earlier["timestamp"]) / 1_000)
                length += 1
            else:
                turns.append(length)
                length = 1
        turns.append(length)
    return np.array(turns, dtype=np.int64), np.array(gaps, dtype=np.float64)


def _goes_on(earlier: dict[str, Any], later: dict[str, Any]) -> bool:
    stem = earlier["hash_ids"][:-1]
    return bool(later["input_length"] >= earlier["input_length"] and later["hash_ids"][: len(stem)] == stem)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(
            "a data set is absent", where=str(path), todo="name the folder of the public data sets"
        ) from error


def _json(path: Path) -> Any:
    try:
        return msgspec.json.decode(_bytes(path))
    except msgspec.DecodeError as error:
        raise InputError("the data set is no JSON", where=str(path), todo="fetch it anew") from error


def json_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the records of a file of JSON lines."""
    for number, line in enumerate(_bytes(path).splitlines(), start=1):
        if line.strip():
            try:
                yield msgspec.json.decode(line)
            except msgspec.DecodeError as error:
                raise InputError("the line is no JSON", where=f"{path}, line {number}", todo="fetch it anew") from error


def column(path: Path, name: str) -> list[str]:
    """Return a column of a CSV file as text, without empty cells."""
    try:
        table = read_csv(
            pa.BufferReader(_bytes(path)),
            # One block: a cell may hold whole pages, and none may be cut by the end of a block.
            read_options=ReadOptions(block_size=1 << 30, use_threads=False),
            parse_options=ParseOptions(newlines_in_values=True),
            convert_options=ConvertOptions(include_columns=[name], column_types={name: pa.string()}),
        )
    except (pa.ArrowInvalid, KeyError) as error:
        raise InputError(f"the file has no readable column {name!r}", where=str(path), todo="fetch it anew") from error
    return [text for text in table[name].to_pylist() if text]
