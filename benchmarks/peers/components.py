"""Connected components over shared cards and addresses: the "hydra graph" of rule engines.

Any two accounts with one payment token or one client address are joined, without asking how common either is; so the
customers of one popular network become one component. That is what the peer is here to show.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components


def components(names: list[str], shared: list[tuple[str, str]]) -> dict[str, int]:
    """Return the component of each name, joining those that share a token; `shared` holds (name, token)."""
    place = {name: k for k, name in enumerate(names)}
    tokens = {token: k for k, token in enumerate(dict.fromkeys(token for _, token in shared), start=len(names))}
    n = len(names) + len(tokens)
    rows = [place[name] for name, _ in shared]
    columns = [tokens[token] for _, token in shared]
    graph = coo_array((np.ones(len(rows)), (rows, columns)), shape=(n, n))
    _, label = connected_components(graph, directed=False)
    return {name: int(label[k]) for name, k in place.items()}


def shared_tokens(exchanges: pa.Table, accounts: pa.Table) -> list[tuple[str, str]]:
    """Return (account, token) for each card and address of the accounts that sent exchanges."""
    active = set(exchanges["account_id"].to_pylist())
    cards = zip(accounts["account_id"].to_pylist(), accounts["payment_token"].to_pylist(), strict=True)
    addresses = set(zip(*(exchanges[c].to_pylist() for c in ("account_id", "client_address")), strict=True))
    return [
        *((name, f"card {card}") for name, card in cards if card and name in active),
        *((name, f"address {address}") for name, address in sorted(addresses, key=str) if address),
    ]


@dataclass(frozen=True)
class SharedComponents:
    """Score: how many other accounts are in the account's component."""

    def score(self, exchanges: pa.Table, accounts: pa.Table) -> dict[str, float]:
        names = sorted(set(exchanges["account_id"].to_pylist()))
        label = components(names, shared_tokens(exchanges, accounts))
        sizes = np.bincount(list(label.values()))
        return {name: float(sizes[label[name]] - 1) for name in names}
