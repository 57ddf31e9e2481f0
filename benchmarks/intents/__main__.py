"""Train the intent weights and judge them beside the hand-written lexicon: `python -m benchmarks.intents`.

Writes the weights into the package and the figures into `results/intents.json`; the same seed gives the same weights.
Minutes on one core. `GAUGER_DATA` names the folder of the public data sets.
"""

import argparse
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.special import expit

from benchmarks.hardware import hardware
from benchmarks.intents import evaluation, features
from benchmarks.intents.asks import Template, templates
from benchmarks.intents.corpus import ALWAYS_TRAINED, DATA_SETS, NEVER_TRAINED, N_FOLDS, UNKNOWN, Corpus, build
from benchmarks.intents.lexicon import LEXICON
from benchmarks.intents.model import LEXICON_SCALE, Linear, balanced, calibrate, cross_scores, fit
from gauger.sketches import intents as shipped
from gauger.sketches.schema import INTENTS

Floats = npt.NDArray[np.float64]

RESULTS: Final = Path(__file__).parents[1] / "results" / "intents.json"
WEIGHTS: Final = Path(shipped.__file__).with_name(shipped.WEIGHTS)
#: A data set's cue stands in this share of its rows at least; a cue in more of the ordinary texts is dropped.
MIN_SHARE, MAX_SHARE = 0.02, 0.2
#: Cues that move no log-odds by so much are dropped.
MIN_WEIGHT: Final = 0.15
FLAGGED: Final = 0.5


@dataclass(frozen=True)
class Material:
    """What is trained on: rows, their cues as a matrix, and the lexicon's weights float64[n_cues, 7]."""

    corpus: Corpus
    cues: list[str]
    present: sparse.csr_matrix
    lexicon: Floats


# --- training ------------------------------------------------------------------------------------------------------


def gather(folder: Path, own: list[Template], seed: int, *, most: int = 600) -> Material:
    """Draw the corpus and choose the cues that may carry weight."""
    corpus = build(folder, own, np.random.default_rng(seed), most=most)
    texts = [features.cues_of(text) for text in corpus.texts]
    cues = features.cues_of_requests(own, np.random.default_rng(seed + 1))
    for name in (data_set.name for data_set in DATA_SETS if data_set.trained):
        rows = np.flatnonzero(corpus.family == name).tolist()
        cues |= features.cues_of_set([texts[i] for i in rows], min_share=MIN_SHARE)
    ordinary = [texts[i] for i in np.flatnonzero(corpus.kind == "ordinary").tolist()]
    by_cue = lexicon_weights()
    kept = sorted({*features.rare_enough(cues, ordinary, max_share=MAX_SHARE), *by_cue})
    lexicon = np.array([by_cue.get(cue, np.zeros(len(INTENTS))) for cue in kept])
    return Material(corpus, kept, features.presence(texts, kept), lexicon)


def lexicon_weights() -> dict[str, Floats]:
    """Return the hand-written weights, float64[7] by cue."""
    found: dict[str, Floats] = {}
    for intent, by_weight in LEXICON.items():
        for weight, cues in by_weight.items():
            for cue in cues.split(","):
                found.setdefault(cue.strip(), np.zeros(len(INTENTS)))[INTENTS.index(intent)] += weight
    return found


def train(material: Material, intent: int, line: tuple[float, float]) -> Linear:
    """Fit on everything that may be trained on, and make the log-odds those of the mix."""
    corpus, labels = material.corpus, material.corpus.labels[:, intent]
    seen = (corpus.fold != NEVER_TRAINED) & (labels != UNKNOWN)
    weight = balanced(labels[seen], corpus.weight[seen])
    model = fit(material.present[seen], labels[seen], weight, LEXICON_SCALE * material.lexicon[:, intent])
    slope, offset = line
    return Linear(slope * model.bias + offset, slope * model.weights)


def weights_text(cues: list[str], models: list[Linear]) -> str:
    """Return the file of weights: thousandths of log-odds, the biases on the line without a cue."""
    weights = np.column_stack([model.weights for model in models])
    lines = [shipped.FORMAT, "\t".join(["cue", *INTENTS])]
    lines.append("\t".join(["", *(str(round(1000 * model.bias)) for model in models)]))
    for cue, row in zip(cues, weights, strict=True):
        if np.abs(row).max() >= MIN_WEIGHT:
            lines.append("\t".join([cue, *(str(round(1000 * weight)) for weight in row.tolist())]))
    return "\n".join(lines) + "\n"


# --- judging -------------------------------------------------------------------------------------------------------


def judge(material: Material, intent: int) -> tuple[dict[str, object], Floats]:
    """Return the figures of an intent, and the log-odds of its rows by models that did not see them."""
    corpus, labels = material.corpus, material.corpus.labels[:, intent]
    zero = np.zeros(len(material.cues))
    priors = {"trained around the lexicon": LEXICON_SCALE * material.lexicon[:, intent], "trained from zero": zero}
    held = {name: cross_scores(corpus, material.present, intent, prior) for name, prior in priors.items()}
    by_hand = np.where(corpus.fold == ALWAYS_TRAINED, np.nan, material.present @ material.lexicon[:, intent])
    held["lexicon"] = by_hand
    kinds = sorted(set(corpus.kind[labels == 1].tolist()))
    types: dict[str, dict[str, Mapping[str, float]]] = {}
    for kind in kinds:
        scores = {n: cross_scores(corpus, material.present, intent, p, without=kind) for n, p in priors.items()}
        scores["lexicon"] = np.where(corpus.kind == kind, material.present @ material.lexicon[:, intent], by_hand)
        types[kind] = {name: _ranking(corpus, found, intent, kind) for name, found in scores.items()}
    figures = {
        "cross_fitted": {name: _ranking(corpus, scores, intent) for name, scores in held.items()},
        "by_language": {
            language: {name: _ranking(corpus, scores, intent, language=language) for name, scores in held.items()}
            for language in ("en", "zh", "ja")
        },
        "left_out_types": types,
        "left_out_mean": {
            name: {
                figure: round(float(np.mean([types[kind][name][figure] for kind in kinds])), 3)
                for figure in next(iter(types.values()))[name]
            }
            for name in held
        },
    }
    return figures, held["trained around the lexicon"]


def _ranking(
    corpus: Corpus, scores: Floats, intent: int, kind: str | None = None, *, language: str | None = None
) -> dict[str, float]:
    """Rank the asked-for (of one type, of one language) among the rest, with the weights of the mix."""
    labels = corpus.labels[:, intent]
    rows = ~np.isnan(scores) & (labels != UNKNOWN)
    if kind:
        rows &= (labels == 0) | (corpus.kind == kind)
    if language:
        rows &= (corpus.language == language) & (corpus.source == "own words")
    weight = evaluation.mix_weights(corpus, rows, intent)[rows]
    return evaluation.ranking(scores[rows], labels[rows] == 1, weight, (corpus.kind == "audit")[rows])


def calibrated(material: Material, intent: int, log_odds: Floats) -> tuple[tuple[float, float], Floats]:
    """Return slope and offset for all, and the probabilities of each half of the families by those of the other."""
    corpus, labels = material.corpus, material.corpus.labels[:, intent]
    rows = ~np.isnan(log_odds) & (labels != UNKNOWN)
    weight = evaluation.mix_weights(corpus, rows, intent)
    first = _first_half(corpus, rows)
    probabilities = np.full(len(corpus), np.nan)
    for half in (rows & first, rows & ~first):
        other = rows & ~half
        share = evaluation.mix_weights(corpus, other, intent)
        slope, offset = calibrate(log_odds[other], labels[other], share[other])
        probabilities[half] = expit(slope * log_odds[half] + offset)
    return calibrate(log_odds[rows], labels[rows], weight[rows]), probabilities


def _first_half(corpus: Corpus, rows: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Every other family of each kind."""
    first: set[str] = set()
    for kind in sorted(set(corpus.kind.tolist())):
        first.update(sorted(set(corpus.family[rows & (corpus.kind == kind)].tolist()))[::2])
    return np.isin(corpus.family, sorted(first))


def flagged(material: Material, probabilities: Floats) -> dict[str, dict[str, float]]:
    """Return the share of rows at 0.5 or more, by data set or kind of request, and by intent; unseen rows only."""
    corpus = material.corpus
    found: dict[str, dict[str, float]] = {}
    for group in ("audit", *sorted({*corpus.source[corpus.fold == NEVER_TRAINED].tolist()})):
        rows = (corpus.kind if group == "audit" else corpus.source) == group
        shares = {}
        for intent, name in enumerate(INTENTS):
            scores = probabilities[rows & ~np.isnan(probabilities[:, intent]), intent]
            if len(scores):
                shares[name] = round(float((scores >= FLAGGED).mean()), 4)
        found[group] = shares
    return found


def pooled_reliability(material: Material, probabilities: Floats) -> list[dict[str, float]]:
    """Return the reliability table of all intents together."""
    scores, asked, weights = [], [], []
    for intent in range(len(INTENTS)):
        rows = ~np.isnan(probabilities[:, intent])
        scores.append(probabilities[rows, intent])
        asked.append(material.corpus.labels[rows, intent] == 1)
        weights.append(evaluation.mix_weights(material.corpus, rows, intent)[rows])
    return evaluation.reliability(np.concatenate(scores), np.concatenate(asked), np.concatenate(weights))


def operating_point(material: Material, intent: int, probabilities: Floats) -> dict[str, float]:
    """Return recall and audit requests flagged at 0.5, where a finding's capabilities are counted."""
    labels, scores = material.corpus.labels[:, intent], probabilities
    rows = ~np.isnan(scores)
    weight = evaluation.mix_weights(material.corpus, rows, intent)
    asked, hit = rows & (labels == 1), rows & (scores >= FLAGGED)
    return {
        "recall": round(float(weight[asked & hit].sum() / weight[asked].sum()), 3),
        "precision_in_the_mix": round(float(weight[asked & hit].sum() / weight[hit].sum()), 3),
        "audits_flagged": round(float(hit[material.corpus.kind == "audit"].mean()), 4),
    }


# --- the command ---------------------------------------------------------------------------------------------------


def run(folder: Path, seed: int) -> tuple[str, dict[str, object]]:
    """Train and judge; return the file of weights and the figures."""
    material = gather(folder, templates(), seed)
    corpus = material.corpus
    print(f"{len(corpus)} texts, {len(set(corpus.family.tolist()))} families, {len(material.cues)} candidate cues")
    figures: dict[str, object] = {}
    models, probabilities = [], np.full((len(corpus), len(INTENTS)), np.nan)
    for intent, name in enumerate(INTENTS):
        own, log_odds = judge(material, intent)
        line, probabilities[:, intent] = calibrated(material, intent, log_odds)
        models.append(train(material, intent, line))
        own["at_one_half"] = operating_point(material, intent, probabilities[:, intent])
        figures[name] = own
        print_intent(name, own)
    text = weights_text(material.cues, models)
    table = pooled_reliability(material, probabilities)
    report = {
        "hardware": hardware(),
        "seed": seed,
        "folds": N_FOLDS,
        "mix": dict(evaluation.MIX),
        "weights": {
            "sha256": hashlib.sha256(text.encode()).hexdigest(),
            "bytes": len(text.encode()),
            "cues": text.count("\n") - 3,
            "candidates": len(material.cues),
        },
        "rows": {source: int((corpus.source == source).sum()) for source in dict.fromkeys(corpus.source.tolist())},
        "intents": figures,
        "reliability": table,
        "calibration_error": evaluation.calibration_error(table),
        "flagged_at_one_half": flagged(material, probabilities),
    }
    return text, report


def print_intent(name: str, figures: dict[str, object]) -> None:
    """Print both comparisons on two lines a method."""
    print(f"\n{name}  {figures['at_one_half']}")
    for how in ("cross_fitted", "left_out_mean"):
        for method, found in figures[how].items():
            print(f"  {how:14}{method:28}" + "".join(f"{value:8.3f}" for value in found.values()), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    if not (folder := os.environ.get("GAUGER_DATA")):
        parser.error("GAUGER_DATA names no folder of public data sets")
    text, report = run(Path(folder), options.seed)
    options.weights.write_text(text, encoding="utf-8")
    options.out.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"\n{report['weights']}, calibration error {report['calibration_error']}")


if __name__ == "__main__":
    main()
