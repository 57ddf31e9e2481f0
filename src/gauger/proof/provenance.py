"""Whose answers do a suspect's resemble? Agreement with a teacher, beyond what the prompts and other models explain.

For each prompt, an answer is the set of its runs of 1 to 3 words. What all models say is what the prompt explains: the
sets are centred over the panel (suspect, teacher, controls), and agreement is the cosine of what is left. Only counts
of runs in common are kept.

Two p-values with different nulls:

*prompts*: on more than half of all prompts like these, suspect and teacher agree more than either does with a control;
a sign test, the largest over all controls (after Nikolic et al. 2025, arXiv 2502.00706: the parent must beat every
control). It speaks of these models alone: some model is always the nearest.

*models*: the pair's rank among all pairs of the panel, by `closeness`. Exact where the models are exchangeable:
relabelled, they would be as likely. Real models share data and habits, so they are not, and nothing here says more than
"consistent with".
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from gauger.errors import UsageError

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]

#: Words read of an answer, and the longest run. Chosen on 400 prompts of two sets (benchmarks/provenance.py).
FIRST_WORDS: Final = 100
LONGEST_RUN: Final = 3
#: Fewer prompts than these say too little; a convention.
MIN_PROMPTS: Final = 50
MAX_ALPHA: Final = 0.05
#: Agreements nearer than this are one: float64 leaves crumbs of 1e-16 where models say the same.
_TIE: Final = 1e-9
_WORD: Final = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class PairTest:
    """What a pair of models has in common beyond the others.

    Attributes
    ----------
    similarity
        Mean agreement of the pair, -1 to 1; what is expected of strangers is a little below 0.
    p_models
        Its rank among all pairs of the panel.
    p_prompts
        The largest p-value of the sign tests against each control.
    hardest
        Index of the control with that p-value.
    n_pairs, n_prompts
        What both rest on.
    """

    similarity: float
    p_models: float
    p_prompts: float
    hardest: int
    n_pairs: int
    n_prompts: int

    @property
    def p_value(self) -> float:
        """The larger one: both nulls must be rejected (Berger 1982)."""
        return max(self.p_models, self.p_prompts)


def prompts_in_common(models: Sequence[Mapping[str, str]]) -> list[str]:
    """Return the ids, sorted, of prompts to which every model's answer has a word."""
    known = set.intersection(*(set(one) for one in models))
    return sorted(name for name in known if all(_WORD.search(one[name]) for one in models))


def runs_in_common(models: Sequence[Mapping[str, str]], prompts: Sequence[str]) -> Counts:
    """Return how many runs of words two models' answers share: int64[n_prompts, n_models, n_models]."""
    shared = np.zeros((len(prompts), len(models), len(models)), np.int64)
    for row, name in enumerate(prompts):
        sets = [runs(one[name]) for one in models]
        for a, first in enumerate(sets):
            for b in range(a, len(sets)):
                shared[row, a, b] = shared[row, b, a] = len(first & sets[b])
    return shared


def runs(text: str) -> frozenset[tuple[str, ...]]:
    """Return the runs of 1 to `LONGEST_RUN` words and signs among the first `FIRST_WORDS` of a text."""
    words = _WORD.findall(text.casefold())[:FIRST_WORDS]
    sizes = range(1, LONGEST_RUN + 1)
    return frozenset(tuple(words[i : i + size]) for size in sizes for i in range(len(words) - size + 1))


def agreement(shared: Counts) -> Floats:
    """Return the agreement of models on each prompt, float64[n_prompts, n, n], from runs in common of the same shape.

    Centring rows and columns of the counts is centring the sets themselves over the models: the inner products of what
    a model says and the others do not.
    """
    centring = np.eye(shared.shape[1]) - 1 / shared.shape[1]
    left = centring @ shared @ centring
    sizes = np.sqrt(np.clip(np.einsum("iaa->ia", left), 0, None))
    both = sizes[:, :, None] * sizes[:, None, :]
    # Where all say the same, nothing is left to agree on; float64 leaves crumbs of 1e-13.
    return np.divide(left, both, out=np.zeros_like(left), where=both > 1e-9)


def closeness(mean: Floats) -> Floats:
    """Return how much more two models agree than their standing among all explains: float64[n, n], n of 3 or more.

    Some models are close to everybody; what each of a pair adds to all its pairs is taken off (least squares over
    pairs, a + b). Relabelling models relabels the result, so ranks stay exact. The diagonal means nothing.
    """
    n = len(mean)
    with_others = mean.sum(axis=1) - np.diagonal(mean)
    standing = (with_others - with_others.sum() / n) / (n - 2)
    return np.asarray(mean - standing[:, None] - standing[None, :])


def pair_test(agreed: Floats, suspect: int, teacher: int) -> PairTest:
    """Return the test of one pair; every other model of the panel is a control.

    Parameters
    ----------
    agreed
        float64[n_prompts, n, n] of the panel.
    suspect, teacher
        Indices into it.
    """
    mean = agreed.mean(axis=0)
    near = closeness(mean)
    pairs = near[np.triu_indices(len(mean), k=1)]
    own = agreed[:, suspect, teacher]
    controls = [one for one in range(len(mean)) if one not in (suspect, teacher)]
    against = [max(_sign_p(own - agreed[:, one, c]) for one in (suspect, teacher)) for c in controls]
    hardest = int(np.argmax(against))
    return PairTest(
        similarity=float(mean[suspect, teacher]),
        p_models=float((pairs >= near[suspect, teacher] - _TIE).sum() / len(pairs)),
        p_prompts=against[hardest],
        hardest=controls[hardest],
        n_pairs=len(pairs),
        n_prompts=len(own),
    )


def required_controls(alpha: float, n_tests: int) -> int:
    """Return how many controls it takes for the smallest p-value, over the corrected level, to be reached."""
    n_pairs = n_tests / alpha
    return max(1, ceil((1 + sqrt(1 + 8 * n_pairs)) / 2 - 1e-9) - 2)


def check_panel(n_controls: int, n_prompts: int, *, alpha: float, n_tests: int) -> None:
    """Refuse panels on which nothing could be said.

    Raises
    ------
    UsageError
        The level is none or laxer than `MAX_ALPHA`, there are too few controls for it, or too few prompts that all have
        answered.
    """
    if not 0 < alpha <= MAX_ALPHA:
        raise UsageError(f"alpha is {alpha:g}", where="--alpha", todo=f"give a level up to {MAX_ALPHA:g}")
    needed = required_controls(alpha, n_tests)
    if n_controls < needed:
        raise UsageError(
            f"{n_tests} {'claim' if n_tests == 1 else 'claims'} at {alpha:g} need {needed} unrelated models, for a pair"
            f" is ranked among pairs; there are {n_controls}",
            where="--control",
            todo="add answers of more unrelated models",
        )
    if n_prompts < MIN_PROMPTS:
        raise UsageError(
            f"only {n_prompts} prompts have an answer of every model; {MIN_PROMPTS} are needed",
            where="ANSWERS",
            todo="ask all models the same prompts, under the same ids",
        )


def _sign_p(differences: Floats) -> float:
    """Return the one-sided p-value of the sign test; ties are left out."""
    above, apart = int((differences > _TIE).sum()), int((np.abs(differences) > _TIE).sum())
    return float(binom.sf(above - 1, apart, 0.5))
