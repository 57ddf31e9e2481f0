"""What Gauger is compared with, re-implemented from the papers; each module says from which, and how it deviates."""

from collections.abc import Mapping
from typing import Protocol

import pyarrow as pa

from benchmarks.peers.account_mmd import AccountMmd
from benchmarks.peers.co_similarity import CoSimilarity
from benchmarks.peers.components import SharedComponents
from benchmarks.peers.fraudar import Fraudar
from benchmarks.peers.mahalanobis import Mahalanobis
from benchmarks.peers.mmd import MmdWindow
from benchmarks.peers.prada import Prada
from benchmarks.peers.rules import Rules
from benchmarks.peers.seat import Seat
from gauger.lab.pools import Floats


class WindowDetector(Protocol):
    """Scores a window of queries against benign ones: pure, deterministic, larger is more suspicious."""

    def score(self, reference: Floats, window: Floats) -> float:
        """Return the score of embedded queries, float64[n, d], given benign ones, float64[m, d]; unit rows."""
        ...


class AccountDetector(Protocol):
    """Scores the accounts of a log: pure, deterministic, larger is more suspicious."""

    def score(self, exchanges: pa.Table, accounts: pa.Table) -> Mapping[str, float]:
        """Return a score for every account that sent an exchange.

        Parameters
        ----------
        exchanges
            Table of `gauger.exchanges.schema.EDGE_SCHEMA`.
        accounts
            Table of `gauger.exchanges.accounts.RAW_ACCOUNT_SCHEMA`.
        """
        ...


WINDOW_DETECTORS: dict[str, WindowDetector] = {
    "mmd": MmdWindow(),
    "mahalanobis": Mahalanobis(),
    "prada": Prada(),
    "seat": Seat(),
}

ACCOUNT_DETECTORS: dict[str, AccountDetector] = {
    "account mmd": AccountMmd(),
    "rules": Rules(),
    "co-similarity": CoSimilarity(),
    "shared components": SharedComponents(),
    "fraudar": Fraudar(),
}

__all__ = [
    "ACCOUNT_DETECTORS",
    "WINDOW_DETECTORS",
    "AccountDetector",
    "AccountMmd",
    "CoSimilarity",
    "Fraudar",
    "Mahalanobis",
    "MmdWindow",
    "Prada",
    "Rules",
    "Seat",
    "SharedComponents",
    "WindowDetector",
]
