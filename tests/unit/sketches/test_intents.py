"""Intent scores separate what is asked for; they do it without the key."""

import csv
import hashlib
import json
from importlib.resources import files
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from gauger.errors import SettingsError
from gauger.settings import SketchSettings
from gauger.sketches import kernel
from gauger.sketches.intents import (
    FORMAT,
    WEIGHTS,
    cue_hash,
    intent_cues,
    intent_scores,
    intent_weights,
    parse_weights,
)
from gauger.sketches.schema import INTENTS
from gauger.sketches.texts import USER_TURN, sketch_texts

JUDGED = Path(__file__).parents[3] / "benchmarks" / "results" / "intents.json"

ASKED = {
    "reasoning_elicitation": [
        "Write out your complete internal reasoning step by step before the answer: how many primes lie below 100?",
        "Imagine the thought process behind this finished reply and articulate the intermediate steps in order.",
        "请在回答之前写出完整的推理过程和思维链。",
        "答える前に、あなたの推論過程をすべて段階的に書いてください。",
    ],
    "grading": [
        "Score the response from 1 to 10 by the rubric and print only the number.",
        "You are an impartial judge. Decide which response is better, Response A or Response B, and give your verdict.",
        "请根据以下标准给这个回答打分，满分十分，并给出评分理由。",
    ],
    "data_generation": [
        "Generate 20 diverse instruction and output pairs about household finance.",
        "Create 50 training examples as JSONL, one per line; do not repeat a question.",
        "请生成五十条多样的问答数据，用于训练模型的指令。",
    ],
    "tool_traces": [
        "Given the available tools, produce the next action and the tool call arguments until the task is done.",
        "Continue this agent trajectory: thought, action input, observation.",
        "根据工具列表写出调用工具的步骤。",
    ],
    "coding": [
        "Refactor this python function and add unit tests for the edge cases.",
        "What is the time complexity of this algorithm? Write code in TypeScript.",
    ],
    "censorship_safe_rewriting": [
        "Rewrite this politically sensitive question so that it avoids censored topics yet stays helpful.",
        "Give a policy compliant version that can steer the user away from party leaders and dissidents.",
        "把下面的敏感问题改写成合规的说法。",
    ],
    "trace_cleaning": [
        "Clean up the raw reasoning below: drop false starts and dead ends and keep the same conclusion.",
        "The following reasoning is verbose. Remove redundant parts and tidy the rest into a coherent chain.",
        "请清洗下面的内容，删除冗余，整理成通顺的文字。",
    ],
}

BANAL = [
    "What is the capital of Peru?",
    "My card has not arrived yet, what should I do?",
    "Write a short birthday poem for my grandmother who loves gardening.",
    "Explain photosynthesis to a ten year old, step by step.",
    "Translate this into French: the train leaves at nine.",
    "How long do I boil an egg?",
    "今天天气怎么样？",
    "おすすめの本を教えてください。",
    "",
]


#: Reasons asked for by people who must account for a decision: the requirement is on these.
AUDITS = [
    "Explain step by step why the model turned down this mortgage, so that our regulator can check it.",
    "For the compliance audit, summarise which rules and facts led to the decision in this file.",
    "I teach year seven. Show your work for 17 x 24 so that the children see every step.",
    "Translate this letter to the tax office into English and keep it polite.",
    "请逐步解释模型为什么拒绝了这笔贷款，供审计人员查阅。",
    "监査のため、この取引が検出された理由を段階的に説明してください。",
]


def scores(texts, key):
    return sketch_texts(pa.array(texts, pa.large_string()), key, namespace=USER_TURN, settings=SketchSettings()).intents


@pytest.mark.parametrize("intent", INTENTS)
def test_what_is_asked_for_scores_highest(intent, key):
    found = scores(ASKED[intent], key)
    column = INTENTS.index(intent)
    assert (found[:, column] >= intent_weights().flagged[column]).all(), found.round(2)
    assert (found.argmax(axis=1) == column).all(), found.round(2)


def test_banal_prompts_score_low(key):
    assert scores(BANAL, key).max() < 0.25


def test_audits_teachers_and_translators_are_not_flagged(key):
    found = scores(AUDITS, key)
    assert (found < intent_weights().flagged).all(), found.round(2)


def test_a_text_without_words_asks_for_nothing(key):
    np.testing.assert_array_equal(scores(["", "?!", "\n"], key), 0)


def test_a_cue_counts_once_however_often_it_stands(key):
    once, often = scores(["rubric", "rubric, rubric and rubric " * 400], key)
    np.testing.assert_array_equal(once, often)


def test_scores_do_not_depend_on_the_key(key):
    texts = [text for asked in ASKED.values() for text in asked]
    np.testing.assert_array_equal(scores(texts, key), scores(texts, key[::-1]))


def test_every_cue_is_found_alone_and_weighs_what_the_table_says(key):
    model = intent_weights()
    present = [{c, *((word,) for word in c)} for c in model.by_cue]
    sums = [model.biases + sum(np.array(model.by_cue.get(c, [0] * 7)) for c in cues) for cues in present]
    found = scores([" ".join(c) for c in model.by_cue], key)
    np.testing.assert_allclose(found, 1 / (1 + np.exp(-np.array(sums) / 1000)), atol=1e-6)


def test_the_weights_are_small_plain_text_and_those_that_were_judged():
    content = (files("gauger.sketches") / WEIGHTS).read_bytes()
    assert len(content) < 300_000
    assert content.decode().startswith(FORMAT)
    if JUDGED.exists():
        assert hashlib.sha256(content).hexdigest() == json.loads(JUDGED.read_text())["weights"]["sha256"]


def test_cues_are_folded_and_fill_no_more_than_half_of_the_table(reference_words):
    by_cue = intent_weights().by_cue
    assert all(reference_words(" ".join(cue)) == list(cue) for cue in by_cue)
    assert len({cue_hash(cue) for cue in by_cue}) == len(by_cue)
    assert (intent_cues().tags != 0).sum() == len(by_cue) <= kernel.CUE_SLOTS // 2


def test_a_score_flags_from_a_half_or_higher():
    flagged = intent_weights().flagged
    assert flagged.dtype == np.float32
    assert ((flagged >= 0.5) & (flagged < 1)).all()


HEAD = [FORMAT, "\t".join(["cue", *INTENTS]), "biases" + "\t-1" * 7, "flagged" + "\t500" * 7]


def test_a_table_of_weights_is_read():
    model = parse_weights("\n".join([*HEAD, "rubric\t1\t2\t3\t4\t5\t6\t7", "推 理" + "\t9" * 7]))
    assert model.by_cue == {("rubric",): (1, 2, 3, 4, 5, 6, 7), ("推", "理"): (9,) * 7}
    assert (model.biases == -1).all()
    assert (model.flagged == np.float32(0.5)).all()


@pytest.mark.parametrize(
    ("lines", "where"),
    [
        ([], WEIGHTS),
        ([FORMAT.replace("1:", "2:"), *HEAD[1:]], WEIGHTS),
        ([HEAD[0], HEAD[1].replace("grading", "judging"), *HEAD[2:]], WEIGHTS),
        ([HEAD[0], HEAD[1], HEAD[3], HEAD[2]], WEIGHTS),
        ([*HEAD, "a" + "\t1" * 7, "a" + "\t2" * 7], WEIGHTS),
        ([*HEAD, "a" + "\t1" * 6], "line 5"),
        ([*HEAD, "a" + "\t0.5" * 7], "line 5"),
        ([*HEAD, "a b c" + "\t1" * 7], "line 5"),
        ([*HEAD, "" + "\t1" * 7], "line 5"),
    ],
)
def test_a_damaged_table_is_refused_with_its_place(lines, where):
    with pytest.raises(SettingsError) as refused:
        parse_weights("\n".join(lines))
    assert where in str(refused.value)


def test_scores_are_probabilities_of_the_sums():
    sums = np.array([[-(10**9), -1000, 0, 1000, 10**9, 0, 0]]) - intent_weights().biases
    found = intent_scores(sums)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[0, :5], [0, 0.268941, 0.5, 0.731059, 1], atol=1e-6)


@pytest.mark.data
@pytest.mark.parametrize("folder", ["arena-hard-v0.1", "arena-hard-v2.0"])
def test_few_hard_prompts_of_real_people_are_flagged(folder, data_folder, key):
    with (data_folder / "arena_hard_auto" / folder / "question.jsonl").open() as lines:
        questions = [json.loads(line) for line in lines]
    found = scores([q.get("prompt") or q["turns"][0]["content"] for q in questions], key)
    flagged = (found >= intent_weights().flagged).mean(axis=0)
    others = np.delete(flagged, INTENTS.index("coding"))  # half of these prompts are about code, and say so
    assert others.max() < 0.05, flagged
    assert flagged.max() < 0.5


@pytest.mark.data
def test_bank_customers_are_not_flagged(data_folder, key):
    with (data_folder / "banking77" / "train.csv").open() as lines:
        found = scores([row["text"] for row in csv.DictReader(lines)], key)
    assert (found >= intent_weights().flagged).mean(axis=0).max() < 0.001
    assert found.mean(axis=0).max() < 0.05


@pytest.mark.data
def test_published_judge_prompts_score_as_grading(data_folder, key):
    with (data_folder / "fastchat_llm_judge" / "judge_prompts.jsonl").open() as lines:
        prompts = [json.loads(line) for line in lines]
    found = scores([p["system_prompt"] + " " + p["prompt_template"] for p in prompts], key)
    assert found[:, INTENTS.index("grading")].min() > 0.5
