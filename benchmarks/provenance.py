"""Do related models resemble each other, and do unrelated ones pass for related? On public answers (`GAUGER_DATA`).

    python -m benchmarks.provenance

GSM8K: 14 models of 7 families (ZeroEval); a panel has one model of each family, so that all are strangers, and every
two of them play suspect and teacher: each claim is false. For related pairs, both come from one family and the controls
from the others, one each. WildBench: three students of one base, by different data, and three strangers; too few for
a claim, so only ranks are given.

The first 400 prompts of each set (by id) were used to choose what is read of an answer (100 words, runs of 1 to 3), and
those of GSM8K to choose how pairs are ranked. Figures are from the other prompts, with the same models. Nothing is
drawn by chance: there is no seed.
"""

import ast
import itertools
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.hardware import hardware
from gauger.proof.provenance import Counts, agreement, closeness, pair_test, prompts_in_common, runs_in_common

RESULT: Final = Path(__file__).parent / "results" / "provenance.json"
ALPHA: Final = 0.05
N_CHOSEN_ON: Final = 400
GSM: Final = "zeroeval_outputs/gsm"
WILDBENCH: Final = "wildbench_outputs"
FAMILIES: Final = {
    "Meta-Llama-3": "Llama 3",
    "Mistral": "Mistral",
    "Qwen2": "Qwen2",
    "claude": "Claude",
    "deepseek": "DeepSeek",
    "gemma": "Gemma 2",
    "gpt": "GPT",
}
STUDENTS: Final = "Llama-3-8B-"

Answers = Mapping[str, str]


def gsm_answers(folder: Path) -> dict[str, Answers]:
    """Return the answers of every model to GSM8K: the whole text that it wrote, its chain of thought in JSON."""
    models = {}
    for path in sorted((folder / GSM).glob("*.json")):
        rows = json.loads(path.read_text(encoding="utf-8"))
        models[path.stem] = {row["id"]: _only(row["output"]) for row in rows}
    return models


def wildbench_answers(folder: Path) -> dict[str, Answers]:
    """Return the answers of every model to the real prompts of WildBench."""
    models = {}
    for path in sorted((folder / WILDBENCH).glob("*.json")):
        rows = json.loads(path.read_text(encoding="utf-8"))
        models[path.stem] = {row["session_id"]: str(row["model_output"]) for row in rows}
    return models


def family(model: str) -> str:
    return next(name for start, name in FAMILIES.items() if model.startswith(start))


def shared_runs(models: Mapping[str, Answers]) -> tuple[list[str], Counts]:
    """Return the models' names and the runs in common, of the prompts that nothing was chosen on."""
    answers = list(models.values())
    prompts = prompts_in_common(answers)[N_CHOSEN_ON:]
    return list(models), runs_in_common(answers, prompts)


def panels_of_strangers(names: Sequence[str]) -> Iterator[list[int]]:
    """Yield one model of each family, in every way."""
    yield from (list(panel) for panel in itertools.product(*_by_family(names).values()))


def panels_of_relatives(names: Sequence[str]) -> Iterator[list[int]]:
    """Yield two models of one family, and one of each other as controls, in every way."""
    families = _by_family(names)
    for own, members in families.items():
        others = [some for name, some in families.items() if name != own]
        for pair in itertools.combinations(members, 2):
            yield from ([*pair, *controls] for controls in itertools.product(*others))


def tested(shared: Counts, panel: Sequence[int], pairs: Sequence[tuple[int, int]]) -> list[dict[str, float]]:
    """Return the p-values of these pairs, as indices into the panel."""
    agreed = agreement(shared[:, panel][:, :, panel])
    found = [pair_test(agreed, *pair) for pair in pairs]
    return [{"p_models": one.p_models, "p_prompts": one.p_prompts, "p": one.p_value} for one in found]


def one_sided(shared: Counts, panel: Sequence[int]) -> float:
    """Return the share of suspects of a panel with a teacher that beats all controls on the prompts, seen from them.

    It is what a test of prompts alone claims, without the models' null.
    """
    from scipy.stats import binom

    agreed = agreement(shared[:, panel][:, :, panel])
    claims = 0
    for suspect, teacher in itertools.permutations(range(len(panel)), 2):
        apart = [agreed[:, suspect, teacher] - agreed[:, suspect, c] for c in range(len(panel))]
        beside = [one for c, one in enumerate(apart) if c not in (suspect, teacher)]
        claims += all(binom.sf((one > 0).sum() - 1, (one != 0).sum(), 0.5) <= ALPHA for one in beside)
    return claims / len(panel)


def claims(rows: Sequence[Mapping[str, float]], which: str = "p") -> dict[str, object]:
    """Return how many tests reach the level."""
    hits = sum(row[which] <= ALPHA for row in rows)
    return {"tests": len(rows), "claims": hits, "rate": round(hits / len(rows), 4)}


def ranks(names: Sequence[str], shared: Counts) -> list[dict[str, object]]:
    """Return every pair of a set, the most alike first: by agreement, as half of the panel are relatives of each other,
    which `closeness` would take for their standing.
    """
    mean = agreement(shared).mean(axis=0)
    near = closeness(mean)
    pairs = sorted(itertools.combinations(range(len(names)), 2), key=lambda pair: -mean[pair])
    return [
        {
            "pair": [names[a], names[b]],
            "agreement": round(float(mean[a, b]), 4),
            "closeness": round(float(near[a, b]), 4),
        }
        for a, b in pairs
    ]


def on_gsm(folder: Path) -> dict[str, object]:
    names, shared = shared_runs(gsm_answers(folder))
    strangers, alone = [], []
    for panel in panels_of_strangers(names):
        strangers += tested(shared, panel, list(itertools.combinations(range(len(panel)), 2)))
        alone.append(one_sided(shared, panel))
    relatives: dict[str, list[dict[str, float]]] = {}
    for panel in panels_of_relatives(names):
        key = " | ".join(names[i] for i in panel[:2])
        relatives.setdefault(key, []).extend(tested(shared, panel, [(0, 1)]))
    ranked = ranks(names, shared)
    kin = [i for i, row in enumerate(ranked, start=1) if len({family(one) for one in row["pair"]}) == 1]
    return {
        "prompts": len(shared),
        "models": {name: family(name) for name in names},
        "strangers": {name: claims(strangers, name) for name in ("p", "p_models", "p_prompts")},
        "strangers_prompts_alone_one_direction": round(float(np.mean(alone)), 4),
        "relatives": {pair: claims(rows) for pair, rows in relatives.items()},
        "relatives_all": claims([row for rows in relatives.values() for row in rows]),
        "ranks_of_related_pairs": kin,
        "auroc_of_related_pairs": round(auroc(kin, len(ranked)), 4),
        "most_alike": ranked[:15],
    }


def on_wildbench(folder: Path) -> dict[str, object]:
    names, shared = shared_runs(wildbench_answers(folder))
    ranked = ranks(names, shared)
    kin = [i for i, row in enumerate(ranked, start=1) if all(one.startswith(STUDENTS) for one in row["pair"])]
    return {"prompts": len(shared), "ranks_of_related_pairs": kin, "pairs": ranked}


def auroc(ranked: Sequence[int], n: int) -> float:
    """Return the chance that a related pair stands before another one."""
    before = sum((n - rank) - (len(ranked) - i) for i, rank in enumerate(ranked, start=1))
    return before / (len(ranked) * (n - len(ranked)))


def _by_family(names: Sequence[str]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for index, name in enumerate(names):
        found.setdefault(family(name), []).append(index)
    return found


def _only(output: object) -> str:
    """Return the one text of a list of outputs, which some files hold as the text of a list."""
    listed = ast.literal_eval(output) if isinstance(output, str) else output
    (text,) = listed
    return str(text)


def main() -> None:
    folder = Path(os.environ["GAUGER_DATA"])
    result = {"hardware": hardware(), "alpha": ALPHA, "chosen_on": N_CHOSEN_ON}
    result |= {"gsm8k": on_gsm(folder), "wildbench": on_wildbench(folder)}
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
