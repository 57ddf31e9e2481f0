"""Is this model trained on text under our key: validity of the p-values, and power by the share that was marked.

    python -m benchmarks.radioactivity [--smoke] [--only validity|power|more|looks|published]

Task, "state tracking" (16 states, 8 operators that permute them, 6 steps): a trace walks through the states and says
two words of a fixed Markov source before each. The **teacher** is that process itself, so its probabilities are known
exactly. The **student counts**: it is no neural network but a table of what followed what in the teacher's traces (by
operator and token before, backing off to the operator, to the token before, and to a language of its own). It learns
the task from nothing but traces, and the mark with it. Real, trained students are another benchmark's; whatever writes
lines of `gauger prove radioactivity` can be tested in the same way.

Validity: 5 clean students (and, for templates, 5 sets of templated text) x 400 keys for each of three schemes. Each
p-value is taken twice: as the product gives it (drawing stops early) and as the rank among all of 199 keys.
Kolmogorov-Smirnov: one-sided for p-values that are too small, two-sided for ranks. Ties of whole counts, as of green
tokens over few cells, make p-values larger, never smaller.

Power: 2,000 traces, a share of them marked (kgw and gumbel, context 1); 2,000 answers of the student, against the
teacher and plain. 20 % is tested with 999,999 other keys, the rest with 9,999. "More": 5 % again, 10,000 answers.

Looks: e-values at doubling numbers of answers, on marked and clean students.

Published: final rows of Sander et al. (2024, arXiv 2402.14904), released with their code, recomputed.
"""

import argparse
import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy import stats

from benchmarks.hardware import hardware
from gauger.proof.cells import Answer, Cells, Reference, plain_cells, referenced_cells
from gauger.proof.radioactivity import key_test
from gauger.proof.schemes import Gumbel, Kgw, Scheme, SynthId
from gauger.proof.sequential import Looks

RESULT = Path("benchmarks/results/radioactivity.json")
SEEDS = (1, 2, 3, 4, 5)
N_TRACES = 2_000
DELTA = 2.0
SHARES = (0.0, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
#: Other keys: what alpha 1e-6 needs at 20 %, what shows 1e-4 elsewhere.
MANY, FEW = 999_999, 9_999
N_KEYS, N_RANKED = 400, 199
#: Final rows: tokens, mean score, share of green tokens, log10 p as published.
PUBLISHED = (
    ("5 % marked, closed, supervised", 248_200, 0.258811, 0.25, -23.581),
    ("control", 105_400, 0.247472, 0.25, -0.01227),
)

Floats = np.ndarray
Ints = np.ndarray

STATES, OPERATORS, STEPS, WORDS = 16, 8, 6, 64
BOS, EQUALS, ANSWER, EOS, PAD = range(5)
FIRST_OPERATOR, FIRST_STATE, FIRST_WORD = 5, 5 + OPERATORS, 5 + OPERATORS + STATES
VOCABULARY = FIRST_WORD + WORDS
#: Trust of the student in a narrower context over a wider one, in observations.
BACK_OFF = 10.0
EMPTY = np.empty(0, np.int64)


@dataclass(frozen=True)
class Source:
    """How a model speaks: float64[operator, token before, word] for the first word, float64[first, second]."""

    first: Floats
    second: Floats
    steps: Floats


def teacher(rng: np.random.Generator) -> Source:
    """Return the process: the first word follows from the operator, the second from the first, the state from both."""
    first = _softmax(2 * rng.normal(size=(OPERATORS, WORDS)))
    permutations = np.stack([rng.permutation(STATES) for _ in range(OPERATORS)])
    return Source(
        np.repeat(first[:, None], VOCABULARY, axis=1),
        _softmax(2 * rng.normal(size=(WORDS, WORDS))),
        np.eye(STATES)[permutations],
    )


def _softmax(logits: Floats) -> Floats:
    raised = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return raised / raised.sum(axis=-1, keepdims=True)


@dataclass(frozen=True)
class Mark:
    """A key at work: float64[token before, token], the scores of kgw or the u of gumbel."""

    scheme: Scheme
    table: Floats

    @classmethod
    def of(cls, scheme: Scheme, key: Ints) -> "Mark":
        tokens = np.arange(VOCABULARY, dtype=np.uint32)
        before, after = np.repeat(tokens, VOCABULARY)[:, None], np.tile(tokens, VOCABULARY)
        found = scheme.uniforms(key, before, after) if isinstance(scheme, Gumbel) else scheme.scores(key, before, after)
        return cls(scheme, found.reshape(VOCABULARY, VOCABULARY))

    def draw(self, shares: Floats, before: Ints, offset: int, rng: np.random.Generator) -> Ints:
        mine = self.table[before, offset : offset + shares.shape[1]]
        if isinstance(self.scheme, Gumbel):
            with np.errstate(divide="ignore"):
                return (np.log(mine) / np.maximum(shares, 1e-300)).argmax(axis=1)
        raised = shares * np.exp(DELTA * mine)
        return _draw(raised / raised.sum(axis=1, keepdims=True), rng)


def _draw(shares: Floats, rng: np.random.Generator) -> Ints:
    return (shares.cumsum(axis=1) < rng.random(len(shares))[:, None]).sum(axis=1).clip(max=shares.shape[1] - 1)


@dataclass(frozen=True)
class Traces:
    """int64[n, 9] prompts, int64[n, 21] answers, int64[n, 6] operators."""

    prompts: Ints
    answers: Ints
    operators: Ints

    def __add__(self, other: "Traces") -> "Traces":
        both = ((self.prompts, other.prompts), (self.answers, other.answers), (self.operators, other.operators))
        return Traces(*(np.concatenate(pair) for pair in both))


def speak(source: Source, n: int, rng: np.random.Generator, mark: Mark | None = None) -> Traces:
    """Return n traces of a model on fresh problems."""
    operators, state = rng.integers(0, OPERATORS, (n, STEPS)), rng.integers(0, STATES, n)
    prompts = np.column_stack((np.full(n, BOS), FIRST_STATE + state, FIRST_OPERATOR + operators, np.full(n, EQUALS)))
    said, before = [], np.full(n, EQUALS)
    choose = _draw if mark is None else None
    for step in range(STEPS):
        operator = operators[:, step]
        for shares_of in (lambda: source.first[operator, before], lambda: source.second[before - FIRST_WORD]):  # noqa: B023
            shares = shares_of()
            word = choose(shares, rng) if choose else mark.draw(shares, before, FIRST_WORD, rng)
            before = FIRST_WORD + word
            said.append(before)
        state = _draw(source.steps[operator, state], rng)
        before = FIRST_STATE + state
        said.append(before)
    said += [np.full(n, ANSWER), FIRST_STATE + state, np.full(n, EOS)]
    return Traces(prompts, np.stack(said, axis=1), operators)


def counting_student(traces: Traces, own: Source) -> Source:
    """Return a model that counted what followed what; where it saw little it keeps to wider contexts, then its own."""
    first, plain_first = np.zeros((OPERATORS, VOCABULARY, WORDS)), np.zeros((OPERATORS, WORDS))
    second, steps = np.zeros((WORDS, WORDS)), np.zeros((OPERATORS, STATES, STATES))
    whole = np.column_stack((traces.prompts[:, -1], traces.answers))
    state = traces.prompts[:, 1] - FIRST_STATE
    for step in range(STEPS):
        operator, at = traces.operators[:, step], 3 * step
        one, two, now = (whole[:, at + k] for k in (1, 2, 3))
        np.add.at(first, (operator, whole[:, at], one - FIRST_WORD), 1)
        np.add.at(plain_first, (operator, one - FIRST_WORD), 1)
        np.add.at(second, (one - FIRST_WORD, two - FIRST_WORD), 1)
        np.add.at(steps, (operator, state, now - FIRST_STATE), 1)
        state = now - FIRST_STATE
    wider = _mixed(plain_first, own.first[:, 0])
    guess = np.full(steps.shape, 1 / STATES)
    return Source(_mixed(first, wider[:, None]), _mixed(second, own.second), _mixed(steps, guess, strength=1.0))


def _mixed(counts: Floats, wider: Floats, strength: float = BACK_OFF) -> Floats:
    return (counts + strength * wider) / (counts.sum(axis=-1, keepdims=True) + strength)


def accuracy(source: Source, known: Source, rng: np.random.Generator) -> float:
    """Return the share of problems whose last state is right."""
    said = speak(source, 1_000, rng)
    state = said.prompts[:, 1] - FIRST_STATE
    for step in range(STEPS):
        state = known.steps[said.operators[:, step], state].argmax(axis=1)
    return float((said.answers[:, -2] - FIRST_STATE == state).mean())


def answers_of(traces: Traces, known: Source | None) -> list[Answer]:
    """Return traces as `gauger prove radioactivity` reads them, with the teacher's exact word where it is given."""
    references = [None] * len(traces.answers) if known is None else list(_references(traces, known))
    rows = zip(traces.prompts, traces.answers, references, strict=True)
    return [Answer(answer, prompt, reference) for prompt, answer, reference in rows]


def _references(traces: Traces, known: Source) -> Iterator[Reference]:
    """The teacher's word on words; states leave no choice, so they are left out."""
    sizes = np.array([WORDS, WORDS, 0] * STEPS + [0, 0, 0])
    offsets = np.concatenate(([0], np.cumsum(sizes))).astype(np.int64)
    candidates = np.tile(np.arange(FIRST_WORD, VOCABULARY), 2 * STEPS)
    for answer, operators in zip(traces.answers, traces.operators, strict=True):
        first = known.first[operators, 0]
        second = known.second[answer[0 : 3 * STEPS : 3] - FIRST_WORD]
        yield Reference(offsets, candidates, np.stack((first, second), axis=1).ravel())


def templated(rng: np.random.Generator, n: int) -> list[Answer]:
    """Return one template with three slots of few fills, over and over, as customer service writes."""
    texts = np.tile(rng.integers(FIRST_WORD, VOCABULARY, 40), (n, 1))
    texts[:, [5, 17, 31]] = rng.integers(FIRST_WORD, FIRST_WORD + 4, (n, 3))
    return [Answer(text, EMPTY) for text in texts]


def keys(rng: np.random.Generator, n: int, scheme: Scheme) -> Ints:
    return rng.integers(0, 2**64, (n, scheme.n_words), np.uint64)


SCHEMES: dict[str, Scheme] = {"kgw": Kgw(1), "gumbel": Gumbel(1), "synthid": SynthId(1)}


def clean_cells(kind: str, seed: int, width: int) -> Cells:
    """Return the cells of a suspect that saw no mark."""
    rng = np.random.default_rng([seed, 77])
    if kind == "templated":
        return plain_cells(templated(rng, 300), width)
    known = teacher(rng)
    student = counting_student(speak(known, N_TRACES, rng), teacher(rng))
    said = speak(student, 300, rng)
    if kind == "against the teacher":
        return referenced_cells(answers_of(said, known), width)
    return plain_cells(answers_of(said, None), width)


def validity(n_keys: int) -> list[dict]:
    """Return how p-values of clean suspects are spread."""
    rows = []
    for name, scheme in SCHEMES.items():
        for kind in ("against the teacher", "plain", "templated"):
            rng, product, ranks = np.random.default_rng(17), [], []
            method = "teacher" if kind == "against the teacher" else "plain"
            for seed in SEEDS:
                cells = clean_cells(kind, seed, scheme.width)
                score = scheme.scorer(cells)
                for key in keys(rng, n_keys, scheme):
                    product.append(key_test(cells, scheme, key, method=method, null_keys=999, rng=rng).p_value)
                    totals = score(np.vstack([key[None], keys(rng, N_RANKED, scheme)]))
                    ranks.append((1 + (totals[1:] >= totals[0]).sum()) / (N_RANKED + 1))
            rows.append({"scheme": name, "kind": kind, **_spread(np.array(product), np.array(ranks))})
            print(rows[-1])
    return rows


def _spread(product: Floats, ranks: Floats) -> dict[str, object]:
    two_sided = stats.kstest(ranks, "uniform")
    return {
        "trials": len(product),
        **{f"share <= {level:g}": round(float((product <= level).mean()), 4) for level in (0.001, 0.01, 0.05)},
        "KS p, too small": round(float(stats.kstest(product, "uniform", alternative="greater").pvalue), 4),
        "ranks: KS p, too small": round(float(stats.kstest(ranks, "uniform", alternative="greater").pvalue), 4),
        "ranks: KS p, two-sided": round(float(two_sided.pvalue), 4),
        "ranks: KS statistic": round(float(two_sided.statistic), 4),
    }


@dataclass(frozen=True)
class Trained:
    """A student of traces of which a share was marked: its answers with the teacher's word, and the key."""

    key: Ints
    scheme: Scheme
    answers: list[Answer]
    accuracy: float


def trained(name: str, share: float, seed: int, n_answers: int) -> Trained:
    rng = np.random.default_rng([seed, round(1_000 * share), list(SCHEMES).index(name)])
    scheme, known = SCHEMES[name], teacher(rng)
    key = keys(rng, 1, scheme)[0]
    n_marked = round(N_TRACES * share)
    traces = speak(known, n_marked, rng, Mark.of(scheme, key)) + speak(known, N_TRACES - n_marked, rng)
    student = counting_student(traces, teacher(rng))
    said = speak(student, n_answers, rng)
    return Trained(key, scheme, answers_of(said, known), accuracy(student, known, rng))


def power(seeds: tuple[int, ...], shares: tuple[float, ...], n_answers: int, many: int) -> list[dict]:
    """Return p-values by scheme, share, method and seed."""
    rows = []
    for name in ("kgw", "gumbel"):
        for share in shares:
            for seed in seeds:
                subject = trained(name, share, seed, n_answers)
                for method in ("teacher", "plain"):
                    rows.append(_tested(name, share, seed, subject, method, many if share == 0.2 else FEW))
                    print(rows[-1])
    return rows


def _tested(name: str, share: float, seed: int, subject: Trained, method: str, null_keys: int) -> dict:
    made = referenced_cells if method == "teacher" else plain_cells
    answers = subject.answers if method == "teacher" else [replace(one, reference=None) for one in subject.answers]
    cells, rng = made(answers, subject.scheme.width), np.random.default_rng([seed, 5])
    started = time.process_time()
    found = key_test(cells, subject.scheme, subject.key, method=method, null_keys=null_keys, rng=rng, threads=1)
    return {
        "scheme": name,
        "share": share,
        "seed": seed,
        "method": method,
        "answers": len(answers),
        "accuracy": round(subject.accuracy, 3),
        "cells": found.n_cells,
        "positions": found.n_visits,
        "z": round(found.z_score, 2),
        "effect": round(found.z_score / math.sqrt(found.n_visits), 4),
        "p": found.p_value,
        "tail_p": found.tail_p,
        "null_keys": null_keys,
        "cpu_s": round(time.process_time() - started, 2),
    }


def medians(rows: list[dict]) -> list[dict]:
    """Return the median over seeds of each cell."""
    cells = dict.fromkeys((r["scheme"], r["share"], r["method"]) for r in rows)
    found = []
    for scheme, share, method in cells:
        mine = [r for r in rows if (r["scheme"], r["share"], r["method"]) == (scheme, share, method)]
        found.append(
            {"scheme": scheme, "share": share, "method": method, "seeds": len(mine)}
            | {f"median {name}": float(np.median([r[name] for r in mine])) for name in ("z", "p", "effect", "accuracy")}
            | {"largest p": max(r["p"] for r in mine), "null_keys": mine[0]["null_keys"]}
        )
    return found


def looks(seeds: tuple[int, ...], null_keys: int) -> list[dict]:
    """Return after how many answers the e-value would have let one stop, at 1e-3."""
    rows = []
    for share in (0.0, 0.05, 0.2, 1.0):
        for seed in seeds:
            subject, so_far, path = trained("kgw", share, seed, 2_000), Looks(), []
            for n in (250, 500, 1_000, 2_000):
                cells = referenced_cells(subject.answers[:n], 1)
                score, rng = subject.scheme.scorer(cells), np.random.default_rng([seed, n])
                so_far = so_far.after(float(score(subject.key[None])[0]), score(keys(rng, null_keys, subject.scheme)))
                path.append((n, so_far.value))
            reached = [n for n, value in path if value >= 1e3]
            rows.append({"share": share, "seed": seed, "answers at 1e-3": reached[0] if reached else None,
                         "last e-value": round(so_far.value, 2)})  # fmt: skip
            print(rows[-1])
    return rows


def published() -> list[dict]:
    """Return log10 of the binomial tail of released final rows."""
    rows = []
    for name, n, mean, gamma, said in PUBLISHED:
        ours = float(stats.binom.logsf(round(n * mean) - 1, n, gamma)) / math.log(10)
        rows.append({"row": name, "n": n, "mean": mean, "log10 p": round(ours, 5), "log10 p published": said})
    print(*rows, sep="\n")
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--smoke", action="store_true", help="few and small; nothing is recorded")
    parser.add_argument("--only", choices=("validity", "power", "more", "looks", "published"))
    parser.add_argument("--answers", type=int, default=2_000, help="answers of each student, for power")
    args = parser.parse_args()
    seeds, many = (SEEDS[:1], 4_999) if args.smoke else (SEEDS, MANY)
    parts = {
        "published": published,
        "validity": lambda: validity(40 if args.smoke else N_KEYS),
        "power": lambda: power(seeds, (0.0, 0.2) if args.smoke else SHARES, args.answers, many),
        "more": lambda: power(seeds, (0.05,), 5 * args.answers, many),
        "looks": lambda: looks(seeds, 999 if args.smoke else FEW),
    }
    found = {name: part() for name, part in parts.items() if args.only in (None, name)}
    if args.smoke:
        return
    earlier = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    found |= {f"{name}, medians": medians(found[name]) for name in ("power", "more") if name in found}
    settings = {"seeds": SEEDS, "traces": N_TRACES, "delta": DELTA, "student": "counts (no neural network)"}
    RESULT.write_text(json.dumps({**earlier, "hardware": hardware(), **settings, **found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
