"""The grid of the lab: what is stolen, how it was served, and who learns from it. One cell, one student (or two)."""

from dataclasses import dataclass
from typing import Final, Literal

from gauger.lab.distil.task import VOCABULARY

Part = Literal["traces", "withheld", "log-probs", "mark", "dilution", "spoiled", "attack", "leak"]
Shows = Literal["trace", "answer", "every second step", "every third step"]
Serving = Literal["plain", "antidistillation", "product of experts", "noise"]
Learner = Literal["plain", "adaptive", "paraphrasing"]
Tier = Literal["smoke", "standard"]

#: Traces that teach a student nearly everything; countermeasures are compared there.
ENOUGH: Final = 2_000
#: A little behind the threshold: what makes traces worse shows here first.
SCARCE: Final = 800
#: Where traces alone teach little, so that more than traces could show.
FEW: Final = (400, 500)
MANY: Final = 8_000


@dataclass(frozen=True, slots=True)
class Mark:
    """A key's scheme and context, and which share of what the student reads carries it."""

    scheme: Literal["kgw", "gumbel"]
    context: int
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class Cell:
    """One student, and what it is given.

    Attributes
    ----------
    name
        Unique in the grid.
    part
        The table of the report.
    traces
        Texts that the student reads.
    shows
        What an answer shows of its trace.
    mark
        The key that is looked for in the student; with a share of 0 nobody wrote under it.
    serving, strength
        How the teacher answers, and how strongly.
    log_probabilities
        Likeliest tokens whose log-probabilities come with each token, and are learned; 0 for none.
    learner
        plain; adaptive, which tries without the traces that do not agree with the others and keeps the better student;
        or paraphrasing.
    asked
        Whether the texts are the teacher's answers to the student. If not, they are a public text that others wrote,
        into which the marked share leaked.
    """

    name: str
    part: Part
    traces: int
    shows: Shows = "trace"
    mark: Mark | None = None
    serving: Serving = "plain"
    strength: float = 0.0
    log_probabilities: int = 0
    learner: Learner = "plain"
    asked: bool = True


@dataclass(frozen=True, slots=True)
class Plan:
    """A tier: its cells, and how long is trained.

    Attributes
    ----------
    name, meaning
        As in the command line and the report.
    cells
        In the order in which they are run, within each seed.
    seeds
        Worlds, each with a teacher of its own.
    teacher_steps, student_steps
        Batches of 64.
    questions
        Fresh prompts on which accuracy is measured.
    answers
        Answers of a student that are tested for a key.
    """

    name: Tier
    meaning: str
    cells: tuple[Cell, ...]
    seeds: int
    teacher_steps: int
    student_steps: int
    questions: int
    answers: int


def _marked(scheme: Literal["kgw", "gumbel"], context: int) -> Cell:
    return Cell(f"mark/{scheme}/{context}", "mark", ENOUGH, mark=Mark(scheme, context))


def _diluted(share: float) -> Cell:
    return Cell(f"dilution/{share:g}", "dilution", ENOUGH, mark=Mark("kgw", 1, share))


def _spoiled(serving: Serving, strength: float, learner: Learner = "plain") -> Cell:
    name = f"spoiled/{serving}/{strength:g}" + ("" if learner == "plain" else f"/{learner}")
    return Cell(name, "spoiled", SCARCE, serving=serving, strength=strength, learner=learner)


def _leaked(share: float, traces: int) -> Cell:
    return Cell(f"leak/{share:g}/{traces}", "leak", traces, mark=Mark("gumbel", 1, share), asked=False)


def _paraphrased(scheme: Literal["kgw", "gumbel"]) -> Cell:
    return Cell(f"attack/paraphrase/{scheme}", "attack", ENOUGH, mark=Mark(scheme, 1), learner="paraphrasing")


#: A student who read no marked text, tested for the key all the same.
CLEAN: Final = Cell(f"traces/{ENOUGH}", "traces", ENOUGH, mark=Mark("kgw", 1, 0.0))
#: What withholding the trace alone does: the control of everything that spoils traces.
WITHHELD: Final = Cell(f"withheld/answer/{SCARCE}", "withheld", SCARCE, shows="answer")
POINTS: Final = (50, 150, 300, *FEW, 650, SCARCE, 1_200, ENOUGH, MANY)

_STANDARD: Final = (
    *(CLEAN if n == ENOUGH else Cell(f"traces/{n}", "traces", n) for n in POINTS),
    WITHHELD,
    Cell(f"withheld/answer/{MANY}", "withheld", MANY, shows="answer"),
    Cell(f"withheld/every second step/{MANY}", "withheld", MANY, shows="every second step"),
    Cell(f"withheld/every third step/{MANY}", "withheld", MANY, shows="every third step"),
    *(Cell(f"log-probs/5/{n}", "log-probs", n, log_probabilities=5) for n in FEW),
    *(Cell(f"log-probs/all/{n}", "log-probs", n, log_probabilities=VOCABULARY) for n in FEW),
    *(_marked(scheme, context) for context in (1, 2, 4) for scheme in ("kgw", "gumbel")),
    *(_diluted(share) for share in (0.5, 0.2, 0.1, 0.05)),
    _spoiled("noise", 1.0),
    _spoiled("noise", 2.0),
    _spoiled("antidistillation", 1.0),
    _spoiled("antidistillation", 2.0),
    _spoiled("antidistillation", 2.0, "adaptive"),
    _spoiled("product of experts", 0.7),
    _spoiled("product of experts", 0.7, "adaptive"),
    _paraphrased("kgw"),
    _paraphrased("gumbel"),
    _leaked(0.0, ENOUGH),
    _leaked(0.05, ENOUGH),
    _leaked(0.05, MANY),
)

#: The tiers by name.
PLANS: Final[dict[str, Plan]] = {
    plan.name: plan
    for plan in (
        Plan(
            name="smoke",
            meaning="One teacher and three students: does a trace teach, does an answer not, does a mark show?",
            cells=(CLEAN, Cell(f"withheld/answer/{ENOUGH}", "withheld", ENOUGH, shows="answer"), _marked("gumbel", 1)),
            seeds=1,
            teacher_steps=300,
            student_steps=300,
            questions=500,
            answers=300,
        ),
        Plan(
            name="standard",
            meaning="Every countermeasure, each with its cost to the honest user and its control.",
            cells=_STANDARD,
            seeds=5,
            teacher_steps=600,
            student_steps=300,
            questions=1_000,
            answers=500,
        ),
    )
}
