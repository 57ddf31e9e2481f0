"""The texts that the intent weights are trained and judged on: public data sets, and requests in our own words.

Every row has a label per intent: 1 asked for, 0 not asked for, `UNKNOWN` where the set's maker did not say and a reader
might argue. Rows of one template, and rows of one data set, stand on the same side of every split.
"""

import csv
import gzip
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from benchmarks.intents.asks import INNOCENT, MATERIAL, Template
from gauger.sketches.schema import INTENTS

UNKNOWN: Final = -1
N_FOLDS: Final = 4
#: Instead of a fold: rows of data sets that are trained on in every fold, and of those that never are.
ALWAYS_TRAINED, NEVER_TRAINED = -1, -2
#: Requests for something else that share their words with an intent; the requirement is on the first kind.
HARD: Final = ("audit", "show_work", "evaluation", "translation", "polishing", "opinions", "tools", "politics")
MAX_CHARACTERS: Final = 6_000
#: Draws of a template, rows of a data set, rows of long material on each side.
PER_TEMPLATE, PER_SET, N_LONG = 16, 600, 200
#: Shares of requests that carry material, and of those whose material is long.
WITH_MATERIAL, LONG = 0.6, 0.15
#: Shares of Chinese and Japanese requests whose material is in their own language; of material before the request.
OWN_MATERIAL, MATERIAL_FIRST = 0.7, 0.2
LABELS: Final = ("Question: ", "Text:\n", "Input: ", "### ", "", "\n", "Prompt: ", "Content:\n", "Item: ", "---\n")


@dataclass(frozen=True)
class Corpus:
    """Rows of texts.

    Attributes
    ----------
    texts
        n texts.
    labels
        int8[n, 7]: 1, 0 or `UNKNOWN`, in the order of `INTENTS`.
    family, kind, source, language
        str[n]: the template or data set; the type of request; "own words" or the data set; its language.
    fold
        int8[n]: 0 to 3 for our own templates, else `ALWAYS_TRAINED` or `NEVER_TRAINED`.
    weight
        float64[n]: a template counts 1, a data set `SET_WEIGHT`.
    """

    texts: list[str]
    labels: npt.NDArray[np.int8]
    family: npt.NDArray[np.str_]
    kind: npt.NDArray[np.str_]
    source: npt.NDArray[np.str_]
    language: npt.NDArray[np.str_]
    fold: npt.NDArray[np.int8]
    weight: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.texts)


@dataclass(frozen=True)
class DataSet:
    """A public data set: what its rows ask for, what nobody can say of them, and whether they are requests' material.

    Each fold has a share of the material of its own, and no set that is never trained on gives any.
    """

    name: str
    licence: str
    rows: Callable[[Path], Iterable[str]]
    trained: bool
    asks: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    kind: str = "ordinary"
    is_material: bool = False


#: Weight of a data set against a template's 1, in the loss: some thirty templates belong to an intent.
SET_WEIGHT: Final = 20.0

CODE: Final = ("coding",)
CODE_OR_TOOLS: Final = ("coding", "tool_traces")


# --- reading the data sets -----------------------------------------------------------------------------------------


def _json_lines(path: Path) -> Iterator[dict]:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as lines:
        yield from (json.loads(line) for line in lines if line.strip())


def _csv(path: Path, column: str) -> list[str]:
    csv.field_size_limit(10**9)
    with path.open(encoding="utf-8", newline="") as lines:
        return [row[column] for row in csv.DictReader(lines)]


def _gpteacher(path: str) -> Callable[[Path], list[str]]:
    return lambda folder: [
        f"{row['instruction']}\n{row['input']}".strip() for row in json.loads((folder / "gpteacher" / path).read_text())
    ]


def _first_turns(folder: Path) -> list[str]:
    dialogues = _json_lines(folder / "hh_rlhf/harmless-base/test.jsonl.gz")
    return [row["chosen"].split("\n\nHuman: ")[1].split("\n\nAssistant:")[0] for row in dialogues]


def _arena(folder: Path, version: str, *subcategories: str) -> list[str]:
    rows = _json_lines(folder / "arena_hard_auto" / version / "question.jsonl")
    return [row["prompt"] for row in rows if not subcategories or row["subcategory"] in subcategories]


def _judge_prompts(folder: Path) -> list[str]:
    """Published judge templates, each filled with twelve questions and, as answers, two other questions."""
    base = folder / "fastchat_llm_judge"
    turns = [row["turns"] for row in _json_lines(base / "mt_bench/question.jsonl")]
    filled = []
    for row in _json_lines(base / "judge_prompts.jsonl"):
        text = f"{row['system_prompt']}\n{row['prompt_template']}"
        for i in range(12):
            parts = text
            for slot in ("question", "question_1", "answer", "answer_1", "answer_a", "answer_a_1", "ref_answer_1"):
                parts = parts.replace(f"{{{slot}}}", turns[i][0])
            filled.append(parts)
    return filled


def _benches(folder: Path) -> list[str]:
    base = folder / "fastchat_llm_judge"
    return [
        row["turns"][0] for name in ("mt_bench", "vicuna_bench") for row in _json_lines(base / name / "question.jsonl")
    ]


def _tool_questions(folder: Path) -> list[str]:
    names = ("live_simple", "live_multiple", "multi_turn_base", "irrelevance")
    rows = [row for name in names for row in _json_lines(folder / "bfcl" / f"BFCL_v4_{name}.json")]
    return [turn["content"] for row in rows for turns in row["question"] for turn in turns if turn["role"] == "user"]


def _airline(folder: Path) -> list[str]:
    runs = json.loads((folder / "tau_bench/historical_trajectories/gpt-4o-airline.json").read_text())
    return [turn["content"] for run in runs for turn in run["traj"] if turn["role"] == "user" and turn["content"]]


def _bbh_items(folder: Path) -> list[str]:
    paths = sorted((folder / "bbh/bbh").glob("*.json"))
    return [row["input"] for path in paths for row in json.loads(path.read_text())["examples"][:30]]


def _bbh_prompts(folder: Path) -> list[str]:
    return [path.read_text().split("-----\n")[-1] for path in sorted((folder / "bbh/cot-prompts").glob("*.txt"))]


def _gorilla(folder: Path) -> list[str]:
    rows = [row["code"] for row in _json_lines(folder / "gorilla_apibench/huggingface_eval.json")]
    return [code.split("nstruction: ")[1].split("\n")[0] for code in rows if "nstruction: " in code]


def _seeds(folder: Path) -> list[str]:
    rows = _json_lines(folder / "self_instruct/data/seed_tasks.jsonl")
    return [f"{row['instruction']}\n{row['instances'][0]['input']}".strip() for row in rows]


def _user_tasks(folder: Path) -> list[str]:
    rows = _json_lines(folder / "self_instruct/human_eval/user_oriented_instructions.jsonl")
    return [f"{row['instruction']}\n{row['instances'][0]['input']}".strip() for row in rows]


#: What a crowd's prompts ask for nobody has written down; no reader would take them for the other three intents.
_CROWD: Final = ("coding", "tool_traces", "grading", "data_generation")

DATA_SETS: Final = (
    DataSet("hh_rlhf first turns", "MIT", _first_turns, trained=True, is_material=True),
    DataSet("banking77", "CC-BY-4.0", lambda f: _csv(f / "banking77/train.csv", "text"), trained=True),
    DataSet(
        "awesome_chatgpt_prompts",
        "CC0-1.0",
        lambda f: _csv(f / "awesome_chatgpt_prompts/prompts.csv", "prompt"),
        trained=True,
        unknown=_CROWD,
        is_material=True,
    ),
    DataSet(
        "gsm8k train",
        "MIT",
        lambda f: [row["question"] for row in _json_lines(f / "gsm8k/train.jsonl")],
        trained=True,
        is_material=True,
    ),
    DataSet(
        "gpteacher role-play",
        "MIT",
        _gpteacher("Roleplay/roleplay-simple-deduped-roleplay-instruct.json"),
        trained=True,
        unknown=("data_generation",),
    ),
    DataSet(
        "gpteacher code",
        "MIT",
        _gpteacher("Codegen/codegen-instruct.json"),
        trained=True,
        asks=CODE,
        kind="published_code",
    ),
    DataSet(
        "gpteacher tool use",
        "MIT",
        _gpteacher("Toolformer/toolformer-dedupe-only-dataset.json"),
        trained=True,
        asks=("tool_traces",),
        unknown=CODE,
        kind="published_tools",
    ),
    DataSet("self_instruct seeds", "Apache-2.0", _seeds, trained=True, unknown=CODE, is_material=True),
    DataSet(
        "humaneval",
        "MIT",
        lambda f: [row["prompt"] for row in _json_lines(f / "humaneval/HumanEval.jsonl.gz")],
        trained=False,
        asks=CODE,
        kind="humaneval",
    ),
    DataSet(
        "arena-hard v2.0 coding",
        "Apache-2.0",
        lambda f: _arena(f, "arena-hard-v2.0", "coding"),
        trained=False,
        asks=CODE,
        unknown=("tool_traces", "data_generation"),
        kind="arena_coding",
    ),
    DataSet(
        "arena-hard v2.0 writing",
        "Apache-2.0",
        lambda f: _arena(f, "arena-hard-v2.0", "creative_writing"),
        trained=False,
    ),
    DataSet(
        "arena-hard v2.0 maths",
        "Apache-2.0",
        lambda f: _arena(f, "arena-hard-v2.0", "math"),
        trained=False,
        unknown=CODE,
    ),
    DataSet(
        "arena-hard v0.1",
        "Apache-2.0",
        lambda f: _arena(f, "arena-hard-v0.1"),
        trained=False,
        unknown=("coding", "tool_traces", "data_generation"),
    ),
    DataSet(
        "fastchat judge prompts",
        "Apache-2.0",
        _judge_prompts,
        trained=False,
        asks=("grading",),
        unknown=CODE,
        kind="published_judges",
    ),
    DataSet("mt_bench and vicuna questions", "Apache-2.0", _benches, trained=False, unknown=CODE),
    DataSet("self_instruct user tasks", "Apache-2.0", _user_tasks, trained=False, unknown=CODE),
    DataSet("bfcl questions", "Apache-2.0", _tool_questions, trained=False, unknown=CODE_OR_TOOLS),
    DataSet("tau_bench customers", "MIT", _airline, trained=False),
    DataSet("bbh items", "MIT", _bbh_items, trained=False, unknown=CODE),
    DataSet(
        "bbh few-shot prompts",
        "MIT",
        _bbh_prompts,
        trained=False,
        unknown=("reasoning_elicitation", "coding"),
        kind="evaluation",
    ),
    DataSet("gorilla API requests", "Apache-2.0", _gorilla, trained=False, unknown=CODE_OR_TOOLS),
    DataSet(
        "xstest prompts",
        "CC-BY-4.0",
        lambda f: _csv(f / "xstest/xstest_prompts.csv", "prompt"),
        trained=False,
        unknown=CODE,
    ),
)


# --- putting rows together -----------------------------------------------------------------------------------------


@dataclass
class _Rows:
    texts: list[str] = field(default_factory=list)
    labels: list[list[int]] = field(default_factory=list)
    facts: list[tuple[str, str, str, str]] = field(default_factory=list)
    folds: list[int] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)

    def corpus(self) -> Corpus:
        family, kind, source, language = (np.array(column) for column in zip(*self.facts, strict=True))
        return Corpus(
            texts=self.texts,
            labels=np.array(self.labels, np.int8),
            family=family,
            kind=kind,
            source=source,
            language=language,
            fold=np.array(self.folds, np.int8),
            weight=np.array(self.weights),
        )


def build(
    folder: Path, own: Sequence[Template], rng: np.random.Generator, data_sets: Sequence[DataSet] = DATA_SETS
) -> Corpus:
    """Return every row, the same for the same seed; `folder` holds the public data sets (`GAUGER_DATA`)."""
    rows = _Rows()
    drawn = [(data_set, _drawn(data_set, folder, rng)) for data_set in data_sets]
    for data_set, texts in drawn:
        _add_data_set(rows, data_set, texts)
    for trained, fold in ((True, ALWAYS_TRAINED), (False, NEVER_TRAINED)):
        pool = [text for s, texts in drawn if s.trained == trained and not s.asks for text in texts]
        _add_long(rows, pool, fold, rng)
    _add_templates(rows, own, [text for s, texts in drawn if s.is_material for text in texts], rng)
    return rows.corpus()


def _drawn(data_set: DataSet, folder: Path, rng: np.random.Generator) -> list[str]:
    texts = [text[:MAX_CHARACTERS] for text in dict.fromkeys(data_set.rows(folder)) if text.strip()]
    return [texts[i] for i in sorted(rng.permutation(len(texts))[:PER_SET].tolist())]


def _add_data_set(rows: _Rows, data_set: DataSet, texts: list[str]) -> None:
    label = [1 if name in data_set.asks else UNKNOWN if name in data_set.unknown else 0 for name in INTENTS]
    rows.texts += texts
    rows.labels += [label] * len(texts)
    rows.facts += [(data_set.name, data_set.kind, data_set.name, "en")] * len(texts)
    rows.folds += [ALWAYS_TRAINED if data_set.trained else NEVER_TRAINED] * len(texts)
    rows.weights += [SET_WEIGHT / len(texts)] * len(texts)


def _add_long(rows: _Rows, pool: list[str], fold: int, rng: np.random.Generator) -> None:
    """Long innocent prompts: several rows of sets that ask for nothing, so that length alone asks for nothing."""
    rows.texts += ["\n\n".join(_some(pool, int(rng.integers(4, 12)), rng)) for _ in range(N_LONG)]
    rows.labels += [[UNKNOWN if name in _CROWD else 0 for name in INTENTS]] * N_LONG
    rows.facts += [(f"long {fold}", "ordinary", "long material", "en")] * N_LONG
    rows.folds += [fold] * N_LONG
    rows.weights += [SET_WEIGHT / N_LONG] * N_LONG


def _add_templates(rows: _Rows, own: Sequence[Template], materials: list[str], rng: np.random.Generator) -> None:
    """Each template in several draws; its fold goes round by its position under the heading."""
    n_headings = 0
    for template in own:
        n_headings += template.position == 0  # else the later folds would miss the shorter headings
        fold = (template.position + n_headings) % N_FOLDS
        pool = materials[fold::N_FOLDS]
        for _ in range(PER_TEMPLATE):
            same_language = _banal(own, template.language, fold, rng) if rng.random() < OWN_MATERIAL else []
            rows.texts.append(_with_material(template.draw(rng), same_language or pool, rng))
        rows.labels += [_label(template)] * PER_TEMPLATE
        kind = "ordinary" if template.intent == INNOCENT and template.kind not in HARD else template.kind
        rows.facts += [(template.name, kind, "own words", template.language)] * PER_TEMPLATE
        rows.folds += [fold] * PER_TEMPLATE
        rows.weights += [1 / PER_TEMPLATE] * PER_TEMPLATE


def _label(template: Template) -> list[int]:
    label = [int(template.intent == name) for name in INTENTS]
    if template.intent == "trace_cleaning":  # what is cleaned was elicited before: a reader may see both
        label[INTENTS.index("reasoning_elicitation")] = UNKNOWN
    return label


def _banal(own: Sequence[Template], language: str, fold: int, rng: np.random.Generator) -> list[str]:
    """Three everyday questions in a language that no data set here holds."""
    asks = [t for t in own if t.kind == "banal" and t.language == language and t.position % N_FOLDS == fold]
    return [asks[i].draw(rng) for i in rng.integers(0, len(asks), 3)] if asks else []


def _some(pool: Sequence[str], n: int, rng: np.random.Generator) -> list[str]:
    return [pool[i] for i in rng.integers(0, len(pool), n).tolist()]


def _with_material(ask: str, pool: Sequence[str], rng: np.random.Generator) -> str:
    if rng.random() >= WITH_MATERIAL and MATERIAL not in ask:
        return ask
    n = int(rng.integers(3, 9)) if rng.random() < LONG else 1
    material = "\n\n".join(_some(pool, n, rng))[:MAX_CHARACTERS]
    if MATERIAL in ask:
        return ask.replace(MATERIAL, material)
    if rng.random() < MATERIAL_FIRST:
        return f"{material}\n\n{ask}"
    return f"{ask}\n{rng.choice(LABELS)}{material}"
