"""Training the intent weights, and judging them beside the hand-written lexicon."""

import hashlib
from collections.abc import Mapping, Sequence
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
from benchmarks.intents.corpus import ALWAYS_TRAINED, DATA_SETS, N_FOLDS, NEVER_TRAINED, UNKNOWN, Corpus, DataSet, build
from benchmarks.intents.lexicon import LEXICON
from benchmarks.intents.model import LEXICON_SCALE, Linear, calibrate, cross_scores, fit, loss_weights
from gauger.sketches import intents as shipped
from gauger.sketches.schema import INTENTS

Floats = npt.NDArray[np.float64]

#: A data set's cue stands in this share of its rows at least; a cue in more of the ordinary texts is dropped.
MIN_SHARE, MAX_SHARE = 0.02, 0.03
FLAGGED: Final = 0.5


@dataclass(frozen=True)
class Material:
    """What is trained on: rows, their cues as a matrix, and the lexicon's weights float64[n_cues, 7]."""

    corpus: Corpus
    cues: list[str]
    present: sparse.csr_matrix
    lexicon: Floats


# --- training ------------------------------------------------------------------------------------------------------


def gather(folder: Path, own: Sequence[Template], seed: int, data_sets: Sequence[DataSet] = DATA_SETS) -> Material:
    """Draw the corpus and choose the cues that may carry weight."""
    corpus = build(folder, own, np.random.default_rng(seed), data_sets)
    texts = [features.cues_of(text) for text in corpus.texts]
    cues = features.cues_of_requests(own, np.random.default_rng(seed + 1))
    for name in (data_set.name for data_set in data_sets if data_set.trained):
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
    weight = loss_weights(corpus, intent, corpus.fold != NEVER_TRAINED)
    model = fit(material.present, labels, weight, LEXICON_SCALE * material.lexicon[:, intent])
    slope, offset = line
    return Linear(slope * model.bias + offset, slope * model.weights)


def weights_text(cues: list[str], models: list[Linear], flags: list[float]) -> str:
    """Return the file of weights, in thousandths: biases, scores that flag, then every cue that weighs."""
    weights = np.column_stack([model.weights for model in models])
    kept = np.flatnonzero(weights.any(axis=1)).tolist()
    rows = [("biases", [model.bias for model in models]), ("flagged", flags)]
    rows += [(cues[i], weights[i].tolist()) for i in kept]
    table = ["\t".join([name, *(str(round(1000 * value)) for value in values)]) for name, values in rows]
    return "\n".join([shipped.FORMAT, "\t".join(["cue", *INTENTS]), *table]) + "\n"


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


def flagged(material: Material, probabilities: Floats, flags: list[float]) -> dict[str, dict[str, float]]:
    """Return the share of flagged rows, by data set or kind of request, and by intent; unseen rows only."""
    corpus = material.corpus
    found: dict[str, dict[str, float]] = {}
    for group in ("audit", *sorted({*corpus.source[corpus.fold == NEVER_TRAINED].tolist()})):
        rows = (corpus.kind if group == "audit" else corpus.source) == group
        shares = {}
        for intent, name in enumerate(INTENTS):
            scores = probabilities[rows & ~np.isnan(probabilities[:, intent]), intent]
            if len(scores):
                shares[name] = round(float((scores >= flags[intent]).mean()), 4)
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


def flagging_score(material: Material, probabilities: Floats, rows: npt.NDArray[np.bool_]) -> float:
    """Return the score that flags: a half, or as much as only the 1 % highest of the audit requests reach."""
    audits = probabilities[rows & (material.corpus.kind == "audit")]
    highest = np.quantile(audits, 1 - evaluation.FALSE_FLAGS, method="higher")
    return float(min(max(FLAGGED, np.ceil(1000 * highest) / 1000), 0.999))


def operating_point(material: Material, intent: int, probabilities: Floats) -> dict[str, float]:
    """Return what happens at the score that flags. Each half of the families meets the score set on the other half."""
    corpus, labels = material.corpus, material.corpus.labels[:, intent]
    rows = ~np.isnan(probabilities)
    first = _first_half(corpus, rows)
    halves = (rows & first, rows & ~first)
    hit = np.zeros(len(corpus), bool)
    for half, other in (halves, halves[::-1]):
        hit |= half & (probabilities >= flagging_score(material, probabilities, other))
    weight = evaluation.mix_weights(corpus, rows, intent)
    asked, audits = rows & (labels == 1), corpus.kind == "audit"
    score = flagging_score(material, probabilities, rows)
    by_hand = 1 - np.exp(-(material.present @ material.lexicon[:, intent])) >= FLAGGED
    return {
        "flagged_from": round(score, 3),
        "recall": round(float(weight[asked & hit].sum() / weight[asked].sum()), 3),
        "precision_in_the_mix": round(float(weight[asked & hit].sum() / weight[hit].sum()), 3),
        "audits_flagged": round(float(hit[audits].mean()), 4),
        "audits_flagged_same_half": round(float((probabilities[audits] >= score).mean()), 4),
        "audits_at_one_half": round(float((probabilities[audits] >= FLAGGED).mean()), 4),
        "recall_at_one_half": round(float(weight[asked & (probabilities >= FLAGGED)].sum() / weight[asked].sum()), 3),
        "lexicon_audits_at_one_half": round(float(by_hand[audits].mean()), 4),
        "lexicon_recall_at_one_half": round(float(weight[asked & by_hand].sum() / weight[asked].sum()), 3),
    }


# --- both ----------------------------------------------------------------------------------------------------------


def run(folder: Path, seed: int) -> tuple[str, dict[str, object]]:
    """Train and judge; return the file of weights and the figures."""
    material = gather(folder, templates(), seed)
    corpus = material.corpus
    print(f"{len(corpus)} texts, {len(set(corpus.family.tolist()))} families, {len(material.cues)} candidate cues")
    figures: dict[str, object] = {}
    flags: list[float] = []
    models, probabilities = [], np.full((len(corpus), len(INTENTS)), np.nan)
    for intent, name in enumerate(INTENTS):
        own, log_odds = judge(material, intent)
        line, probabilities[:, intent] = calibrated(material, intent, log_odds)
        models.append(train(material, intent, line))
        flags.append(flagging_score(material, probabilities[:, intent], ~np.isnan(probabilities[:, intent])))
        own["flagged"] = operating_point(material, intent, probabilities[:, intent])
        figures[name] = own
        print_intent(name, own)
    text = weights_text(material.cues, models, flags)
    table = pooled_reliability(material, probabilities)
    report = {
        "hardware": hardware(),
        "seed": seed,
        "folds": N_FOLDS,
        "mix": dict(evaluation.MIX),
        "weights": {
            "sha256": hashlib.sha256(text.encode()).hexdigest(),
            "bytes": len(text.encode()),
            "cues": text.count("\n") - 4,
            "candidates": len(material.cues),
        },
        "rows": {source: int((corpus.source == source).sum()) for source in dict.fromkeys(corpus.source.tolist())},
        "intents": figures,
        "reliability": table,
        "calibration_error": evaluation.calibration_error(table),
        "flagged": flagged(material, probabilities, flags),
    }
    return text, report


def print_intent(name: str, figures: dict[str, object]) -> None:
    """Print both comparisons on two lines a method."""
    print(f"\n{name}  {figures['flagged']}")
    for how in ("cross_fitted", "left_out_mean"):
        for method, found in figures[how].items():
            print(f"  {how:14}{method:28}" + "".join(f"{value:8.3f}" for value in found.values()), flush=True)
