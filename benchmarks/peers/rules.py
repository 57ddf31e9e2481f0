"""A rule engine with hand-set weights and cut-offs, in the manner of Glasswally (threat.md section 3).

Seven rules, each between 0 and 1, weighed by hand and added; 0.35 is "watch", 0.55 "restrict", 0.72 "suspend". Nothing
has a null, so no cut-off has a false-alarm rate. Written from the description of the original's rules, which has
sixteen; those that need packets or planted text are left out and the weights of the rest add up to 1.

Deviation: the original multiplies the score of any event from one country by 1.3. There is a switch for such a
multiplier, `region_multiplier`, so that its absence is visible; it is 1, which is off, and reads no column.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from benchmarks.peers.components import components, shared_tokens
from benchmarks.peers.templates import openings

CUT_OFFS: Mapping[str, float] = {"watch": 0.35, "restrict": 0.55, "suspend": 0.72}
WEIGHTS: Mapping[str, float] = {
    "velocity": 0.15,
    "reasoning phrases": 0.20,
    "template": 0.15,
    "hydra": 0.15,
    "payment": 0.15,
    "bursts": 0.10,
    "pivot": 0.10,
}
REASONING = ("step by step", "chain of thought", "show your reasoning", "explain your reasoning", "think aloud", "your"
             " reasoning before", "inner monologue", "every single step", "internal reasoning")  # fmt: skip
#: Where each rule is full: requests an hour, accounts of one component or card, accounts that pivot in one hour.
FULL_VELOCITY, FULL_HYDRA, FULL_PAYMENT, FULL_PIVOT = 60, 20, 5, 5
HOUR_US = 3_600_000_000


def action(score: float) -> str | None:
    """Return the severest action whose cut-off the score reaches."""
    reached = [name for name, cut in CUT_OFFS.items() if score >= cut]
    return reached[-1] if reached else None


@dataclass(frozen=True)
class Rules:
    """Score: the weighed sum of the rules."""

    region_multiplier: float = 1.0

    def score(self, exchanges: pa.Table, accounts: pa.Table) -> dict[str, float]:
        names = exchanges["account_id"].to_pylist()
        hours = (np.array(exchanges["occurred_at"].cast(pa.int64()).to_pylist(), dtype=np.int64) // HOUR_US).tolist()
        rules = {
            "velocity": _velocity(names, hours),
            "reasoning phrases": _reasoning(names, exchanges),
            "template": _template(names, openings(exchanges)),
            "hydra": _hydra(exchanges, accounts),
            "payment": _payment(accounts),
            "bursts": _bursts(names, exchanges),
            "pivot": _pivot(names, hours, exchanges["request_model"].to_pylist()),
        }
        return {
            name: min(1.0, self.region_multiplier * sum(w * rules[rule].get(name, 0.0) for rule, w in WEIGHTS.items()))
            for name in sorted(set(names))
        }


def _velocity(names: list[str], hours: list[int]) -> dict[str, float]:
    """Requests in the busiest hour."""
    busiest: dict[str, float] = {}
    for (name, _), n in Counter(zip(names, hours, strict=True)).items():
        busiest[name] = max(busiest.get(name, 0.0), min(n / FULL_VELOCITY, 1.0))
    return busiest


def _reasoning(names: list[str], exchanges: pa.Table) -> dict[str, float]:
    """The share of exchanges that ask for reasoning in one of a list of phrases."""
    texts = zip(*(exchanges[c].to_pylist() for c in ("system_prompt", "user_prompt")), strict=True)
    asks = [any(p in f"{system or ''} {user or ''}".lower() for p in REASONING) for system, user in texts]
    return _shares(names, asks)


def _template(names: list[str], templates: list[str]) -> dict[str, float]:
    """The share of the account's exchanges that begin as its most frequent one does, from three exchanges on."""
    by_account: dict[str, Counter[str]] = defaultdict(Counter)
    for name, template in zip(names, templates, strict=True):
        by_account[name][template] += 1
    return {name: max(own.values()) / own.total() if own.total() >= 3 else 0.0 for name, own in by_account.items()}


def _hydra(exchanges: pa.Table, accounts: pa.Table) -> dict[str, float]:
    """The size of the component over shared cards and addresses."""
    names = sorted(set(exchanges["account_id"].to_pylist()))
    label = components(names, shared_tokens(exchanges, accounts))
    sizes = np.bincount(list(label.values()))
    return {name: min((sizes[label[name]] - 1) / FULL_HYDRA, 1.0) for name in names}


def _payment(accounts: pa.Table) -> dict[str, float]:
    """How many other accounts pay with the card."""
    cards = dict(zip(*(accounts[c].to_pylist() for c in ("account_id", "payment_token")), strict=True))
    holders = Counter(card for card in cards.values() if card)
    return {name: min((holders[card] - 1) / FULL_PAYMENT, 1.0) if card else 0.0 for name, card in cards.items()}


def _bursts(names: list[str], exchanges: pa.Table) -> dict[str, float]:
    """How regular the account's gaps are: one minus their coefficient of variation, from ten exchanges on."""
    times: dict[str, list[int]] = defaultdict(list)
    for name, time in zip(names, exchanges["occurred_at"].cast(pa.int64()).to_pylist(), strict=True):
        times[name].append(time)
    found = {}
    for name, own in times.items():
        gaps = np.diff(np.sort(own)).astype(np.float64)
        found[name] = float(np.clip(1 - gaps.std() / max(gaps.mean(), 1.0), 0.0, 1.0)) if len(own) >= 10 else 0.0
    return found


def _pivot(names: list[str], hours: list[int], models: list[str | None]) -> dict[str, float]:
    """How many accounts first asked for the account's newest model within the same six hours."""
    first: dict[tuple[str, str], int] = {}
    for name, hour, model in sorted(zip(names, hours, [m or "" for m in models], strict=True), key=lambda row: row[1]):
        first.setdefault((name, model), hour // 6)
    newest: dict[str, tuple[int, str]] = {}
    for (name, model), block in first.items():
        newest[name] = max(newest.get(name, (-1, "")), (block, model))
    together = Counter(newest.values())
    began = min(block for block, _ in newest.values())
    return {
        name: min((together[when] - 1) / FULL_PIVOT, 1.0) if when[0] > began else 0.0 for name, when in newest.items()
    }


def _shares(names: list[str], flags: list[bool]) -> dict[str, float]:
    total, hits = Counter(names), Counter(name for name, flag in zip(names, flags, strict=True) if flag)
    return {name: hits[name] / n for name, n in total.items()}
