"""State tracking with a chain of thought: a task that cannot be done without the steps in between.

A prompt names a state and six operators; each operator is a fixed random permutation of the states. The answer is the
state after all six. The trace walks there: for each step two words of style, which mean nothing and carry the entropy
that a watermark needs, then the state. Answers can be checked, and a small transformer that is shown only answers stays
at chance.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

N_STATES: Final = 16
N_OPERATORS: Final = 8
N_STEPS: Final = 6
N_STYLE: Final = 64

PAD, BEGIN, EQUALS, ANSWER, END = range(5)
FIRST_OPERATOR: Final = 5
FIRST_STATE: Final = FIRST_OPERATOR + N_OPERATORS
FIRST_STYLE: Final = FIRST_STATE + N_STATES
VOCABULARY: Final = FIRST_STYLE + N_STYLE

#: Two words of style and the state.
STEP_TOKENS: Final = 3
PROMPT_TOKENS: Final = N_STEPS + 3
RESPONSE_TOKENS: Final = STEP_TOKENS * N_STEPS + 3
#: Answers to be had by guessing.
CHANCE: Final = 1 / N_STATES

#: How uneven the style is: logits are this times a standard normal.
_STYLE_SCALE: Final = 2.0


@dataclass(frozen=True)
class Task:
    """One world: what the operators do, and which style its texts have.

    Attributes
    ----------
    permutations
        int64[N_OPERATORS, N_STATES], where each operator leads from each state.
    first_style
        float64[N_OPERATORS, N_STYLE], distribution of a step's first word of style by its operator.
    second_style
        float64[N_STYLE, N_STYLE], of the second word by the first.
    """

    permutations: Ints
    first_style: Floats
    second_style: Floats

    @staticmethod
    def drawn(rng: np.random.Generator) -> "Task":
        """Return a random world."""
        return Task(
            permutations=np.stack([rng.permutation(N_STATES) for _ in range(N_OPERATORS)]),
            first_style=_distributions(rng, N_OPERATORS),
            second_style=_distributions(rng, N_STYLE),
        )

    def prompts(self, n: int, rng: np.random.Generator) -> Ints:
        """Return int64[n, PROMPT_TOKENS]: begin, a state, the operators, equals."""
        start = FIRST_STATE + rng.integers(0, N_STATES, (n, 1))
        operators = FIRST_OPERATOR + rng.integers(0, N_OPERATORS, (n, N_STEPS))
        return np.hstack([np.full((n, 1), BEGIN), start, operators, np.full((n, 1), EQUALS)])

    def states(self, prompts: Ints) -> Ints:
        """Return int64[n, N_STEPS], the state (as a token) after each step."""
        state = prompts[:, 1] - FIRST_STATE
        walked = []
        for operator in (prompts[:, 2 : 2 + N_STEPS] - FIRST_OPERATOR).T:
            state = self.permutations[operator, state]
            walked.append(state + FIRST_STATE)
        return np.stack(walked, axis=1)

    def traces(self, prompts: Ints, rng: np.random.Generator) -> Ints:
        """Return int64[n, RESPONSE_TOKENS], right answers with their traces, as the world's authors write them."""
        states = self.states(prompts)
        steps = np.stack([*self._style(prompts, rng), states], axis=2).reshape(len(prompts), -1)
        return np.hstack([steps, _closing(states[:, -1])])

    def restyled(self, prompts: Ints, responses: Ints, rng: np.random.Generator) -> Ints:
        """Return the responses with every word of style drawn anew: a paraphrase that keeps what is said."""
        copy = responses.copy()
        for place, words in enumerate(self._style(prompts, rng)):
            columns = copy[:, place : STEP_TOKENS * N_STEPS : STEP_TOKENS]
            columns[...] = np.where(columns >= FIRST_STYLE, words, columns)
        return copy

    def right(self, prompts: Ints, responses: Ints) -> Bools:
        """Return bool[n], whether each response gives the right answer, however it came to it."""
        return answers(responses) == self.states(prompts)[:, -1]

    def _style(self, prompts: Ints, rng: np.random.Generator) -> tuple[Ints, Ints]:
        """Return int64[n, N_STEPS] twice, the first and the second words of style."""
        first = _draw(self._first_steps[prompts[:, 2 : 2 + N_STEPS] - FIRST_OPERATOR], rng)
        return first + FIRST_STYLE, _draw(self._second_steps[first], rng) + FIRST_STYLE

    @cached_property
    def _first_steps(self) -> Floats:
        return np.cumsum(self.first_style, axis=1)

    @cached_property
    def _second_steps(self) -> Floats:
        return np.cumsum(self.second_style, axis=1)


def answers(responses: Ints) -> Ints:
    """Return int64[n], the token behind each response's first `ANSWER`; `PAD` where there is none."""
    marks = responses[:, :-1] == ANSWER
    place = marks.argmax(axis=1)
    return np.where(marks.any(axis=1), responses[np.arange(len(responses)), place + 1], PAD)


def answer_only(responses: Ints) -> Ints:
    """Return int64[n, 3], what is left of full responses when the trace is withheld: `ANSWER`, the answer, `END`."""
    return _closing(answers(responses))


def summary(responses: Ints, *, every: int) -> Ints:
    """Return full responses with only each `every`-th step of the trace, which is what a summary shows."""
    kept = [step for step in range(N_STEPS) if (step + 1) % every == 0]
    columns = [STEP_TOKENS * step + place for step in kept for place in range(STEP_TOKENS)]
    return np.hstack([responses[:, columns], _closing(answers(responses))])


def _closing(answer: Ints) -> Ints:
    return np.stack([np.full(len(answer), ANSWER), answer, np.full(len(answer), END)], axis=1)


def _distributions(rng: np.random.Generator, n: int) -> Floats:
    raised = np.exp(_STYLE_SCALE * rng.normal(size=(n, N_STYLE)))
    return raised / raised.sum(axis=1, keepdims=True)


def _draw(steps: Floats, rng: np.random.Generator) -> Ints:
    """Return one draw from each distribution, given as its running sums over the last axis."""
    drawn = (steps < rng.random((*steps.shape[:-1], 1))).sum(axis=-1)
    return np.minimum(drawn, steps.shape[-1] - 1)
