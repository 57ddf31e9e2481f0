"""The grid of the lab: what is stolen, how it was served, and who learns from it. One cell, one student (or two)."""

from dataclasses import dataclass, field, replace
from typing import Final, Literal

from gauger.lab.distil.task import VOCABULARY

Part = Literal["traces", "withheld", "log-probs", "mark", "dilution", "canaries", "spoiled", "attack", "leak"]
Shows = Literal["trace", "answer", "every second step", "every third step"]
Serving = Literal["plain", "antidistillation", "product of experts", "noise"]
Learner = Literal["plain", "adaptive", "paraphrasing"]
Tier = Literal["smoke", "standard", "power", "canaries", "real"]

#: Traces that teach a student nearly everything; countermeasures are compared there.
ENOUGH: Final = 2_000
#: A little behind the threshold: what makes traces worse shows here first.
SCARCE: Final = 800
#: Where traces alone teach little, so that more than traces could show.
FEW: Final = (400, 500)
MANY: Final = 8_000


#: Other keys of a test: enough for four digits of a p-value, and what alpha 1e-6 needs.
SOME_KEYS: Final = 9_999
MANY_KEYS: Final = 999_999


@dataclass(frozen=True, slots=True)
class Size:
    """Width, layers and heads of a model, and the largest rate at which it learns.

    The rate goes with the schedule of `gauger.lab.distil.training`.
    """

    width: int = 64
    layers: int = 2
    heads: int = 4
    rate: float = 6e-3


#: GPT-2 small without its embeddings of 50,257 words: 85 million weights.
GPT2_SMALL: Final = Size(width=768, layers=12, heads=12, rate=6e-4)


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
    dose
        Share of the answers that were served under a plan of canaries, which is looked for in the student; None for no
        plan.
    serving, strength
        How the teacher answers, and how strongly.
    log_probabilities
        Likeliest tokens whose log-probabilities come with each token, and are learned; 0 for none.
    learner
        plain; adaptive, which tries without the traces that do not agree with the others and keeps the better student;
        or paraphrasing.
    null_keys
        Most other keys of its test, unless told otherwise.
    longer
        How many times as long as the tier's other students this one trains.
    asked
        Whether the texts are the teacher's answers to the student. If not, they are a public text that others wrote,
        into which the marked share leaked.
    """

    name: str
    part: Part
    traces: int
    shows: Shows = "trace"
    mark: Mark | None = None
    dose: float | None = None
    serving: Serving = "plain"
    strength: float = 0.0
    log_probabilities: int = 0
    learner: Learner = "plain"
    asked: bool = True
    null_keys: int = SOME_KEYS
    longer: int = 1


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
    student
        Size of the students; the teacher and proxies are small.
    """

    name: Tier
    meaning: str
    cells: tuple[Cell, ...]
    seeds: int
    teacher_steps: int
    student_steps: int
    questions: int
    answers: int
    student: Size = field(default_factory=Size)


def _marked(scheme: Literal["kgw", "gumbel"], context: int) -> Cell:
    return Cell(f"mark/{scheme}/{context}", "mark", ENOUGH, mark=Mark(scheme, context))


def _diluted(share: float) -> Cell:
    return Cell(f"dilution/{share:g}", "dilution", ENOUGH, mark=Mark("kgw", 1, share))


def _thinned(scheme: Literal["kgw", "gumbel"], context: int, share: float, null_keys: int = SOME_KEYS) -> Cell:
    name = f"dilution/{scheme}/{context}/{share:g}"
    return Cell(name, "dilution", ENOUGH, mark=Mark(scheme, context, share), null_keys=null_keys)


def _dosed(dose: float) -> Cell:
    return Cell(f"canaries/{dose:g}", "canaries", ENOUGH, dose=dose)


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
#: A student of traces none of which follows the plan that is looked for.
UNDOSED: Final = "canaries/0"
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

_POWER: Final = (
    CLEAN,
    _thinned("kgw", 1, 0.05),
    replace(_thinned("kgw", 1, 0.05), name="dilution/kgw/1/0.05/longer", longer=4),
    _thinned("gumbel", 1, 0.05),
    _thinned("gumbel", 2, 0.05),
    _thinned("kgw", 1, 0.2, MANY_KEYS),
    _thinned("gumbel", 1, 0.2, MANY_KEYS),
)
_CANARIES: Final = tuple(_dosed(dose) for dose in (0.0, 0.1, 0.2, 0.5, 1.0))
_REAL: Final = (
    *(CLEAN if n == ENOUGH else Cell(f"traces/{n}", "traces", n) for n in (300, SCARCE, ENOUGH)),
    Cell(f"withheld/answer/{ENOUGH}", "withheld", ENOUGH, shows="answer"),
    _marked("kgw", 1),
    _marked("gumbel", 1),
    _thinned("gumbel", 1, 0.05),
    _paraphrased("gumbel"),
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
        Plan(
            name="power",
            meaning="What a test of many answers finds of a thin mark: 5 % against alpha 0.001, 20 % against 1e-6.",
            cells=_POWER,
            seeds=5,
            teacher_steps=600,
            student_steps=300,
            questions=1_000,
            answers=5_000,
        ),
        Plan(
            name="canaries",
            meaning="How much of a plan of canaries a student takes over, by the share of answers that follow it.",
            cells=_CANARIES,
            seeds=5,
            teacher_steps=600,
            student_steps=300,
            questions=1_000,
            answers=800,
        ),
        Plan(
            name="real",
            meaning="The main measures on students of the size of GPT-2 small: hours of a GPU, days of a CPU.",
            cells=_REAL,
            seeds=3,
            teacher_steps=600,
            student_steps=600,
            questions=1_000,
            answers=2_000,
            student=GPT2_SMALL,
        ),
    )
}
