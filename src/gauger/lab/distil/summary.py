"""What the runs of a tier say together: medians and ranges over seeds, every measure beside its control."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final, Literal

import numpy as np

from gauger.lab.distil.cells import UNDOSED, WITHHELD, Cell, Part, Plan
from gauger.lab.distil.detection import Shown
from gauger.lab.distil.outcomes import Run
from gauger.lab.distil.task import CHANCE, VOCABULARY
from gauger.lab.summary import Spread

NOT_RUN: Final = "not run"
NO_CURVE: Final = "this tier has no curve"

#: What is said where text leaked: a test cannot tell who took it.
LEAK_MEANS: Final = (
    "These students never asked the teacher. They read public text, by others, into which marked answers had leaked."
    " Where such a student shows the key, the test is right: it was trained on marked text. Who took that text it does"
    " not say."
)
#: What the task is not, behind what the students are.
LIMITS: Final = (
    ", a task of 16 states, texts of 21 tokens. Thresholds are this task's own; directions"
    " may carry over, numbers do not. It favours the defender: a summary cannot be filled in by thinking, as on real"
    " tasks it often can."
)


@dataclass(frozen=True, slots=True)
class Control:
    """A cell that another one is held against; the losses are medians of differences within seeds.

    Attributes
    ----------
    title
        In words.
    student, teacher
        Accuracies there.
    student_lost, teacher_lost
        By how much student and teacher do worse in the row than here; None where no seed has both.
    """

    title: str
    student: Spread
    teacher: Spread
    student_lost: float | None
    teacher_lost: float | None


@dataclass(frozen=True, slots=True)
class Test:
    """Tests of one kind over the seeds.

    Attributes
    ----------
    method
        "teacher" or "plain" for a key, "canaries" for a plan.
    z_score, p_value
        Over the seeds; p-values are exact, by other keys.
    null_keys
        Most other keys drawn: p cannot fall below 1 / (1 + null_keys). 0 for canaries: all other picks are counted.
    wrong_keys
        p-values of keys nobody used, over all seeds.
    """

    method: str
    z_score: Spread
    p_value: Spread
    null_keys: int
    wrong_keys: Spread


@dataclass(frozen=True, slots=True)
class Row:
    """One cell over its seeds.

    Attributes
    ----------
    cell, part, title, traces
        Which, in words, and how many texts the student read.
    student, teacher
        Accuracy of the student, and of what honest users got under the same measure.
    controls
        What it is held against.
    tests
        Tests of the students for the key.
    """

    cell: str
    part: Part
    title: str
    traces: int
    student: Spread
    teacher: Spread
    controls: tuple[Control, ...]
    tests: tuple[Test, ...]


@dataclass(frozen=True, slots=True)
class Denied:
    """What a campaign's student can do with what leaked before the alarm, read off the curve of full traces.

    Attributes
    ----------
    title
        Where the number comes from.
    leaked
        Exchanges, each taken for one trace.
    student
        Accuracy, interpolated over the logarithm of traces within each seed.
    beyond
        "below" or "above" where the curve does not reach so far and its end is given; else "".
    """

    title: str
    leaked: float
    student: Spread
    beyond: Literal["", "below", "above"]


@dataclass(frozen=True, slots=True)
class Setup:
    """What was run on what: printed with every result."""

    gauger_version: str
    seeds: tuple[int, ...]
    null_keys: int
    teacher_steps: int
    student_steps: int
    answers: int
    student: str
    hardware: dict[str, object]


@dataclass(frozen=True, slots=True)
class Distil:
    """The whole document. `runs` of the tier's `cells` were made; `cpu_s` is theirs without the teachers'."""

    schema: Literal["gauger/distil/1"]
    tier: str
    meaning: str
    setup: Setup
    runs: int
    cells: int
    cpu_s: float
    chance: float
    rows: tuple[Row, ...]
    denied: tuple[Denied, ...]
    leak_means: str
    limits: str


def summarise(plan: Plan, runs: Sequence[Run], setup: Setup, *, leaked: Mapping[str, float]) -> Distil:
    """Return what the runs of a tier say together.

    Parameters
    ----------
    plan
        Its cells order the rows. A cell without runs has no row.
    runs
        Of any seeds.
    setup
        Printed as it is.
    leaked
        Exchanges that leaked before an alarm, by where the number comes from.
    """
    by_cell = {cell: [run for run in runs if run.cell == cell.name] for cell in plan.cells}
    return Distil(
        schema="gauger/distil/1",
        tier=plan.name,
        meaning=plan.meaning,
        setup=setup,
        runs=len(runs),
        cells=len(plan.cells),
        cpu_s=round(sum(run.cpu_s for run in runs), 1),
        chance=CHANCE,
        rows=tuple(_row(cell, by_cell) for cell in plan.cells if by_cell[cell]),
        denied=tuple(denied(plan, runs, title, number) for title, number in leaked.items()),
        leak_means=LEAK_MEANS,
        limits=f"A toy: {setup.student}{LIMITS}",
    )


def student_said(plan: Plan, begun_as: str | None) -> str:
    """Return what the students of a tier are, in words; they may begin as a model that is named in words, too."""
    millions = 12 * plan.student.layers * plan.student.width**2 / 1e6
    return f"{millions:.1f} million weights" if begun_as is None else f"students that begin as {begun_as}"


def denied(plan: Plan, runs: Sequence[Run], title: str, leaked: float) -> Denied:
    """Return what so many leaked traces teach."""
    traces = {cell.name: cell.traces for cell in plan.cells if cell.part == "traces"}
    curves: dict[int, list[tuple[int, float]]] = {}
    for run in runs:
        if run.cell in traces:
            curves.setdefault(run.seed, []).append((traces[run.cell], run.outcome.student))
    if len(set(traces.values())) < 2:
        return Denied(title, leaked, Spread(0, None, None, None, NO_CURVE), "")
    ends = (min(traces.values()), max(traces.values()))
    whole = [points for points in curves.values() if len(points) == len(traces)]
    reached = [np.interp(np.log(max(leaked, 1.0)), *_logarithmic(points)) for points in whole]
    beyond: Literal["", "below", "above"] = "below" if leaked < ends[0] else "above" if leaked > ends[1] else ""
    return Denied(title, leaked, spread(map(float, reached)), beyond)


def spread(values: Iterable[float | None]) -> Spread:
    """Return median and extremes."""
    known = [one for one in values if one is not None]
    if not known:
        return Spread(0, None, None, None, NOT_RUN)
    return Spread(len(known), median(known), min(known), max(known))


def title_of(cell: Cell) -> str:
    """Return a cell in words."""
    return ", ".join(_words(cell))


def _words(cell: Cell) -> list[str]:
    if not cell.asked:
        share = 0.0 if cell.mark is None else cell.mark.share
        return [f"public text, {100 * share:g}% of it leaked marked answers"]
    if cell.dose is not None:
        return [f"full traces, {100 * cell.dose:g}% served under a plan of canaries"]
    said = {
        "trace": "full traces",
        "answer": "answers without traces",
        "every second step": "summaries: every second step",
        "every third step": "summaries: every third step",
    }[cell.shows]
    words = [said]
    if cell.log_probabilities:
        every = cell.log_probabilities >= VOCABULARY
        words.append("log-probs of all tokens" if every else f"log-probs of the top {cell.log_probabilities}")
    if cell.mark is not None and (cell.mark.share or cell.part == "dilution"):
        words.append(f"{cell.mark.scheme}, context {cell.mark.context}")
        if cell.mark.share < 1:
            words.append(f"{100 * cell.mark.share:g}% marked")
    if cell.longer > 1:
        words.append(f"{cell.longer} times as many steps")
    if cell.serving != "plain":
        words.append(f"{cell.serving} {cell.strength:g}")
    if cell.learner != "plain":
        words.append({"adaptive": "adaptive student", "paraphrasing": "paraphrased by the thief"}[cell.learner])
    return words


def _controls_of(cell: Cell) -> tuple[str, ...]:
    """Return the names of the cells that a cell is held against."""
    if cell.part == "traces":
        return ()
    if cell.dose is not None:
        return (UNDOSED,) if cell.dose else ()
    full = f"traces/{cell.traces}"
    if cell.part == "spoiled" and cell.learner == "plain":
        noise = (f"spoiled/noise/{cell.strength:g}",) if cell.serving == "antidistillation" else ()
        return (full, *noise, WITHHELD.name)
    if cell.part == "spoiled":
        return (cell.name.removesuffix("/adaptive"), WITHHELD.name)
    if cell.part == "attack" and cell.mark is not None:
        return (f"mark/{cell.mark.scheme}/{cell.mark.context}",)
    return (cell.name.removesuffix("/longer"),) if cell.longer > 1 else (full,)


def _row(cell: Cell, by_cell: Mapping[Cell, Sequence[Run]]) -> Row:
    mine, held_against = by_cell[cell], _controls_of(cell)
    return Row(
        cell=cell.name,
        part=cell.part,
        title=title_of(cell),
        traces=cell.traces,
        student=spread(run.outcome.student for run in mine),
        teacher=spread(run.outcome.teacher for run in mine),
        controls=tuple(
            _control(title_of(other), mine, by_cell[other])
            for name in held_against
            for other in by_cell
            if other.name == name and by_cell[other]
        ),
        tests=_tests(mine),
    )


def _control(title: str, mine: Sequence[Run], others: Sequence[Run]) -> Control:
    return Control(
        title=title,
        student=spread(run.outcome.student for run in others),
        teacher=spread(run.outcome.teacher for run in others),
        student_lost=_lost(mine, others, lambda run: run.outcome.student),
        teacher_lost=_lost(mine, others, lambda run: run.outcome.teacher),
    )


def _lost(mine: Sequence[Run], others: Sequence[Run], accuracy: Callable[[Run], float]) -> float | None:
    there = {run.seed: accuracy(run) for run in others}
    lost = [there[run.seed] - accuracy(run) for run in mine if run.seed in there]
    return median(lost) if lost else None


def _tests(runs: Sequence[Run]) -> tuple[Test, ...]:
    methods = dict.fromkeys(one.method for run in runs for one in run.outcome.tests)
    return tuple(
        _test(method, [one for run in runs for one in run.outcome.tests if one.method == method]) for method in methods
    )


def _test(method: str, shown: Sequence[Shown]) -> Test:
    return Test(
        method=method,
        z_score=spread(one.z_score for one in shown),
        p_value=spread(one.p_value for one in shown),
        null_keys=max(one.n_null_keys for one in shown),
        wrong_keys=spread(p_value for one in shown for p_value in one.wrong_keys),
    )


def _logarithmic(points: Sequence[tuple[int, float]]) -> tuple[list[float], list[float]]:
    ordered = sorted(points)
    return [float(np.log(n)) for n, _ in ordered], [accuracy for _, accuracy in ordered]
