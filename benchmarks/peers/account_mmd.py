"""The discrepancy of arXiv 2606.05725 asked of every account by itself instead of a pooled window.

Deviation: hashed n-grams of words on their leading directions stand in for the paper's embedding, fitted on one half of
the log's prompts. detection.md section 5 finds it without power: single-template customers are the largest outliers.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from benchmarks.peers.mmd import kernel, median_distance
from gauger.lab.representations import fit_gram_space, gram_counts, words

#: Prompts of the crowd that every account is compared with.
N_CROWD = 1_000


@dataclass(frozen=True)
class AccountMmd:
    """Score: the unbiased squared discrepancy of an account's prompts from the crowd's; 0 with fewer than two."""

    seed: int = 1

    def score(self, exchanges: pa.Table, accounts: pa.Table) -> dict[str, float]:  # noqa: ARG002 - text alone
        rng = np.random.default_rng(self.seed)
        texts = np.array([text or "" for text in exchanges["user_prompt"].to_pylist()], dtype=object)
        names, owner = np.unique(np.array(exchanges["account_id"].to_pylist(), dtype=object), return_inverse=True)
        counts = gram_counts(words(texts), (1, 2))
        order = rng.permutation(len(texts))
        places = fit_gram_space(counts[np.sort(order[: len(order) // 2 + 1])], rng).places(counts)
        crowd = places[order[:N_CROWD]]
        median = max(median_distance(crowd, rng), 1e-6)
        inside = _mean_between_different(kernel(crowd, crowd, median=median))
        toward = kernel(places, crowd, median=median).mean(axis=1)
        found = {}
        for account, name in enumerate(names):
            mine = np.flatnonzero(owner == account)
            own = kernel(places[mine], places[mine], median=median)
            enough = len(mine) > 1
            found[str(name)] = _mean_between_different(own) + inside - 2 * float(toward[mine].mean()) if enough else 0.0
        return found


def _mean_between_different(gram: np.ndarray) -> float:
    n = len(gram)
    return float((gram.sum(dtype=np.float64) - np.trace(gram)) / max(n * (n - 1), 1))
