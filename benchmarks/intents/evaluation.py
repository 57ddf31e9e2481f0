"""How well scores rank and how true they are as probabilities, on rows that a model has not seen."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from benchmarks.intents.corpus import HARD, Corpus

Floats = npt.NDArray[np.float64]

#: The mix for which scores are probabilities: of 100 prompts so many are ordinary, innocent with an intent's words, and
#: meant (shared evenly by the intents). It is that of a candidate's exchanges, which intent describes, not of a log.
MIX: Final[Mapping[str, float]] = {"ordinary": 0.45, "hard": 0.15, "asked": 0.40}
#: The share of audit-and-explainability requests that may be flagged.
FALSE_FLAGS: Final = 0.01
BIN_EDGES: Final = (0.0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 1.0)


def mix_weights(corpus: Corpus, rows: npt.NDArray[np.bool_], intent: int) -> Floats:
    """Return float64[n] weights of rows in the mix, 0 outside `rows`; each template or set counts as in the loss."""
    meant = corpus.labels[:, intent] == 1
    others = (corpus.labels == 1).any(axis=1) & ~meant
    hard = np.isin(corpus.kind, HARD) & ~meant & ~others
    n_intents = corpus.labels.shape[1]
    shares = (
        (meant, MIX["asked"] / n_intents),
        (others, MIX["asked"] * (n_intents - 1) / n_intents),
        (hard, MIX["hard"]),
        (~(meant | others | hard), MIX["ordinary"]),
    )
    weights = np.zeros(len(corpus))
    for members, share in shares:
        chosen = members & rows
        weights[chosen] = corpus.weight[chosen] * share / corpus.weight[chosen].sum()
    return weights


def auroc(scores: Floats, is_asked: npt.NDArray[np.bool_], weight: Floats) -> float:
    """Return the weighted chance that one asked for scores above one that is not, ties counting half."""
    _, rank = np.unique(scores, return_inverse=True)
    asked, not_asked = np.bincount(rank, weight * is_asked), np.bincount(rank, weight * ~is_asked)
    below = np.cumsum(not_asked) - not_asked / 2
    return float((asked * below).sum() / asked.sum() / not_asked.sum())


def average_precision(scores: Floats, is_asked: npt.NDArray[np.bool_], weight: Floats) -> float:
    """Return the weighted area under precision over recall, equal scores taken at once."""
    _, rank = np.unique(-scores, return_inverse=True)
    asked = np.bincount(rank, weight * is_asked)
    precision = np.cumsum(asked) / np.cumsum(np.bincount(rank, weight))
    return float((asked * precision).sum() / asked.sum())


def recall_at(scores: Floats, is_asked: npt.NDArray[np.bool_], weight: Floats, audits: npt.NDArray[np.bool_]) -> float:
    """Return the weighted recall above the score that `FALSE_FLAGS` of the audit requests exceed at most."""
    threshold = np.quantile(scores[audits], 1 - FALSE_FLAGS, method="higher")
    return float(weight[is_asked & (scores > threshold)].sum() / weight[is_asked].sum())


def ranking(
    scores: Floats, is_asked: npt.NDArray[np.bool_], weight: Floats, audits: npt.NDArray[np.bool_]
) -> dict[str, float]:
    """Return the three figures, rounded."""
    return {
        "auroc": round(auroc(scores, is_asked, weight), 3),
        "average_precision": round(average_precision(scores, is_asked, weight), 3),
        "recall_at_1_percent_of_audits": round(recall_at(scores, is_asked, weight, audits), 3),
    }


def reliability(probabilities: Floats, is_asked: npt.NDArray[np.bool_], weight: Floats) -> list[dict[str, float]]:
    """Return per bin of the score: its share of the mix, the mean score, and the share that was asked for."""
    bins = np.clip(np.digitize(probabilities, BIN_EDGES[1:-1]), 0, len(BIN_EDGES) - 2)
    table = []
    for i, (low, high) in enumerate(pairwise(BIN_EDGES)):
        chosen = bins == i
        total = weight[chosen].sum()
        table.append(
            {
                "from": low,
                "to": high,
                "rows": int(chosen.sum()),
                "share_of_mix": round(float(total / weight.sum()), 4),
                "mean_score": round(float((weight * probabilities)[chosen].sum() / total), 3) if total else 0.0,
                "asked": round(float((weight * is_asked)[chosen].sum() / total), 3) if total else 0.0,
            }
        )
    return table


def calibration_error(table: list[dict[str, float]]) -> float:
    """Return the mean distance of score and share over the bins, weighted by the mix."""
    return round(sum(row["share_of_mix"] * abs(row["mean_score"] - row["asked"]) for row in table), 4)
