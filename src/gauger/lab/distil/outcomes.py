"""What became of the cells, as it is kept and summed up."""

from dataclasses import dataclass

from gauger.lab.distil.detection import Shown


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one cell.

    Attributes
    ----------
    student
        Share of fresh prompts that the student answers rightly, at its likeliest tokens.
    teacher
        Share of the answers served that are right: what the honest user gets under the same countermeasure.
    tests
        Tests of the student for the key, none where no key is looked for.
    """

    student: float
    teacher: float
    tests: tuple[Shown, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """One cell of one seed.

    Attributes
    ----------
    cell, seed
        Which.
    made_of
        Digest of everything that the outcome follows from.
    cpu_s
        CPU seconds of it, without the teacher's.
    outcome
        What became of it.
    """

    cell: str
    seed: int
    made_of: str
    cpu_s: float
    outcome: Outcome
