"""How small a dose of canaries is found, by which score, and how often innocents are: in simulated worlds.

    python -m benchmarks.canaries [--worlds 60] [--seed 1]

A world has 40 canaries of 6 options, popular very unequally (Dirichlet 0.5), and models that share these likings
loosely or closely (Dirichlet around them, strength 2 or 10). A student follows our picks in a share of its answers,
else its own likings. Three unrelated models stand beside it. Scores are compared by z under the exact null; the shipped
one also by the exact p-value. No real student is in it.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.hardware import hardware
from gauger.proof.choices import Counts, Floats, choice_test, option_scores

RESULT: Final = Path(__file__).parent / "results" / "canaries.json"
N_CANARIES, N_OPTIONS, N_CONTROLS = 40, 6, 3
SIZES: Final = np.full(N_CANARIES, N_OPTIONS)
ANSWERS, DOSES, STRENGTHS = (3, 10, 30), (0.0, 0.05, 0.1, 0.3), (2.0, 10.0)
#: Half an answer is added to each option, so that the log ratio is finite.
SMOOTHING: Final = 0.5


def majority(counts: Counts, _others: list[Counts]) -> Floats:
    """The most shown option scores one, shared by ties."""
    top = counts == counts.max(axis=1, keepdims=True)
    return top / top.sum(axis=1, keepdims=True)


def share(counts: Counts, _others: list[Counts]) -> Floats:
    return counts / counts.sum(axis=1, keepdims=True)


def excess(counts: Counts, others: list[Counts]) -> Floats:
    return share(counts, []) - np.mean([share(one, []) for one in others], axis=0)


def log_ratio(counts: Counts, others: list[Counts]) -> Floats:
    smoothed = [one + SMOOTHING for one in (counts, np.sum(others, axis=0))]
    own, usual = (np.log(one / one.sum(axis=1, keepdims=True)) for one in smoothed)
    return own - usual


SCORES: Final[dict[str, Callable[[Counts, list[Counts]], Floats]]] = {
    "majority": majority,
    "share": share,
    "share minus controls": excess,
    "log ratio": log_ratio,
    "shipped": lambda counts, others: option_scores(counts, others).astype(np.float64),
}


def world(
    rng: np.random.Generator, *, answers: int, dose: float, strength: float
) -> tuple[Counts, list[Counts], Counts]:
    """Return a student's counts, those of the controls, and our picks."""
    likings = rng.dirichlet(np.full(N_OPTIONS, 0.5), N_CANARIES)

    def model() -> Floats:
        return np.array([rng.dirichlet(strength * row + 1e-3) for row in likings])

    def asked(shares: Floats) -> Counts:
        return np.array([rng.multinomial(answers, row / row.sum()) for row in shares])

    picks = rng.integers(0, SIZES)
    student = (1 - dose) * model()
    student[np.arange(N_CANARIES), picks] += dose
    return asked(student), [asked(model()) for _ in range(N_CONTROLS)], picks


def z_of(scores: Floats, picks: Counts) -> float:
    """Return how far our picks' sum stands from the mean over all picks, in standard deviations."""
    spread = np.sqrt(scores.var(axis=1).sum())
    return float((scores[np.arange(len(picks)), picks].sum() - scores.mean(axis=1).sum()) / spread)


def cell(rng: np.random.Generator, n_worlds: int, **knobs: float) -> dict[str, object]:
    z: dict[str, list[float]] = {name: [] for name in SCORES}
    p_values = []
    for _ in range(n_worlds):
        counts, others, picks = world(rng, **knobs)
        for name, score in SCORES.items():
            z[name].append(z_of(score(counts, others), picks))
        p_values.append(choice_test(counts, SIZES, picks, others, rng=rng).p_value)
    reached = {f"p <= {level:g}": float(np.mean(np.array(p_values) <= level)) for level in (0.05, 1e-3, 1e-6)}
    return {**knobs, "median_z": {name: round(float(np.median(one)), 2) for name, one in z.items()}, **reached}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worlds", type=int, default=60)
    parser.add_argument("--innocents", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng, cells = np.random.default_rng(options.seed), []
    for answers in ANSWERS:
        for dose in DOSES:
            for strength in STRENGTHS:
                n = options.worlds if dose else options.innocents
                cells.append(cell(rng, n, answers=answers, dose=dose, strength=strength) | {"worlds": n})
                print(json.dumps(cells[-1]), flush=True)
    result = {"hardware": hardware(), "seed": options.seed, "cells": cells}
    RESULT.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
