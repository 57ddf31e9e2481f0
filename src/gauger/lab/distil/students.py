"""One cell: what is served, what the student reads and learns, and how both do afterwards."""

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gauger.lab.distil import detection
from gauger.lab.distil.canaries import N_CANARIES, Planted
from gauger.lab.distil.cells import ENOUGH, Cell, Mark, Plan, Size
from gauger.lab.distil.model import LanguageModel, Serving, Transformer, greedy, plain, probabilities, sampled
from gauger.lab.distil.outcomes import Outcome
from gauger.lab.distil.serving import Antidistillation, Choosing, Marked, Noisy, ProductOfExperts
from gauger.lab.distil.task import FIRST_STATE, FIRST_STYLE, Task, answer_only, summary
from gauger.lab.distil.training import Lessons, Workshop, train
from gauger.proof.examination import KeyInQuestion
from gauger.proof.keys import Terms, campaign_key, commitment
from gauger.proof.marking import marking

Ints = NDArray[np.int64]

#: Fewest answers over which the teacher's accuracy is measured.
_LEAST_SERVED: Final = 1_000
#: Traces that the world's authors wrote and a teacher learns from.
_CORPUS: Final = 20_000
#: The proxy student of the spoiling ways, and the traces whose loss it is to have.
_PROXY: Final = Size(width=48)
_PROXY_TRACES: Final = 500
_PROXY_STEPS: Final = 100
#: The share of traces that an adaptive student goes on with, and tasks it has solutions of, by which it chooses.
_TRUSTED: Final = 0.75
_OWN: Final = 100
#: Students who read no chosen answer and say what is ordinary, in tests of canaries.
_UNRELATED: Final = 3
#: A probability for what its first self never says.
_NEVER: Final = 1e-12


@dataclass(frozen=True)
class World:
    """A seed's task and its teacher, from which all of the seed's cells draw.

    Attributes
    ----------
    plan, seed
        Of the tier.
    task
        What is to be learned.
    teacher
        The model that is stolen from.
    workshop
        Where students are trained.
    """

    plan: Plan
    seed: int
    task: Task
    teacher: Transformer
    workshop: Workshop = field(default_factory=Workshop)

    def rng(self, *what: int) -> np.random.Generator:
        """Return a stream of chance of its own for each purpose."""
        return np.random.default_rng((self.seed, *what))

    @cached_property
    def proxy(self) -> tuple[Transformer, Lessons]:
        """A small student that the teacher's owner trained, and held-out traces."""
        rng = self.rng(_PROXIES)
        prompts = self.task.prompts(2 * _PROXY_TRACES, rng)
        lessons = Lessons(prompts, sampled(self.teacher, prompts, rng))
        known, held_out = (lessons.only(rows) for rows in np.split(np.arange(len(lessons)), 2))
        return train(known, steps=_PROXY_STEPS, seed=self.seed, size=_PROXY), held_out

    @cached_property
    def planted(self) -> Planted:
        """A campaign's plan of canaries."""
        return Planted.drawn(self.task, _campaign_key(self, "canaries"), self.rng(_CANARIES))

    @cached_property
    def unrelated(self) -> list[Ints]:
        """What students show of the canaries who read traces of their own, none served under the plan."""
        return [self._unrelated(self.rng(_CANARIES, number)) for number in range(_UNRELATED)]

    def _unrelated(self, rng: np.random.Generator) -> Ints:
        prompts = self.task.prompts(ENOUGH, rng)
        lessons = Lessons(prompts, sampled(self.teacher, prompts, rng))
        return self.choices(self.student(lessons, int(rng.integers(2**31))), rng)

    def student(self, lessons: Lessons, seed: int, *, longer: int = 1) -> LanguageModel:
        """Return a student of the tier's size who learned these lessons, some times as long as others do."""
        steps = longer * self.plan.student_steps
        return self.workshop.train(lessons, steps=steps, seed=seed, size=self.plan.student)

    def choices(self, student: LanguageModel, rng: np.random.Generator) -> Ints:
        """Return how often a student shows each option of the canaries."""
        prompts = self.planted.probes(self.task, self.plan.answers // N_CANARIES, rng)
        return self.planted.counts(sampled(student, prompts, rng))


#: Streams of chance; a cell's own is made of its name.
_TASK, _TEACHER, _PROXIES, _QUESTIONS, _STUDENTS, _CANARIES = range(6)


def task_of(seed: int) -> Task:
    """Return a seed's task."""
    return Task.drawn(np.random.default_rng((seed, _TASK)))


def taught(plan: Plan, seed: int) -> Transformer:
    """Return a seed's teacher, trained on what the world's authors wrote."""
    task, rng = task_of(seed), np.random.default_rng((seed, _TEACHER))
    prompts = task.prompts(_CORPUS, rng)
    return train(Lessons(prompts, task.traces(prompts, rng)), steps=plan.teacher_steps, seed=seed)


def outcome(world: World, cell: Cell, *, null_keys: int) -> Outcome:
    """Return what becomes of a cell.

    Parameters
    ----------
    world
        The seed's task and teacher.
    cell
        What is served, and to whom.
    null_keys
        Most other keys of a test.
    """
    rng = world.rng(_STUDENTS, *cell.name.encode())
    key = None if cell.mark is None else _key(world, cell.mark)
    lessons, teacher = _served(world, cell, key, rng)
    student = _student(world, cell, lessons, rng)
    asking = world.rng(_QUESTIONS)
    questions = world.task.prompts(world.plan.questions, asking)
    right = world.task.right(questions, sampled(student, questions, asking, serving=greedy))
    return Outcome(
        student=float(right.mean()),
        teacher=teacher,
        tests=_tests(world, cell, student, key, null_keys=null_keys),
    )


@dataclass(frozen=True, slots=True)
class _Key:
    """A campaign's key: as it is applied, and as it is asked for."""

    serving: Marked
    question: KeyInQuestion


def _key(world: World, mark: Mark) -> _Key:
    terms = Terms(scheme=mark.scheme, context=mark.context)
    secret = _campaign_key(world, f"{mark.scheme}-{mark.context}")
    at_work = marking(secret, terms)
    committed = commitment(secret, "lab", 1, terms)
    return _Key(Marked(at_work), KeyInQuestion("lab", at_work.scheme, at_work.key, committed))


def _campaign_key(world: World, name: str) -> bytes:
    return campaign_key(world.seed.to_bytes(32, "big"), f"lab-{name}", 1)


def _served(world: World, cell: Cell, key: _Key | None, rng: np.random.Generator) -> tuple[Lessons, float]:
    """Return what the student gets to read, and the share of right answers among those served."""
    prompts = world.task.prompts(max(cell.traces, _LEAST_SERVED), rng)
    share, carrying = _marked(world, cell, key)
    n_marked = round(share * len(prompts))
    marked = sampled(world.teacher, prompts[:n_marked], rng, serving=carrying)
    others = sampled(world.teacher, prompts[n_marked:], rng, serving=_serving(world, cell, rng))
    responses = np.concatenate([marked, others])
    right = float(world.task.right(prompts, responses).mean())
    if not cell.asked:
        responses[n_marked:] = world.task.traces(prompts[n_marked:], rng)
    read = rng.permutation(len(prompts))[: cell.traces]
    return _shown(world, cell, Lessons(prompts[read], responses[read])), right


def _marked(world: World, cell: Cell, key: _Key | None) -> tuple[float, Serving]:
    """Return the share of the answers that carry the key or follow the plan, and how these are served."""
    if cell.dose is not None:
        return cell.dose, Choosing(world.planted)
    return (0.0, plain) if cell.mark is None or key is None else (cell.mark.share, key.serving)


def _serving(world: World, cell: Cell, rng: np.random.Generator) -> Serving:
    if cell.serving == "noise":
        return Noisy(cell.strength, rng)
    if cell.serving == "antidistillation":
        return Antidistillation(*world.proxy, strength=cell.strength)
    if cell.serving == "product of experts":
        return ProductOfExperts(world.proxy[0], share=cell.strength)
    return plain


def _shown(world: World, cell: Cell, full: Lessons) -> Lessons:
    """Return what the answers show of full traces."""
    if cell.shows == "answer":
        return replace(full, responses=answer_only(full.responses))
    if cell.shows == "every second step":
        return replace(full, responses=summary(full.responses, every=2))
    if cell.shows == "every third step":
        return replace(full, responses=summary(full.responses, every=3))
    if cell.log_probabilities:
        said = probabilities(world.teacher, full.prompts, full.responses)
        return replace(full, targets=_truncated(said, cell.log_probabilities))
    return full


def _truncated(said: NDArray[np.float64], likeliest: int) -> NDArray[np.float32]:
    """Return float32 of the same shape: the likeliest tokens of each place, renormalised."""
    if likeliest < said.shape[-1]:
        least = np.partition(said, -likeliest, axis=-1)[..., -likeliest, None]
        said = np.where(said >= least, said, 0.0)
    return (said / said.sum(axis=-1, keepdims=True)).astype(np.float32)


def _student(world: World, cell: Cell, lessons: Lessons, rng: np.random.Generator) -> LanguageModel:
    seed = int(rng.integers(2**31))
    if cell.learner == "paraphrasing":
        lessons = replace(lessons, responses=world.task.restyled(lessons.prompts, lessons.responses, rng))
    first = world.student(lessons, seed, longer=cell.longer)
    if cell.learner != "adaptive":
        return first
    second = world.student(lessons.only(_trusted(first, lessons)), seed, longer=cell.longer)
    return _better(world, first, second, rng)


def _better(world: World, first: LanguageModel, second: LanguageModel, rng: np.random.Generator) -> LanguageModel:
    """Return the student that does better on tasks of which the thief has solutions of its own."""
    own = world.task.prompts(_OWN, rng)
    right = [int(world.task.right(own, sampled(one, own, rng, serving=greedy)).sum()) for one in (first, second)]
    return second if right[1] > right[0] else first


def _trusted(first: LanguageModel, lessons: Lessons) -> Ints:
    """Return int64[m], the rows whose reasoning a first student, who read all of them, finds likeliest.

    Source: Allouah et al., "The distillation game" (2026): a student that adapts prefers traces by their value. We
    deviate: the value is how well a trace's states and answer agree with the other traces. Values to first order in the
    loss on solved tasks, which are closer to theirs, told right from wrong traces hardly better than chance here.
    """
    said = np.take_along_axis(probabilities(first, lessons.prompts, lessons.responses), lessons.responses[..., None], 2)
    reasons = (lessons.responses >= FIRST_STATE) & (lessons.responses < FIRST_STYLE)
    surprise = np.where(reasons, -np.log(np.maximum(said[..., 0], _NEVER)), 0.0).sum(axis=1)
    trusted: Ints = np.sort(np.argsort(surprise, kind="stable")[: round(_TRUSTED * len(lessons))])
    return trusted


def _tests(
    world: World, cell: Cell, student: LanguageModel, key: _Key | None, *, null_keys: int
) -> tuple[detection.Shown, ...]:
    """Return the tests of a student: for the key, for the plan of canaries, or none."""
    if cell.dose is not None:
        rng = world.rng(_QUESTIONS, 2)
        return (world.planted.shown(world.choices(student, rng), world.unrelated, rng),)
    return () if key is None else _key_tests(world, student, key, null_keys=null_keys)


def _key_tests(world: World, student: LanguageModel, key: _Key, *, null_keys: int) -> tuple[detection.Shown, ...]:
    rng = world.rng(_QUESTIONS, 1)
    prompts = world.task.prompts(world.plan.answers, rng)
    responses = sampled(student, prompts, rng)
    word = probabilities(world.teacher, prompts, responses)
    return detection.tests(detection.as_answers(prompts, responses, word), key.question, null_keys=null_keys)
