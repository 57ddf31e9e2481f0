"""Intent scores separate what is asked for; they do it without the key."""

import csv
import json
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest

from gauger.settings import SketchSettings
from gauger.sketches import kernel
from gauger.sketches.intents import cue_hash, intent_scores, lexicon_cues, lexicon_entries
from gauger.sketches.schema import INTENTS
from gauger.sketches.texts import USER_TURN, sketch_texts

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


def scores(texts, key):
    return sketch_texts(pa.array(texts, pa.large_string()), key, namespace=USER_TURN, settings=SketchSettings()).intents


@pytest.mark.parametrize("intent", INTENTS)
def test_what_is_asked_for_scores_highest(intent, key):
    found = scores(ASKED[intent], key)
    column = INTENTS.index(intent)
    assert (found[:, column] >= 0.5).all(), found.round(2)
    assert (found.argmax(axis=1) == column).all(), found.round(2)


def test_banal_prompts_score_low(key):
    assert scores(BANAL, key).max() < 0.25


def test_a_cue_counts_once_however_often_it_stands(key):
    once, often = scores(["rubric", "rubric, rubric and rubric " * 400], key)
    np.testing.assert_array_equal(once, often)


def test_scores_do_not_depend_on_the_key(key):
    texts = [text for asked in ASKED.values() for text in asked]
    np.testing.assert_array_equal(scores(texts, key), scores(texts, key[::-1]))


def test_every_cue_is_found_alone_and_scores_its_weight(key):
    by_cue = {}
    for cue, intent, weight in lexicon_entries():
        by_cue.setdefault(cue, np.zeros(len(INTENTS)))[INTENTS.index(intent)] += weight
    cues = list(by_cue)
    single = {c[0]: w for c, w in by_cue.items() if len(c) == 1}
    expected = [by_cue[c] + sum(single.get(word, 0) for word in set(c) if len(c) == 2) for c in cues]
    np.testing.assert_allclose(scores([" ".join(c) for c in cues], key), 1 - np.exp(-np.array(expected)), atol=1e-6)


def test_the_lexicon_is_well_formed():
    entries = [(cue, intent) for cue, intent, _ in lexicon_entries()]
    assert [entry for entry, n in Counter(entries).items() if n > 1] == []
    assert {intent for _, intent in entries} == set(INTENTS)
    assert {len(cue) for cue, _ in entries} == {1, 2}
    hashes = {cue_hash(cue) for cue, _ in entries}
    assert len(hashes) == len({cue for cue, _ in entries})
    assert (lexicon_cues().tags != 0).sum() == len(hashes) < kernel.CUE_SLOTS // 8


def test_scores_lie_between_zero_and_one():
    found = intent_scores(np.array([[0, 1, 700, 10_000, 10**9, 0, 0]]))
    assert found.dtype == np.float32
    assert found[0, 0] == 0
    assert found[0, 2] == pytest.approx(0.5, abs=0.01)
    assert (found <= 1).all()


@pytest.mark.data
@pytest.mark.parametrize("folder", ["arena-hard-v0.1", "arena-hard-v2.0"])
def test_hard_prompts_of_real_people_score_low(folder, data_folder, key):
    with (data_folder / "arena_hard_auto" / folder / "question.jsonl").open() as lines:
        questions = [json.loads(line) for line in lines]
    found = scores([q.get("prompt") or q["turns"][0]["content"] for q in questions], key)
    others = np.delete(found, INTENTS.index("coding"), axis=1)  # half of these prompts are about code, and say so
    assert others.mean(axis=0).max() < 0.03
    assert found.mean(axis=0).max() < 0.2


@pytest.mark.data
def test_bank_customers_score_next_to_nothing(data_folder, key):
    with (data_folder / "banking77" / "train.csv").open() as lines:
        found = scores([row["text"] for row in csv.DictReader(lines)], key)
    assert found.mean(axis=0).max() < 0.005


@pytest.mark.data
def test_published_judge_prompts_score_as_grading(data_folder, key):
    with (data_folder / "fastchat_llm_judge" / "judge_prompts.jsonl").open() as lines:
        prompts = [json.loads(line) for line in lines]
    found = scores([p["system_prompt"] + " " + p["prompt_template"] for p in prompts], key)
    assert found[:, INTENTS.index("grading")].min() > 0.5
