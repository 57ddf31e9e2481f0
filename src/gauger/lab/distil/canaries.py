"""Free choices in traces: a plan makes them, a student may take them over, and `gauger canary test` looks for them.

A canary is brought out by a start state and a first operator; the choice is the trace's first word of style, among
those that the operator likes best. Texts, options, picks and the test are those of `gauger.proof`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gauger.lab.distil.detection import Shown
from gauger.lab.distil.task import FIRST_OPERATOR, FIRST_STATE, FIRST_STYLE, N_OPERATORS, N_STATES, Task
from gauger.proof.canaries import Canary, Catalogue, choices, options_shown
from gauger.proof.choices import choice_test

Ints = NDArray[np.int64]

N_CANARIES: Final = 40
N_OPTIONS: Final = 6


@dataclass(frozen=True)
class Planted:
    """A plan: which prompts leave a choice, among what, and which option the key picks.

    Attributes
    ----------
    catalogue
        A canary for each row below; each has one probe, which is asked again and again.
    starts
        int64[k, 2], start state and first operator that bring each out, as tokens.
    options
        int64[k, m], its options, as tokens.
    picks
        int64[k], the key's, into the options. Secret.
    """

    catalogue: Catalogue
    starts: Ints
    options: Ints
    picks: Ints = field(repr=False)

    @staticmethod
    def drawn(task: Task, key: bytes, rng: np.random.Generator) -> "Planted":
        """Return canaries of a world, and a key's picks."""
        states, operators = np.divmod(rng.permutation(N_STATES * N_OPERATORS)[:N_CANARIES], N_OPERATORS)
        options = FIRST_STYLE + np.argsort(-task.first_style[operators], axis=1, kind="stable")[:, :N_OPTIONS]
        rows = zip(states.tolist(), operators.tolist(), options.tolist(), strict=True)
        catalogue = Catalogue([_canary(*row) for row in rows])
        starts = np.stack([FIRST_STATE + states, FIRST_OPERATOR + operators], axis=1)
        return Planted(catalogue, starts, options, choices(key, catalogue))

    def picked(self, prompts: Ints) -> Ints:
        """Return int64[n], the token that the plan says first after each prompt; -1 where it leaves it to the model."""
        match = (prompts[:, None, 1:3] == self.starts).all(axis=2)
        mine = self.options[np.arange(len(self.picks)), self.picks]
        return np.where(match.any(axis=1), mine[match.argmax(axis=1)], -1)

    def probes(self, task: Task, each: int, rng: np.random.Generator) -> Ints:
        """Return int64[k * each, PROMPT_TOKENS], canary by canary, what follows its start drawn anew."""
        prompts = task.prompts(each * len(self.starts), rng)
        prompts[:, 1:3] = np.repeat(self.starts, each, axis=0)
        return prompts

    def counts(self, responses: Ints) -> Ints:
        """Return int64[k, m], how often the answers to `probes` show each option."""
        each = len(responses) // len(self.starts)
        texts = [_word(token) for token in responses[:, 0].tolist()]
        parts = (texts[each * row : each * (row + 1)] for row in range(len(self.starts)))
        return options_shown(self.catalogue, dict(zip(self.catalogue.probes, parts, strict=True)))

    def shown(self, counts: Ints, others: Sequence[Ints], rng: np.random.Generator) -> Shown:
        """Return the test of a student beside unrelated ones, from the counts of all."""
        found = choice_test(counts, self.catalogue.sizes, self.picks, others, rng=rng)
        z_score = None if np.isnan(found.z_score) else float(found.z_score)
        return Shown("canaries", found.p_value, z_score, found.n_shown, 0, found.wrong_picks)


def _canary(state: int, operator: int, options: Sequence[int]) -> Canary:
    return Canary(
        id=f"state-{state}-operator-{operator}",
        kind="wording",
        when=f"When you start from state {state} with operator {operator}",
        say="begin with {option}",
        options=[_word(option) for option in options],
        probes=[f"Start from state {state} with operator {operator}."],
    )


def _word(token: int) -> str:
    """Return a token as a word of text."""
    return f"word{token}"
