"""Windows: is there extraction in a stream of queries? Ours beside the window detectors of arXiv 2606.05725.

    python -m benchmarks.windows [--smoke] [--sizes 100,500,1500] [--seeds 1,20,42] [--only report|development|PAIR,...]

The paper's protocol on corpora at hand (`benchmarks.corpora`; its own are not): benign prompts are shuffled, 60 % are
the detector's and 40 % are held out; a window holds n prompts without replacement, a share of them an attacker's. 100
benign windows, 50 of each share (20 from half upward), seeds 1, 20 and 42. A size is left out where fewer than 1.5 n
prompts are held out, a share where the attacker has too few prompts. No embedding model is at hand: the peers'
embedding is hashed n-grams on 128 leading directions of prompts of the corpora that the pair does not use, so like a
model it was made elsewhere; it is weaker than one, and the peers' figures are not those of the paper.

Development pairs (`DEVELOPMENT`) were used while the design was chosen: which statistics, whitening, split and fusion.
Report pairs (`REPORT`) share no benign corpus with them, and two attackers are in them alone; what was seen of them
before the design was fixed is said in `benchmarks.corpora`.

Two comparisons. As declared: every method alarms by its own threshold at 5 % and 1 %; "certified" is the share of runs
in which its calibration allows an alarm at all. At equal realised rate: the threshold of every method is the conformal
quantile of its own scores on the 100 benign test windows, as detection.md section 1 does for the published scores.
Windows of a pair and seed overlap, so realised rates are averages over pairs and seeds, not independent trials.

Validity is measured apart: every fresh split of a benign corpus gives one window and one p-value, so the rates of
`validity` are of independent splits (of one corpus each), not of overlapping windows.

Every run is a line in .scratch/windows.jsonl; a run that is there is not made again. Table and result are written
from those lines.
"""

import argparse
import json
import os
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from rich.progress import Progress
from scipy.stats import binomtest

from benchmarks.corpora import DEVELOPMENT, MIXED, MIXTURE, READERS, REPORT, Pair, corpus, without
from benchmarks.hardware import hardware
from benchmarks.peers import mahalanobis, mmd, prada, seat
from gauger.lab.pools import Floats, Ints, Texts
from gauger.lab.representations import (
    CHARACTER_ORDERS,
    WORD_ORDERS,
    Look,
    characters,
    fit_gram_space,
    fit_lens,
    gram_counts,
    words,
)
from gauger.lab.window_test import (
    Exchangeable,
    Split,
    fused,
    marks,
    on_one_scale,
    split_benign,
    statistics,
    window_test,
    windows_of,
)

RESULT = Path("benchmarks/results/windows.json")
LINES = Path(".scratch/windows.jsonl")
SIZES = (100, 500, 1_500)
SEEDS = (1, 20, 42)
SHARES = (0.05, 0.1, 0.25, 0.5, 1.0)
LEVELS = (0.05, 0.01)
HELD_OUT = 0.4
N_BENIGN, N_HOSTILE, N_MOSTLY_HOSTILE = 100, 50, 20
#: Pairs of the published null: the paper has 1,000.
N_NULL_PAIRS = 300
#: The fewest with which a p-value of 1 % is possible.
N_DRAWN = 99
#: Corpora are cut to this many prompts, so that the kernel matrix fits.
MOST_BENIGN, MOST_HOSTILE = 6_000, 2_000
#: Prompts of each other corpus that the peers' embedding is made of.
N_ELSEWHERE = 500
#: Corpora, prompts and windows of the fresh splits.
BENIGN = tuple(dict.fromkeys(pair.benign for pair in (*REPORT, *DEVELOPMENT)))
N_VALIDITY, VALIDITY_SIZES = 1_200, (100, 500)
#: References that every window's twenty are drawn from: their kernel sums are worked out once.
N_REFERENCE_BANK = 100


@dataclass(frozen=True)
class Stage:
    """A pair and a seed: prompts in one array (the detector's, the held-out, the attacker's), and what is known."""

    pair: Pair
    seed: int
    texts: Texts
    elsewhere: Texts
    n_pool: int
    n_benign: int

    @property
    def pool(self) -> Ints:
        return np.arange(self.n_pool)

    @property
    def held(self) -> Ints:
        return np.arange(self.n_pool, self.n_benign)

    @property
    def hostile(self) -> Ints:
        return np.arange(self.n_benign, len(self.texts))

    def rng(self, *what: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, *what])

    @cached_property
    def split(self) -> Split:
        return split_benign(self.n_pool, 1, rng=self.rng(1))

    @cached_property
    def reference(self) -> Ints:
        """The prompts that calibrated peers may refer to: what ours fits on; the others of the pool calibrate."""
        return self.split.fitted.ravel()

    @cached_property
    def comparison(self) -> Ints:
        return self.split.comparison.ravel()

    @cached_property
    def look(self) -> Look:
        return fit_lens(self.texts[self.reference], self.rng(2)).look(self.texts)

    @cached_property
    def places(self) -> Floats:
        """The peers' embedding: unit rows of 64 directions of words and 64 of characters."""
        rng, both = self.rng(3), []
        for symbols, orders in ((words, WORD_ORDERS), (characters, CHARACTER_ORDERS)):
            space = fit_gram_space(gram_counts(symbols(self.elsewhere), orders), rng)
            both.append(space.places(gram_counts(symbols(self.texts), orders)))
        rows = np.hstack(both)
        return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)

    @cached_property
    def gram(self) -> np.ndarray:
        median = mmd.median_distance(self.places[self.pool], self.rng(4))
        return mmd.kernel(self.places, self.places, median=median)

    def windows(self, size: int, share: float, n: int) -> Ints | None:
        """Return n test windows, or nothing where the attacker has too few prompts."""
        rng = self.rng(5, size, round(1_000 * share))
        n_hostile = round(size * share)
        if n_hostile > len(self.hostile):
            return None
        return np.array(
            [
                np.concatenate(
                    [
                        rng.choice(self.held, size - n_hostile, replace=False),
                        rng.choice(self.hostile, n_hostile, replace=False),
                    ]
                )
                for _ in range(n)
            ]
        )

    def disjoint(self, size: int) -> Ints:
        """Return disjoint calibration windows of the comparison prompts."""
        return self.comparison[: len(self.comparison) // size * size].reshape(-1, size)


def set_up(pair: Pair, seed: int, folder: Path) -> Stage:
    rng = np.random.default_rng([seed, 0])
    benign = rng.permutation(corpus(pair.benign, folder))[:MOST_BENIGN]
    hostile = rng.permutation(without(corpus(pair.attacker, folder), benign))[:MOST_HOSTILE]
    n_pool = round((1 - HELD_OUT) * len(benign))
    elsewhere = [
        rng.permutation(corpus(name, folder))[:N_ELSEWHERE]
        for name in READERS
        if name not in (pair.benign, pair.attacker, MIXED) and (pair.benign != MIXED or name not in MIXTURE)
    ]
    return Stage(pair, seed, np.concatenate([benign, hostile]), np.concatenate(elsewhere), n_pool, len(benign))


@dataclass(frozen=True)
class Scores:
    """A method's scores and p-values of windows, each float64[w], and the least p-value that it can give."""

    score: Floats
    p: Floats
    floor: float


def ours(stage: Stage, size: int, windows: Ints) -> Scores:
    """`gauger lab window-test --exchangeable texts`, with fewer draws."""
    return _ours(stage, size, windows, "texts")


def ours_disjoint(stage: Stage, size: int, windows: Ints) -> Scores:
    """`gauger lab window-test`: disjoint comparison windows."""
    return _ours(stage, size, windows, "windows")


def _ours(stage: Stage, size: int, windows: Ints, exchangeable: Exchangeable) -> Scores:
    rng, found, n = stage.rng(6, size), [], 1
    for window in windows:
        marked = marks(stage.look.take(np.concatenate([window, stage.comparison])))
        compared = windows_of(len(marked), size, exchangeable=exchangeable, rng=rng, n_drawn=N_DRAWN)
        values = statistics(marked, compared)
        scores, n = fused(on_one_scale(values, values)), len(compared)
        found.append((scores[0], np.mean(scores >= scores[0])))
    return Scores(*np.array(found).T, floor=1 / n)


def mmd_scores(stage: Stage, size: int, windows: Ints, reference: Ints) -> Floats:
    """Return each window's mean squared discrepancy from twenty references of the bank."""
    rng = stage.rng(7, size)
    bank = np.array([rng.choice(reference, min(size, len(reference)), replace=False) for _ in range(N_REFERENCE_BANK)])
    own, others = (mmd.indicators(which, len(stage.texts)) for which in (windows, bank))
    cross = mmd.between(stage.gram, own, others)
    inside = mmd.within(stage.gram, others)
    chosen = np.array([rng.choice(N_REFERENCE_BANK, mmd.N_REFERENCES, replace=False) for _ in windows])
    return (
        mmd.within(stage.gram, own)
        + inside[chosen].mean(axis=1)
        - 2 * np.take_along_axis(cross, chosen, axis=1).mean(axis=1)
    )


def mmd_published(stage: Stage, size: int, windows: Ints) -> Scores:
    """As published: all of the pool as reference, a null of single pairs."""
    pool = stage.gram[: stage.n_pool, : stage.n_pool]
    null = np.sort(mmd.null_pairs(pool, size, rng=stage.rng(8, size), n_pairs=N_NULL_PAIRS))
    score = mmd_scores(stage, size, windows, stage.pool)
    p = (1 + len(null) - np.searchsorted(null, score, side="left")) / (len(null) + 1)
    return Scores(score, p, floor=1 / (len(null) + 1))


def mmd_conformal(stage: Stage, size: int, windows: Ints) -> Scores:
    """Re-calibrated: conformal on disjoint benign windows that no reference shares a prompt with."""
    both = mmd_scores(stage, size, np.vstack([stage.disjoint(size), windows]), stage.reference)
    return _conformal(both, len(both) - len(windows), two_sided=False)


def mahalanobis_scores(stage: Stage, size: int, windows: Ints) -> Scores:
    detector, reference = mahalanobis.Mahalanobis(), stage.places[stage.reference]
    everything = np.vstack([stage.disjoint(size), windows])
    scores = np.array([detector.score(reference, stage.places[window]) for window in everything])
    return _conformal(scores, len(scores) - len(windows), two_sided=False)


def prada_scores(stage: Stage, size: int, windows: Ints) -> Scores:
    everything = np.vstack([stage.disjoint(size), windows])
    scores = np.array([prada.Prada().score(stage.places[:0], stage.places[window]) for window in everything])
    return _conformal(scores, len(scores) - len(windows), two_sided=True)


def seat_scores(stage: Stage, size: int, windows: Ints) -> Scores:
    threshold = seat.alike_from(stage.places[stage.reference])
    everything = np.vstack([stage.disjoint(size), windows])
    scores = np.array([seat.share_alike(stage.places[window], threshold) for window in everything])
    return _conformal(scores, len(scores) - len(windows), two_sided=True)


def _conformal(scores: Floats, n: int, *, two_sided: bool) -> Scores:
    """Return scores and p-values of all windows but the first n, which calibrate; two-sided about their median."""
    if two_sided:
        scores = np.abs(scores - np.median(scores[:n]))
    null, tested = np.sort(scores[:n]), scores[n:]
    return Scores(tested, (1 + n - np.searchsorted(null, tested, side="left")) / (n + 1), floor=1 / (n + 1))


METHODS = {
    "ours, drawn": ours,
    "ours, disjoint windows": ours_disjoint,
    "MMD as published": mmd_published,
    "MMD conformal": mmd_conformal,
    "Mahalanobis": mahalanobis_scores,
    "SEAT": seat_scores,
    "PRADA": prada_scores,
}


def run(stage: Stage, size: int) -> dict[str, object]:
    """Return the outcome of every method on one stage and size."""
    groups = {0.0: stage.windows(size, 0.0, N_BENIGN)}
    for share in SHARES:
        groups[share] = stage.windows(size, share, N_HOSTILE if share < 0.5 else N_MOSTLY_HOSTILE)
    groups = {share: windows for share, windows in groups.items() if windows is not None}
    everything = np.vstack(list(groups.values()))
    kind = np.repeat(list(groups), [len(windows) for windows in groups.values()])
    outcome = {"pair": str(stage.pair), "seed": stage.seed, "size": size, "shares": [s for s in groups if s]}
    for name, method in METHODS.items():
        started = time.process_time()
        scores = method(stage, size, everything)
        outcome[name] = {**_rates(scores, kind), "cpu_s": round(time.process_time() - started, 2)}
    return outcome


def _rates(scores: Scores, kind: Floats) -> dict[str, object]:
    """Return alarms as declared and at equal realised rate, by level and share (0 is benign)."""
    shares = np.unique(kind)
    own = np.sort(scores.score[kind == 0])
    found: dict[str, object] = {}
    for level in LEVELS:
        threshold = own[min(int(np.ceil((len(own) + 1) * (1 - level))), len(own)) - 1]
        alarms = {"declared": scores.p <= level, "equal": scores.score > threshold}
        for name, alarm in alarms.items():
            found[f"{name}/{level:g}"] = {
                f"{share:g}": round(float(alarm[kind == share].mean()), 4) for share in shares
            }
        found[f"certified/{level:g}"] = scores.floor <= level
    return found


def p_value_of_a_fresh_split(benign: str, size: int, seed: int, *, folder: Path) -> float:
    """Return the p-value of one benign window, everything drawn anew: prompts, lens, comparison and window."""
    rng = np.random.default_rng([seed, 9])
    texts = rng.permutation(corpus(benign, folder))[: N_VALIDITY + size]
    found = window_test(texts[size:], texts[:size], rng=rng, exchangeable="texts", n_drawn=N_DRAWN)
    return found.p_value


def validity(folder: Path, n_splits: int) -> list[dict]:
    """Return how often benign windows of fresh splits alarm, by size and corpus."""
    lines = LINES.with_name("windows-validity.jsonl")
    known = {(row["benign"], row["size"], row["seed"]): row["p"] for row in _done(lines)}
    wanted = [(benign, size, 1_000 + k) for size in VALIDITY_SIZES for benign in BENIGN for k in range(n_splits)]
    with Progress() as bar, lines.open("a") as out:
        for benign, size, seed in bar.track([one for one in wanted if one not in known], description="fresh splits"):
            p = known[benign, size, seed] = p_value_of_a_fresh_split(benign, size, seed, folder=folder)
            out.write(json.dumps({"benign": benign, "size": size, "seed": seed, "p": p}) + "\n")
            out.flush()
    return [
        {"size": size, **_realised(name, [known[one] for one in wanted if one[1] == size and one[0] in which])}
        for size in VALIDITY_SIZES
        for name, which in [*((benign, (benign,)) for benign in BENIGN), ("all", BENIGN)]
    ]


def _realised(name: str, p_values: list[float]) -> dict:
    """Return the share of p-values at or below each level, with its 95 % interval (Clopper and Pearson)."""
    row: dict[str, object] = {"benign": name, "splits": len(p_values)}
    for level in LEVELS:
        interval = binomtest(sum(p <= level for p in p_values), len(p_values)).proportion_ci()
        row[f"{level:g}"] = round(float(np.mean(np.array(p_values) <= level)), 4)
        row[f"{level:g} interval"] = [round(float(end), 4) for end in (interval.low, interval.high)]
    return row


def summary(rows: list[dict], of: str) -> list[dict]:
    """Return one row a size and method, means over pairs and seeds."""
    table = []
    for size in sorted({row["size"] for row in rows}):
        mine = [row for row in rows if row["size"] == size]
        for method in METHODS:
            row: dict[str, object] = {"pairs": of, "size": size, "method": method, "runs": len(mine)}
            for level in LEVELS:
                row[f"certified/{level:g}"] = _mean(r[method][f"certified/{level:g}"] for r in mine)
                for how in ("declared", "equal"):
                    cells = [r[method][f"{how}/{level:g}"] for r in mine]
                    by_share = {
                        f"{share:g}": _mean(c[f"{share:g}"] for c in cells if f"{share:g}" in c)
                        for share in (0.0, *SHARES)
                    }
                    rates = [by_share[f"{share:g}"] for share in SHARES if by_share[f"{share:g}"] is not None]
                    row[f"{how}/{level:g}"] = by_share | {"average": _mean(rates)}
            row["cpu_s"] = _mean(r[method]["cpu_s"] for r in mine)
            table.append(row)
    return table


def _mean(values) -> float | None:
    found = list(values)
    return round(float(np.mean(found)), 4) if found else None


def show(table: list[dict]) -> None:
    """Print the table: percent by share, as declared and at equal realised rate."""
    heads = ["benign", *(f"{share:.0%}" for share in SHARES), "avg"]
    for level in LEVELS:
        for how in ("declared", "equal"):
            print(f"\n{how} at {level:.0%}, alarms in percent")
            print(f"{'pairs':12}{'n':>5}  {'method':24}{'certif.':>8}" + "".join(f"{head:>8}" for head in heads))
            for row in table:
                cells = list(row[f"{how}/{level:g}"].values())
                print(
                    f"{row['pairs']:12}{row['size']:>5}  {row['method']:24}{100 * row[f'certified/{level:g}']:>8.0f}"
                    + "".join(f"{100 * cell:>8.1f}" if cell is not None else f"{'':>8}" for cell in cells)
                )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    parser.add_argument("--seeds", default=",".join(map(str, SEEDS)))
    parser.add_argument("--only", default="", help="development, report, or pairs as benign/attacker with commas")
    parser.add_argument("--splits", type=int, default=50, help="fresh splits of each benign corpus")
    parser.add_argument("--smoke", action="store_true", help="one small pair and size, nothing recorded")
    args = parser.parse_args()
    if "GAUGER_DATA" not in os.environ:
        print("not run: GAUGER_DATA names no folder of public data sets")
        return
    folder = Path(os.environ["GAUGER_DATA"])
    sizes, seeds = (tuple(map(int, text.split(","))) for text in (args.sizes, args.seeds))
    pairs = _pairs(args.only)
    lines = LINES
    if args.smoke:
        pairs, sizes, seeds, lines = (
            [Pair("dialogues", "codegen")],
            (100,),
            (1,),
            LINES.with_name("windows-smoke.jsonl"),
        )
        lines.unlink(missing_ok=True)
    lines.parent.mkdir(exist_ok=True)
    _fill(lines, pairs, sizes=sizes, seeds=seeds, folder=folder)
    rows = _done(lines)
    tables = [
        row
        for of, group in (("development", DEVELOPMENT), ("report", REPORT))
        if (mine := [r for r in rows if r["pair"] in set(map(str, group))])
        for row in summary(mine, of)
    ]
    show(tables)
    if not args.smoke:
        realised = validity(folder, args.splits)
        print(*realised, sep="\n")
        result = {
            "hardware": hardware(),
            "development_pairs": list(map(str, DEVELOPMENT)),
            "report_pairs": list(map(str, REPORT)),
            "seeds": SEEDS,
            "validity": realised,
            "table": tables,
            "runs": sorted(rows, key=lambda r: (r["pair"], r["size"], r["seed"])),
        }
        RESULT.write_text(json.dumps(result, indent=1) + "\n")


def _pairs(only: str) -> list[Pair]:
    """Return the pairs that are asked for, report pairs first."""
    groups = {"": (*REPORT, *DEVELOPMENT), "report": REPORT, "development": DEVELOPMENT}
    return list(groups.get(only) or (pair for pair in groups[""] if str(pair) in only.split(",")))


def _fill(lines: Path, pairs: list[Pair], *, sizes: tuple[int, ...], seeds: tuple[int, ...], folder: Path) -> None:
    """Run what has no line yet."""
    known = {(r["pair"], r["seed"], r["size"]) for r in _done(lines)}
    with Progress() as bar, lines.open("a") as out:
        task = bar.add_task("pairs and seeds", total=len(pairs) * len(seeds))
        for pair in pairs:
            for seed in seeds:
                open_sizes = [size for size in sizes if (str(pair), seed, size) not in known]
                stage = set_up(pair, seed, folder) if open_sizes else None
                for size in open_sizes:
                    if stage and 1.5 * size <= len(stage.held):
                        out.write(json.dumps(run(stage, size)) + "\n")
                        out.flush()
                bar.advance(task)


def _done(lines: Path) -> list[dict]:
    return [json.loads(line) for line in lines.read_text().splitlines() if line] if lines.exists() else []


if __name__ == "__main__":
    main()
