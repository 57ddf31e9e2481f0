"""The cues of intents, in the project's own words: intent -> weight -> words and word pairs.

A cue is written folded, as the kernel sees it: small letters, words apart by a space, no punctuation. Every Han or kana
character is a word, so that a Chinese word of two characters is a pair. A weight of 0.7 alone gives a score of a half;
what an innocent prompt often holds ("step by") weighs little and needs company.
"""

from collections.abc import Mapping
from typing import Final

LEXICON: Final[Mapping[str, Mapping[float, str]]] = {
    "reasoning_elicitation": {
        0.9: (
            "internal reasoning, hidden reasoning, reasoning trace, reasoning traces, reasoning chain, "
            "inner monologue, internal monologue, thinking content, private reasoning, raw thinking, 维 链, 維 鏈"
        ),
        0.6: (
            "complete reasoning, full reasoning, entire reasoning, detailed reasoning, reasoning process, "
            "reasoning steps, reasoning behind, thought process, thinking process, intermediate steps, "
            "scratchpad, reason through, 理 过, 考 过, 考 過, 論 過, 理 過"
        ),
        0.4: (
            "your reasoning, your thinking, of thought, think aloud, think out, the reasoning, verbalise, "
            "verbalize, reasoning before, thoughts before, thinking before, 推 理, 推 論, 思 维"
        ),
        0.25: (
            "before answering, before giving, before responding, every step, each inference, articulate the, "
            "write out, spell out, show all, 逐 步, 段 階, 思 考"
        ),
        0.12: "step by, by step, think step, explain your, justify each, work through, strictly consistent",
    },
    "grading": {
        0.9: "impartial judge, grading rubric, scoring rubric, reward model, preference label, 採 点",
        0.6: (
            "rubric, grade the, which response, two responses, both responses, two assistants, assistant a, "
            "assistant b, response a, response b, preferred response, chosen response, reference answer, "
            "final verdict, your verdict, score each, grade each, 评 分, 打 分, 評 分"
        ),
        0.4: (
            "score the, rate the, rate each, evaluate the, better response, quality score, "
            "evaluation criteria, harmlessness, model response, student answer, 评 判, 评 估, 評 価"
        ),
        0.2: "scale of, to 10, 1 10, 1 5, pairwise, helpfulness, criterion, score from, score of, assign a",
        0.1: "1 to, criteria, correctness, output only, on quality",
    },
    "data_generation": {
        0.9: (
            "instruction tuning, output pairs, answer pairs, qa pairs, response pairs, diverse instructions, "
            "synthetic data, seed tasks, synthetic training, training dataset"
        ),
        0.6: (
            "training examples, training data, training samples, fine tuning, finetuning, instruction output, "
            "task instructions, diverse questions, diverse prompts, diverse tasks, diverse examples, "
            "user queries, 问 答, 指 令"
        ),
        0.4: (
            "generate 10, generate 20, generate 50, generate 100, create 20, create 50, write 20, write 50, "
            "fine tune, generate diverse, diverse set, jsonl, json lines, generate questions, dataset of, "
            "new questions, 训 练, 多 样"
        ),
        0.2: (
            "diverse, each example, per line, not repeat, different difficulty, varied, variations of, "
            "paraphrases, seed, generate a, 据 集, 生 成, 学 習"
        ),
    },
    "tool_traces": {
        0.9: "agent trajectory, agent trajectories, action input, tool trajectory, tool traces, tool trace",
        0.6: (
            "tool calls, tool call, tool use, available tools, next action, tool response, tool output, "
            "use tools, which tool, computer use, execution trace, trajectories, tool arguments, tool name"
        ),
        0.35: (
            "function call, function calls, api calls, trajectory, tools to, the tools, tool, "
            "action observation, 工 具, 调 用"
        ),
        0.15: "observation, api call, multi turn, planner, the agent, ツ ー, び 出",
    },
    "coding": {
        0.5: (
            "python function, unit tests, unit test, time complexity, sql query, code snippet, leetcode, "
            "refactor, typescript, python code, python script, pull request, 代 码, 编 程"
        ),
        0.3: (
            "python, javascript, source code, test cases, edge cases, regex, programming, debug, bug, c code, "
            "implement a, write code, following code, 函 数, 関 数"
        ),
        0.15: "code, function, algorithm, java, rust, sql, script, compile, class, array, def, return",
    },
    "censorship_safe_rewriting": {
        0.9: "politically sensitive, censorship safe, censored topics, politically acceptable",
        0.6: (
            "sensitive topics, sensitive topic, sensitive political, sensitive question, censorship, censored, "
            "safe version, compliant version, policy compliant, politically neutral, avoid mentioning, "
            "neutral alternative, 敏 感, 検 閲"
        ),
        0.4: (
            "safe alternative, safe alternatives, party leaders, dissidents, steer the, deflect, sanitised, "
            "sanitized, forbidden topics, 审 查, 審 查, 合 规, 规 避"
        ),
        0.2: (
            "without mentioning, redirect the, authoritarianism, authoritarian, acceptable to, rephrase the, "
            "政 治, 改 写, き 換"
        ),
    },
    "trace_cleaning": {
        0.9: (
            "raw reasoning, messy reasoning, captured reasoning, thinking trace, thinking traces, "
            "false starts, cleaned reasoning, reasoning transcript"
        ),
        0.6: (
            "following reasoning, reasoning trace, reasoning traces, verbose reasoning, dead ends, "
            "self corrections, remove redundant, coherent chain, 清 洗, 冗 余, 冗 長"
        ),
        0.35: (
            "same conclusion, clean the, clean up, tidy the, remove repetition, remove repetitions, "
            "remove filler, normalise the, normalize the, reconstruct the, backtracking, traces, 整 形"
        ),
        0.15: "trace, condense the, reformat the, rewrite the, rewrite this, polish the, filler, 整 理, 润 色",
    },
}
